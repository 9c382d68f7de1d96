// Reads whole partitions from the first offset to the high watermark, as any client could: what the logs hold in the
// end, against which the verdict counts.

import type { ClusterClient } from '../../cluster/cluster-client.ts';
import { ClusterError } from '../../cluster/cluster-error.ts';
import { ErrorCode, errorName } from '../../protocol/errors.ts';
import { fetchApi } from '../../protocol/messages/fetch.ts';
import { listOffsetsApi } from '../../protocol/messages/list-offsets.ts';
import { compressionNeededBy } from '../../records/validation.ts';
import { prepareCompression } from '../../records/compression/compression.ts';
import { batchesIn } from '../../records/record-batch.ts';
import { RecordCursor } from '../../records/record.ts';
import type { Clock } from '../../runtime/runtime.ts';
import { nameFromText, type FinalLog, type StoredRecord } from '../../workloads/history.ts';

const earliest = -2;
const latest = -1;
const partitionMaxBytes = 1 << 20;
const retryMs = 50;
/** Bytes of a value in which its name stands. */
export const nameBytesMax = 80;

/** Names of the records of a fetch answer from `fromOffset` on, control batches left out; where to go on. */
export async function readNames(
  records: Buffer,
  fromOffset: number,
): Promise<{ names: StoredRecord[]; nextOffset: number }> {
  const codec = compressionNeededBy(records);
  if (codec !== null) await prepareCompression(codec);
  const names: StoredRecord[] = [];
  let nextOffset = fromOffset;
  for (const batch of batchesIn(records)) {
    nextOffset = Math.max(nextOffset, batch.lastOffset + 1);
    if (batch.isControl) continue;
    const cursor = new RecordCursor(batch);
    while (cursor.next()) {
      if (cursor.offset < fromOffset) continue;
      const name = nameFromText(cursor.value()?.toString('latin1', 0, nameBytesMax) ?? '');
      if (name !== null) names.push({ ...name, offset: cursor.offset, leaderEpoch: batch.partitionLeaderEpoch });
    }
  }
  return { names, nextOffset };
}

/** Throws ClusterError when a partition can't be read to its end before the deadline. */
export async function readBack(
  client: ClusterClient,
  clock: Clock,
  topics: readonly string[],
  deadlineMs: number,
): Promise<FinalLog[]> {
  const logs: FinalLog[] = [];
  await client.refresh(topics);
  for (const topic of topics) {
    const partitionCount = client.topic(topic)?.partitions.length ?? 0;
    for (let partition = 0; partition < partitionCount; partition++) {
      logs.push(await readPartition({ client, clock, topic, partition, deadlineMs }));
    }
  }
  return logs;
}

type Place = {
  readonly client: ClusterClient;
  readonly clock: Clock;
  readonly topic: string;
  readonly partition: number;
  readonly deadlineMs: number;
};

async function readPartition(place: Place): Promise<FinalLog> {
  const { topic, partition } = place;
  const logStartOffset = await retried(place, (leader) => offsetAt(place, leader, earliest));
  const highWatermark = await retried(place, (leader) => offsetAt(place, leader, latest));
  const records: StoredRecord[] = [];
  let offset = logStartOffset;
  while (offset < highWatermark) {
    const fetched = await retried(place, (leader) => fetchFrom(place, leader, offset));
    const { names, nextOffset } = await readNames(fetched, offset);
    if (nextOffset === offset) throw unreadable(place, `nothing at offset ${offset}`);
    for (const name of names) if (name.offset < highWatermark) records.push(name);
    offset = nextOffset;
  }
  return { topic, partition, logStartOffset, highWatermark, isCompacted: false, records };
}

async function retried<T>(place: Place, ask: (leader: number) => Promise<T>): Promise<T> {
  const { client, clock, topic, partition, deadlineMs } = place;
  for (;;) {
    try {
      return await ask(client.leaderOf(topic, partition));
    } catch (error) {
      if (clock.monotonicMs() >= deadlineMs)
        throw unreadable(place, error instanceof Error ? error.message : '', error);
    }
    await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + retryMs, resolve));
    await client.refresh([topic]).catch(() => undefined);
  }
}

async function offsetAt({ client, topic, partition }: Place, leader: number, timestamp: number): Promise<number> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }];
  const answer = await client.send(leader, listOffsetsApi, { replicaId: -1, topics });
  const found = answer.topics[0]?.partitions[0];
  requireOk(found?.errorCode);
  return found?.offset ?? 0;
}

async function fetchFrom({ client, topic, partition }: Place, leader: number, fetchOffset: number): Promise<Buffer> {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes }];
  const topicId = client.topic(topic)?.topicId ?? '';
  const answer = await client.send(leader, fetchApi, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: partitionMaxBytes,
    topics: [{ topic, topicId, partitions }],
  });
  const part = answer.responses[0]?.partitions[0];
  requireOk(answer.errorCode);
  requireOk(part?.errorCode);
  return part?.records ?? Buffer.alloc(0);
}

function requireOk(errorCode: number | undefined): void {
  const code = errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
  if (code !== ErrorCode.NONE) throw new Error(errorName(code));
}

function unreadable({ topic, partition }: Place, why: string, cause?: unknown): ClusterError {
  return new ClusterError('UNREADABLE', `${topic}-${partition} could not be read back: ${why}`, null, cause);
}
