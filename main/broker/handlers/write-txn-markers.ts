// WriteTxnMarkers, versions 1 and 2, from transaction coordinators. KIP-98, 890 (from 2 on it says the transaction
// version). Data partitions are written as they are; the offsets topic through its coordinator, which applies the
// marker to the offsets it holds back.

import { offsetsTopic, type GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '../../protocol/messages/write-txn-markers.ts';
import type { Writable } from '../../protocol/schema.ts';
import { buildEndTransactionMarker } from '../../records/control-records.ts';
import type { AppendTarget } from '../../replication/appends.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';
import type { Clock } from '../../runtime/runtime.ts';

export type WriteTxnMarkersDependencies = {
  readonly replicas: ReplicaManager;
  readonly groups: GroupCoordinator;
  readonly clock: Pick<Clock, 'wallMs'>;
  /** How long a marker may wait for its commit. */
  readonly requestTimeoutMs: number;
};

type Marker = WriteTxnMarkersRequest['markers'][number];
type Row = { readonly topic: string; readonly partitionIndex: number; readonly errorCode: number };
type Place = { readonly topic: string; readonly partitionIndex: number };

export function createWriteTxnMarkersHandler(
  dependencies: WriteTxnMarkersDependencies,
): Handler<WriteTxnMarkersRequest, Writable<WriteTxnMarkersResponse>> {
  return async (_context, { markers }) => {
    const written = await Promise.all(markers.map((marker) => write(dependencies, marker)));
    return {
      markers: markers.map(({ producerId }, index) => ({ producerId, topics: byTopic(written[index] ?? []) })),
    };
  };
}

async function write(dependencies: WriteTxnMarkersDependencies, marker: Marker): Promise<Row[]> {
  const data: Place[] = [];
  const offsets: Place[] = [];
  for (const { name, partitionIndexes } of marker.topics) {
    for (const partitionIndex of partitionIndexes) {
      (name === offsetsTopic ? offsets : data).push({ topic: name, partitionIndex });
    }
  }
  const rows = await Promise.all([
    writeData(dependencies, marker, data),
    ...offsets.map((place) => writeOffsets(dependencies, marker, place)),
  ]);
  return rows.flat();
}

async function writeData(
  { replicas, clock, requestTimeoutMs }: WriteTxnMarkersDependencies,
  marker: Marker,
  places: readonly Place[],
): Promise<Row[]> {
  if (places.length === 0) return [];
  const { producerId, producerEpoch, coordinatorEpoch, transactionVersion } = marker;
  const type = typeOf(marker);
  const targets = places.map(({ topic, partitionIndex }): AppendTarget => {
    const found = replicas.findByName(topic, partitionIndex);
    // Offset and epoch are stamped by the log, in place: every partition needs bytes of its own.
    const records = buildEndTransactionMarker({
      producerId,
      producerEpoch,
      type,
      coordinatorEpoch,
      baseOffset: 0,
      partitionLeaderEpoch: -1,
      timestampMs: clock.wallMs(),
    });
    // A partition that is not hosted here, whatever the reason: the coordinator looks for its leader again.
    return { partition: typeof found === 'number' ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : found, records };
  });
  const terms = { acks: -1, timeoutMs: requestTimeoutMs, origin: 'coordinator', transactionVersion } as const;
  const outcomes = await replicas.appendRecords(targets, terms);
  return places.map((place, index) => ({
    ...place,
    errorCode: outcomes[index]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR,
  }));
}

async function writeOffsets({ groups }: WriteTxnMarkersDependencies, marker: Marker, place: Place): Promise<Row[]> {
  const { producerId, producerEpoch, coordinatorEpoch, transactionVersion } = marker;
  const end = { producerId, producerEpoch, type: typeOf(marker), coordinatorEpoch, transactionVersion };
  const code = await groups.endTransaction(place.partitionIndex, end);
  // The transaction coordinator knows partitions and leaders, not coordinators.
  const isElsewhere =
    code === ErrorCode.NOT_COORDINATOR ||
    code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ||
    code === ErrorCode.COORDINATOR_NOT_AVAILABLE;
  return [{ ...place, errorCode: isElsewhere ? ErrorCode.NOT_LEADER_OR_FOLLOWER : code }];
}

function typeOf({ transactionResult }: Marker): 'COMMIT' | 'ABORT' {
  return transactionResult ? 'COMMIT' : 'ABORT';
}

function byTopic(rows: readonly Row[]) {
  const topics = new Map<string, { partitionIndex: number; errorCode: number }[]>();
  for (const { topic, partitionIndex, errorCode } of rows) {
    const partitions = topics.get(topic) ?? [];
    topics.set(topic, partitions);
    partitions.push({ partitionIndex, errorCode });
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
}
