// The log vectors as part of the unit tests, on the real and on the simulated disk.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { nodeDisk } from '../../../main/runtime/node/node-disk.ts';
import type { Suite } from '../suite.ts';
import type { DiskForTest } from './partition-files.ts';
import { datadirSuite } from './datadir-suite.ts';
import { compactionSuite, recoverySuite, segmentsSuite, sequencesSuite, simulatedDisk } from './suite.ts';

const vectors = fileURLToPath(new URL('../vectors', import.meta.url));

function realDisk(): DiskForTest {
  const root = mkdtempSync(join(tmpdir(), 'highwater-log-'));
  return { disk: nodeDisk(), root, dispose: () => rmSync(root, { recursive: true }) };
}

function outcome(suite: Suite): { passed: number; failures: string[] } {
  let passed = 0;
  const failures: string[] = [];
  suite.run(vectors, (ok, name, detail) => {
    if (ok) passed++;
    else failures.push(`${name}: ${detail ?? ''}`);
  });
  return { passed, failures };
}

describe.each([
  { name: 'the real disk', makeDisk: realDisk },
  { name: 'the simulated disk', makeDisk: simulatedDisk },
])('on $name', ({ makeDisk }) => {
  test.each([
    { suite: segmentsSuite(makeDisk), count: 15, fact: 'every file of a partition is the one that Kafka leaves' },
    { suite: recoverySuite(makeDisk), count: 22, fact: 'a damaged directory is mended as Kafka mends it' },
    { suite: sequencesSuite(makeDisk), count: 21, fact: 'producers are answered as Kafka answers them' },
    { suite: compactionSuite(makeDisk), count: 18, fact: 'compaction leaves of a batch what Kafka leaves' },
    { suite: datadirSuite(makeDisk), count: 210, fact: 'directories of a live cluster open and read as in Kafka' },
  ])('$fact', ({ suite, count }) => {
    const { passed, failures } = outcome(suite);
    expect(failures).toEqual([]);
    expect(passed).toBe(count);
  });
});
