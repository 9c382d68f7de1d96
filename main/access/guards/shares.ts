// Guards of share groups (KIP-932): members, records, offsets, and the state that brokers keep for one another. Which
// topics a ShareFetch or ShareAcknowledge may touch is asked for as it is read.

import { alterShareGroupOffsetsApi } from '../../protocol/messages/alter-share-group-offsets.ts';
import { deleteShareGroupOffsetsApi } from '../../protocol/messages/delete-share-group-offsets.ts';
import { deleteShareGroupStateApi } from '../../protocol/messages/delete-share-group-state.ts';
import { describeShareGroupOffsetsApi } from '../../protocol/messages/describe-share-group-offsets.ts';
import { initializeShareGroupStateApi } from '../../protocol/messages/initialize-share-group-state.ts';
import { readShareGroupStateSummaryApi } from '../../protocol/messages/read-share-group-state-summary.ts';
import { readShareGroupStateApi } from '../../protocol/messages/read-share-group-state.ts';
import { shareAcknowledgeApi } from '../../protocol/messages/share-acknowledge.ts';
import { shareFetchApi } from '../../protocol/messages/share-fetch.ts';
import {
  shareGroupDescribeApi,
  type ShareGroupDescribeResponse,
} from '../../protocol/messages/share-group-describe.ts';
import { shareGroupHeartbeatApi } from '../../protocol/messages/share-group-heartbeat.ts';
import { writeShareGroupStateApi } from '../../protocol/messages/write-share-group-state.ts';
import type { Writable } from '../../protocol/schema.ts';
import { zeroUuid } from '../../protocol/uuid.ts';
import { AclOperation } from '../acl.ts';
import { describedGroups, mayDescribeAll, mayRead } from './groups.ts';
import { afterwards, clusterGuard, guard, refusals, split, type GuardEntry, type Refusal } from './guard.ts';

type AskedState = { readonly topicId: string; readonly partitions: readonly { readonly partition: number }[] };

/** The state of share partitions is asked for and written by brokers alone. */
function refusedState(request: { readonly topics: readonly AskedState[] }, refusal: Refusal) {
  return {
    results: request.topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partition }) => ({ partition, ...refusal })),
    })),
  };
}

type DescribedShareGroup = NonNullable<Writable<ShareGroupDescribeResponse>['groups']>[number];

function assignedTopics({ members }: DescribedShareGroup): string[] {
  return (members ?? []).flatMap(({ assignment }) =>
    (assignment?.topicPartitions ?? []).map(({ topicName }) => topicName ?? ''),
  );
}

const describedTopicHidden = 'The group has described topic(s) that the client is not authorized to describe.';

/** As Kafka answers members: with the code alone. */
const withoutMessage = { errorCode: refusals.group.errorCode } as const;

const memberGuards: readonly GuardEntry[] = [
  guard(shareGroupHeartbeatApi, (access, asking, request, serve) => {
    if (!mayRead(access, asking, request.groupId)) return withoutMessage;
    const isFine = mayDescribeAll(access, asking, request.subscribedTopicNames ?? []);
    return isFine ? serve(request) : { errorCode: refusals.topic.errorCode };
  }),
  guard(shareGroupDescribeApi, (access, asking, request, serve) => {
    const groups = describedGroups(access, asking, request, assignedTopics, describedTopicHidden);
    return afterwards(serve({ ...request, groupIds: groups.allowed }), (response) => ({
      ...response,
      groups: groups.merge(response.groups ?? []),
    }));
  }),
  guard(shareFetchApi, (access, asking, request, serve) =>
    request.groupId === null || mayRead(access, asking, request.groupId) ? serve(request) : withoutMessage,
  ),
  guard(shareAcknowledgeApi, (access, asking, request, serve) =>
    request.groupId === null || mayRead(access, asking, request.groupId) ? serve(request) : withoutMessage,
  ),
];

const offsetGuards: readonly GuardEntry[] = [
  guard(describeShareGroupOffsetsApi, (access, asking, request, serve) => {
    const { allowed, refused } = split(request.groups, ({ groupId }) =>
      access.group(asking, AclOperation.DESCRIBE, groupId),
    );
    const mayDescribe = (name: string): boolean => access.topic(asking, AclOperation.DESCRIBE, name);
    const asked = allowed.map((group) => ({
      group,
      ...split(group.topics ?? [], ({ topicName }) => mayDescribe(topicName)),
    }));
    const groups = asked.map((each) =>
      each.group.topics === null ? each.group : { ...each.group, topics: each.allowed },
    );
    return afterwards(serve({ ...request, groups }), (response) => ({
      ...response,
      groups: [
        ...refused.map(({ groupId }) => ({ groupId, errorCode: refusals.group.errorCode })),
        ...(response.groups ?? []).map((group, index) => {
          if ((group.errorCode ?? 0) !== 0) return group;
          const failed = (asked[index]?.refused ?? []).map(({ topicName, partitions }) => ({
            topicName,
            topicId: zeroUuid,
            partitions: partitions.map((partitionIndex) => ({
              partitionIndex,
              startOffset: -1,
              leaderEpoch: 0,
              ...refusals.topic,
            })),
          }));
          const shown = (group.topics ?? []).filter(({ topicName }) => mayDescribe(topicName ?? ''));
          return { ...group, topics: [...shown, ...failed] };
        }),
      ],
    }));
  }),
  guard(alterShareGroupOffsetsApi, (access, asking, request, serve) => {
    if (!mayRead(access, asking, request.groupId)) return refusals.group;
    const { allowed, refused } = split(request.topics, ({ topicName }) =>
      access.topic(asking, AclOperation.READ, topicName),
    );
    if (refused.length === 0) return serve(request);
    const failed = refused.map(({ topicName, partitions }) => ({
      topicName,
      topicId: zeroUuid,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...refusals.topic })),
    }));
    return afterwards(serve({ ...request, topics: allowed }), (response) => ({
      ...response,
      responses: [...(response.responses ?? []), ...failed],
    }));
  }),
  guard(deleteShareGroupOffsetsApi, (access, asking, request, serve) => {
    if (!access.group(asking, AclOperation.DELETE, request.groupId)) return refusals.group;
    const { allowed, refused } = split(request.topics, ({ topicName }) =>
      access.topic(asking, AclOperation.READ, topicName),
    );
    if (refused.length === 0) return serve(request);
    const failed = refused.map(({ topicName }) => ({ topicName, topicId: zeroUuid, ...refusals.topic }));
    if (allowed.length === 0) return { responses: failed };
    return afterwards(serve({ ...request, topics: allowed }), (response) => ({
      ...response,
      responses: [...(response.responses ?? []), ...failed],
    }));
  }),
];

const stateGuards: readonly GuardEntry[] = [
  clusterGuard(initializeShareGroupStateApi, AclOperation.CLUSTER_ACTION, refusedState),
  clusterGuard(readShareGroupStateApi, AclOperation.CLUSTER_ACTION, refusedState),
  clusterGuard(writeShareGroupStateApi, AclOperation.CLUSTER_ACTION, refusedState),
  clusterGuard(deleteShareGroupStateApi, AclOperation.CLUSTER_ACTION, refusedState),
  clusterGuard(readShareGroupStateSummaryApi, AclOperation.CLUSTER_ACTION, refusedState),
];

export const shareGuards: readonly GuardEntry[] = [...memberGuards, ...offsetGuards, ...stateGuards];
