// Guards of committed offsets: OffsetCommit, OffsetFetch, OffsetDelete, TxnOffsetCommit.

import { ErrorCode } from '../../protocol/errors.ts';
import { offsetCommitApi } from '../../protocol/messages/offset-commit.ts';
import { offsetDeleteApi } from '../../protocol/messages/offset-delete.ts';
import {
  offsetFetchApi,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
} from '../../protocol/messages/offset-fetch.ts';
import { txnOffsetCommitApi } from '../../protocol/messages/txn-offset-commit.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { Access } from '../access.ts';
import { AclOperation } from '../acl.ts';
import { mayRead } from './groups.ts';
import { afterwards, guard, refusals, split, type Asking, type GuardEntry } from './guard.ts';

const topicIdsFrom = 10;
const severalGroupsFrom = 8;
const groupErrorFrom = 2;
const { errorCode } = refusals.topic;

type Failed = { readonly partitionIndex: number; readonly errorCode: number };

function failed(partitions: readonly { readonly partitionIndex: number }[], code: number): Failed[] {
  return partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code }));
}

/** An id that is not known is not refused: the handler says what is wrong with it. */
function mayUse(
  access: Access,
  asking: Asking,
  operation: AclOperation,
  { name, topicId }: { readonly name: string; readonly topicId: string },
): boolean {
  const topic = asking.apiVersion >= topicIdsFrom ? access.topicName(topicId) : name;
  return topic === null || access.topic(asking, operation, topic);
}

export const offsetGuards: readonly GuardEntry[] = [
  guard(offsetCommitApi, (access, asking, request, serve) => {
    if (!mayRead(access, asking, request.groupId)) {
      const code = refusals.group.errorCode;
      return {
        topics: request.topics.map((topic) => ({ ...nameOf(topic), partitions: failed(topic.partitions, code) })),
      };
    }
    const { allowed, refused } = split(request.topics, (topic) => mayUse(access, asking, AclOperation.READ, topic));
    if (refused.length === 0) return serve(request);
    const topics = refused.map((topic) => ({ ...nameOf(topic), partitions: failed(topic.partitions, errorCode) }));
    if (allowed.length === 0) return { topics };
    return afterwards(serve({ ...request, topics: allowed }), (response) => ({
      ...response,
      topics: [...topics, ...(response.topics ?? [])],
    }));
  }),
  guard(offsetFetchApi, (access, asking, request, serve) => {
    const asked: readonly AskedGroup[] =
      asking.apiVersion < severalGroupsFrom ? [singleGroup(request)] : request.groups;
    const filters = asked.map((group) => filterOf(access, asking, group));
    const served = filters.flatMap(({ allowed }) => (allowed === null ? [] : [allowed]));
    if (asking.apiVersion < severalGroupsFrom) {
      const [filter] = filters;
      const [group] = served;
      if (filter === undefined || group === undefined) return refusedGroup(asking, request);
      return afterwards(serve({ ...request, topics: group.topics }), (response) => ({
        ...response,
        topics: filter.merge({ ...response, groupId: request.groupId }).topics ?? [],
      }));
    }
    return afterwards(serve({ ...request, groups: served }), (response) => {
      const left = [...(response.groups ?? [])];
      const groups = filters.map(({ groupId, allowed, merge }) => {
        const answered = allowed === null ? undefined : left.shift();
        return answered === undefined ? { groupId, errorCode: refusals.group.errorCode } : merge(answered);
      });
      return { ...response, groups };
    });
  }),
  guard(offsetDeleteApi, (access, asking, request, serve) => {
    if (!access.group(asking, AclOperation.DELETE, request.groupId)) return { errorCode: refusals.group.errorCode };
    const { allowed, refused } = split(request.topics, ({ name }) => access.topic(asking, AclOperation.READ, name));
    if (refused.length === 0) return serve(request);
    const topics = refused.map(({ name, partitions }) => ({ name, partitions: failed(partitions, errorCode) }));
    return afterwards(serve({ ...request, topics: allowed }), (response) =>
      (response.errorCode ?? ErrorCode.NONE) === ErrorCode.NONE
        ? { ...response, topics: [...topics, ...(response.topics ?? [])] }
        : response,
    );
  }),
  guard(txnOffsetCommitApi, (access, asking, request, serve) => {
    const refusal = !access.transactionalId(asking, AclOperation.WRITE, request.transactionalId)
      ? refusals.transactionalId
      : !mayRead(access, asking, request.groupId)
        ? refusals.group
        : null;
    const { allowed, refused } = split(
      request.topics,
      ({ name }) => refusal === null && access.topic(asking, AclOperation.READ, name),
    );
    if (refused.length === 0 && refusal === null) return serve(request);
    const code = refusal?.errorCode ?? errorCode;
    const topics = refused.map(({ name, partitions }) => ({ name, partitions: failed(partitions, code) }));
    if (allowed.length === 0) return { topics };
    return afterwards(serve({ ...request, topics: allowed }), (response) => ({
      ...response,
      topics: [...topics, ...(response.topics ?? [])],
    }));
  }),
];

function nameOf({ name, topicId }: { readonly name: string; readonly topicId: string }): {
  name: string;
  topicId: string;
} {
  return { name, topicId };
}

// ── OffsetFetch ──

type AskedGroup = OffsetFetchRequest['groups'][number];
type AskedTopic = NonNullable<AskedGroup['topics']>[number];
type GroupAnswer = NonNullable<Writable<OffsetFetchResponse>['groups']>[number];
type TopicAnswer = NonNullable<GroupAnswer['topics']>[number];

/** What of a group's question is allowed (null: nothing), and how what is not comes into the answer. */
type GroupFilter = {
  readonly groupId: string;
  readonly allowed: AskedGroup | null;
  readonly merge: (answered: GroupAnswer) => GroupAnswer;
};

function filterOf(access: Access, asking: Asking, group: AskedGroup): GroupFilter {
  const { groupId, topics } = group;
  const same = (answered: GroupAnswer): GroupAnswer => answered;
  if (!access.group(asking, AclOperation.DESCRIBE, groupId)) return { groupId, allowed: null, merge: same };
  if (topics === null) {
    // All that the group has: what may not be described is left out.
    const isShown = ({ name, topicId }: TopicAnswer): boolean =>
      mayUse(access, asking, AclOperation.DESCRIBE, { name: name ?? '', topicId: topicId ?? '' });
    const merge = (answered: GroupAnswer): GroupAnswer => ({
      ...answered,
      topics: (answered.topics ?? []).filter(isShown),
    });
    return { groupId, allowed: group, merge };
  }
  const { allowed, refused } = split(topics, (topic) => mayUse(access, asking, AclOperation.DESCRIBE, topic));
  if (refused.length === 0) return { groupId, allowed: group, merge: same };
  const merge = (answered: GroupAnswer): GroupAnswer => {
    if ((answered.errorCode ?? ErrorCode.NONE) !== ErrorCode.NONE) return answered;
    return {
      ...answered,
      topics: [...(answered.topics ?? []), ...refused.map((topic) => failedTopic(topic, errorCode))],
    };
  };
  return { groupId, allowed: { ...group, topics: allowed }, merge };
}

/** Before version 8 the group's question stands in the request itself. */
function singleGroup({ groupId, topics }: OffsetFetchRequest): AskedGroup {
  const named = topics?.map((topic) => ({ ...topic, topicId: '' })) ?? null;
  return { groupId, memberId: null, memberEpoch: -1, topics: named };
}

function refusedGroup(asking: Asking, { topics }: OffsetFetchRequest): Writable<OffsetFetchResponse> {
  const code = refusals.group.errorCode;
  if (asking.apiVersion >= groupErrorFrom) return { errorCode: code, topics: [] };
  return { topics: (topics ?? []).map((topic) => failedTopic({ ...topic, topicId: '' }, code)) };
}

function failedTopic({ name, topicId, partitionIndexes }: AskedTopic, code: number): TopicAnswer {
  const partitions = partitionIndexes.map((partitionIndex) => ({
    partitionIndex,
    committedOffset: -1,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode: code,
  }));
  return { name, topicId, partitions };
}
