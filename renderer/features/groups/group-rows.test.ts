import { expect, it } from 'vitest';
import type { JournalEntry, JournalEvent } from '../../../main/api/views.ts';
import { rebalancesOf, shortMember } from './group-rows.ts';

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

it('a rebalance runs from its first trigger until the group is stable, with who was removed', () => {
  const events = journal(
    [100, { kind: 'group.memberRemoved', groupId: 'billing', memberId: 'm1', reason: 'session timed out' }],
    [100, { kind: 'group.rebalancing', groupId: 'billing', generation: 4, reason: 'a member left' }],
    [150, { kind: 'group.rebalancing', groupId: 'billing', generation: 4, reason: 'a member joined' }],
    [160, { kind: 'group.rebalancing', groupId: 'other', generation: 1, reason: 'a member joined' }],
    [400, { kind: 'group.stable', groupId: 'billing', generation: 5, members: 2, protocol: 'range' }],
    [900, { kind: 'group.rebalancing', groupId: 'billing', generation: 5, reason: 'a member joined' }],
  );
  expect(rebalancesOf('billing', events)).toMatchObject([
    { reason: 'a member joined', tookMs: null, members: null },
    { reason: 'a member left', generation: 5, tookMs: 300, members: 2, removed: ['m1: session timed out'] },
  ]);
});

it('members with one client id are told apart', () => {
  expect(shortMember('app-1-66262ece-d804', 'app-1')).toBe('app-1 …e-d804');
});
