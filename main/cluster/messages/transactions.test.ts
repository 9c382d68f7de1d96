import { expect, test } from 'vitest';
import { groupCoordinatorRecords } from '../../protocol/messages/group-coordinator-records.ts';
import { buildBatch } from '../../records/batch-builder.ts';
import { RecordBatch } from '../../records/record-batch.ts';
import { recordsOf } from '../../records/record.ts';
import { internalRecord } from './internal-records.ts';
import { transactionsIn } from './transactions.ts';

function batch(baseOffset: number, producerId: number, isControl = false): RecordBatch {
  const facts = {
    baseOffset,
    producerId,
    producerEpoch: 0,
    baseSequence: 0,
    isTransactional: producerId >= 0,
    isControl,
  };
  return new RecordBatch(
    buildBatch(facts, [{ key: Buffer.from([0, 0, 0, 0]), value: Buffer.from('v'), timestamp: 1 }]),
  );
}

test('a transaction is aborted from its first offset to its marker; the producer’s next one is not', () => {
  const aborted = [{ producerId: 7, firstOffset: 1 }];
  const transactions = transactionsIn({ abortedTransactions: aborted, lastStableOffset: 6 });
  const states = [
    batch(0, 8),
    batch(1, 7),
    batch(2, -1),
    batch(3, 7, true),
    batch(4, 7),
    batch(5, 8, true),
    batch(6, 9),
  ].map((each) => transactions.stateOf(each, each.lastOffset));
  expect(states).toEqual(['committed', 'aborted', 'none', 'aborted', 'committed', 'committed', 'open']);
});

test('while nobody says how transactions ended, none is called committed', () => {
  expect(transactionsIn(undefined).stateOf(batch(3, 7), 3)).toBe('open');
});

test('a committed offset is read as Kafka writes it, other bytes of that topic are left alone', () => {
  const { key, value } = groupCoordinatorRecords.encode({
    name: 'OffsetCommit',
    key: { group: 'billing', topic: 'orders', partition: 3 },
    valueVersion: 3,
    value: { offset: 42, leaderEpoch: 1, metadata: 'm', commitTimestamp: 5 },
  });
  const read = (recordKey: Buffer, recordValue: Buffer | null, topic = '__consumer_offsets') => {
    const bytes = buildBatch({}, [{ key: recordKey, value: recordValue, timestamp: 1 }]);
    const [record] = recordsOf(new RecordBatch(bytes));
    return record === undefined ? undefined : internalRecord(topic, record);
  };
  const readable = read(key, value);
  expect(JSON.parse(readable?.key ?? '')).toMatchObject({ type: 'OffsetCommit', group: 'billing', partition: 3 });
  expect(JSON.parse(readable?.value ?? '')).toMatchObject({ version: 3, offset: 42, metadata: 'm' });
  expect(read(key, null)).toMatchObject({ value: null });
  expect(read(Buffer.from('?'), value)).toBeNull();
  expect(read(key, value, 'orders')).toBeNull();
});
