// Wire and partitioning vectors as part of the unit tests; records and log have theirs in their own folders.

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { partitioningSuite } from './partitioning/suite.ts';
import { parseJson, type Suite } from './suite.ts';
import { wireSuite } from './wire/suite.ts';

const vectors = fileURLToPath(new URL('./vectors', import.meta.url));

function outcome(suite: Suite): { passed: number; failures: string[] } {
  let passed = 0;
  const failures: string[] = [];
  suite.run(vectors, (ok, name, detail) => {
    if (ok) passed++;
    else failures.push(`${name}: ${detail ?? ''}`);
  });
  return { passed, failures };
}

test('every message body, record frame and whole frame of Kafka decodes and encodes to the same bytes', () => {
  const { passed, failures } = outcome(wireSuite);
  expect(failures).toEqual([]);
  expect(passed).toBe(7230);
});

test('hashes, checksums, varints, uuids and primitive types are those of Kafka', () => {
  const { passed, failures } = outcome(partitioningSuite);
  expect(failures).toEqual([]);
  expect(passed).toBeGreaterThan(600);
});

test('whole numbers beyond a double survive the JSON parser, and digits in strings stay strings', () => {
  const json = parseJson('{"a":9223372036854775807,"b":"9223372036854775807","c":[-1.5e3,9007199254740991]}');
  expect(json).toEqual({ a: 9223372036854775807n, b: '9223372036854775807', c: [-1500, 9007199254740991] });
});
