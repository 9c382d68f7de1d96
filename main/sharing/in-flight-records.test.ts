// What members of a share group are given, and what becomes of it.

import { beforeEach, describe, expect, it } from 'vitest';
import { InFlightRecords, type AcknowledgeType, type Change } from './in-flight-records.ts';

const limits = { deliveryCountLimit: 5, recordLocksMax: 200 };
const terms = { deliveryCountLimit: 5, renewedUntilMs: 2000 };
const lockedUntilMs = 1000;

let records: InFlightRecords;

beforeEach(() => {
  records = new InFlightRecords();
  records.load(0, []);
});

/** Reads `count` batches of `size` records from where the next ones begin. */
function give(
  memberId: string,
  options: { count?: number; size?: number; recordsMax?: number; isStrict?: boolean } = {},
) {
  const { count = 1, size = 10, recordsMax = 100, isStrict = false } = options;
  const fetchOffset = records.nextFetchOffset;
  const base = Math.floor(fetchOffset / size) * size;
  const batches = Array.from({ length: count }, (_, index) => ({
    firstOffset: base + index * size,
    lastOffset: base + (index + 1) * size - 1,
  }));
  const wanted = { memberId, lockedUntilMs, fetchOffset, batches, recordsMax, rowRecords: recordsMax, isStrict };
  return records.acquire(wanted, limits);
}

function say(memberId: string, firstOffset: number, lastOffset: number, ...types: AcknowledgeType[]) {
  const change: Change = { id: Symbol(memberId) };
  const stored = records.acknowledge(memberId, [{ firstOffset, lastOffset, types }], change, terms);
  return { change, stored };
}

/** Says it, and the share coordinator has it. */
function settle(memberId: string, firstOffset: number, lastOffset: number, ...types: AcknowledgeType[]): void {
  const { change, stored } = say(memberId, firstOffset, lastOffset, ...types);
  expect(stored).toBeInstanceOf(Array);
  records.complete(change, true, 0, limits.deliveryCountLimit);
}

describe('giving', () => {
  it('two members get different records', () => {
    expect(give('a')).toEqual([{ firstOffset: 0, lastOffset: 9, deliveryCount: 1 }]);
    expect(give('b')).toEqual([{ firstOffset: 10, lastOffset: 19, deliveryCount: 1 }]);
  });

  it('more records than asked for come only to make a batch whole', () => {
    expect(give('a', { count: 3, recordsMax: 12 })).toEqual([{ firstOffset: 0, lastOffset: 19, deliveryCount: 1 }]);
  });

  it('a strict member never gets more than it asked for', () => {
    expect(give('a', { count: 3, recordsMax: 12, isStrict: true })).toEqual([
      { firstOffset: 0, lastOffset: 11, deliveryCount: 1 },
    ]);
    expect(records.nextFetchOffset).toBe(12);
  });

  it('stops when as many records are in flight as may be', () => {
    give('a', { count: 20, recordsMax: 500 });
    expect(records.canAcquire(limits)).toBe(false);
    expect(give('b')).toEqual([]);
    settle('a', 0, 9, 'accept');
    expect(records.canAcquire(limits)).toBe(true);
  });

  it('rows end at batches once they are long enough', () => {
    const batches = [0, 10, 20].map((firstOffset) => ({ firstOffset, lastOffset: firstOffset + 9 }));
    const wanted = {
      memberId: 'a',
      lockedUntilMs,
      fetchOffset: 0,
      batches,
      recordsMax: 100,
      rowRecords: 15,
      isStrict: false,
    };
    expect(records.acquire(wanted, limits)).toEqual([
      { firstOffset: 0, lastOffset: 19, deliveryCount: 1 },
      { firstOffset: 20, lastOffset: 29, deliveryCount: 1 },
    ]);
  });

  it('records that were compacted away are passed over', () => {
    const batches = [{ firstOffset: 7, lastOffset: 9 }];
    const wanted = {
      memberId: 'a',
      lockedUntilMs,
      fetchOffset: 0,
      batches,
      recordsMax: 100,
      rowRecords: 100,
      isStrict: false,
    };
    expect(records.acquire(wanted, limits)).toEqual([{ firstOffset: 7, lastOffset: 9, deliveryCount: 1 }]);
    settle('a', 7, 9, 'accept');
    expect(records.startOffset).toBe(10);
  });
});

describe('what members say', () => {
  it('accepted records move the start on, but only without a gap', () => {
    give('a', { count: 3 });
    settle('a', 10, 19, 'accept');
    expect(records.startOffset).toBe(0);
    expect(records.deliveryCompleteCount).toBe(10);
    settle('a', 0, 9, 'reject');
    expect(records.startOffset).toBe(20);
    expect(records.deliveryCompleteCount).toBe(0);
  });

  it('a released record is given again, with one more delivery', () => {
    give('a');
    settle('a', 3, 3, 'release');
    expect(records.nextFetchOffset).toBe(3);
    expect(give('b')).toEqual([{ firstOffset: 3, lastOffset: 3, deliveryCount: 2 }]);
  });

  it('offsets of one batch may fare differently', () => {
    give('a', { size: 4 });
    settle('a', 0, 3, 'accept', 'release', 'gap', 'reject');
    expect(records.startOffset).toBe(1);
    expect(records.deliveryCompleteCount).toBe(2);
    expect(give('b', { size: 4 })).toEqual([{ firstOffset: 1, lastOffset: 1, deliveryCount: 2 }]);
  });

  it('whoever holds a record not speaks of it in vain', () => {
    give('a');
    expect(say('b', 0, 9, 'accept').stored).toBe('not-owner');
    settle('a', 0, 4, 'accept');
    expect(say('a', 5, 12, 'accept').stored).toBe('past-last');
    expect(say('a', 20, 22, 'accept').stored).toBe('past-first');
    settle('a', 5, 9, 'release');
    expect(say('a', 5, 9, 'accept').stored).toBe('not-acquired');
  });

  it('nothing changes when one of several batches is refused', () => {
    give('a');
    const batches = [
      { firstOffset: 0, lastOffset: 4, types: ['accept'] },
      { firstOffset: 5, lastOffset: 99, types: ['accept'] },
    ] as const;
    expect(records.acknowledge('a', batches, { id: Symbol('x') }, terms)).toBe('past-last');
    settle('a', 0, 9, 'accept');
  });

  it('until it is stored nobody else may touch it, and it is as before when it can not be', () => {
    give('a');
    const { change } = say('a', 0, 9, 'accept');
    expect(say('a', 0, 9, 'accept').stored).toBe('in-change');
    expect(records.startOffset).toBe(0);
    records.complete(change, false, 0, limits.deliveryCountLimit);
    settle('a', 0, 9, 'accept');
    expect(records.startOffset).toBe(10);
  });

  it('what could not be stored is free when the hold ended meanwhile', () => {
    give('a');
    const { change } = say('a', 0, 9, 'accept');
    records.complete(change, false, lockedUntilMs, limits.deliveryCountLimit);
    expect(give('b')).toEqual([{ firstOffset: 0, lastOffset: 9, deliveryCount: 2 }]);
  });

  it('a record that failed as often as it may is given up', () => {
    for (let delivery = 1; delivery <= limits.deliveryCountLimit; delivery++) {
      expect(give('a', { size: 1 })).toEqual([{ firstOffset: 0, lastOffset: 0, deliveryCount: delivery }]);
      settle('a', 0, 0, 'release');
    }
    expect(records.startOffset).toBe(1);
  });

  it('records that failed often come in ever smaller numbers, and alone before the last time', () => {
    give('a', { size: 16 });
    const numbers: number[] = [];
    for (let delivery = 2; delivery <= limits.deliveryCountLimit; delivery++) {
      settle('a', 0, numbers.length === 0 ? 15 : (numbers.at(-1) ?? 0) - 1, 'release');
      const [first] = give('a', { size: 16 });
      numbers.push((first?.lastOffset ?? 0) + 1);
    }
    expect(numbers).toEqual([16, 16, 8, 1]);
  });
});

describe('holds', () => {
  it('records whose hold has ended are free', () => {
    give('a');
    expect(records.nextUnlockMs).toBe(lockedUntilMs);
    expect(records.expire(lockedUntilMs - 1, 5)).toEqual([]);
    expect(records.expire(lockedUntilMs, 5)).toEqual([
      { firstOffset: 0, lastOffset: 9, deliveryState: 0, deliveryCount: 1 },
    ]);
    expect(records.nextUnlockMs).toBeNull();
    expect(records.nextFetchOffset).toBe(0);
  });

  it('a renewed hold lasts longer', () => {
    give('a');
    settle('a', 0, 4, 'renew');
    expect(records.expire(lockedUntilMs, 5)).toEqual([
      { firstOffset: 5, lastOffset: 9, deliveryState: 0, deliveryCount: 1 },
    ]);
    expect(records.nextUnlockMs).toBe(terms.renewedUntilMs);
  });

  it('a member that goes leaves its records to the others', () => {
    give('a');
    give('b');
    const change: Change = { id: Symbol('gone') };
    expect(records.release('a', change, 5)).toHaveLength(1);
    records.complete(change, true, 0, 5);
    expect(records.nextFetchOffset).toBe(0);
    settle('b', 10, 19, 'accept');
  });
});

describe('at another leader', () => {
  it('goes on from what was stored; gaps were never given to anyone', () => {
    records.load(5, [
      { firstOffset: 5, lastOffset: 7, deliveryState: 2, deliveryCount: 1 },
      { firstOffset: 10, lastOffset: 12, deliveryState: 0, deliveryCount: 2 },
      { firstOffset: 15, lastOffset: 15, deliveryState: 4, deliveryCount: 5 },
    ]);
    expect(records.startOffset).toBe(8);
    expect(records.nextOffset).toBe(16);
    expect(records.deliveryCompleteCount).toBe(1);
    const batches = [{ firstOffset: 8, lastOffset: 19 }];
    const wanted = {
      memberId: 'a',
      lockedUntilMs,
      fetchOffset: 8,
      batches,
      recordsMax: 100,
      rowRecords: 100,
      isStrict: false,
    };
    expect(records.acquire(wanted, { ...limits, deliveryCountLimit: 10 })).toEqual([
      { firstOffset: 8, lastOffset: 9, deliveryCount: 1 },
      { firstOffset: 10, lastOffset: 12, deliveryCount: 3 },
      { firstOffset: 13, lastOffset: 14, deliveryCount: 1 },
      { firstOffset: 16, lastOffset: 19, deliveryCount: 1 },
    ]);
  });

  it('what retention took is not given to anyone', () => {
    give('a', { count: 2 });
    settle('a', 0, 19, 'release');
    records.startAt(15);
    expect(records.startOffset).toBe(15);
    expect(records.nextFetchOffset).toBe(15);
    records.startAt(40);
    expect(records.nextOffset).toBe(40);
  });
});
