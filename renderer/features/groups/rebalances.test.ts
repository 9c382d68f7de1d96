import { expect, it } from 'vitest';
import type { JournalEntry, JournalEvent } from '../../../main/api/views.ts';
import { historyOf, longestUnownedMs, movedCount, pictureOf } from './rebalances.ts';

const groupId = 'billing';
const journal = (...entries: [number, JournalEntry][]): JournalEvent[] =>
  entries.map(([wallMs, entry], sequence) => ({
    id: `broker-1:${sequence}`,
    source: 'broker-1',
    sequence,
    wallMs,
    monotonicMs: wallMs,
    cause: null,
    entry,
  }));
const joined = (memberId: string, replaces: string | null = null): JournalEntry => ({
  kind: 'group.memberJoined',
  groupId,
  memberId,
  clientId: memberId,
  protocol: 'classic',
  replaces,
});
const holds = (
  memberId: string,
  told: 'rejoined' | 'assigned' | 'reconciled',
  epoch: number,
  ...partitions: number[]
): JournalEntry => ({
  kind: 'group.memberHolds',
  groupId,
  memberId,
  clientId: memberId,
  epoch,
  told,
  partitions: partitions.length === 0 ? [] : [{ topic: 'orders', partitions }],
});
const rebalancing = (generation: number, reason = 'a member joined'): JournalEntry => ({
  kind: 'group.rebalancing',
  groupId,
  generation,
  reason,
});
const stable = (generation: number, members: number, protocol: string): JournalEntry => ({
  kind: 'group.stable',
  groupId,
  generation,
  members,
  protocol,
});

it('a rebalance runs from its first trigger until the group is stable, with who was removed', () => {
  const events = journal(
    [100, { kind: 'group.memberRemoved', groupId, memberId: 'm1', reason: 'session timed out' }],
    [100, rebalancing(4, 'a member left')],
    [150, rebalancing(4)],
    [160, { kind: 'group.rebalancing', groupId: 'other', generation: 1, reason: 'a member joined' }],
    [400, stable(5, 2, 'range')],
    [900, rebalancing(5)],
  );
  expect(historyOf(groupId, 'consumer', events).rebalances).toMatchObject([
    { reason: 'a member joined', tookMs: null, members: null },
    {
      reason: 'a member left',
      generation: 5,
      tookMs: 300,
      members: 2,
      removed: [{ memberId: 'm1', reason: 'session timed out' }],
    },
  ]);
});

it('an eager group gives everything up: each partition was nobody’s, also one that came back', () => {
  const events = journal(
    [0, joined('a')],
    [0, rebalancing(0)],
    [10, holds('a', 'assigned', 1, 0, 1)],
    [10, stable(1, 1, 'range')],
    [100, joined('b')],
    [100, rebalancing(1)],
    [140, holds('a', 'rejoined', 1)],
    [160, holds('a', 'assigned', 2, 0)],
    [160, holds('b', 'assigned', 2, 1)],
    [160, stable(2, 2, 'range')],
  );
  const [second] = historyOf(groupId, 'consumer', events).rebalances;
  expect(second).toMatchObject({ kind: 'eager', joined: ['b'], assignor: 'range', tookMs: 60, released: 0 });
  expect(second?.moves).toEqual([
    { partition: 'orders-0', from: 'a', to: 'a', lostMs: 140, gainedMs: 160 },
    { partition: 'orders-1', from: 'a', to: 'b', lostMs: 140, gainedMs: 160 },
  ]);
  expect([longestUnownedMs(second ?? { moves: [] }), movedCount(second ?? { moves: [] })]).toEqual([20, 1]);
});

it('a cooperative group keeps what stays: only what moves is nobody’s, over two rounds', () => {
  const events = journal(
    [0, joined('a')],
    [0, rebalancing(0)],
    [10, holds('a', 'assigned', 1, 0, 1)],
    [10, stable(1, 1, 'cooperative-sticky')],
    [100, joined('b')],
    [100, rebalancing(1)],
    [140, holds('a', 'rejoined', 1, 0, 1)],
    [150, holds('a', 'assigned', 2, 0)],
    [150, stable(2, 2, 'cooperative-sticky')],
    [155, holds('a', 'rejoined', 2, 0)],
    [155, rebalancing(2, 'second round')],
    [190, holds('b', 'assigned', 3, 1)],
    [190, stable(3, 2, 'cooperative-sticky')],
  );
  const { rebalances, lanes } = historyOf(groupId, 'consumer', events);
  expect(rebalances.map(({ kind, released }) => [kind, released])).toEqual([
    ['cooperative', 0],
    ['cooperative', 1],
    ['cooperative', 0],
  ]);
  expect(rebalances[0]?.moves).toEqual([{ partition: 'orders-1', from: 'a', to: 'b', lostMs: 150, gainedMs: 190 }]);
  expect(rebalances[1]?.moves).toEqual([]);
  // The picture of the second round begins where the first one took the partition away.
  const picture = rebalances[0] === undefined ? null : pictureOf(rebalances[0], lanes, 1000);
  expect(picture?.fromMs).toBeLessThan(150);
  expect(picture?.unowned).toEqual([{ fromMs: 150, toMs: 190, count: 1 }]);
  expect(picture?.lanes.map(({ memberId }) => memberId)).toEqual(['a', 'b']);
});

it('KIP-848 moves single partitions; what a member must give up is its own until it has', () => {
  const events = journal(
    [0, joined('a')],
    [0, rebalancing(2)],
    [5, holds('a', 'reconciled', 2, 0, 1)],
    [5, stable(2, 1, 'consumer')],
    [100, joined('b')],
    [100, rebalancing(3)],
    [300, holds('a', 'reconciled', 3, 0)],
    [320, holds('b', 'reconciled', 3, 1)],
    [320, stable(3, 2, 'consumer')],
  );
  expect(historyOf(groupId, 'consumer', events).rebalances[0]).toMatchObject({
    kind: 'KIP-848',
    assignor: null,
    moves: [{ partition: 'orders-1', from: 'a', to: 'b', lostMs: 300, gainedMs: 320 }],
  });
});

it('partitions of a group that lost its last member are nobody’s, and the rebalance is over', () => {
  const events = journal(
    [0, joined('a')],
    [0, rebalancing(0)],
    [10, holds('a', 'assigned', 1, 0)],
    [10, stable(1, 1, 'range')],
    [50, { kind: 'group.memberRemoved', groupId, memberId: 'a', reason: 'left the group' }],
    [50, rebalancing(1, 'removing a')],
    [50, { kind: 'group.empty', groupId, generation: 2 }],
  );
  const [last] = historyOf(groupId, 'consumer', events).rebalances;
  expect(last).toMatchObject({
    members: 0,
    tookMs: 0,
    moves: [{ partition: 'orders-0', from: 'a', to: null, lostMs: 50, gainedMs: null }],
  });
});

it('a static member that comes back under a new id loses nothing', () => {
  const events = journal(
    [0, joined('a')],
    [0, rebalancing(0)],
    [10, holds('a', 'assigned', 1, 0, 1)],
    [10, stable(1, 1, 'range')],
    [50, joined('a2', 'a')],
    [90, rebalancing(1)],
    [95, holds('a2', 'rejoined', 1)],
    [99, holds('a2', 'assigned', 2, 0, 1)],
    [99, stable(2, 1, 'range')],
  );
  const { rebalances, lanes } = historyOf(groupId, 'consumer', events);
  expect(rebalances[0]?.moves.map(({ from, to, lostMs }) => [from, to, lostMs])).toEqual([
    ['a2', 'a2', 95],
    ['a2', 'a2', 95],
  ]);
  expect(lanes.map(({ memberId, holdings }) => [memberId, holdings.map(({ fromMs, toMs }) => [fromMs, toMs])])).toEqual(
    [
      ['a', [[10, 50]]],
      [
        'a2',
        [
          [50, 95],
          [99, null],
        ],
      ],
    ],
  );
});

it('members of a share group read side by side: nothing moves', () => {
  const events = journal(
    [0, joined('a')],
    [0, rebalancing(2)],
    [5, holds('a', 'reconciled', 2, 0, 1)],
    [5, stable(2, 1, 'share')],
    [50, joined('b')],
    [50, rebalancing(3)],
    [55, holds('b', 'reconciled', 3, 0, 1)],
    [55, stable(3, 2, 'share')],
  );
  expect(historyOf(groupId, 'share', events).rebalances[0]).toMatchObject({ kind: 'share', moves: [], members: 2 });
});
