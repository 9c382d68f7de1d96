import { expect, test } from 'vitest';
import { assignCooperatively, assignRange, type Member } from './assignors.ts';

const member = (memberId: string, ...owned: number[]): Member => ({ memberId, owned });

test('range gives neighbours to one member, the first ones get the odd partitions', () => {
  const assignment = assignRange([member('b'), member('a')], 5);
  expect([...assignment]).toEqual([
    ['a', [0, 1, 2]],
    ['b', [3, 4]],
  ]);
});

test('a member that joins a cooperative group gets nothing before others gave it up, then its share', () => {
  const first = assignCooperatively([member('a', 0, 1, 2, 3), member('b')], 4);
  expect(first.get('a')).toEqual([0, 1]);
  expect(first.get('b')).toEqual([]);
  const second = assignCooperatively([member('a', 0, 1), member('b')], 4);
  expect(second.get('a')).toEqual([0, 1]);
  expect(second.get('b')).toEqual([2, 3]);
});

test('when a cooperative member dies the others keep theirs and share its partitions', () => {
  const assignment = assignCooperatively([member('a', 0, 1), member('b', 2, 3)], 6);
  expect(assignment.get('a')).toEqual([0, 1, 4]);
  expect(assignment.get('b')).toEqual([2, 3, 5]);
});
