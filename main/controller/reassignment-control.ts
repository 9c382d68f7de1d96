// Moving replicas: a reassignment adds the new replicas, waits until they are in sync, then removes the old ones
// (the last step is partition-change's). Pure.

import { ErrorCode } from '../protocol/errors.ts';
import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../protocol/messages/alter-partition-reassignments.ts';
import type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../protocol/messages/list-partition-reassignments.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { isReassigning, type PartitionRegistration, type TopicImage } from '../metadata/topics-image.ts';
import { isUncleanElectionEnabled } from './cluster-facts.ts';
import { ApiError, attempt, refuseTooManyRecords, type ControllerView, type Decision } from './decision.ts';
import { changeBasis } from './leadership-control.ts';
import { partitionChange } from './partition-change.ts';
import { checkAssignment } from './topic-control.ts';

export function alterPartitionReassignments(
  view: ControllerView,
  request: AlterPartitionReassignmentsRequest,
): Decision<AlterPartitionReassignmentsResponse> {
  const records: MetadataRecord[] = [];
  const responses = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, replicas }) => ({
      partitionIndex,
      ...attempt(() => {
        const record = reassign(view, name, partitionIndex, replicas, request.allowReplicationFactorChange);
        if (record !== null) records.push(record);
      }),
    })),
  }));
  refuseTooManyRecords(records.length);
  const response = {
    throttleTimeMs: 0,
    allowReplicationFactorChange: request.allowReplicationFactorChange,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    responses,
  };
  return { records, response };
}

function reassign(
  view: ControllerView,
  name: string,
  index: number,
  replicas: readonly number[] | null,
  allowsOtherFactor: boolean,
): MetadataRecord | null {
  const topic = view.image.topics.byName.get(name);
  if (topic === undefined) {
    throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${name}.`);
  }
  const partition = topic.partitions.get(index);
  if (partition === undefined) {
    throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${name}:${index}.`);
  }
  if (replicas === null) return cancel(view, topic, index, partition);
  checkAssignment(view, replicas, null);
  const present = originalReplicas(partition).length;
  if (!allowsOtherFactor && replicas.length !== present) {
    throw new ApiError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `The replication factor is changed from ${present} to ${replicas.length}`,
    );
  }
  const ascending = (a: number, b: number): number => a - b;
  const removingReplicas = partition.replicas.filter((id) => !replicas.includes(id)).sort(ascending);
  const addingReplicas = replicas.filter((id) => !partition.replicas.includes(id)).sort(ascending);
  return partitionChange({
    ...changeBasis(view, topic, index, partition),
    replicas: [...replicas, ...removingReplicas],
    ...(removingReplicas.length > 0 ? { removingReplicas } : {}),
    ...(addingReplicas.length > 0 ? { addingReplicas } : {}),
  });
}

function originalReplicas(partition: PartitionRegistration): number[] {
  return partition.replicas.filter((id) => !partition.addingReplicas.includes(id));
}

function cancel(
  view: ControllerView,
  topic: TopicImage,
  index: number,
  partition: PartitionRegistration,
): MetadataRecord | null {
  if (!isReassigning(partition)) {
    throw new ApiError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, 'No partition reassignment is in progress.');
  }
  const replicas = originalReplicas(partition);
  const inSync = partition.inSyncReplicas.filter((id) => replicas.includes(id));
  const allowsUnclean = isUncleanElectionEnabled(view, topic.name);
  if (inSync.length === 0 && !allowsUnclean) {
    throw new ApiError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Unable to revert partition assignment for ${topic.name}:${index} because it would require an unclean leader election.`,
    );
  }
  return partitionChange({
    ...changeBasis(view, topic, index, partition),
    election: allowsUnclean ? 'unclean' : 'online',
    inSyncReplicas: inSync.length > 0 ? inSync : replicas.slice(0, 1),
    replicas,
    removingReplicas: [],
    addingReplicas: [],
  });
}

/** Reads only. */
export function listPartitionReassignments(
  view: ControllerView,
  request: ListPartitionReassignmentsRequest,
): Decision<ListPartitionReassignmentsResponse> {
  const wanted =
    request.topics ??
    [...view.image.topics.byName.values()].map((topic) => ({
      name: topic.name,
      partitionIndexes: [...topic.partitions.keys()],
    }));
  const topics = wanted
    .map(({ name, partitionIndexes }) => ({ name, partitions: ongoing(view, name, partitionIndexes) }))
    .filter((topic) => topic.partitions.length > 0);
  return {
    records: [],
    response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, topics },
  };
}

function ongoing(
  view: ControllerView,
  name: string,
  indexes: readonly number[],
): ListPartitionReassignmentsResponse['topics'][number]['partitions'][number][] {
  const topic = view.image.topics.byName.get(name);
  return indexes.flatMap((partitionIndex) => {
    const partition = topic?.partitions.get(partitionIndex);
    if (partition === undefined || !isReassigning(partition)) return [];
    const { replicas, addingReplicas, removingReplicas } = partition;
    return [{ partitionIndex, replicas, addingReplicas, removingReplicas }];
  });
}
