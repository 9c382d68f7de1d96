// Guards of groups: FindCoordinator, membership in all protocols, committed offsets, their administration.

import {
  consumerGroupDescribeApi,
  type ConsumerGroupDescribeResponse,
} from '../../protocol/messages/consumer-group-describe.ts';
import { consumerGroupHeartbeatApi } from '../../protocol/messages/consumer-group-heartbeat.ts';
import { deleteGroupsApi } from '../../protocol/messages/delete-groups.ts';
import { describeGroupsApi } from '../../protocol/messages/describe-groups.ts';
import { findCoordinatorApi } from '../../protocol/messages/find-coordinator.ts';
import { heartbeatApi } from '../../protocol/messages/heartbeat.ts';
import { joinGroupApi } from '../../protocol/messages/join-group.ts';
import { leaveGroupApi } from '../../protocol/messages/leave-group.ts';
import { listGroupsApi } from '../../protocol/messages/list-groups.ts';
import { syncGroupApi } from '../../protocol/messages/sync-group.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { Access } from '../access.ts';
import { AclOperation, ResourceType } from '../acl.ts';
import { afterwards, guard, refusals, split, type Asking, type GuardEntry, type Refusal } from './guard.ts';

const { errorCode } = refusals.group;
const CoordinatorType = { GROUP: 0, TRANSACTION: 1, SHARE: 2 } as const;
const keyTypesFrom = 1;
const severalKeysFrom = 4;
const shareKeysFrom = 6;
const nowhere = { nodeId: -1, host: '', port: -1 } as const;

export function mayRead(access: Access, asking: Asking, groupId: string): boolean {
  return access.group(asking, AclOperation.READ, groupId);
}

export function mayDescribeAll(access: Access, asking: Asking, topics: Iterable<string>): boolean {
  for (const topic of topics) if (!access.topic(asking, AclOperation.DESCRIBE, topic)) return false;
  return true;
}

function coordinatorRefusal(access: Access, asking: Asking, keyType: number, key: string): Refusal | null {
  switch (keyType) {
    case CoordinatorType.GROUP:
      return access.group(asking, AclOperation.DESCRIBE, key) ? null : refusals.group;
    case CoordinatorType.TRANSACTION:
      return access.transactionalId(asking, AclOperation.DESCRIBE, key) ? null : refusals.transactionalId;
    case CoordinatorType.SHARE:
      if (asking.apiVersion < shareKeysFrom) return null;
      return access.cluster(asking, AclOperation.CLUSTER_ACTION) ? null : refusals.cluster;
    default:
      return null;
  }
}

const findCoordinatorGuard = guard(findCoordinatorApi, (access, asking, request, serve) => {
  const keyType = asking.apiVersion < keyTypesFrom ? CoordinatorType.GROUP : request.keyType;
  if (asking.apiVersion < severalKeysFrom) {
    const refusal = coordinatorRefusal(access, asking, keyType, request.key);
    return refusal === null ? serve(request) : { ...refusal, ...nowhere };
  }
  const refusalOf = (key: string): Refusal | null => coordinatorRefusal(access, asking, keyType, key);
  const { allowed, refused } = split(request.coordinatorKeys, (key) => refusalOf(key) === null);
  if (refused.length === 0) return serve(request);
  const failed = refused.map((key) => ({
    key,
    ...nowhere,
    errorCode: refusalOf(key)?.errorCode ?? errorCode,
    // Said of what brokers alone may ask.
    errorMessage: keyType === CoordinatorType.SHARE ? refusals.cluster.errorMessage : '',
  }));
  return afterwards(serve({ ...request, coordinatorKeys: allowed }), (response) => ({
    ...response,
    coordinators: [...(response.coordinators ?? []), ...failed],
  }));
});

const classicGuards: readonly GuardEntry[] = [
  guard(joinGroupApi, (access, asking, request, serve) => {
    if (mayRead(access, asking, request.groupId)) return serve(request);
    // A name is left out from version 7 on, and empty before.
    return { errorCode, protocolName: asking.apiVersion >= 7 ? null : '' };
  }),
  guard(syncGroupApi, (access, asking, request, serve) =>
    mayRead(access, asking, request.groupId) ? serve(request) : { errorCode },
  ),
  guard(heartbeatApi, (access, asking, request, serve) =>
    mayRead(access, asking, request.groupId) ? serve(request) : { errorCode },
  ),
  guard(leaveGroupApi, (access, asking, request, serve) =>
    mayRead(access, asking, request.groupId) ? serve(request) : { errorCode },
  ),
  guard(listGroupsApi, (access, asking, request, serve) => {
    if (access.cluster(asking, AclOperation.DESCRIBE)) return serve(request);
    return afterwards(serve(request), (response) => ({
      ...response,
      groups: (response.groups ?? []).filter(({ groupId }) =>
        access.group(asking, AclOperation.DESCRIBE, groupId ?? ''),
      ),
    }));
  }),
  guard(describeGroupsApi, (access, asking, request, serve) => {
    const { allowed, refused } = split(request.groups, (groupId) =>
      access.group(asking, AclOperation.DESCRIBE, groupId),
    );
    return afterwards(serve({ ...request, groups: allowed }), (response) => ({
      ...response,
      groups: [
        ...refused.map((groupId) => ({ groupId, errorCode })),
        ...(response.groups ?? []).map((group) =>
          withOperations(access, asking, request.includeAuthorizedOperations, group),
        ),
      ],
    }));
  }),
  guard(deleteGroupsApi, (access, asking, request, serve) => {
    const { allowed, refused } = split(request.groupsNames, (groupId) =>
      access.group(asking, AclOperation.DELETE, groupId),
    );
    if (refused.length === 0) return serve(request);
    return afterwards(serve({ ...request, groupsNames: allowed }), (response) => ({
      ...response,
      results: [...(response.results ?? []), ...refused.map((groupId) => ({ groupId, errorCode }))],
    }));
  }),
];

type DescribedConsumerGroup = NonNullable<Writable<ConsumerGroupDescribeResponse>['groups']>[number];

function consumerTopics({ members }: DescribedConsumerGroup): string[] {
  return (members ?? []).flatMap(({ assignment, targetAssignment }) =>
    [assignment, targetAssignment].flatMap((each) =>
      (each?.topicPartitions ?? []).map(({ topicName }) => topicName ?? ''),
    ),
  );
}

const describedTopicHidden = 'The group has described topic(s) that the client is not authorized to describe.';

const consumerGuards: readonly GuardEntry[] = [
  guard(consumerGroupHeartbeatApi, (access, asking, request, serve) => {
    if (!mayRead(access, asking, request.groupId)) return { errorCode };
    const isFine = mayDescribeAll(access, asking, request.subscribedTopicNames ?? []);
    return isFine ? serve(request) : { errorCode: refusals.topic.errorCode };
  }),
  guard(consumerGroupDescribeApi, (access, asking, request, serve) => {
    const groups = describedGroups(access, asking, request, consumerTopics, describedTopicHidden);
    return afterwards(serve({ ...request, groupIds: groups.allowed }), (response) => ({
      ...response,
      groups: groups.merge(response.groups ?? []),
    }));
  }),
];

export const groupGuards: readonly GuardEntry[] = [findCoordinatorGuard, ...classicGuards, ...consumerGuards];

type DescribedGroup = {
  readonly groupId?: string | undefined;
  readonly errorCode?: number | undefined;
  readonly errorMessage?: string | null | undefined;
};

type RefusedGroup = { readonly groupId: string; readonly errorCode: number; readonly errorMessage?: string };

/** Groups of the newer protocols: one that uses a topic which may not be described is not told of. */
export function describedGroups<Group extends DescribedGroup>(
  access: Access,
  asking: Asking,
  request: { readonly groupIds: readonly string[]; readonly includeAuthorizedOperations: boolean },
  topicsOf: (group: Group) => readonly string[],
  hiddenMessage: string,
): {
  readonly allowed: readonly string[];
  readonly merge: (described: readonly Group[]) => (Group | RefusedGroup)[];
} {
  const { allowed, refused } = split(request.groupIds, (groupId) =>
    access.group(asking, AclOperation.DESCRIBE, groupId),
  );
  const shown = (group: Group): Group | RefusedGroup =>
    mayDescribeAll(access, asking, topicsOf(group))
      ? withOperations(access, asking, request.includeAuthorizedOperations, group)
      : { groupId: group.groupId ?? '', errorCode: refusals.topic.errorCode, errorMessage: hiddenMessage };
  return {
    allowed,
    merge: (described) => [...refused.map((groupId) => ({ groupId, errorCode })), ...described.map(shown)],
  };
}

function withOperations<Group extends DescribedGroup>(
  access: Access,
  asking: Asking,
  isAsked: boolean,
  group: Group,
): Group {
  if (!isAsked || (group.errorCode ?? 0) !== 0) return group;
  return { ...group, authorizedOperations: access.operations(asking, ResourceType.GROUP, group.groupId ?? '') };
}
