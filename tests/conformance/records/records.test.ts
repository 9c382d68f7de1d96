// The record vectors as part of the unit tests.

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Suite } from '../suite.ts';
import { appendSuite, batchesSuite, invalidSuite, kraftControlSuite, legacySuite } from './suite.ts';

const vectors = fileURLToPath(new URL('../vectors', import.meta.url));

function outcome(suite: Suite): { passed: number; failures: string[] } {
  let passed = 0;
  const failures: string[] = [];
  suite.run(vectors, (ok, name, detail) => {
    if (ok) passed++;
    else failures.push(`${name}: ${detail ?? ''}`);
  });
  return { passed, failures };
}

test.each([
  {
    suite: batchesSuite,
    count: 146,
    fact: 'batches of format 2 read as Kafka reads them and are built as Kafka builds them',
  },
  { suite: legacySuite, count: 28, fact: 'message formats 0 and 1 are read, compressed or not' },
  { suite: kraftControlSuite, count: 15, fact: 'control records of the metadata log are read and written' },
  { suite: appendSuite, count: 27, fact: 'a leader stores the bytes that Kafka stores' },
  { suite: invalidSuite, count: 129, fact: 'what Kafka refuses is refused, with its error and its words' },
])('$fact', ({ suite, count }) => {
  const { passed, failures } = outcome(suite);
  expect(failures).toEqual([]);
  expect(passed).toBe(count);
});
