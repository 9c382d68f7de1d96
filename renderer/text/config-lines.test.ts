import { expect, test } from 'vitest';
import { readConfigLines } from './config-lines.ts';

test('pairs are read, blank lines and comments skipped, values keep their equals signs', () => {
  expect(readConfigLines('retention.ms = 1000\n\n# note\nx=a=b')).toEqual({
    values: { 'retention.ms': '1000', x: 'a=b' },
    count: 2,
    problem: null,
  });
});

test('a line without a name or an equals sign is named', () => {
  expect(readConfigLines('a=1\nnonsense').problem).toBe('Line 2 is not name=value.');
  expect(readConfigLines('=1').problem).toBe('Line 1 is not name=value.');
});

test('a name set twice is refused', () => {
  expect(readConfigLines('a=1\na=2').problem).toBe('a is set twice (line 2).');
});
