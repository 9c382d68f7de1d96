import { expect, test } from 'vitest';
import { sortRows } from './sort-rows.ts';

test('names are ordered as people count, and what is unknown stands last either way', () => {
  const rows = ['topic-10', null, 'topic-9'];
  expect(sortRows(rows, (row) => row, false)).toEqual(['topic-9', 'topic-10', null]);
  expect(sortRows(rows, (row) => row, true)).toEqual(['topic-10', 'topic-9', null]);
});

test('equal rows keep the order they came in', () => {
  const rows = [
    { name: 'a', value: 1 },
    { name: 'b', value: 1 },
    { name: 'c', value: 0 },
  ];
  expect(sortRows(rows, (row) => row.value, true).map((row) => row.name)).toEqual(['a', 'b', 'c']);
});
