// Where partitions end for readers, asked of their leaders: for the lag of share groups, whose coordinator may lead
// none of the partitions they read.

import type { PartitionEnd } from '../coordinators/group/share/share-groups.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import type { NodeConnections } from '../net/node-connections.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { listOffsetsApi } from '../protocol/messages/list-offsets.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import { NetworkError } from '../runtime/runtime.ts';

export type PartitionEndsOptions = {
  readonly nodeId: number;
  readonly image: () => MetadataImage;
  readonly replicas: ReplicaManager;
  readonly connections: NodeConnections;
};

type Asked = { readonly topic: string; readonly partition: number };

const latest = -1;
const consumerId = -1;

/** In the order of the question. */
export function partitionEnds(
  options: PartitionEndsOptions,
): (partitions: readonly Asked[]) => Promise<readonly PartitionEnd[]> {
  return (partitions) => Promise.all(partitions.map((each) => endOf(options, each)));
}

async function endOf(
  { nodeId, image, replicas, connections }: PartitionEndsOptions,
  { topic, partition }: Asked,
): Promise<PartitionEnd> {
  const registration = image().topics.byName.get(topic)?.partitions.get(partition);
  if (registration === undefined) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
  const { leader } = registration;
  if (leader < 0) return { errorCode: ErrorCode.LEADER_NOT_AVAILABLE };
  if (leader === nodeId) {
    const hosted = replicas.findByName(topic, partition);
    if (typeof hosted === 'number') return { errorCode: hosted };
    return { errorCode: ErrorCode.NONE, endOffset: hosted.log.highWatermark };
  }
  try {
    const { topics } = await connections.send(leader, listOffsetsApi, {
      replicaId: consumerId,
      isolationLevel: 0,
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp: latest }] }],
    });
    const row = topics[0]?.partitions[0];
    if (row === undefined) return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR };
    return row.errorCode === ErrorCode.NONE
      ? { errorCode: ErrorCode.NONE, endOffset: row.offset }
      : { errorCode: row.errorCode };
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    return { errorCode: ErrorCode.LEADER_NOT_AVAILABLE };
  }
}
