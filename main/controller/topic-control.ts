// Creating and deleting topics and adding partitions. Pure; messages are Kafka's, since people and tools read them.

import { ErrorCode } from '../protocol/errors.ts';
import type { CreatePartitionsRequest, CreatePartitionsResponse } from '../protocol/messages/create-partitions.ts';
import type { CreateTopicsRequest, CreateTopicsResponse } from '../protocol/messages/create-topics.ts';
import type { DeleteTopicsRequest, DeleteTopicsResponse } from '../protocol/messages/delete-topics.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { randomUuid, zeroUuid } from '../protocol/uuid.ts';
import { metadataTopicName, toLeaderEpoch, toTopicId, type TopicId } from '../core/ids.ts';
import { ConfigResourceType } from '../metadata/settings-image.ts';
import { describeTopicConfigs } from '../metadata/configs/described-configs.ts';
import { partitionToRecord, type PartitionRegistration } from '../metadata/topics-image.ts';
import { defaultDirectory, isActiveBroker } from './cluster-facts.ts';
import { newResourceConfigs } from './configuration-control.ts';
import {
  ApiError,
  attempt,
  recordsPerRequestMax,
  refuseTooManyRecords,
  type ControllerView,
  type Decision,
} from './decision.ts';
import { placeReplicas, type UsableBroker } from './replica-placement.ts';
import { collisionName, hasCollisionChars, topicNameError } from './topic-names.ts';

type CreatableTopic = CreateTopicsRequest['topics'][number];
type TopicResult = CreateTopicsResponse['topics'][number];

const unknownTopicMessage = 'This server does not host this topic-partition.';
const unknownTopicIdMessage = 'This server does not host this topic ID.';

function duplicates(names: readonly (string | null)[]): Set<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const name of names) {
    if (name === null) continue;
    if (seen.has(name)) twice.add(name);
    seen.add(name);
  }
  return twice;
}

export function createTopics(view: ControllerView, request: CreateTopicsRequest): Decision<CreateTopicsResponse> {
  const records: MetadataRecord[] = [];
  const repeated = duplicates(request.topics.map((topic) => topic.name));
  const results: TopicResult[] = [];
  const answered = new Set<string>();
  /** Names made by this very request collide as well. */
  const made: string[] = [];
  for (const topic of request.topics) {
    if (answered.has(topic.name)) continue;
    answered.add(topic.name);
    if (repeated.has(topic.name)) {
      results.push(failedTopic(topic.name, ErrorCode.INVALID_REQUEST, 'Duplicate topic name.'));
      continue;
    }
    const error = attempt(() => {
      const created = createTopic(view, topic, made);
      records.push(...created.records);
      results.push(created.result);
      made.push(topic.name);
    });
    if (error.errorCode !== ErrorCode.NONE) results.push(failedTopic(topic.name, error.errorCode, error.errorMessage));
  }
  refuseTooManyRecords(records.length);
  return { records: request.validateOnly ? [] : records, response: { throttleTimeMs: 0, topics: results } };
}

function failedTopic(name: string, errorCode: number, errorMessage: string | null): TopicResult {
  return {
    name,
    topicId: zeroUuid,
    errorCode,
    errorMessage,
    topicConfigErrorCode: 0,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
  };
}

function checkNewName(view: ControllerView, name: string, made: readonly string[]): void {
  if (name === metadataTopicName) {
    throw new ApiError(ErrorCode.INVALID_REQUEST, `Creation of internal topic ${metadataTopicName} is prohibited.`);
  }
  const error = topicNameError(name);
  if (error !== null) throw new ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, error);
  if (view.image.topics.byName.has(name)) {
    throw new ApiError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  }
  if (!hasCollisionChars(name)) return;
  const wanted = collisionName(name);
  for (const other of [...view.image.topics.byName.keys(), ...made]) {
    if (hasCollisionChars(other) && collisionName(other) === wanted) {
      throw new ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${other}`);
    }
  }
}

function createTopic(
  view: ControllerView,
  topic: CreatableTopic,
  made: readonly string[],
): { readonly records: MetadataRecord[]; readonly result: TopicResult } {
  checkNewName(view, topic.name, made);
  const configs = new Map<string, string>();
  const withoutValue: string[] = [];
  for (const { name, value } of topic.configs) {
    if (value === null) withoutValue.push(name);
    else configs.set(name, value);
  }
  if (withoutValue.length > 0) {
    const names = withoutValue.join(',');
    throw new ApiError(ErrorCode.INVALID_CONFIG, `Null value not supported for topic configs: ${names}`);
  }
  const configRecords = newResourceConfigs(view, { type: ConfigResourceType.TOPIC, name: topic.name }, configs);
  const partitions = topic.assignments.length > 0 ? assignedPartitions(view, topic) : placedPartitions(view, topic);
  view.useMutations?.(partitions.length);
  const topicId = toTopicId(randomUuid(view.random));
  const records: MetadataRecord[] = [
    { name: 'TopicRecord', version: 0, value: { name: topic.name, topicId } },
    ...configRecords,
    ...partitions.map((partition, index) => partitionToRecord(topicId, index, partition)),
  ];
  const result: TopicResult = {
    name: topic.name,
    topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    topicConfigErrorCode: ErrorCode.NONE,
    numPartitions: partitions.length,
    replicationFactor: partitions[0]?.replicas.length ?? 0,
    configs: describeTopicConfigs(configs, view.settings.layers(view.image)).map((config) => ({
      name: config.name,
      value: config.value,
      readOnly: false,
      configSource: config.source,
      isSensitive: false,
    })),
  };
  return { records, result };
}

function newPartition(
  view: ControllerView,
  replicas: readonly number[],
  isr: readonly number[],
): PartitionRegistration {
  const [leader] = isr;
  if (leader === undefined) throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, 'A new partition needs a leader.');
  return {
    replicas,
    directories: replicas.map((brokerId) => defaultDirectory(view, brokerId)),
    inSyncReplicas: isr,
    eligibleLeaderReplicas: [],
    lastKnownEligibleLeaders: [],
    removingReplicas: [],
    addingReplicas: [],
    leader,
    leaderRecoveryState: 0,
    leaderEpoch: toLeaderEpoch(0),
    partitionEpoch: 0,
  };
}

/** Refuses a list of replicas that somebody chose by hand. */
export function checkAssignment(
  view: ControllerView,
  replicas: readonly number[],
  replicationFactor: number | null,
): void {
  const refuse = (message: string): never => {
    throw new ApiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message);
  };
  if (replicas.length === 0) refuse('The manual partition assignment includes an empty replica list.');
  let previous: number | null = null;
  for (const id of [...replicas].sort((a, b) => a - b)) {
    if (!view.image.cluster.brokers.has(id)) {
      refuse(`The manual partition assignment includes broker ${id}, but no such broker is registered.`);
    }
    if (id === previous) refuse(`The manual partition assignment includes the broker ${id} more than once.`);
    previous = id;
  }
  if (replicationFactor !== null && replicas.length !== replicationFactor) {
    refuse(
      `The manual partition assignment includes a partition with ${replicas.length} replica(s), but this is not ` +
        `consistent with previous partitions, which have ${replicationFactor} replica(s).`,
    );
  }
}

function partitionByHand(
  view: ControllerView,
  replicas: readonly number[],
  replicationFactor: number | null,
  index: number,
): PartitionRegistration {
  checkAssignment(view, replicas, replicationFactor);
  const isr = replicas.filter((id) => isActiveBroker(view, id));
  if (isr.length === 0) {
    throw new ApiError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `All brokers specified in the manual partition assignment for partition ${index} are fenced or in controlled shutdown.`,
    );
  }
  return newPartition(view, replicas, isr);
}

function assignedPartitions(view: ControllerView, topic: CreatableTopic): PartitionRegistration[] {
  const refuse = (code: number, message: string): never => {
    throw new ApiError(code, message);
  };
  if (topic.replicationFactor !== -1) {
    refuse(
      ErrorCode.INVALID_REQUEST,
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    );
  }
  if (topic.numPartitions !== -1) {
    refuse(
      ErrorCode.INVALID_REQUEST,
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    );
  }
  const partitions = new Map<number, PartitionRegistration>();
  let replicationFactor: number | null = null;
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (partitions.has(partitionIndex)) {
      refuse(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Found multiple manual partition assignments for partition ${partitionIndex}`,
      );
    }
    partitions.set(partitionIndex, partitionByHand(view, brokerIds, replicationFactor, partitionIndex));
    replicationFactor = brokerIds.length;
  }
  return Array.from({ length: partitions.size }, (_, index) => {
    const partition = partitions.get(index);
    return (
      partition ??
      refuse(ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'partitions should be a consecutive 0-based integer sequence')
    );
  });
}

function usableBrokers(view: ControllerView): UsableBroker[] {
  const brokers: UsableBroker[] = [];
  for (const broker of view.image.cluster.brokers.values()) {
    const cordoned = broker.cordonedDirectories ?? [];
    const isCordoned = broker.directories.length > 0 && broker.directories.every((each) => cordoned.includes(each));
    // A broker in controlled shutdown is about to be fenced: it must not get the first replica either.
    const isFenced = broker.isFenced || broker.inControlledShutdown;
    if (!isCordoned) brokers.push({ id: broker.id, rack: broker.rack, isFenced });
  }
  return brokers;
}

function placed(view: ControllerView, partitionCount: number, replicationFactor: number): PartitionRegistration[] {
  const placements = placeReplicas(usableBrokers(view), partitionCount, replicationFactor, view.random);
  return placements.map((replicas) => {
    const isr = replicas.filter((id) => isActiveBroker(view, id));
    if (isr.length === 0) {
      throw new ApiError(
        ErrorCode.INVALID_REPLICATION_FACTOR,
        'All brokers are currently fenced or in controlled shutdown.',
      );
    }
    return newPartition(view, replicas, isr);
  });
}

function refuseTooManyPartitions(count: number): void {
  if (count > recordsPerRequestMax) {
    throw new ApiError(ErrorCode.POLICY_VIOLATION, 'Excessively large number of partitions per request.');
  }
}

function placedPartitions(view: ControllerView, topic: CreatableTopic): PartitionRegistration[] {
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
    throw new ApiError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    );
  }
  if (topic.numPartitions < -1 || topic.numPartitions === 0) {
    throw new ApiError(ErrorCode.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.');
  }
  const count = topic.numPartitions === -1 ? view.settings.number('num.partitions') : topic.numPartitions;
  const factor =
    topic.replicationFactor === -1 ? view.settings.number('default.replication.factor') : topic.replicationFactor;
  refuseTooManyPartitions(count);
  try {
    return placed(view, count, factor);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new ApiError(error.code, `Unable to replicate the partition ${factor} time(s): ${error.message}`);
  }
}

type DeletionResult = DeleteTopicsResponse['responses'][number];

export function deleteTopics(
  view: ControllerView,
  request: DeleteTopicsRequest,
  apiVersion: number,
): Decision<DeleteTopicsResponse> {
  if (!view.settings.boolean('delete.topic.enable')) {
    const code = apiVersion < 3 ? ErrorCode.INVALID_REQUEST : ErrorCode.TOPIC_DELETION_DISABLED;
    throw new ApiError(code, 'Topic deletion is disabled.');
  }
  const wanted = apiVersion >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: zeroUuid }));
  const repeatedNames = duplicates(wanted.map((topic) => topic.name));
  const repeatedIds = duplicates(wanted.map((topic) => (topic.topicId === zeroUuid ? null : topic.topicId)));
  const ids = new Set<TopicId>();
  const responses = new Map<string, DeletionResult>();
  for (const { name, topicId } of wanted) {
    const key = `${name ?? ''}/${topicId}`;
    let found = { name, topicId };
    const error = attempt(() => {
      found = findTopic(view, name, topicId, repeatedNames, repeatedIds);
      // Named once by name and once by id: the second finds it taken.
      if (ids.has(toTopicId(found.topicId))) throw new ApiError(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.');
      view.useMutations?.(view.image.topics.byId.get(found.topicId)?.partitions.size ?? 0);
      ids.add(toTopicId(found.topicId));
    });
    responses.set(key, { ...found, ...error });
  }
  const records = [...ids].map((topicId): MetadataRecord => ({
    name: 'RemoveTopicRecord',
    version: 0,
    value: { topicId },
  }));
  refuseTooManyRecords(records.length);
  return { records, response: { throttleTimeMs: 0, responses: [...responses.values()] } };
}

function findTopic(
  view: ControllerView,
  name: string | null,
  topicId: string,
  repeatedNames: ReadonlySet<string>,
  repeatedIds: ReadonlySet<string>,
): { readonly name: string | null; readonly topicId: string } {
  const invalid = (message: string): ApiError => new ApiError(ErrorCode.INVALID_REQUEST, message);
  if (name === null) {
    if (topicId === zeroUuid) throw invalid('Neither topic name nor id were specified.');
    if (repeatedIds.has(topicId)) throw invalid('Duplicate topic id.');
    const topic = view.image.topics.byId.get(topicId);
    if (topic === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_ID, unknownTopicIdMessage);
    return { name: topic.name, topicId };
  }
  if (topicId !== zeroUuid) throw invalid('You may not specify both topic name and topic id.');
  if (repeatedNames.has(name)) throw invalid('Duplicate topic name.');
  const topic = view.image.topics.byName.get(name);
  if (topic === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, unknownTopicMessage);
  return { name, topicId: topic.id };
}

export function createPartitions(
  view: ControllerView,
  request: CreatePartitionsRequest,
): Decision<CreatePartitionsResponse> {
  const records: MetadataRecord[] = [];
  const repeated = duplicates(request.topics.map((topic) => topic.name));
  const names = new Set<string>();
  const results: { name: string; errorCode: number; errorMessage: string | null }[] = [];
  for (const topic of request.topics) {
    if (names.has(topic.name)) continue;
    names.add(topic.name);
    const error = attempt(() => {
      if (repeated.has(topic.name)) throw new ApiError(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.');
      records.push(...addedPartitions(view, topic));
    });
    results.push({ name: topic.name, ...error });
  }
  refuseTooManyRecords(records.length);
  return { records: request.validateOnly ? [] : records, response: { throttleTimeMs: 0, results } };
}

function addedPartitions(view: ControllerView, request: CreatePartitionsRequest['topics'][number]): MetadataRecord[] {
  const topic = view.image.topics.byName.get(request.name);
  if (topic === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, unknownTopicMessage);
  const present = topic.partitions.size;
  if (request.count === present) {
    throw new ApiError(ErrorCode.INVALID_PARTITIONS, `Topic already has ${present} partition(s).`);
  }
  if (request.count < present) {
    throw new ApiError(
      ErrorCode.INVALID_PARTITIONS,
      `The topic ${request.name} currently has ${present} partition(s); ${request.count} would not be an increase.`,
    );
  }
  const additional = request.count - present;
  refuseTooManyPartitions(additional);
  view.useMutations?.(additional);
  const factor = topic.partitions.get(0)?.replicas.length ?? 1;
  const { assignments } = request;
  if (assignments !== null && assignments.length !== additional) {
    throw new ApiError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Attempted to add ${additional} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
    );
  }
  const partitions =
    assignments === null
      ? placed(view, additional, factor)
      : assignments.map(({ brokerIds }, index) => partitionByHand(view, brokerIds, factor, present + index));
  return partitions.map((partition, index) => partitionToRecord(topic.id, present + index, partition));
}
