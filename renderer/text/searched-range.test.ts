import { expect, test } from 'vitest';
import { searchedRange } from './searched-range.ts';

const bound = (partition: number, logStartOffset: number, endOffset: number) => ({
  partition,
  logStartOffset,
  endOffset,
});

test('one partition is told by its offsets', () => {
  const text = searchedRange([{ partition: 2, offset: 10 }], [{ partition: 2, offset: 1500 }], [bound(2, 5, 4000)]);
  expect(text).toBe('offsets 10 to 1,500 of 5 to 4,000');
});

test('several by how many were looked at and which were not', () => {
  const bounds = [bound(0, 0, 100), bound(1, 50, 250)];
  const started = [
    { partition: 0, offset: 20 },
    { partition: 1, offset: 50 },
  ];
  const now = [
    { partition: 0, offset: 100 },
    { partition: 1, offset: 150 },
  ];
  expect(searchedRange(started, now, bounds)).toBe('180 of 300 offsets, not 20 before and 100 behind');
  expect(
    searchedRange(
      [],
      [
        { partition: 0, offset: 100 },
        { partition: 1, offset: 250 },
      ],
      bounds,
    ),
  ).toBe('300 of 300 offsets');
});
