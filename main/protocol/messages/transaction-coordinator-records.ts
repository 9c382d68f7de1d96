// Key and value of `__transaction_state`. Framing: coordinator-record-frame.ts.

import { array, int16, int32, int64, int8, record, string, type DecodedOf } from '../schema.ts';
import { CoordinatorRecordFamily } from '../coordinator-record-frame.ts';

export const transactionLogKey = record({
  name: 'TransactionLogKey',
  key: 0,
  versions: '0',
  flexible: 'none',
  fields: {
    transactionalId: string('0'),
  },
});
export type TransactionLogKey = DecodedOf<typeof transactionLogKey>;

export const transactionLogValue = record({
  name: 'TransactionLogValue',
  key: 0,
  versions: '0-1',
  flexible: '1+',
  fields: {
    producerId: int64('0+'),
    previousProducerId: int64('1+', { tagged: '1+', tag: 0, default: -1 }),
    nextProducerId: int64('1+', { tagged: '1+', tag: 1, default: -1 }),
    producerEpoch: int16('0+'),
    nextProducerEpoch: int16('1+', { tagged: '1+', tag: 3, default: -1 }),
    transactionTimeoutMs: int32('0+'),
    transactionStatus: int8('0+'),
    transactionPartitions: array(
      '0+',
      {
        topic: string('0+'),
        partitionIds: array('0+', 'int32'),
      },
      { nullable: '0+' },
    ),
    transactionLastUpdateTimestampMs: int64('0+'),
    transactionStartTimestampMs: int64('0+'),
    clientTransactionVersion: int16('1+', { tagged: '1+', tag: 2 }),
  },
});
export type TransactionLogValue = DecodedOf<typeof transactionLogValue>;

/** One record of the log, told apart by its name; a null value is a tombstone (valueVersion −1). */
export type TransactionCoordinatorRecord = {
  readonly name: 'TransactionLog';
  readonly key: TransactionLogKey;
  readonly valueVersion: number;
  readonly value: TransactionLogValue | null;
};

/** Key and value of each record type, in order of its number. */
export const transactionCoordinatorRecords = new CoordinatorRecordFamily<TransactionCoordinatorRecord>([
  { name: 'TransactionLog', key: transactionLogKey, value: transactionLogValue },
]);
