// The rules of transactions must find what is wrong: a sound history, and one breach of each promise.

import { describe, expect, it } from 'vitest';
import { checkHistory } from './check-history.ts';
import type {
  FinalLog,
  History,
  HistoryEvent,
  HistoryRule,
  StoredRecord,
  TransactionEvent,
  TransactionRecord,
} from './history.ts';

const copier = { producer: 'copier', acks: 'all', isIdempotent: true } as const;
const input = { producer: 'safe', acks: 'all', isIdempotent: true } as const;
const copies = (partition = 0) => ({ topic: 'copies', partition });
const orders = { topic: 'orders', partition: 0 };

const stored = (offset: number, number: number, producer = 'copier'): StoredRecord => ({
  ...{ offset, number, producer, leaderEpoch: 0 },
});
const copy = (number: number, offset: number, partition = 0): TransactionRecord => ({
  ...{ producer: 'copier', number, ...copies(partition), source: { ...orders, offset } },
});
const transaction = (
  outcome: TransactionEvent['outcome'],
  records: readonly TransactionRecord[],
  offset: number,
): TransactionEvent => ({
  ...{ type: 'transaction', startMs: 1, atMs: 2, producer: 'copier', group: 'g', outcome, records },
  offsets: [{ ...orders, offset }],
});
const log = (partition: number, records: StoredRecord[], committed = records): FinalLog => ({
  ...{ ...copies(partition), logStartOffset: 0, highWatermark: 10, isCompacted: false, records, committed },
});
const told = (offset: number): HistoryEvent => ({
  ...{ type: 'committedRead', startMs: 8, atMs: 9, ...orders, group: 'g', offset },
});
const read = (lastStableOffset: number, records: StoredRecord[], leader = 1): HistoryEvent => ({
  ...{ type: 'read', atMs: 5, ...copies(), reader: 'tail', group: null, isolation: 'read_committed' },
  ...{ leader, leaderEpoch: 0, highWatermark: 10, lastStableOffset, records },
});
const given = (producer: string, isInitial: boolean): HistoryEvent => ({
  ...{ type: 'epochGiven', startMs: 1, atMs: 2, producer, producerId: 5, producerEpoch: 3, isInitial },
});
const inputs: FinalLog = {
  ...{ ...orders, logStartOffset: 0, highWatermark: 3, isCompacted: false },
  records: [stored(0, 0, 'safe'), stored(1, 1, 'safe'), stored(2, 2, 'safe')],
};

function history(events: readonly HistoryEvent[], logs: readonly FinalLog[], more: Partial<History> = {}): History {
  const sent = [...logs, inputs].flatMap(({ topic, partition, records }) =>
    records.map(({ producer, number }): HistoryEvent => {
      return { type: 'sent', atMs: 0, topic, partition, producer, number };
    }),
  );
  const facts = { producers: [copier, input], inSync: [], diskLosses: [], ...more };
  return { ...facts, events: [...sent, ...events], logs: [inputs, ...logs] };
}

const rules = (each: History): HistoryRule[] => checkHistory(each).violations.map(({ rule }) => rule);
const sound = [
  transaction('committed', [copy(0, 0), copy(1, 1, 1)], 2),
  transaction('aborted', [copy(2, 2)], 3),
  transaction('unknown', [copy(3, 2)], 3),
];
const soundLogs = [
  log(0, [stored(0, 0), stored(2, 2), stored(4, 3)], [stored(0, 0), stored(4, 3)]),
  log(1, [stored(0, 1)]),
];

it('finds nothing in a sound history, and counts', () => {
  const report = checkHistory(history([...sound, read(3, [stored(0, 0)]), read(6, []), told(3)], soundLogs));
  expect(report.violations).toEqual([]);
  expect(report.counts.transactions).toEqual({ committed: 1, aborted: 1, unknown: 1 });
});

describe('breaches that must be found', () => {
  const [whole] = sound;
  const events = whole === undefined ? [] : [whole];
  const breaches: [HistoryRule, string, History][] = [
    ['transaction-torn', 'one of its partitions lacks it', history(events, [log(0, [stored(0, 0)]), log(1, [])])],
    [
      'transaction-torn',
      'nobody knows its end, and half of it is shown',
      history([transaction('unknown', [copy(0, 0), copy(1, 1, 1)], 2)], [log(0, [stored(0, 0)]), log(1, [])]),
    ],
    ['transaction-lost', 'committed, and nothing of it shown', history(events, [log(0, []), log(1, [])])],
    ['aborted-visible', 'in the end', history([transaction('aborted', [copy(0, 0)], 1)], [log(0, [stored(0, 0)])])],
    [
      'aborted-visible',
      'to a reader, for a moment',
      history([transaction('aborted', [copy(0, 0)], 1), read(5, [stored(0, 0)])], [log(0, [stored(0, 0)], [])]),
    ],
    [
      'copied-twice',
      'an input of two committed transactions',
      history(
        [transaction('committed', [copy(0, 0)], 1), transaction('committed', [copy(1, 0)], 1), told(1)],
        [log(0, [stored(0, 0), stored(2, 1)])],
      ),
    ],
    [
      'offsets-apart',
      'the offset moved without the copy',
      history([transaction('committed', [copy(0, 0)], 1), told(2)], [log(0, [stored(0, 0)])]),
    ],
    [
      'offsets-apart',
      'the copy is there without the offset',
      history([transaction('committed', [copy(0, 0)], 1), told(0)], [log(0, [stored(0, 0)])]),
    ],
    ['epoch-given-twice', 'to a new life', history([given('copier', true), given('next', true)], soundLogs)],
    ['epoch-given-twice', 'to the same again', history([given('copier', false), given('copier', true)], soundLogs)],
    ['last-stable-offset-fell', 'of one leader', history([read(5, []), read(4, [])], soundLogs)],
    ['read-above-last-stable-offset', 'too early', history([read(2, [stored(4, 3)])], soundLogs)],
  ];
  it.each(breaches)('%s: %s', (rule, _, broken) => {
    expect(rules(broken)).toContain(rule);
  });
});

it('an unknown end may be either, and where a partition gave up what it held nothing is blamed', () => {
  expect(rules(history([transaction('unknown', [copy(0, 0)], 1)], [log(0, [])]))).toEqual([]);
  const inSync = [{ ...copies(), atMs: 0, leader: 1, inSyncReplicas: [1] }];
  const more = { inSync, diskLosses: [{ atMs: 5, broker: 1 }] };
  expect(rules(history([transaction('committed', [copy(0, 0)], 1)], [log(0, [])], more))).toEqual([]);
});
