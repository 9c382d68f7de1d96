// What the journal tells of transactions, through the coordinator's door.

import { expect, it } from 'vitest';
import { TransactionHarness } from './transactions.test-kit.ts';

const soon = 200;

async function told(harness: TransactionHarness) {
  await harness.world.runFor(soon);
  return harness.events.flatMap((entry) => (entry.kind.startsWith('transaction.') ? [entry] : []));
}

it('a transaction is told step by step, until all its markers are written', async () => {
  const harness = await TransactionHarness.create();
  const producer = await harness.init();
  await harness.add(producer, 'orders', 0);
  await harness.add(producer, 'orders', 1);
  await harness.end(producer, true);
  expect(await told(harness)).toMatchObject([
    { kind: 'transaction.began', transactionalId: 'id', partitions: [{ topic: 'orders', partitions: [0] }] },
    { kind: 'transaction.partitionsAdded', partitions: [{ topic: 'orders', partitions: [1] }] },
    { kind: 'transaction.prepared', decision: 'commit', by: 'client' },
    { kind: 'transaction.completed', decision: 'commit', partitions: [{ topic: 'orders', partitions: [0, 1] }] },
  ]);
});

it('one that its successor ends is told to be, and so is the fencing', async () => {
  const harness = await TransactionHarness.create();
  const zombie = await harness.init();
  await harness.add(zombie, 'orders', 0);
  await harness.init();
  await harness.world.runFor(soon);
  await harness.init();
  expect((await told(harness)).slice(1)).toMatchObject([
    { kind: 'transaction.prepared', decision: 'abort', by: 'successor' },
    { kind: 'transaction.completed', decision: 'abort', by: 'successor' },
    { kind: 'transaction.fenced', producerId: zombie.producerId },
  ]);
});

it('one that was open for too long is told to have been', async () => {
  const harness = await TransactionHarness.create();
  const producer = await harness.init(null, 500);
  await harness.add(producer, 'orders', 0);
  await harness.world.runFor(5000);
  expect(await told(harness)).toContainEqual(
    expect.objectContaining({ kind: 'transaction.completed', decision: 'abort', by: 'timeout' }),
  );
});

it('of many that commit only some are told, with how many were not; an abort always is', async () => {
  const harness = await TransactionHarness.create();
  let producer = await harness.init();
  const run = async (commit: boolean) => {
    await harness.add(producer, 'orders', 0);
    // Every end raises the epoch (KIP-890).
    const { producerEpoch = producer.producerEpoch } = await harness.end(producer, commit);
    producer = { ...producer, producerEpoch };
    await harness.world.runFor(10);
  };
  for (let number = 0; number < 10; number++) await run(true);
  await run(false);
  const all = await told(harness);
  expect(all.filter(({ kind }) => kind === 'transaction.began')).toHaveLength(4);
  expect(all.at(-1)).toMatchObject({ kind: 'transaction.completed', decision: 'abort', untold: 6 });
});
