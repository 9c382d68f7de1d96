// DescribeTopicPartitions (75), version 0. KIP-966: partitions with their eligible leaders, page by page.

import type { RequestContext } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from '../../protocol/messages/describe-topic-partitions.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { TopicImage } from '../../metadata/topics-image.ts';
import { topicNameError } from '../../controller/topic-names.ts';
import { topicOperations } from './authorized-operations.ts';
import { isInternalTopic } from '../../metadata/internal-topics.ts';
import { partitionView } from './partition-views.ts';

type Response = Writable<DescribeTopicPartitionsResponse>;
type Topic = Writable<DescribeTopicPartitionsResponse['topics'][number]>;
type Cursor = { readonly topicName: string; readonly partitionIndex: number };

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function createDescribeTopicPartitionsHandler(deps: {
  readonly image: () => MetadataImage;
  readonly settings: BrokerSettings;
}) {
  return ({ listenerName }: RequestContext, request: DescribeTopicPartitionsRequest): Response => {
    const image = deps.image();
    const limit = deps.settings.number('max.request.partition.size.limit');
    const asksForAll = request.topics.length === 0;
    const from = request.cursor;
    const asked = asksForAll ? [...image.topics.byName.keys()] : request.topics.map((topic) => topic.name);
    const names = [...new Set(asked)].filter((name) => from === null || name >= from.topicName).sort(byName);
    return page(image, listenerName, names, from, Math.max(1, Math.min(limit, request.responsePartitionLimit)));
  };
}

function page(
  image: MetadataImage,
  listenerName: string,
  names: readonly string[],
  from: Cursor | null,
  limit: number,
): Response {
  const topics: Topic[] = [];
  let left = limit;
  for (const name of names) {
    if (left <= 0) return { topics, nextCursor: { topicName: name, partitionIndex: 0 } };
    const topic = image.topics.byName.get(name);
    if (topic === undefined) {
      const isValid = topicNameError(name) === null;
      const errorCode = isValid ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION;
      topics.push({ errorCode, name, isInternal: isInternalTopic(name) });
      continue;
    }
    const first = from?.topicName === name ? Math.max(0, from.partitionIndex) : 0;
    const indexes = [...topic.partitions.keys()].sort((a, b) => a - b).filter((index) => index >= first);
    topics.push(describeTopic(image, listenerName, topic, indexes.slice(0, left)));
    const next = indexes[left];
    if (next !== undefined) return { topics, nextCursor: { topicName: name, partitionIndex: next } };
    left -= indexes.length;
  }
  return { topics, nextCursor: null };
}

function describeTopic(
  image: MetadataImage,
  listenerName: string,
  topic: TopicImage,
  indexes: readonly number[],
): Topic {
  const view = { listenerName, hidesUnavailable: false, knowsListenerError: true };
  const partitions = indexes.flatMap((index) => {
    const partition = topic.partitions.get(index);
    if (partition === undefined) return [];
    return [
      {
        ...partitionView(image, index, partition, view),
        eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
        lastKnownElr: partition.lastKnownEligibleLeaders,
      },
    ];
  });
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions,
    topicAuthorizedOperations: topicOperations,
  };
}
