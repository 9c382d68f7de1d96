// What Kafka's Java clients do beyond the matrix: the Admin call by call, share consumers, Streams that is killed.

import { compile, kafkaJars, needJava } from '../jvm.ts';
import { pinned, type Setting } from '../../clients.ts';
import type { Program } from '../program.ts';
import { adminCase } from './admin.ts';
import { shareCase } from './share.ts';
import { streamsCases } from './streams.ts';

export const javaPrograms: Program = {
  name: 'java-programs',
  prepare: async (setting: Setting) => {
    await needJava();
    const jars = await kafkaJars(setting);
    const classPath = await compile(['AdminWalk', 'ShareWalk', 'WordCount'], jars, setting);
    return {
      version: pinned.java,
      cases: (around) => [
        adminCase(classPath, around),
        shareCase(classPath, around),
        ...streamsCases(classPath, around),
      ],
    };
  },
};
