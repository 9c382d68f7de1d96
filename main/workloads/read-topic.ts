// Reads a whole topic back, as a plain consumer without a group would: from each partition's leader, from its start
// to the high watermark, following leaders that move. Records are visited in place, none is kept.

import type { ClusterClient } from '../cluster/cluster-client.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import { ErrorCode, errorName, isRetriable } from '../protocol/errors.ts';
import { fetchApi, type FetchResponse } from '../protocol/messages/fetch.ts';
import { prepareCompression } from '../records/compression/compression.ts';
import { RecordCursor } from '../records/record.ts';
import { forEachBatch } from '../records/record-batch.ts';
import type { Clock } from '../runtime/runtime.ts';

export type VisitRecord = (partition: number, record: RecordCursor) => void;

const fetchBytesMax = 4 * 1_048_576;
const maxWaitMs = 500;
const retryMs = 100;
/** Without progress on a partition for so long the read is given up. */
const patienceMs = 30_000;

/** Throws ClusterError when a partition has no leader for too long. Answers the end offset of each partition. */
export async function readTopic(
  client: ClusterClient,
  clock: Clock,
  topic: string,
  visit: VisitRecord,
): Promise<readonly number[]> {
  await prepareCompression();
  await client.refresh([topic]);
  const partitions = client.topic(topic)?.partitions ?? [];
  const ends: number[] = [];
  for (const partition of partitions.keys()) {
    ends.push(await readPartition(client, clock, topic, partition, (record) => visit(partition, record)));
  }
  return ends;
}

async function readPartition(
  client: ClusterClient,
  clock: Clock,
  topic: string,
  partition: number,
  visit: (record: RecordCursor) => void,
): Promise<number> {
  let offset = 0;
  let giveUpMs = clock.monotonicMs() + patienceMs;
  let lastError = 'no leader';
  while (clock.monotonicMs() < giveUpMs) {
    const fetched = await fetchOnce(client, topic, partition, offset).catch((error: unknown) => {
      lastError = error instanceof Error ? error.message : String(error);
      return null;
    });
    if (fetched?.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && fetched.logStartOffset > offset) {
      offset = fetched.logStartOffset;
      continue;
    }
    if (fetched?.errorCode === ErrorCode.NONE) {
      const next = visitRecords(fetched.records, offset, visit);
      if (next > offset) giveUpMs = clock.monotonicMs() + patienceMs;
      offset = next;
      if (offset >= fetched.highWatermark) return offset;
      continue;
    }
    if (fetched !== null) {
      lastError = errorName(fetched.errorCode);
      if (!isRetriable(fetched.errorCode)) break;
    }
    await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + retryMs, resolve));
    await client.refresh([topic]).catch(() => undefined);
  }
  throw new ClusterError('READ_FAILED', `${topic}-${partition} could not be read from offset ${offset}: ${lastError}`);
}

type FetchedPartition = FetchResponse['responses'][number]['partitions'][number];

async function fetchOnce(
  client: ClusterClient,
  topic: string,
  partition: number,
  fetchOffset: number,
): Promise<FetchedPartition | null> {
  const leader = client.leaderOf(topic, partition);
  if (leader < 0) return null;
  const topicId = client.topic(topic)?.topicId ?? '';
  const answer = await client.send(leader, fetchApi, {
    maxWaitMs,
    minBytes: 1,
    maxBytes: fetchBytesMax,
    topics: [{ topic, topicId, partitions: [{ partition, fetchOffset, partitionMaxBytes: fetchBytesMax }] }],
  });
  return answer.responses[0]?.partitions[0] ?? null;
}

/** Visits the records from `offset` on; answers the offset to go on from. */
function visitRecords(bytes: Buffer | null, offset: number, visit: (record: RecordCursor) => void): number {
  if (bytes === null) return offset;
  let next = offset;
  let cursor: RecordCursor | null = null;
  forEachBatch(bytes, (batch) => {
    next = batch.nextOffset;
    if (batch.isControl) return;
    const records = cursor === null ? new RecordCursor(batch) : cursor.open(batch);
    cursor = records;
    while (records.next()) if (records.offset >= offset) visit(records);
  });
  return next;
}
