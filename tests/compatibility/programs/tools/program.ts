// Kafka's command-line tools as one program: every tool of bin/ that asks a cluster something.

import { pinned, type Setting } from '../../clients.ts';
import { kafkaJars, needJava } from '../jvm.ts';
import type { Program } from '../program.ts';
import { aclCases } from './acls.ts';
import { groupCases } from './groups.ts';
import { Tools } from './kafka-tools.ts';
import { loadCases } from './load.ts';
import { partitionCases } from './partitions.ts';
import { topicCases } from './topics.ts';

export const kafkaTools: Program = {
  name: 'kafka-tools',
  prepare: async (setting: Setting) => {
    await needJava();
    const jars = await kafkaJars(setting);
    return {
      version: pinned.java,
      cases: (around) => {
        const tools = new Tools(`${jars}/*`, around);
        return [topicCases, groupCases, partitionCases, loadCases, aclCases].flatMap((cases) => cases(tools));
      },
    };
  },
};
