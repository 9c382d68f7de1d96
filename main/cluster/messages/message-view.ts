// A record as the screen gets it: bytes as base64, cut to a preview. Pure.

import type { MessageView } from '../../api/endpoints/messages.ts';
import { readControlRecord } from '../../records/control-records.ts';
import type { RecordBatch } from '../../records/record-batch.ts';
import type { StoredRecord } from '../../records/record.ts';
import { internalRecord } from './internal-records.ts';

export type MessagePlace = {
  readonly topic: string;
  readonly partition: number;
  readonly transaction: MessageView['transaction'];
};

export function messageView(
  { topic, partition, transaction }: MessagePlace,
  batch: RecordBatch,
  record: StoredRecord,
  previewBytes: number,
): MessageView {
  return {
    partition,
    offset: record.offset,
    timestamp: record.timestamp,
    timestampType: batch.timestampType,
    key: encoded(record.key, previewBytes),
    value: encoded(record.value, previewBytes),
    keyBytes: record.key?.length ?? 0,
    valueBytes: record.value?.length ?? 0,
    headers: record.headers.map(({ key, value }) => ({ key, value: encoded(value, previewBytes) })),
    batch: {
      baseOffset: batch.baseOffset,
      recordCount: batch.recordCount ?? 1,
      bytes: batch.sizeInBytes,
      compression: batch.compression,
      leaderEpoch: batch.partitionLeaderEpoch,
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      isTransactional: batch.isTransactional,
    },
    sequence: record.sequence,
    control: batch.isControl ? readControlRecord(record).type : null,
    transaction,
    internal: batch.isControl ? null : internalRecord(topic, record),
  };
}

function encoded(bytes: Buffer | null, previewBytes: number): string | null {
  if (bytes === null) return null;
  return bytes.subarray(0, Math.min(bytes.length, previewBytes)).toString('base64');
}
