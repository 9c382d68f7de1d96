// The transaction coordinator on a log in memory: fencing, epochs, the two transaction versions, markers, moves.

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../protocol/errors.ts';
import { TransactionHarness, type Producer } from './transactions.test-kit.ts';

const soon = 200;
const fenced = { errorCode: ErrorCode.PRODUCER_FENCED };
const invalidState = { errorCode: ErrorCode.INVALID_TXN_STATE };
const concurrent = { errorCode: ErrorCode.CONCURRENT_TRANSACTIONS };
const fine = { errorCode: ErrorCode.NONE };

/** An open transaction on one partition. */
async function withOpenTransaction(version = 2): Promise<{ harness: TransactionHarness; producer: Producer }> {
  const harness = await TransactionHarness.create();
  const producer = await harness.init();
  expect(await harness.add(producer, 'orders', 0, version)).toBe(ErrorCode.NONE);
  return { harness, producer };
}

describe('InitProducerId', () => {
  it('gives a producer id once, and the next epoch to each producer after the first', async () => {
    const harness = await TransactionHarness.create();
    expect(await harness.init()).toEqual({ ...fine, producerId: 1000, producerEpoch: 0 });
    expect(await harness.init()).toEqual({ ...fine, producerId: 1000, producerEpoch: 1 });
    expect(await harness.init(null, 60_000, 'other')).toEqual({ ...fine, producerId: 1001, producerEpoch: 0 });
  });

  it('refuses a time-out beyond the limit and an empty id', async () => {
    const harness = await TransactionHarness.create();
    expect(await harness.init(null, 900_001)).toMatchObject({ errorCode: ErrorCode.INVALID_TRANSACTION_TIMEOUT });
    expect(await harness.init(null, 0)).toMatchObject({ errorCode: ErrorCode.INVALID_TRANSACTION_TIMEOUT });
    expect(await harness.init(null, 1000, '')).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
  });

  it('by a producer that has one bumps its epoch, also when the answer was lost, and fences all others', async () => {
    const harness = await TransactionHarness.create();
    const first = await harness.init();
    const second = await harness.init(first);
    expect(second).toMatchObject({ producerEpoch: 1 });
    expect(await harness.init(first)).toMatchObject({ ...fine, producerEpoch: 1 });
    await harness.init();
    expect(await harness.init(second)).toMatchObject(fenced);
    expect(await harness.init({ producerId: 7, producerEpoch: 0 })).toMatchObject(fenced);
  });

  it('aborts an open transaction first; the old producer is fenced from then on', async () => {
    const { harness, producer } = await withOpenTransaction();
    expect(await harness.init()).toMatchObject(concurrent);
    await harness.world.runFor(soon);
    expect(harness.markers).toEqual(['ABORT orders-0 by 1000/1 v2']);
    expect(await harness.init()).toMatchObject({ ...fine, producerEpoch: 2 });
    expect(await harness.add(producer)).toBe(ErrorCode.PRODUCER_FENCED);
    expect(await harness.end(producer, true)).toMatchObject(fenced);
  });

  it('takes a new producer id when the epochs are used up', async () => {
    const harness = await TransactionHarness.create();
    const { producerId } = await harness.init();
    const last = { producerId, producerEpoch: 0x7ffe };
    harness.writeEpoch(last.producerEpoch);
    await harness.failOver();
    expect(await harness.add(last)).toBe(ErrorCode.NONE);
    expect(await harness.end(last, true)).toMatchObject({ ...fine, producerId: 1000, producerEpoch: 0x7fff });
    await harness.world.runFor(soon);
    expect(harness.markers.at(-1)).toBe('COMMIT orders-0 by 1000/32767 v2');
    expect(harness.states().at(-1)).toMatchObject({ producerId: 1001, producerEpoch: 0, previousProducerId: 1000 });
    // The same end again: its answer was lost.
    expect(await harness.end(last, true)).toMatchObject({ ...fine, producerId: 1001, producerEpoch: 0 });
  });
});

describe('EndTxn of version 2', () => {
  it('bumps the epoch, writes markers with the bumped one, and answers a repeated request alike', async () => {
    const { harness, producer } = await withOpenTransaction();
    expect(await harness.end(producer, true)).toEqual({ ...fine, producerId: 1000, producerEpoch: 1 });
    await harness.world.runFor(soon);
    expect(harness.markers).toEqual(['COMMIT orders-0 by 1000/1 v2']);
    expect(await harness.state()).toBe('CompleteCommit');
    expect(await harness.end(producer, true)).toEqual({ ...fine, producerId: 1000, producerEpoch: 1 });
    expect(await harness.end(producer, false)).toMatchObject(invalidState);
    const next = { producerId: 1000, producerEpoch: 1 };
    expect(await harness.end(next, true)).toMatchObject(invalidState);
    expect(await harness.end(next, false)).toMatchObject({ ...fine, producerEpoch: 2 });
    await harness.world.runFor(soon);
    expect(await harness.state()).toBe('CompleteAbort');
    expect(harness.markers).toHaveLength(1);
  });

  it('without a transaction may abort and not commit', async () => {
    const harness = await TransactionHarness.create();
    const producer = await harness.init();
    expect(await harness.end(producer, true)).toMatchObject(invalidState);
    expect(await harness.end(producer, false)).toMatchObject({ ...fine, producerEpoch: 1 });
  });

  it('while the last transaction is being completed asks to come back, whatever the epoch', async () => {
    const { harness, producer } = await withOpenTransaction();
    harness.leader = null;
    await harness.end(producer, true);
    expect(await harness.end({ ...producer, producerEpoch: 1 }, false)).toMatchObject(concurrent);
    expect(await harness.end(producer, true)).toMatchObject(concurrent);
    expect(await harness.add({ ...producer, producerEpoch: 1 })).toBe(ErrorCode.CONCURRENT_TRANSACTIONS);
    expect(await harness.init()).toMatchObject(concurrent);
    harness.leader = 2;
    await harness.world.runFor(soon);
    expect(await harness.end({ ...producer, producerEpoch: 1 }, false)).toMatchObject(fine);
  });

  it('of a stranger says what is wrong', async () => {
    const { harness, producer } = await withOpenTransaction();
    const mapping = { errorCode: ErrorCode.INVALID_PRODUCER_ID_MAPPING };
    expect(await harness.end({ ...producer, producerId: 7 }, true)).toMatchObject(mapping);
    expect(await harness.end({ ...producer, producerEpoch: 5 }, true)).toMatchObject(fenced);
    expect(await harness.add(producer, 'orders', 0, 2, 'unknown')).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  });
});

describe('EndTxn of version 1', () => {
  it('keeps the epoch, and a repeated request must say the same', async () => {
    const { harness, producer } = await withOpenTransaction(0);
    expect(await harness.end(producer, true, 0)).toMatchObject(fine);
    await harness.world.runFor(soon);
    expect(harness.markers).toEqual(['COMMIT orders-0 by 1000/0 v0']);
    expect(await harness.end(producer, true, 0)).toMatchObject(fine);
    expect(await harness.end(producer, false, 0)).toMatchObject(invalidState);
    expect(await harness.add(producer, 'orders', 1, 0)).toBe(ErrorCode.NONE);
    expect(await harness.end(producer, false, 0)).toMatchObject(fine);
    await harness.world.runFor(soon);
    expect(harness.markers.at(-1)).toBe('ABORT orders-1 by 1000/0 v0');
  });

  it('without a transaction is refused', async () => {
    const harness = await TransactionHarness.create();
    const producer = await harness.init();
    expect(await harness.end(producer, false, 0)).toMatchObject(invalidState);
  });
});

describe('markers', () => {
  it.each([ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_ENOUGH_REPLICAS, null])(
    'are written again after %s',
    async (code) => {
      const { harness, producer } = await withOpenTransaction();
      harness.markerCode = code;
      expect(await harness.end(producer, true)).toMatchObject(fine);
      await harness.world.runFor(soon);
      expect(await harness.state()).toBe('PrepareCommit');
      harness.markerCode = ErrorCode.NONE;
      await harness.world.runFor(soon);
      expect(await harness.state()).toBe('CompleteCommit');
    },
  );

  it('to partitions that were deleted are not waited for', async () => {
    const { harness, producer } = await withOpenTransaction();
    harness.leader = 'gone';
    await harness.end(producer, true);
    await harness.world.runFor(soon);
    expect(await harness.state()).toBe('CompleteCommit');
    expect(harness.markers).toEqual([]);
  });

  it('of a coordinator that a newer one has fenced are given up', async () => {
    const { harness, producer } = await withOpenTransaction();
    harness.markerCode = ErrorCode.TRANSACTION_COORDINATOR_FENCED;
    await harness.end(producer, true);
    await harness.world.runFor(soon);
    const count = harness.markers.length;
    harness.markerCode = ErrorCode.NONE;
    await harness.world.runFor(1000);
    expect(harness.markers).toHaveLength(count);
  });

  it('are written by the next coordinator when the decision is in the log', async () => {
    const { harness, producer } = await withOpenTransaction();
    harness.markerCode = null;
    await harness.end(producer, true);
    harness.markerCode = ErrorCode.NONE;
    await harness.failOver();
    await harness.world.runFor(soon);
    expect(harness.markers).toEqual(['COMMIT orders-0 by 1000/1 v2']);
    expect(await harness.state()).toBe('CompleteCommit');
  });

  it('wait for the commit of the decision, also at a coordinator that has loaded it', async () => {
    const { harness, producer } = await withOpenTransaction();
    harness.log.commitsAtOnce = false;
    const committed = harness.log.highWatermark;
    const request = { transactionalId: 'id', ...producer, committed: true };
    void harness.coordinator.endTransaction(request, 2);
    await harness.world.runFor(soon);
    expect(harness.log.logEndOffset).toBe(committed + 1);
    expect(harness.markers).toEqual([]);
    await harness.failOver();
    await harness.world.runFor(soon);
    expect(harness.markers).toEqual([]);
    harness.log.commitsAtOnce = true;
    harness.log.commit();
    await harness.world.runFor(soon);
    expect(harness.markers).toEqual(['COMMIT orders-0 by 1000/1 v2']);
  });

  it('are never written for a decision that the next leader does not have', async () => {
    const { harness, producer } = await withOpenTransaction();
    harness.log.commitsAtOnce = false;
    const kept = harness.log.logEndOffset;
    void harness.coordinator.endTransaction({ transactionalId: 'id', ...producer, committed: true }, 2);
    await harness.world.runFor(soon);
    harness.log.commitsAtOnce = true;
    await harness.failOver(kept);
    await harness.world.runFor(soon);
    expect(harness.markers).toEqual([]);
    expect(await harness.end(producer, false)).toMatchObject(fine);
    await harness.world.runFor(soon);
    expect(harness.markers).toEqual(['ABORT orders-0 by 1000/1 v2']);
  });
});

describe('on its own', () => {
  it('aborts what is open for longer than its time-out, and fences the producer', async () => {
    const harness = await TransactionHarness.create();
    const producer = await harness.init(null, 2000);
    await harness.add(producer);
    await harness.world.runFor(1500);
    expect(await harness.state()).toBe('Ongoing');
    await harness.world.runFor(2000);
    expect(await harness.state()).toBe('CompleteAbort');
    expect(harness.markers).toEqual(['ABORT orders-0 by 1000/1 v2']);
    // As in Kafka: one below the stored epoch counts as the end that was repeated.
    expect(await harness.end(producer, true)).toMatchObject(invalidState);
    expect(await harness.add(producer)).toBe(ErrorCode.PRODUCER_FENCED);
  });

  it('below version 2 fences with a bumped epoch as well', async () => {
    const harness = await TransactionHarness.create();
    harness.transactionVersion = 0;
    const producer = await harness.init(null, 1000);
    await harness.add(producer, 'orders', 0, 0);
    await harness.world.runFor(3000);
    expect(harness.markers).toEqual(['ABORT orders-0 by 1000/1 v0']);
    expect(await harness.end(producer, true, 0)).toMatchObject(fenced);
  });

  it('forgets ids that were not used for long', async () => {
    const harness = await TransactionHarness.create({
      'transactional.id.expiration.ms': '5000',
      'transaction.remove.expired.transaction.cleanup.interval.ms': '1000',
    });
    await harness.init();
    const { producerId, producerEpoch } = await harness.init(null, 60_000, 'open');
    await harness.add({ producerId, producerEpoch }, 'orders', 0, 2, 'open');
    await harness.world.runFor(10_000);
    expect(harness.list().ids).toEqual(['open']);
    expect(await harness.init()).toMatchObject({ producerEpoch: 0 });
    await harness.failOver();
    expect(harness.list().ids?.sort()).toEqual(['id', 'open']);
  });

  it('takes back a step that the log does not take', async () => {
    const { harness, producer } = await withOpenTransaction();
    harness.log.appendError = ErrorCode.NOT_ENOUGH_REPLICAS;
    expect(await harness.end(producer, true)).toEqual({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE });
    harness.log.appendError = null;
    expect(await harness.state()).toBe('Ongoing');
    expect(await harness.end(producer, true)).toMatchObject({ ...fine, producerEpoch: 1 });
  });
});

describe('verification', () => {
  it('knows the partitions of an open transaction, and who has it', async () => {
    const { harness, producer } = await withOpenTransaction();
    const ask = (change: object) =>
      harness.world.settle(harness.coordinator.verify({ transactionalId: 'id', ...producer, ...change }));
    expect(await ask({})).toMatchObject({ partitions: new Map([['orders', new Set([0])]]) });
    expect(await ask({ producerEpoch: 4 })).toMatchObject(fenced);
    expect(await ask({ producerId: 4 })).toMatchObject({ errorCode: ErrorCode.INVALID_PRODUCER_ID_MAPPING });
  });
});

describe('ListTransactions', () => {
  it('filters by state, producer, duration and pattern', async () => {
    const harness = await TransactionHarness.create();
    const producer = await harness.init(null, 60_000, 'shop-1');
    await harness.init(null, 60_000, 'stock-2');
    await harness.add(producer, 'orders', 0, 2, 'shop-1');
    await harness.world.runFor(5000);
    expect(harness.list().ids).toEqual(['shop-1', 'stock-2']);
    expect(harness.list({ stateFilters: ['Ongoing', 'Sleeping'] })).toEqual({
      ...fine,
      unknownStateFilters: ['Sleeping'],
      ids: ['shop-1'],
    });
    expect(harness.list({ stateFilters: ['Sleeping'] }).ids).toEqual([]);
    expect(harness.list({ producerIdFilters: [1001] }).ids).toEqual(['stock-2']);
    expect(harness.list({ durationFilter: 60_000_000 }).ids).toEqual(['stock-2']);
    expect(harness.list({ transactionalIdPattern: 's(h|t)op-.*' }).ids).toEqual(['shop-1']);
    expect(harness.list({ transactionalIdPattern: 'shop' }).ids).toEqual([]);
    expect(harness.list({ transactionalIdPattern: '(' })).toMatchObject({
      errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION,
    });
  });
});
