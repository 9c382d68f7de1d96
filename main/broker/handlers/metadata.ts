// Metadata (3), versions 0-13. KIP-112 (offline replicas), KIP-320 (leader epochs), KIP-516 (topic ids), KIP-1102
// (rebootstrap: only the field). The controller that clients are told is a broker, as always with KRaft: requests for
// the controller are forwarded by any.

import type { RequestContext } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { MetadataRequest, MetadataResponse } from '../../protocol/messages/metadata.ts';
import type { Writable } from '../../protocol/schema.ts';
import { zeroUuid } from '../../protocol/uuid.ts';
import type { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { TopicImage } from '../../metadata/topics-image.ts';
import { topicNameError } from '../../controller/topic-names.ts';
import type { AutoTopicCreation } from '../auto-topic-creation.ts';
import { clusterOperations, operationsNotAsked, topicOperations } from './authorized-operations.ts';
import { isInternalTopic } from '../../metadata/internal-topics.ts';
import { aliveNodes, partitionView, type NodeView, type PartitionViewOptions } from './partition-views.ts';

export type MetadataHandlerOptions = {
  readonly image: () => MetadataImage;
  readonly settings: BrokerSettings;
  readonly clusterId: string;
  readonly nodeId: number;
  readonly activeController: () => number | null;
  readonly autoTopicCreation: AutoTopicCreation;
};

type Topic = Writable<MetadataResponse['topics'][number]>;

export function createMetadataHandler(options: MetadataHandlerOptions) {
  return (context: RequestContext, request: MetadataRequest): Writable<MetadataResponse> => {
    const image = options.image();
    const { apiVersion, listenerName } = context;
    const brokers = aliveNodes(image, listenerName);
    const view = {
      listenerName,
      hidesUnavailable: apiVersion === 0,
      knowsListenerError: apiVersion >= 6,
    };
    const asksOperations = apiVersion >= 8 && request.includeTopicAuthorizedOperations;
    const describe = (topic: TopicImage): Topic => describeTopic(image, topic, view, asksOperations);
    return {
      brokers,
      clusterId: options.clusterId,
      controllerId: controllerFor(options, brokers),
      topics: requestedTopics(options, image, request, apiVersion, describe),
      // A field that only some versions have must not be set in the others.
      ...(apiVersion >= 8 && apiVersion <= 10 && request.includeClusterAuthorizedOperations
        ? { clusterAuthorizedOperations: clusterOperations }
        : {}),
    };
  };
}

function controllerFor(options: MetadataHandlerOptions, brokers: readonly NodeView[]): number {
  const active = options.activeController();
  if (brokers.some((broker) => broker.nodeId === active)) return active ?? -1;
  return brokers.some((broker) => broker.nodeId === options.nodeId) ? options.nodeId : (brokers[0]?.nodeId ?? -1);
}

function requestedTopics(
  options: MetadataHandlerOptions,
  image: MetadataImage,
  request: MetadataRequest,
  apiVersion: number,
  describe: (topic: TopicImage) => Topic,
): Topic[] {
  const { topics } = request;
  // Version 0 asks for all with an empty list, the others with null.
  if (topics === null || (apiVersion === 0 && topics.length === 0))
    return [...image.topics.byName.values()].map(describe);
  const answers: Topic[] = [];
  const missing: string[] = [];
  const named = new Set<string>();
  for (const { name, topicId } of topics) {
    if (topicId !== zeroUuid || name === null) {
      answers.push(topicById(image, topicId, apiVersion, describe));
      continue;
    }
    if (named.has(name)) continue;
    named.add(name);
    const topic = image.topics.byName.get(name);
    if (topic === undefined) missing.push(name);
    else answers.push(describe(topic));
  }
  return [...answers, ...missingTopics(options, request, missing)];
}

function topicById(
  image: MetadataImage,
  topicId: string,
  apiVersion: number,
  describe: (topic: TopicImage) => Topic,
): Topic {
  // Ids are read from version 10 on, and honoured from 12 on.
  if (apiVersion < 12) return { errorCode: ErrorCode.INVALID_REQUEST, name: '', topicId };
  const topic = image.topics.byId.get(topicId);
  return topic === undefined ? { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId } : describe(topic);
}

function missingTopics(options: MetadataHandlerOptions, request: MetadataRequest, names: readonly string[]): Topic[] {
  if (names.length === 0) return [];
  const creates = request.allowAutoTopicCreation && options.settings.boolean('auto.create.topics.enable');
  const errors = creates ? options.autoTopicCreation.request(names) : null;
  return names.map((name) => {
    const isValid = topicNameError(name) === null;
    const refusal = isValid ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION;
    return { errorCode: errors?.get(name) ?? refusal, name, isInternal: isInternalTopic(name) };
  });
}

function describeTopic(
  image: MetadataImage,
  topic: TopicImage,
  view: PartitionViewOptions,
  asksOperations: boolean,
): Topic {
  const partitions = [...topic.partitions].map(([index, partition]) => partitionView(image, index, partition, view));
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions,
    topicAuthorizedOperations: asksOperations ? topicOperations : operationsNotAsked,
  };
}
