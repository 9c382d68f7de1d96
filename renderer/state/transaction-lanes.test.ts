import { expect, it } from 'vitest';
import type { JournalEntry } from '../../main/api/views.ts';
import type { TimedEvent } from './lane-types.ts';
import { transactionLanes } from './transaction-lanes.ts';

const timed = (...entries: [number, JournalEntry][]): TimedEvent[] =>
  entries.map(([atMs, entry], sequence) => ({
    id: `broker-1:${sequence}`,
    source: 'broker-1',
    sequence,
    wallMs: 50_000 + atMs,
    monotonicMs: atMs,
    atMs,
    cause: null,
    entry,
  }));
const identity = { transactionalId: 'drill-exact', producerId: 4, producerEpoch: 0 };
const partitions = [{ topic: 'drill-ledger', partitions: [0] }];
const ended = {
  ...identity,
  decision: 'abort',
  by: 'successor',
  startedWallMs: 50_400,
  partitions,
  untold: 0,
} as const;

it('a lane shows each transaction from its first partition to its last marker, and who was fenced', () => {
  const lanes = transactionLanes({
    topics: ['drill-ledger'],
    events: timed(
      [100, { kind: 'transaction.began', ...identity, partitions }],
      [150, { kind: 'transaction.completed', ...ended, decision: 'commit', by: 'client', startedWallMs: 50_100 }],
      // Not told from its beginning: its end knows it.
      [900, { kind: 'transaction.prepared', ...ended }],
      [920, { kind: 'transaction.completed', ...ended }],
      [930, { kind: 'transaction.fenced', ...identity, fencedEpoch: 0, producerEpoch: 2 }],
      [950, { kind: 'transaction.began', ...identity, transactionalId: 'someone-else', partitions: [] }],
    ),
  });
  expect(lanes.map(({ label }) => label)).toEqual(['txn exact']);
  expect(lanes[0]?.spans.map(({ fromMs, toMs, tone }) => [fromMs, toMs, tone])).toEqual([
    [100, 150, 'ok'],
    [400, 920, 'degraded'],
  ]);
  expect(lanes[0]?.marks.map(({ atMs, shape }) => [atMs, shape])).toEqual([
    [900, 'tick'],
    [930, 'cross'],
  ]);
});
