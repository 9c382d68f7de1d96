import { expect, test } from 'vitest';
import type { JournalEntry } from '../../main/api/views.ts';
import { families } from '../text/journal-sentences.ts';
import { anEvent } from './fixtures.test-data.ts';
import { burstSentence } from '../text/burst-sentences.ts';
import { toBursts } from './bursts.ts';
import { narrate } from './narrator.ts';

const all = new Set(families);
const killed: JournalEntry = { kind: 'process.killed', brokerId: 2, pid: 7 };
const elected = (partition: number, leader: number): JournalEntry => ({
  kind: 'partition.leaderElected',
  topic: 'orders',
  partition,
  leader,
  previousLeader: 2,
  leaderEpoch: 5,
  inSyncReplicas: [1, 3],
  unclean: false,
});
const shrunk = (partition: number): JournalEntry => ({
  kind: 'partition.isrShrunk',
  topic: 'orders',
  partition,
  changed: [2],
  inSyncReplicas: [1, 3],
  leaderEpoch: 5,
});

test('interleaved kinds of one moment become one burst each', () => {
  const events = [killed, shrunk(0), elected(0, 1), shrunk(1), elected(1, 3)].map((entry, index) =>
    anEvent(index, index === 0 ? 0 : 1_000 + index, entry),
  );
  const bursts = toBursts(events, all);
  expect(bursts.map((burst) => [burst.events[0].entry.kind, burst.events.length])).toEqual([
    ['process.killed', 1],
    ['partition.isrShrunk', 2],
    ['partition.leaderElected', 2],
  ]);
  expect(bursts.map(burstSentence).slice(1)).toEqual([
    'Broker 2 left the ISR of 2 partitions.',
    '2 partitions have a new leader: broker 1 took 1 and broker 3 took 1.',
  ]);
});

test('the same kind later is another burst', () => {
  expect(toBursts([anEvent(0, 0, shrunk(0)), anEvent(1, 5_000, shrunk(1))], all)).toHaveLength(2);
});

test('a burst keeps its key while it grows', () => {
  const first = anEvent(0, 0, shrunk(0));
  const [alone] = toBursts([first], all);
  const [grown] = toBursts([first, anEvent(1, 20, shrunk(1))], all);
  expect(grown?.key).toBe(alone?.key);
});

test('events are timed against the fault before them, even when faults are filtered away', () => {
  const bursts = toBursts([anEvent(0, 100, killed), anEvent(1, 712, elected(0, 1))], new Set(['leader'] as const));
  expect(bursts.map((burst) => burst.sinceFaultMs)).toEqual([612]);
});

test('a fault long ago times nothing', () => {
  expect(toBursts([anEvent(0, 0, killed), anEvent(1, 60_000, elected(0, 1))], all)[1]?.sinceFaultMs).toBeNull();
});

test('the end of a killed process is no second fault, a crash is one', () => {
  const exit: JournalEntry = {
    kind: 'process.exited',
    brokerId: 2,
    pid: 7,
    signal: 'SIGKILL',
    code: null,
    wanted: false,
  };
  const after = (entries: readonly JournalEntry[]): (number | null)[] =>
    toBursts(
      entries.map((entry, index) => anEvent(index, index * 400, entry)),
      all,
    ).map((burst) => burst.sinceFaultMs);
  expect(after([killed, exit, elected(0, 1)])).toEqual([null, 400, 800]);
  expect(after([exit, elected(0, 1)])).toEqual([null, 400]);
  expect(after([killed, { kind: 'process.started', brokerId: 2, pid: 8 }, exit, elected(0, 1)])).toEqual([
    null,
    400,
    800,
    400,
  ]);
});

test('a client that fails again and again is one line', () => {
  const error: JournalEntry = {
    kind: 'client.error',
    client: 'producer',
    error: 'REQUEST_TIMED_OUT',
    detail: 'no answer.',
  };
  const [burst, ...others] = toBursts(
    [0, 600, 1_200].map((atMs, index) => anEvent(index, atMs, error)),
    all,
  );
  expect(others).toEqual([]);
  expect(burst && burstSentence(burst)).toBe('The producer got REQUEST_TIMED_OUT 3 times: no answer.');
});

test('granted votes stand alone, since each has its own answer', () => {
  const vote = (voter: number, granted: boolean): JournalEntry => ({
    kind: 'quorum.voteAnswered',
    epoch: 3,
    candidate: 1,
    voter,
    preVote: false,
    granted,
    reason: 'log is older',
  });
  expect(toBursts([anEvent(0, 0, vote(2, true)), anEvent(1, 1, vote(3, false))], all)).toHaveLength(2);
});

test('the narrator tells the newest thing that matters, and how long after the fault', () => {
  const events = [
    anEvent(0, 0, killed),
    anEvent(1, 1_012, elected(0, 1)),
    anEvent(2, 1_013, elected(1, 1)),
    anEvent(3, 1_014, { kind: 'replica.leading', topic: 'orders', partition: 0, leaderEpoch: 5, logEndOffset: 9 }),
  ];
  expect(narrate(events)?.sentence).toBe(
    'Broker 1 now leads 2 partitions more, which broker 2 led before, 1.0 s after broker 2 was killed.',
  );
  expect(narrate([])).toBeNull();
});

test('a fault itself is told without a time', () => {
  expect(narrate([anEvent(0, 0, killed), anEvent(1, 2_000, { ...killed, brokerId: 3 })])?.sentence).toBe(
    'Broker 3 was killed (SIGKILL). The cluster finds out when its session ends.',
  );
});
