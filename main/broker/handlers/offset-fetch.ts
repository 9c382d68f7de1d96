// OffsetFetch, versions 1 to 10. KIP-88 (all topics), 320 (leader epochs), 447 (stable offsets), 709 (several
// groups), 848 (member epochs), 516 (topic ids from 10).

import type { FetchedOffsets, GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { FetchedTopic, OffsetQuery } from '../../coordinators/group/group-offsets.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { OffsetFetchRequest, OffsetFetchResponse } from '../../protocol/messages/offset-fetch.ts';
import type { Writable } from '../../protocol/schema.ts';
import { zeroUuid } from '../../protocol/uuid.ts';

export type OffsetFetchDependencies = { readonly groups: GroupCoordinator; readonly image: () => MetadataImage };

type GroupRequest = OffsetFetchRequest['groups'][number];
type GroupAnswer = NonNullable<Writable<OffsetFetchResponse>['groups']>[number];
type QueryTopics = NonNullable<OffsetQuery['topics']>;

const groupErrorFrom = 2;
const severalGroupsFrom = 8;
const topicIdsFrom = 10;

export function createOffsetFetchHandler(
  dependencies: OffsetFetchDependencies,
): Handler<OffsetFetchRequest, Writable<OffsetFetchResponse>> {
  return (context, request) =>
    context.apiVersion >= severalGroupsFrom
      ? fetchGroups(dependencies, request, context.apiVersion)
      : fetchOne(dependencies.groups, request, context.apiVersion);
}

async function fetchOne(
  groups: GroupCoordinator,
  request: OffsetFetchRequest,
  apiVersion: number,
): Promise<Writable<OffsetFetchResponse>> {
  const { groupId, requireStable } = request;
  const asked = request.topics?.map((topic) => ({ ...topic, topicId: zeroUuid })) ?? null;
  const query = { groupId, memberId: null, memberEpoch: -1, topics: asked };
  const { errorCode, topics } = await groups.fetchOffsets(query, requireStable);
  if (errorCode !== ErrorCode.NONE && apiVersion < groupErrorFrom) {
    return { topics: (asked ?? []).map((topic) => failedTopic(topic, errorCode)) };
  }
  return { errorCode, topics };
}

async function fetchGroups(
  dependencies: OffsetFetchDependencies,
  request: OffsetFetchRequest,
  apiVersion: number,
): Promise<Writable<OffsetFetchResponse>> {
  const groups = request.groups.map((group) =>
    apiVersion >= topicIdsFrom
      ? fetchById(dependencies, group, request.requireStable)
      : fetchByName(dependencies.groups, group, request.requireStable),
  );
  return { groups: await Promise.all(groups) };
}

async function fetchByName(
  groups: GroupCoordinator,
  { groupId, memberId, memberEpoch, topics }: GroupRequest,
  requireStable: boolean,
): Promise<GroupAnswer> {
  const fetched = await groups.fetchOffsets({ groupId, memberId, memberEpoch, topics }, requireStable);
  return answerOf(groupId, fetched, fetched.topics);
}

async function fetchById(
  { groups, image }: OffsetFetchDependencies,
  { groupId, memberId, memberEpoch, topics: asked }: GroupRequest,
  requireStable: boolean,
): Promise<GroupAnswer> {
  if (asked === null) {
    const fetched = await groups.fetchOffsets({ groupId, memberId, memberEpoch, topics: null }, requireStable);
    // What has no id can't be named in this version.
    const named = fetched.topics.flatMap((topic) => {
      const topicId = topic.topicId === zeroUuid ? image().topics.byName.get(topic.name)?.id : topic.topicId;
      return topicId === undefined ? [] : [{ ...topic, topicId }];
    });
    return answerOf(groupId, fetched, named);
  }
  const known: QueryTopics[number][] = [];
  const unknown: FetchedTopic[] = [];
  for (const topic of asked) {
    const name = image().topics.byId.get(topic.topicId)?.name;
    if (name === undefined) unknown.push(failedTopic(topic, ErrorCode.UNKNOWN_TOPIC_ID));
    else known.push({ ...topic, name });
  }
  const fetched = await groups.fetchOffsets({ groupId, memberId, memberEpoch, topics: known }, requireStable);
  const isFine = fetched.errorCode === ErrorCode.NONE;
  return answerOf(groupId, fetched, isFine ? [...fetched.topics, ...unknown] : []);
}

function answerOf(groupId: string, { errorCode }: FetchedOffsets, topics: readonly FetchedTopic[]): GroupAnswer {
  return { groupId, errorCode, topics };
}

function failedTopic(topic: QueryTopics[number], errorCode: number): FetchedTopic {
  const { name, topicId, partitionIndexes } = topic;
  const nothing = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode };
  return { name, topicId, partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, ...nothing })) };
}
