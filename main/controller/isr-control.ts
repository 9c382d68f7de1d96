// AlterPartition: a leader asks for another ISR. Refused unless the leader is right about its own epochs and every
// new member is alive. Pure.

import { ErrorCode } from '../protocol/errors.ts';
import type { AlterPartitionRequest, AlterPartitionResponse } from '../protocol/messages/alter-partition.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import {
  leaderUnchanged,
  mergePartition,
  type PartitionRegistration,
  type TopicImage,
} from '../metadata/topics-image.ts';
import { isUncleanElectionEnabled } from './cluster-facts.ts';
import { checkBrokerEpoch } from './cluster-control.ts';
import type { ControllerView, Decision } from './decision.ts';
import { changeBasis } from './leadership-control.ts';
import { partitionChange } from './partition-change.ts';

type RequestedPartition = AlterPartitionRequest['topics'][number]['partitions'][number];
type PartitionResult = AlterPartitionResponse['topics'][number]['partitions'][number];

export function alterPartition(
  view: ControllerView,
  request: AlterPartitionRequest,
  apiVersion: number,
): Decision<AlterPartitionResponse> {
  checkBrokerEpoch(view, request.brokerId, request.brokerEpoch);
  const records: MetadataRecord[] = [];
  const topics = request.topics.map(({ topicId, partitions }) => {
    const topic = view.image.topics.byId.get(topicId);
    const results = partitions.map((requested) => {
      if (topic === undefined) return failed(requested.partitionIndex, ErrorCode.UNKNOWN_TOPIC_ID);
      const newIsr = apiVersion >= 3 ? requested.newIsrWithEpochs : withoutEpochs(requested.newIsr);
      return alterOne(view, request.brokerId, topic, { ...requested, newIsrWithEpochs: newIsr }, records);
    });
    return { topicId, partitions: results };
  });
  return { records, response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, topics } };
}

function withoutEpochs(ids: readonly number[]): RequestedPartition['newIsrWithEpochs'] {
  return ids.map((brokerId) => ({ brokerId, brokerEpoch: -1 }));
}

function failed(partitionIndex: number, errorCode: number): PartitionResult {
  return { partitionIndex, errorCode, leaderId: 0, leaderEpoch: 0, isr: [], leaderRecoveryState: 0, partitionEpoch: 0 };
}

function alterOne(
  view: ControllerView,
  brokerId: number,
  topic: TopicImage,
  requested: RequestedPartition,
  records: MetadataRecord[],
): PartitionResult {
  const { partitionIndex } = requested;
  const partition = topic.partitions.get(partitionIndex);
  if (partition === undefined) return failed(partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const error = refusedBecause(view, brokerId, partition, requested);
  if (error !== ErrorCode.NONE) return failed(partitionIndex, error);
  const record = partitionChange({
    ...changeBasis(view, topic, partitionIndex, partition),
    election: isUncleanElectionEnabled(view, topic.name) ? 'unclean' : 'online',
    inSyncReplicas: requested.newIsrWithEpochs.map((member) => member.brokerId),
    recoveryState: requested.leaderRecoveryState === 1 ? 1 : 0,
  });
  let after = partition;
  if (record !== null && record.name === 'PartitionChangeRecord') {
    records.push(record);
    after = mergePartition(partition, record.value);
    const { leader } = record.value;
    // The change completed a reassignment that takes the leadership away: the caller must fetch metadata.
    if (leader !== leaderUnchanged && leader !== brokerId) return failed(partitionIndex, ErrorCode.NEW_LEADER_ELECTED);
  }
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    leaderId: after.leader,
    leaderEpoch: after.leaderEpoch,
    isr: after.inSyncReplicas,
    leaderRecoveryState: after.leaderRecoveryState,
    partitionEpoch: after.partitionEpoch,
  };
}

function refusedBecause(
  view: ControllerView,
  brokerId: number,
  partition: PartitionRegistration,
  requested: RequestedPartition,
): number {
  // A leader that knows more than this controller: most likely this one is no longer active.
  if (requested.leaderEpoch > partition.leaderEpoch) return ErrorCode.NOT_CONTROLLER;
  if (requested.partitionEpoch > partition.partitionEpoch) return ErrorCode.NOT_CONTROLLER;
  if (requested.leaderEpoch < partition.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
  if (brokerId !== partition.leader) return ErrorCode.INVALID_REQUEST;
  if (requested.partitionEpoch < partition.partitionEpoch) return ErrorCode.INVALID_UPDATE_VERSION;
  const newIsr = requested.newIsrWithEpochs.map((member) => member.brokerId);
  const isSubset = newIsr.every((id) => partition.replicas.includes(id)) && new Set(newIsr).size === newIsr.length;
  if (!isSubset || newIsr.length === 0 || !newIsr.includes(partition.leader)) return ErrorCode.INVALID_REQUEST;
  const isRecovering = requested.leaderRecoveryState === 1;
  if (isRecovering && (newIsr.length > 1 || partition.leaderRecoveryState === 0)) return ErrorCode.INVALID_REQUEST;
  return requested.newIsrWithEpochs.every((member) => isEligible(view, member))
    ? ErrorCode.NONE
    : ErrorCode.INELIGIBLE_REPLICA;
}

function isEligible(
  view: ControllerView,
  member: { readonly brokerId: number; readonly brokerEpoch: number },
): boolean {
  const broker = view.image.cluster.brokers.get(member.brokerId);
  if (broker === undefined || broker.isFenced || broker.inControlledShutdown) return false;
  // A restarted broker has another epoch: what its old incarnation fetched proves nothing.
  return member.brokerEpoch === -1 || member.brokerEpoch === broker.epoch;
}
