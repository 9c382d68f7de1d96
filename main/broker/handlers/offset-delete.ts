// OffsetDelete, version 0 (KIP-496). Topics must exist to be asked about.

import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../protocol/messages/offset-delete.ts';
import type { Writable } from '../../protocol/schema.ts';

type TopicAnswers = NonNullable<Writable<OffsetDeleteResponse>['topics']>;

export function createOffsetDeleteHandler({
  groups,
  image,
}: {
  readonly groups: GroupCoordinator;
  readonly image: () => MetadataImage;
}): Handler<OffsetDeleteRequest, Writable<OffsetDeleteResponse>> {
  return async (_context, request) => {
    const { byName } = image().topics;
    const isThere = (topic: string, index: number): boolean => byName.get(topic)?.partitions.has(index) === true;
    const known = request.topics.flatMap(({ name, partitions }) => {
      const there = partitions.filter(({ partitionIndex }) => isThere(name, partitionIndex));
      return there.length === 0 ? [] : [{ name, partitions: there }];
    });
    // As in Kafka the group is not even looked for when nothing is left to ask.
    const { errorCode, topics: answered } =
      known.length === 0
        ? { errorCode: ErrorCode.NONE, topics: [] }
        : await groups.deleteOffsets({ ...request, topics: known });
    if (errorCode !== undefined && errorCode !== ErrorCode.NONE) return { errorCode };
    return { errorCode: ErrorCode.NONE, topics: inOrder(request, answered ?? [], isThere) };
  };
}

function inOrder(
  request: OffsetDeleteRequest,
  answered: TopicAnswers,
  isThere: (topic: string, index: number) => boolean,
): TopicAnswers {
  return request.topics.map(({ name, partitions }) => {
    const errors = new Map(
      answered
        .filter((topic) => topic.name === name)
        .flatMap((topic) => topic.partitions ?? [])
        .map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]),
    );
    return {
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: isThere(name, partitionIndex)
          ? (errors.get(partitionIndex) ?? ErrorCode.NONE)
          : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      })),
    };
  });
}
