import { expect, test } from 'vitest';
import { readableValue } from './topic-configs.ts';

test('values are read out where the number alone says little', () => {
  expect(readableValue('retention.ms', '604800000')).toBe('7 d');
  expect(readableValue('segment.ms', '90000')).toBe('1 m 30 s');
  expect(readableValue('segment.bytes', '1073741824')).toBe('1.1 GB');
  expect(readableValue('retention.bytes', '-1')).toBe('without bound');
  expect(readableValue('local.retention.ms', '-2')).toBe('as retention.ms');
  expect(readableValue('flush.messages', '9223372036854775807')).toBe('without bound');
  expect(readableValue('min.insync.replicas', '2')).toBeNull();
});
