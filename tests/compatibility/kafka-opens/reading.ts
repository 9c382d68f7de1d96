// Reads a partition batch by batch from its leader, whichever product that is at the moment.

import { fetchApi } from '../../../main/protocol/messages/fetch.ts';
import { batchesIn, type RecordBatch } from '../../../main/records/record-batch.ts';
import { accept, type Wire } from './wire.ts';

const chunkBytes = 1 << 20;

/** All batches in [startOffset, endOffset); each is only good until the next. */
export async function* batchesOf(
  wire: Wire,
  topic: string,
  partition: number,
  startOffset: number,
  endOffset: number,
): AsyncGenerator<RecordBatch, void, undefined> {
  let offset = startOffset;
  while (offset < endOffset) {
    for (const batch of batchesIn(await fetch(wire, topic, partition, offset))) {
      yield batch;
      offset = batch.nextOffset;
    }
  }
}

async function fetch(wire: Wire, topic: string, partition: number, fetchOffset: number): Promise<Buffer> {
  const asked = { partition, fetchOffset, partitionMaxBytes: chunkBytes };
  const body = {
    replicaId: -1,
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: chunkBytes,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic, partitions: [asked] }],
    forgottenTopicsData: [],
    rackId: '',
  };
  const answer = await wire.toLeader(topic, partition, fetchApi, 12, body, (given) => {
    accept('Fetch', given.responses[0]?.partitions[0]?.errorCode ?? -1);
    if (bytesOf(given.responses[0]?.partitions[0]?.records).length === 0) throw new Error('nothing to read yet');
  });
  return bytesOf(answer.responses[0]?.partitions[0]?.records);
}

function bytesOf(records: Uint8Array | readonly Uint8Array[] | null | undefined): Buffer {
  if (records === null || records === undefined) return Buffer.alloc(0);
  return records instanceof Uint8Array ? Buffer.from(records) : Buffer.concat(records);
}
