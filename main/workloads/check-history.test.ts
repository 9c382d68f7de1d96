// The checker must find what is wrong: a sound history, and one breach of each promise.

import { describe, expect, it } from 'vitest';
import { checkHistory } from './check-history.ts';
import {
  nameFromText,
  nameToText,
  type FinalLog,
  type History,
  type HistoryEvent,
  type HistoryRule,
  type StoredRecord,
} from './history.ts';

const orders = { topic: 'orders', partition: 0 };
const safe = { producer: 'safe', acks: 'all', isIdempotent: true } as const;
const plain = { producer: 'plain', acks: 'all', isIdempotent: false } as const;
const fast = { producer: 'fast', acks: 'leader', isIdempotent: false } as const;

const stored = (offset: number, number: number, producer = 'safe', leaderEpoch = 0): StoredRecord => ({
  offset,
  number,
  producer,
  leaderEpoch,
});
const sent = (number: number, producer = 'safe'): HistoryEvent => ({
  type: 'sent',
  atMs: 1,
  ...orders,
  producer,
  number,
});
const acknowledged = (number: number, offset: number | null, producer = 'safe', leader = 1): HistoryEvent => ({
  type: 'acknowledged',
  atMs: 2,
  ...orders,
  producer,
  number,
  offset,
  leader,
});
const read = (records: StoredRecord[], highWatermark = 10, leaderEpoch = 0): HistoryEvent => ({
  type: 'read',
  atMs: 3,
  ...orders,
  reader: 'tail',
  group: null,
  isolation: 'read_uncommitted',
  leader: 1,
  leaderEpoch,
  highWatermark,
  records,
});
const commit = (startMs: number, offset: number): HistoryEvent => ({
  type: 'committed',
  startMs,
  atMs: startMs + 1,
  ...orders,
  group: 'g',
  offset,
});
const log = (...records: StoredRecord[]): FinalLog => ({
  ...orders,
  logStartOffset: 0,
  highWatermark: (records.at(-1)?.offset ?? -1) + 1,
  isCompacted: false,
  records,
});

function history(events: HistoryEvent[], final: FinalLog, more: Partial<History> = {}): History {
  return { producers: [safe, plain, fast], events, logs: [final], inSync: [], diskLosses: [], ...more };
}

const rules = (each: History): HistoryRule[] => checkHistory(each).violations.map((violation) => violation.rule);
const soundEvents = [sent(0), sent(1), acknowledged(0, 0), acknowledged(1, 1), read([stored(0, 0), stored(1, 1)])];
const soundLog = log(stored(0, 0), stored(1, 1));

it('finds nothing in a sound history, and counts', () => {
  const group = { ...read([stored(0, 0), stored(1, 1)]), group: 'g' } as HistoryEvent;
  const report = checkHistory(history([...soundEvents, group, commit(10, 1), commit(20, 2)], soundLog));
  expect(report.violations).toEqual([]);
  expect(report.counts).toMatchObject({ sent: 2, acknowledged: 2, read: 4, commits: 2, lost: { all: 0, leader: 0 } });
});

describe('breaches that must be found', () => {
  const sentTwo = [sent(0), sent(1)];
  const breaches: [HistoryRule, string, History][] = [
    ['lost', 'an acknowledged record is gone', history([...soundEvents.slice(0, 4)], log(stored(0, 0)))],
    ['lost', 'so is one whose offset nobody knows', history([sent(0), acknowledged(0, null)], log())],
    ['moved', 'it stands elsewhere', history([sent(0), acknowledged(0, 0)], log(stored(3, 0)))],
    ['duplicated', 'an idempotent record twice', history(sentTwo, log(stored(0, 0), stored(1, 1), stored(2, 0)))],
    ['reordered', 'two records in the wrong order', history(sentTwo, log(stored(0, 1), stored(1, 0)))],
    ['invented', 'a record that nobody sent', history([sent(0)], log(stored(0, 0), stored(1, 7)))],
    [
      'refused-but-written',
      'the cluster said no and wrote it',
      history(
        [sent(0), { type: 'failed', atMs: 2, ...orders, producer: 'safe', number: 0, error: 'x', isRefused: true }],
        log(stored(0, 0)),
      ),
    ],
    ['read-above-high-watermark', 'too early', history([...sentTwo, read([stored(0, 0), stored(1, 1)], 1)], soundLog)],
    ['read-changed', 'read, and gone later', history([...sentTwo, read([stored(1, 1)])], log(stored(0, 0)))],
    ['read-changed', 'two readers differ', history([...sentTwo, read([stored(0, 1)]), read([stored(0, 0)])], soundLog)],
    ['read-out-of-order', 'backwards', history([...sentTwo, read([stored(1, 1), stored(0, 0)])], soundLog)],
    ['high-watermark-fell', 'in one epoch', history([read([], 5), read([], 4)], log())],
    [
      'two-leaders-in-one-epoch',
      'both acknowledged',
      history(
        [sent(0, 'plain'), sent(1, 'plain'), acknowledged(0, 0, 'plain', 1), acknowledged(1, 1, 'plain', 2)],
        log(stored(0, 0, 'plain'), stored(1, 1, 'plain')),
      ),
    ],
    ['leader-epoch-fell', 'within the log', history(sentTwo, log(stored(0, 0, 'safe', 2), stored(1, 1, 'safe', 1)))],
    ['commit-fell', 'a later commit is lower', history([commit(1, 2), commit(5, 1)], log())],
    [
      'commit-fell',
      'a later read is lower',
      history(
        [commit(1, 2), { type: 'committedRead', startMs: 5, atMs: 6, ...orders, group: 'g', offset: null }],
        log(),
      ),
    ],
    ['skipped-by-group', 'never given', history([...sentTwo, commit(1, 2)], soundLog)],
  ];
  it.each(breaches)('%s: %s', (rule, _, broken) => {
    expect(rules(broken)).toContain(rule);
  });
});

describe('what nobody promised is counted, not blamed', () => {
  it('acks=1 may lose, a plain producer may double', () => {
    const events = [sent(0, 'fast'), sent(0, 'plain'), acknowledged(0, 0, 'fast'), acknowledged(0, 0, 'plain')];
    const report = checkHistory(history(events, log(stored(0, 0, 'plain'), stored(1, 0, 'plain'))));
    expect(report.violations).toEqual([]);
    expect(report.counts).toMatchObject({ lost: { all: 0, leader: 1 }, duplicated: 1, duplicatedIdempotent: 0 });
  });

  it('retention takes records from the front', () => {
    const final = { ...log(stored(1, 1)), logStartOffset: 1 };
    expect(rules(history(soundEvents, final))).toEqual([]);
  });

  it('a new leader may begin with an older high watermark', () => {
    expect(rules(history([read([], 5, 0), read([], 4, 1)], log()))).toEqual([]);
  });

  it('overlapping commits have no order', () => {
    const slow = { ...commit(1, 2), atMs: 9 } as HistoryEvent;
    expect(rules(history([slow, commit(5, 1)], log()))).toEqual([]);
  });
});

describe('losses after power losses', () => {
  const events = [sent(0), acknowledged(0, 0)];
  const inSync = (atMs: number, leader: number, ...inSyncReplicas: number[]) => ({
    ...orders,
    atMs,
    leader,
    inSyncReplicas,
  });

  it('are excused when every in-sync replica lost its disk', () => {
    const diskLosses = [
      { atMs: 5, broker: 1 },
      { atMs: 6, broker: 2 },
    ];
    const report = checkHistory(history(events, log(), { inSync: [inSync(0, 1, 1, 2)], diskLosses }));
    expect(report.violations).toEqual([]);
    expect(report.counts.lostExcused).toBe(1);
  });

  it('leave the other copy of what a plain producer sent twice, which is not moved', () => {
    const diskLosses = [
      { atMs: 5, broker: 1 },
      { atMs: 6, broker: 2 },
    ];
    const facts = { inSync: [inSync(0, 1, 1, 2)], diskLosses };
    const twice = (producer: string): HistoryEvent[] => [sent(0, producer), acknowledged(0, 3, producer)];
    expect(rules(history(twice('plain'), log(stored(0, 0, 'plain')), facts))).toEqual([]);
    expect(rules(history(twice('safe'), log(stored(0, 0)), facts))).toEqual(['moved']);
    expect(rules(history(twice('plain'), log(stored(0, 0, 'plain')), { ...facts, diskLosses: [] }))).toEqual(['moved']);
  });

  it('are not while one survives', () => {
    const diskLosses = [{ atMs: 5, broker: 1 }];
    expect(rules(history(events, log(), { inSync: [inSync(0, 1, 1, 2)], diskLosses }))).toEqual(['lost']);
  });

  it('are not when a replica that came into the ISR since holds it', () => {
    const diskLosses = [
      { atMs: 5, broker: 1 },
      { atMs: 7, broker: 2 },
    ];
    const facts = [inSync(0, 1, 1, 2), inSync(6, 2, 2, 3)];
    expect(rules(history(events, log(), { inSync: facts, diskLosses }))).toEqual(['lost']);
  });
});

describe('losses that Kafka itself gives up (KIP-966)', () => {
  const events = [sent(0), acknowledged(0, 0)];
  const fact = (atMs: number, leader: number, isUnclean: boolean, ...inSyncReplicas: number[]) => ({
    ...orders,
    ...{ atMs, leader, isUnclean, inSyncReplicas, replicas: [1, 2, 3] },
  });
  const end = (atMs: number, broker: number) => ({ atMs, broker });
  const diskLosses = [end(5, 1)];
  const inSync = [
    fact(0, 1, false, 1, 2, 3),
    fact(6, 2, false, 2, 3),
    // 3 came back after an unclean end, then 2; then 1, the last known leader, is elected without its records.
    fact(8, 2, false, 2),
    fact(10, -1, false),
    fact(12, 1, true, 1),
  ];
  const uncleanEnds = [end(7, 3), end(9, 2), end(11, 1)];

  it('are told apart: a disk still held it, and all that were in sync had ended uncleanly', () => {
    const report = checkHistory(history(events, log(), { inSync, diskLosses, uncleanEnds }));
    expect(report.violations).toEqual([]);
    expect(report.counts).toMatchObject({ lostGivenUp: 1, lostExcused: 0 });
  });

  it('are broken promises while one of them had not', () => {
    const but2 = uncleanEnds.filter(({ broker }) => broker !== 2);
    const stays = [...inSync.slice(0, 3), fact(12, 1, true, 1)];
    expect(rules(history(events, log(), { inSync: stays, diskLosses, uncleanEnds: but2 }))).toEqual(['lost']);
  });

  it('are broken promises when the ISR only forgot the last of them', () => {
    const but2 = uncleanEnds.filter(({ broker }) => broker !== 2);
    expect(rules(history(events, log(), { inSync, diskLosses, uncleanEnds: but2 }))).toEqual(['lost']);
  });

  it('are broken promises without an unclean election', () => {
    expect(rules(history(events, log(), { inSync: inSync.slice(0, 4), diskLosses, uncleanEnds }))).toEqual(['lost']);
  });

  it('are nobody’s fault once no disk holds it, though an ISR was left', () => {
    const all = [...diskLosses, end(6, 2), end(7, 3)];
    const report = checkHistory(history(events, log(), { inSync, diskLosses: all, uncleanEnds }));
    expect(report.violations).toEqual([]);
    expect(report.counts).toMatchObject({ lostGivenUp: 0, lostExcused: 1 });
  });

  it('that a topic’s unclean election took are told, and only of that topic', () => {
    const unclean = { inSync: [fact(0, 1, false, 1, 2), fact(6, 3, true, 3)], diskLosses: [], uncleanEnds: [] };
    expect(rules(history(events, log(), unclean))).toEqual(['lost']);
    const report = checkHistory(history(events, log(), { ...unclean, uncleanTopics: ['orders'] }));
    expect(report.violations).toEqual([]);
    expect(report.counts.lostToUnclean).toBe(1);
  });
});

describe('topics beside the plain ones', () => {
  const deleted = { type: 'recordsDeleted', startMs: 1, atMs: 2, ...orders, lowWatermark: 5 } as const;
  const begins = (logStartOffset: number): HistoryEvent => ({ ...read([], 10), logStartOffset }) as HistoryEvent;
  const inSync = (eligibleOnly: number[]) => [{ ...orders, atMs: 0, leader: 2, inSyncReplicas: [2, 1], eligibleOnly }];

  it('a log’s start stays where DeleteRecords was told', () => {
    expect(rules(history([deleted, begins(4)], log()))).toEqual(['log-start-fell']);
    expect(rules(history([deleted, begins(5)], log()))).toEqual([]);
    expect(rules(history([deleted, begins(4)], log(), { inSync: inSync([]) }))).toEqual(['log-start-fell']);
  });

  it('but on a replica that was away then', () => {
    expect(rules(history([deleted, begins(4)], log(), { inSync: inSync([1]) }))).toEqual([]);
  });

  it('the latest of each key outlives compaction', () => {
    const keyed = (number: number, offset: number, key: string) => ({ ...acknowledged(number, offset), key });
    const events = [sent(0), sent(1), sent(2), keyed(0, 0, 'a'), keyed(1, 1, 'a'), keyed(2, 2, 'b')];
    const compacted = (...records: StoredRecord[]): FinalLog => ({ ...log(...records), isCompacted: true });
    const [first, second, third] = [
      { ...stored(0, 0), key: 'a' },
      { ...stored(1, 1), key: 'a' },
      { ...stored(2, 2), key: 'b' },
    ];
    expect(rules(history(events as HistoryEvent[], compacted(second, third)))).toEqual([]);
    expect(rules(history(events as HistoryEvent[], compacted(first, third)))).toEqual(['latest-of-key-lost']);
    expect(rules(history(events as HistoryEvent[], compacted(second)))).toEqual(['latest-of-key-lost']);
  });

  it('a partition has one owner an epoch', () => {
    const owned = (member: string, epoch: number): HistoryEvent => ({
      type: 'owned',
      atMs: 1,
      ...orders,
      group: 'g',
      member,
      epoch,
    });
    expect(rules(history([owned('a', 1), owned('a', 1), owned('b', 2)], log()))).toEqual([]);
    expect(rules(history([owned('a', 1), owned('b', 1)], log()))).toEqual(['owned-twice']);
  });
});

it('a record names itself in its value', () => {
  expect(nameFromText(`${nameToText({ producer: 'p', number: 12 })}padding`)).toEqual({ producer: 'p', number: 12 });
  expect(nameFromText('something else')).toBeNull();
});
