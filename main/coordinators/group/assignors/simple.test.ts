import { expect, it } from 'vitest';
import type { TopicPartitions } from '../consumer-group-member.ts';
import { assignSimple } from './simple.ts';

const topic = 'orders';
const partitions = (count: number): TopicPartitions =>
  new Map([[topic, new Set(Array.from({ length: count }, (_, index) => index))]]);

function members(count: number, targets: ReadonlyMap<string, TopicPartitions> = new Map()) {
  return Array.from({ length: count }, (_, index) => {
    const memberId = `m${index}`;
    return { memberId, subscribedTopicIds: new Set([topic]), target: targets.get(memberId) ?? new Map() };
  });
}

const sizes = (targets: ReadonlyMap<string, TopicPartitions>): number[] =>
  [...targets.values()].map((target) => target.get(topic)?.size ?? 0);

it('fewer members than partitions divide them', () => {
  const targets = assignSimple(members(2), partitions(5), true);
  expect(sizes(targets).sort()).toEqual([2, 3]);
  expect(new Set([...targets.values()].flatMap((each) => [...(each.get(topic) ?? [])])).size).toBe(5);
});

it('more members than partitions share them: nobody goes without', () => {
  expect(sizes(assignSimple(members(5), partitions(2), true))).toEqual([2, 1, 1, 1, 1]);
});

it('members keep what they have as far as that is fair', () => {
  const before = assignSimple(members(2), partitions(6), true);
  const after = assignSimple(members(3, before), partitions(6), true);
  expect(sizes(after)).toEqual([2, 2, 2]);
  for (const memberId of ['m0', 'm1']) {
    const kept = [...(after.get(memberId)?.get(topic) ?? [])];
    expect(kept.every((partition) => before.get(memberId)?.get(topic)?.has(partition))).toBe(true);
  }
});

it('only partitions with state are given out, only to members that subscribe', () => {
  const all = new Map([...partitions(3), ['audit', new Set([0])]] as const);
  const mixed = members(2).map((member, index) => ({
    ...member,
    subscribedTopicIds: new Set(index === 0 ? [topic, 'audit', 'unready'] : [topic]),
  }));
  const targets = assignSimple(mixed, all, false);
  expect(targets.get('m0')?.get('audit')).toEqual(new Set([0]));
  expect(targets.get('m1')?.has('audit')).toBe(false);
  expect(targets.get('m0')?.has('unready')).toBe(false);
  expect(sizes(targets).reduce((sum, size) => sum + size, 0)).toBe(3);
});
