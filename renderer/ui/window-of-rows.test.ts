import { expect, test } from 'vitest';
import { scrollToRow, windowOfRows } from './window-of-rows.ts';

test('only rows in view exist, with a few beyond each edge', () => {
  expect(windowOfRows(2_600, 520, 26, 10_000)).toEqual({ first: 94, end: 126 });
});

test('the window stays inside the list', () => {
  expect(windowOfRows(0, 520, 26, 3)).toEqual({ first: 0, end: 3 });
  expect(windowOfRows(90_000, 520, 26, 3)).toEqual({ first: 3, end: 3 });
});

test('scrolling to a row moves just as far as it must', () => {
  expect(scrollToRow(5, 0, 600, 26, 100)).toBeNull();
  expect(scrollToRow(2, 260, 600, 26, 100)).toBe(52);
  expect(scrollToRow(30, 0, 600, 26, 100)).toBe(306);
});
