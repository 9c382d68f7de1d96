// Leaders and ISRs after something happened to a broker, and elections that somebody asks for. Pure.

import { ErrorCode } from '../protocol/errors.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import type { ElectLeadersRequest, ElectLeadersResponse } from '../protocol/messages/elect-leaders.ts';
import { hasPreferredLeader, noLeader, type PartitionRegistration, type TopicImage } from '../metadata/topics-image.ts';
import {
  defaultDirectory,
  effectiveMinInSyncReplicas,
  isActiveBroker,
  isElrEnabled,
  isUncleanElectionEnabled,
  leaderAcceptor,
} from './cluster-facts.ts';
import { ApiError, noError, type ControllerView, type Decision, type PartError } from './decision.ts';
import { partitionChange, type PartitionChangeOptions } from './partition-change.ts';

/** What happened; brokers by id. */
export type BrokerEvent = {
  /** No longer in any ISR, and no leader. */
  readonly removed?: number;
  /** May lead from now on, though the image still has it as fenced. */
  readonly added?: number;
  /** May have lost what it had: out of every ISR and ELR. */
  readonly uncleanShutdown?: number;
};

/** What every change of a partition needs to know; callers add what they aim at. */
export function changeBasis(
  view: ControllerView,
  topic: TopicImage,
  partitionId: number,
  partition: PartitionRegistration,
): PartitionChangeOptions {
  return {
    topicId: topic.id,
    partitionId,
    partition,
    isAcceptableLeader: leaderAcceptor(view, partition),
    minInSyncReplicas: effectiveMinInSyncReplicas(view, topic),
    isElrEnabled: isElrEnabled(view),
    defaultDirectory: (brokerId) => defaultDirectory(view, brokerId),
  };
}

/** All partitions of the cluster, topic by topic. */
export function* allPartitions(view: ControllerView): Generator<readonly [TopicImage, number, PartitionRegistration]> {
  for (const topic of view.image.topics.byId.values()) {
    for (const [index, partition] of topic.partitions) yield [topic, index, partition];
  }
}

function isAffected(partition: PartitionRegistration, event: BrokerEvent): boolean {
  const { removed, added, uncleanShutdown } = event;
  if (removed !== undefined && partition.inSyncReplicas.includes(removed)) return true;
  if (added !== undefined && partition.leader === noLeader) return true;
  if (uncleanShutdown === undefined) return false;
  return (
    partition.inSyncReplicas.includes(uncleanShutdown) || partition.eligibleLeaderReplicas.includes(uncleanShutdown)
  );
}

/** New leaders and ISRs for all partitions that the event concerns. */
export function leadershipChanges(
  view: ControllerView,
  event: BrokerEvent,
  isConcerned: (topic: TopicImage, partition: PartitionRegistration) => boolean = () => true,
): MetadataRecord[] {
  const { removed, added, uncleanShutdown } = event;
  const isAlive = (brokerId: number): boolean =>
    brokerId !== removed && brokerId !== uncleanShutdown && (brokerId === added || isActiveBroker(view, brokerId));
  const records: MetadataRecord[] = [];
  for (const [topic, index, partition] of allPartitions(view)) {
    if (!isAffected(partition, event) || !isConcerned(topic, partition)) continue;
    const record = partitionChange({
      ...changeBasis(view, topic, index, partition),
      isAcceptableLeader: leaderAcceptor(view, partition, isAlive),
      election: isUncleanElectionEnabled(view, topic.name) ? 'unclean' : 'online',
      inSyncReplicas: partition.inSyncReplicas.filter((id) => id !== removed && id !== uncleanShutdown),
      uncleanShutdownReplicas: uncleanShutdown === undefined ? [] : [uncleanShutdown],
    });
    if (record !== null) records.push(record);
  }
  return records;
}

const preferredElection = 0;
const uncleanElection = 1;

export function electLeaders(view: ControllerView, request: ElectLeadersRequest): Decision<ElectLeadersResponse> {
  const { electionType } = request;
  if (electionType !== preferredElection && electionType !== uncleanElection) {
    throw new ApiError(ErrorCode.INVALID_REQUEST, `Unknown election type ${electionType}`);
  }
  const records: MetadataRecord[] = [];
  const elect = (topic: string, partition: number): PartError => {
    const outcome = electLeader(view, topic, partition, electionType === uncleanElection);
    if (outcome.record !== null) records.push(outcome.record);
    return outcome.error;
  };
  const results: { topic: string; partitionResult: ({ partitionId: number } & PartError)[] }[] = [];
  if (request.topicPartitions === null) {
    for (const topic of view.image.topics.byName.values()) {
      const partitionResult = [...topic.partitions.keys()]
        .map((partitionId) => ({ partitionId, ...elect(topic.name, partitionId) }))
        // Asked for all: those that need none are left out.
        .filter((result) => result.errorCode !== ErrorCode.ELECTION_NOT_NEEDED);
      results.push({ topic: topic.name, partitionResult });
    }
  } else {
    for (const { topic, partitions } of request.topicPartitions) {
      const partitionResult = partitions.map((partitionId) => ({ partitionId, ...elect(topic, partitionId) }));
      results.push({ topic, partitionResult });
    }
  }
  return { records, response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, replicaElectionResults: results } };
}

type ElectionOutcome = { readonly record: MetadataRecord | null; readonly error: PartError };

function refusal(errorCode: number, errorMessage: string): ElectionOutcome {
  return { record: null, error: { errorCode, errorMessage } };
}

function electLeader(view: ControllerView, name: string, index: number, isUnclean: boolean): ElectionOutcome {
  const topic = view.image.topics.byName.get(name);
  if (topic === undefined) return refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `No such topic as ${name}`);
  const partition = topic.partitions.get(index);
  if (partition === undefined) {
    return refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${name}-${index}`);
  }
  const isNeeded = isUnclean ? partition.leader === noLeader : !hasPreferredLeader(partition);
  if (!isNeeded) {
    return refusal(ErrorCode.ELECTION_NOT_NEEDED, 'Leader election not needed for topic partition.');
  }
  const election = isUnclean ? 'unclean' : 'preferred';
  const record = partitionChange({ ...changeBasis(view, topic, index, partition), election });
  if (record !== null) return { record, error: noError };
  return isUnclean
    ? refusal(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, 'Eligible topic partition leaders are not available.')
    : refusal(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, 'The preferred leader was not available.');
}

/** Most elections of one periodic run (Kafka's number): the rest follows in the next. */
export const electionsPerRunMax = 1000;

/** Gives partitions back to their preferred leader where that one is in sync (`auto.leader.rebalance.enable`). */
export function balanceLeaders(view: ControllerView): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  for (const [topic, index, partition] of allPartitions(view)) {
    if (records.length >= electionsPerRunMax) break;
    if (hasPreferredLeader(partition)) continue;
    const record = partitionChange({ ...changeBasis(view, topic, index, partition), election: 'preferred' });
    if (record !== null) records.push(record);
  }
  return records;
}

/** Elects leaders from outside the ISR for offline partitions of topics that allow it. */
export function electUncleanLeaders(view: ControllerView): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  for (const [topic, index, partition] of allPartitions(view)) {
    if (records.length >= electionsPerRunMax) break;
    if (partition.leader !== noLeader || !isUncleanElectionEnabled(view, topic.name)) continue;
    const outcome = electLeader(view, topic.name, index, true);
    if (outcome.record !== null) records.push(outcome.record);
  }
  return records;
}
