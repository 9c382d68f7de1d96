// Partitions of `__transaction_state` that Apache Kafka wrote: every record of theirs is what we would have written.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readTarGz } from '../../../tests/conformance/log/tar.ts';
import { transactionCoordinatorRecords } from '../../protocol/messages/transaction-coordinator-records.ts';
import { batchesIn } from '../../records/record-batch.ts';
import { recordsOf } from '../../records/record.ts';
import {
  completed,
  isPrepared,
  newTransactionalId,
  prepared,
  withNextEpoch,
  withPartitions,
  type TransactionMetadata,
} from './transaction-metadata.ts';
import { metadataOf, transactionRecord } from './transaction-records.ts';
import { TransactionHarness } from './transactions.test-kit.ts';

const logs = readTarGz(readFileSync('tests/conformance/vectors/datadir/clean-node-1.tar.gz')).filter(
  ({ name, bytes }) => name.includes('/__transaction_state-') && name.endsWith('.log') && bytes.length > 0,
);

/** The step that leads from `before` to a record with these fields. */
function step(before: TransactionMetadata | null, next: TransactionMetadata): TransactionMetadata {
  const { transactionalId, producerId, timeoutMs, lastUpdateMs: nowMs, clientVersion, nextProducerId } = next;
  const known = before ?? newTransactionalId(transactionalId, producerId, timeoutMs, nowMs);
  if (next.state === 'Empty') return withNextEpoch(known, timeoutMs, null, nowMs);
  if (next.state === 'Ongoing') return withPartitions(known, next.partitions, clientVersion, nowMs);
  if (!isPrepared(next)) return completed(known, nowMs);
  const type = next.state === 'PrepareCommit' ? 'COMMIT' : 'ABORT';
  return prepared(known, { type, transactionVersion: clientVersion, nextProducerId, nowMs });
}

it('every record follows from the one before, byte for byte', () => {
  const latest = new Map<string, TransactionMetadata>();
  let count = 0;
  for (const { bytes } of logs) {
    for (const batch of batchesIn(bytes)) {
      for (const { key, value } of recordsOf(batch)) {
        const record = key === null ? null : transactionCoordinatorRecords.decode(key, value);
        const theirs = record === null ? null : metadataOf(record);
        if (theirs === null) throw new Error('Kafka left a record that is none');
        const ours = step(latest.get(theirs.transactionalId) ?? null, theirs);
        const encoded = transactionCoordinatorRecords.encode(transactionRecord(ours, 2));
        expect(encoded.key.toString('hex')).toBe(key?.toString('hex'));
        expect(encoded.value?.toString('hex'), `${theirs.transactionalId} ${theirs.state}`).toBe(
          value?.toString('hex'),
        );
        latest.set(theirs.transactionalId, theirs);
        count++;
      }
    }
  }
  expect(count).toBeGreaterThan(10);
});

it('a coordinator takes them over', async () => {
  for (const { bytes } of logs) {
    const harness = new TransactionHarness();
    harness.log.restore(bytes);
    harness.elect();
    await harness.world.runFor(1);
    const ids = harness.list().ids ?? [];
    expect(ids.length).toBeGreaterThan(0);
    const [transactionalId = ''] = ids;
    expect(await harness.init(null, 60_000, transactionalId)).toMatchObject({ errorCode: 0 });
  }
});
