// OffsetCommit, versions 2 to 10. KIP-211 (no retention time from 5), 320 (leader epochs), 345 (static members),
// 848 (member epochs), 516 (topic ids from 10).

import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { OffsetCommitRequest, OffsetCommitResponse } from '../../protocol/messages/offset-commit.ts';
import type { Writable } from '../../protocol/schema.ts';
import { zeroUuid } from '../../protocol/uuid.ts';

type Topic = OffsetCommitRequest['topics'][number];
type TopicAnswer = NonNullable<Writable<OffsetCommitResponse>['topics']>[number];

const topicIdsFrom = 10;

export function createOffsetCommitHandler({
  groups,
  image,
}: {
  readonly groups: GroupCoordinator;
  readonly image: () => MetadataImage;
}): Handler<OffsetCommitRequest, Writable<OffsetCommitResponse>> {
  return (context, request) => {
    const known: Topic[] = [];
    const refused: TopicAnswer[] = [];
    const usesIds = context.apiVersion >= topicIdsFrom;
    for (const topic of request.topics) sortOut(topic, image(), usesIds, known, refused);
    if (known.length === 0) return { topics: refused };
    const answer = groups.commitOffsets(request, known, context.apiVersion);
    const merge = (response: Writable<OffsetCommitResponse>): Writable<OffsetCommitResponse> => ({
      ...response,
      topics: merged(refused, response.topics ?? []),
    });
    return answer instanceof Promise ? answer.then(merge) : merge(answer);
  };
}

/** Partitions that exist go on to the group, with the topic's name and id; the others are answered here. */
function sortOut(topic: Topic, image: MetadataImage, usesIds: boolean, known: Topic[], refused: TopicAnswer[]): void {
  const { topics } = image;
  const found = usesIds ? topics.byId.get(topic.topicId) : topics.byName.get(topic.name);
  const name = found?.name ?? topic.name;
  const topicId = found?.id ?? (usesIds ? topic.topicId : zeroUuid);
  const missingCode =
    found === undefined && usesIds ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  const isThere = (index: number): boolean => found?.partitions.has(index) === true;
  const there = topic.partitions.filter(({ partitionIndex }) => isThere(partitionIndex));
  const missing = topic.partitions.filter(({ partitionIndex }) => !isThere(partitionIndex));
  if (there.length > 0) known.push({ ...topic, name, topicId, partitions: there });
  if (missing.length === 0 && topic.partitions.length > 0) return;
  const partitions = missing.map(({ partitionIndex }) => ({ partitionIndex, errorCode: missingCode }));
  refused.push({ name, topicId, partitions });
}

/** A topic of which some partitions were refused and others not appears once. */
function merged(refused: readonly TopicAnswer[], answered: readonly TopicAnswer[]): TopicAnswer[] {
  const rest = [...answered];
  const topics = refused.map((topic) => {
    const index = rest.findIndex(({ name, topicId }) => name === topic.name && topicId === topic.topicId);
    const same = index < 0 ? undefined : rest.splice(index, 1)[0];
    return { ...topic, partitions: [...(topic.partitions ?? []), ...(same?.partitions ?? [])] };
  });
  return [...topics, ...rest];
}
