import { expect, test } from 'vitest';
import { offsetPointers, shareOfOffset, timePointers } from './segment-map.ts';

const segment = { baseOffset: 100, endOffset: 200, logBytes: 1000 };
const entries = [
  { offset: 120, position: 200 },
  { offset: 180, position: 900 },
];

test('an index entry points at its position in the log', () => {
  expect(offsetPointers(entries, 1000).map(({ at, to }) => [at, to])).toEqual([
    [0.25, 0.2],
    [0.75, 0.9],
  ]);
});

test('a time index entry points where its offset lies between the offset index’s entries', () => {
  expect(timePointers([{ timestamp: 5, offset: 150 }], entries, segment)[0]).toMatchObject({ at: 0.5, to: 0.55 });
  expect(shareOfOffset(100, entries, segment)).toBe(0);
  expect(shareOfOffset(500, entries, segment)).toBe(1);
  expect(shareOfOffset(1, [], { ...segment, logBytes: 0 })).toBe(0);
});

test('thousands of entries are drawn as a bounded number of lines that keeps the last', () => {
  const many = Array.from({ length: 5000 }, (_, index) => ({ offset: 100 + index, position: index }));
  const pointers = offsetPointers(many, 5000);
  expect(pointers.length).toBeLessThanOrEqual(121);
  expect(pointers.at(-1)?.offset).toBe(5099);
});
