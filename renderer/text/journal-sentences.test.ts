import { expect, test } from 'vitest';
import { anEvent } from '../state/fixtures.test-data.ts';
import type { JournalEntry } from '../../main/api/views.ts';
import { readingOf, sentenceOf } from './journal-sentences.ts';

const told = (entry: JournalEntry): string => sentenceOf(anEvent(1, 0, entry, 'broker-2'));
const elected: Extract<JournalEntry, { kind: 'partition.leaderElected' }> = {
  kind: 'partition.leaderElected',
  topic: 'orders',
  partition: 3,
  leader: 3,
  previousLeader: 2,
  leaderEpoch: 6,
  inSyncReplicas: [1, 3],
  unclean: false,
};

test('an election names the leader, the one before, the epoch and the ISR', () => {
  expect(told(elected)).toBe('Broker 3 leads orders-3 after broker 2, leader epoch 6, ISR [1, 3].');
});

test('no leader and an unclean leader are bad news', () => {
  expect(told({ ...elected, leader: -1, inSyncReplicas: [2] })).toBe(
    'orders-3 has no leader: nobody in its ISR [2] is alive.',
  );
  expect(readingOf({ ...elected, leader: -1 }).tone).toBe('bad');
  expect(told({ ...elected, unclean: true })).toContain('records may be lost');
});

test('a refused vote gives the reason', () => {
  expect(
    told({
      kind: 'quorum.voteAnswered',
      epoch: 5,
      candidate: 3,
      voter: 2,
      preVote: false,
      granted: false,
      reason: 'its log ends earlier',
    }),
  ).toBe('Node 2 refuses node 3 in epoch 5: its log ends earlier.');
});

test('a process that was told to go is no crash', () => {
  const exit: JournalEntry = { kind: 'process.exited', brokerId: 1, pid: 9, signal: null, code: 0, wanted: true };
  expect(told(exit)).toBe('The process of broker 1 is gone, as asked.');
  expect(told({ ...exit, wanted: false, code: 1 })).toBe('Broker 1 died: exit code 1.');
  expect(readingOf({ ...exit, wanted: false }).label).toBe('Crashed');
});

test('a kind that this page does not know still has a reading', () => {
  expect(readingOf({ kind: 'newer.kind' } as unknown as JournalEntry).label).toBe('Event');
  expect(told({ kind: 'newer.kind' } as unknown as JournalEntry)).toBe('Event');
});
