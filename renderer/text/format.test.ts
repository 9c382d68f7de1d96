import { expect, test } from 'vitest';
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  formatShort,
  listed,
  plural,
} from './format.ts';

test('counts are grouped, and what is not reported is a dash', () => {
  expect(formatCount(1_204_331)).toBe('1,204,331');
  expect(formatCount(0)).toBe('0');
  expect(formatCount(null)).toBe('—');
});

test('bytes keep two or three figures', () => {
  expect([0, 999, 1_000, 58_300_000, 1_900_000, 999_700].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1 KB',
    '58 MB',
    '1.9 MB',
    '1.0 MB',
  ]);
});

test('durations change their unit where the next one reads better', () => {
  expect([0, 0.4, 612, 999.6, 1_240, 64_000, 3_725_000].map(formatDuration)).toEqual([
    '0 ms',
    '0.4 ms',
    '612 ms',
    '1.0 s',
    '1.2 s',
    '1 m 04 s',
    '1 h 02 m',
  ]);
  expect(formatDuration(-5)).toBe('0 ms');
});

test('rates, shares and ages', () => {
  expect([0, 3.25, 400.4, 123_400].map(formatRate)).toEqual(['0', '3.3', '400', '123 k']);
  expect(formatShort(1_240_000)).toBe('1.2 M');
  expect([0.0234, 0.5, 1.2].map(formatPercent)).toEqual(['2.3 %', '50 %', '120 %']);
  expect([200, 3_400, 125_000].map(formatAge)).toEqual(['now', '3 s ago', '2 m ago']);
});

test('lists and plurals read as sentences', () => {
  expect([[], [1], [1, 2], [1, 2, 3]].map(listed)).toEqual(['none', '1', '1 and 2', '1, 2 and 3']);
  expect([plural(1, 'partition'), plural(12_000, 'partition')]).toEqual(['1 partition', '12,000 partitions']);
});
