// A consumer that costs next to nothing: one connection per broker, one fetch under way on each with the sizes of
// the Java client's defaults, and of what comes only the batch headers are read.

import type { RpcClient } from '../../../main/net/rpc-client.ts';
import { errorName } from '../../../main/protocol/errors.ts';
import { fetchApi, type FetchResponse } from '../../../main/protocol/messages/fetch.ts';
import { RecordBatch, logOverheadBytes, recordBatchOverheadBytes } from '../../../main/records/record-batch.ts';
import type { Node } from '../clusters/cluster.ts';
import { connectTo, type TopicView } from '../observer.ts';

export const fetchSizes = { maxWaitMs: 500, minBytes: 1, maxBytes: 50 * 1024 * 1024, partitionMaxBytes: 1024 * 1024 };
const timeoutMs = 30_000;

export type Consumed = { readonly records: number; readonly seconds: number };

/** Reads every partition from its beginning to its end. */
export async function consumeLoad(
  view: TopicView,
  nodes: readonly Node[],
  ends: ReadonlyMap<number, number>,
): Promise<Consumed> {
  const connections = new Map<Node, RpcClient>();
  for (const node of nodes) connections.set(node, await connectTo(node, timeoutMs));
  const startedMs = performance.now();
  try {
    const counts = await Promise.all(
      [...connections].map(([node, connection]) => {
        const led = view.partitions.filter(({ leaderId }) => leaderId === node.id);
        return readAll(connection, view.topicId, new Map(led.map(({ partitionIndex }) => [partitionIndex, 0])), ends);
      }),
    );
    return { records: counts.reduce((sum, each) => sum + each, 0), seconds: (performance.now() - startedMs) / 1000 };
  } finally {
    for (const connection of connections.values()) connection.close();
  }
}

async function readAll(
  connection: RpcClient,
  topicId: string,
  positions: Map<number, number>,
  ends: ReadonlyMap<number, number>,
): Promise<number> {
  let records = 0;
  for (;;) {
    for (const [partition, position] of positions) {
      if (position >= (ends.get(partition) ?? 0)) positions.delete(partition);
    }
    if (positions.size === 0) return records;
    const answer = await fetchFrom(connection, topicId, positions);
    for (const { partitionIndex, bytes } of answer) {
      const before = positions.get(partitionIndex) ?? 0;
      const after = nextOffset(bytes, before);
      positions.set(partitionIndex, after);
      records += after - before;
    }
  }
}

export type FetchedPartition = { readonly partitionIndex: number; readonly bytes: Buffer };

/** One fetch without a session; partitions that brought nothing are left out. */
export async function fetchFrom(
  connection: RpcClient,
  topicId: string,
  positions: ReadonlyMap<number, number>,
): Promise<FetchedPartition[]> {
  const { maxWaitMs, minBytes, maxBytes, partitionMaxBytes } = fetchSizes;
  const partitions = [...positions].map(([partition, fetchOffset]) => ({ partition, fetchOffset, partitionMaxBytes }));
  const topics = [{ topicId, partitions }];
  const answer: FetchResponse = await connection.send(fetchApi, { maxWaitMs, minBytes, maxBytes, topics });
  if (answer.errorCode !== 0) throw new Error(`Fetch: ${errorName(answer.errorCode)}`);
  const fetched: FetchedPartition[] = [];
  for (const { partitionIndex, errorCode, records } of answer.responses[0]?.partitions ?? []) {
    if (errorCode !== 0) throw new Error(`Fetch of partition ${partitionIndex}: ${errorName(errorCode)}`);
    if (records !== null && records.length > 0) fetched.push({ partitionIndex, bytes: records });
  }
  return fetched;
}

/** Calls back for each whole batch; the last one may be cut off. The view is reused. */
export function forEachWholeBatch(bytes: Buffer, action: (batch: RecordBatch) => void): void {
  const batch = new RecordBatch(bytes);
  for (let at = 0; at + recordBatchOverheadBytes <= bytes.length;) {
    const size = bytes.readInt32BE(at + logOverheadBytes - 4) + logOverheadBytes;
    if (at + size > bytes.length) return;
    action(batch.moveTo(bytes, at));
    at += size;
  }
}

function nextOffset(bytes: Buffer, from: number): number {
  let next = from;
  forEachWholeBatch(bytes, (batch) => (next = batch.nextOffset));
  return next;
}
