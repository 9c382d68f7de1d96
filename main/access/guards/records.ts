// Guards of the APIs for records and partitions: Produce, ListOffsets, OffsetForLeaderEpoch, DeleteRecords,
// DescribeProducers, DescribeLogDirs, and whom Fetch refuses what. As KafkaApis checks them.

import { CloseConnection } from '../../net/router.ts';
import { alterReplicaLogDirsApi } from '../../protocol/messages/alter-replica-log-dirs.ts';
import { deleteRecordsApi } from '../../protocol/messages/delete-records.ts';
import { describeLogDirsApi } from '../../protocol/messages/describe-log-dirs.ts';
import { describeProducersApi } from '../../protocol/messages/describe-producers.ts';
import type { FetchRequest } from '../../protocol/messages/fetch.ts';
import { listOffsetsApi } from '../../protocol/messages/list-offsets.ts';
import { offsetForLeaderEpochApi } from '../../protocol/messages/offset-for-leader-epoch.ts';
import { produceApi, type ProduceRequest, type ProduceResponse } from '../../protocol/messages/produce.ts';
import type { Writable } from '../../protocol/schema.ts';
import { zeroUuid } from '../../protocol/uuid.ts';
import { RecordBatch, recordBatchOverheadBytes } from '../../records/record-batch.ts';
import type { Access } from '../access.ts';
import { AclOperation } from '../acl.ts';
import { afterwards, clusterGuard, guard, refusals, split, type Asking, type GuardEntry } from './guard.ts';

const topicIdsFrom = 13;
const magicOfTransactions = 2;
const { errorCode } = refusals.topic;

export const recordGuards: readonly GuardEntry[] = [
  guard(produceApi, (access, asking, request, serve) => {
    const { transactionalId, topicData } = request;
    const mayBeTransactional =
      transactionalId === null ||
      access.transactionalId(asking, AclOperation.WRITE, transactionalId) ||
      !hasTransactionalBatches(request);
    if (!mayBeTransactional) {
      return unlessUnanswered(request, failedTopics(topicData, refusals.transactionalId.errorCode));
    }
    const { allowed, refused } = split(topicData, ({ name, topicId }) => {
      const topic = asking.apiVersion >= topicIdsFrom ? access.topicName(topicId) : name;
      // Whether an id that is not known is refused, the handler says.
      return topic === null || access.topic(asking, AclOperation.WRITE, topic);
    });
    if (refused.length === 0) return serve(request);
    const failed = failedTopics(refused, errorCode);
    if (allowed.length === 0) return unlessUnanswered(request, failed);
    const answer = serve({ ...request, topicData: allowed });
    if (request.acks === 0) return unlessUnanswered(request, failed);
    return afterwards(answer, (response) => ({ ...response, responses: [...(response.responses ?? []), ...failed] }));
  }),
  guard(listOffsetsApi, (access, asking, request, serve) => {
    const { allowed, refused } = split(request.topics, ({ name }) => access.topic(asking, AclOperation.DESCRIBE, name));
    if (refused.length === 0) return serve(request);
    const failed = refused.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, timestamp: -1, offset: -1 })),
    }));
    return afterwards(serve({ ...request, topics: allowed }), (response) => ({
      ...response,
      topics: [...(response.topics ?? []), ...failed],
    }));
  }),
  guard(offsetForLeaderEpochApi, (access, asking, request, serve) => {
    // Followers ask with the right of the cluster, consumers with that of the topic (KIP-320).
    if (access.cluster(asking, AclOperation.CLUSTER_ACTION)) return serve(request);
    const { allowed, refused } = split(request.topics, ({ topic }) =>
      access.topic(asking, AclOperation.DESCRIBE, topic),
    );
    if (refused.length === 0) return serve(request);
    const failed = refused.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ partition, errorCode })),
    }));
    return afterwards(serve({ ...request, topics: allowed }), (response) => ({
      ...response,
      topics: [...(response.topics ?? []), ...failed],
    }));
  }),
  guard(deleteRecordsApi, (access, asking, request, serve) => {
    const { allowed, refused } = split(request.topics, ({ name }) => access.topic(asking, AclOperation.DELETE, name));
    if (refused.length === 0) return serve(request);
    const failed = refused.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, lowWatermark: -1 })),
    }));
    return afterwards(serve({ ...request, topics: allowed }), (response) => ({
      ...response,
      topics: [...(response.topics ?? []), ...failed],
    }));
  }),
  guard(describeProducersApi, (access, asking, request, serve) => {
    const { allowed, refused } = split(request.topics, ({ name }) => access.topic(asking, AclOperation.READ, name));
    if (refused.length === 0) return serve(request);
    const failed = refused.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, ...refusals.topic })),
    }));
    return afterwards(serve({ ...request, topics: allowed }), (response) => ({
      ...response,
      topics: [...(response.topics ?? []), ...failed],
    }));
  }),
  // Versions before 3 have no error for the whole: an empty list, as from Kafka.
  clusterGuard(describeLogDirsApi, AclOperation.DESCRIBE, (_request, refusal) => ({
    errorCode: refusal.errorCode,
    results: [],
  })),
  clusterGuard(alterReplicaLogDirsApi, AclOperation.ALTER, (request, refusal) => ({
    results: request.dirs
      .flatMap(({ topics }) => topics)
      .map(({ name, partitions }) => ({
        topicName: name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: refusal.errorCode })),
      })),
  })),
];

/** Which partitions of a Fetch are refused, by their topic's id (zero where it is named) and name; null: none. */
export type FetchRefusal = (topicId: string, topic: string) => boolean;

/** Fetch keeps partitions between requests: it asks for each as it reads it. Followers need the right of the cluster. */
export function fetchRefusal(access: Access, asking: Asking, request: FetchRequest): FetchRefusal | null {
  if (access.mayAnything(asking)) return null;
  if (request.replicaId >= 0 || request.replicaState.replicaId >= 0) {
    return access.cluster(asking, AclOperation.CLUSTER_ACTION) ? null : () => true;
  }
  return (topicId, topic) => {
    const name = topicId === zeroUuid ? topic : access.topicName(topicId);
    return name !== null && !access.topic(asking, AclOperation.READ, name);
  };
}

type ProducedTopic = ProduceRequest['topicData'][number];
type FailedTopics = NonNullable<Writable<ProduceResponse>['responses']>;

function failedTopics(topics: readonly ProducedTopic[], code: number): FailedTopics {
  return topics.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }) => ({ index, errorCode: code, baseOffset: -1 })),
  }));
}

/** With acks=0 an error can't be told any other way than by closing. */
function unlessUnanswered({ acks }: ProduceRequest, responses: FailedTopics): Writable<ProduceResponse> {
  if (acks === 0) throw new CloseConnection('a produce request with acks=0 was not allowed; the connection is closed');
  return { responses };
}

function hasTransactionalBatches({ topicData }: ProduceRequest): boolean {
  return topicData.some(({ partitionData }) =>
    partitionData.some(({ records }) => {
      if (records === null || records.length < recordBatchOverheadBytes) return false;
      const batch = new RecordBatch(records);
      return batch.magic >= magicOfTransactions && batch.isTransactional;
    }),
  );
}
