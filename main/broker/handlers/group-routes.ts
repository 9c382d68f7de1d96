// The part of the handler table that groups take: membership, committed offsets, administration.

import type { Access } from '../../access/access.ts';
import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { route, type Route } from '../../net/route.ts';
import { consumerGroupDescribeApi } from '../../protocol/messages/consumer-group-describe.ts';
import { consumerGroupHeartbeatApi } from '../../protocol/messages/consumer-group-heartbeat.ts';
import { deleteGroupsApi } from '../../protocol/messages/delete-groups.ts';
import { describeGroupsApi } from '../../protocol/messages/describe-groups.ts';
import { findCoordinatorApi } from '../../protocol/messages/find-coordinator.ts';
import { heartbeatApi } from '../../protocol/messages/heartbeat.ts';
import { joinGroupApi } from '../../protocol/messages/join-group.ts';
import { leaveGroupApi } from '../../protocol/messages/leave-group.ts';
import { listGroupsApi } from '../../protocol/messages/list-groups.ts';
import { offsetCommitApi } from '../../protocol/messages/offset-commit.ts';
import { offsetDeleteApi } from '../../protocol/messages/offset-delete.ts';
import { offsetFetchApi } from '../../protocol/messages/offset-fetch.ts';
import { streamsGroupDescribeApi } from '../../protocol/messages/streams-group-describe.ts';
import { streamsGroupHeartbeatApi } from '../../protocol/messages/streams-group-heartbeat.ts';
import { syncGroupApi } from '../../protocol/messages/sync-group.ts';
import type { StreamsTopicCreation } from '../streams-topic-creation.ts';
import { createConsumerGroupDescribeHandler } from './consumer-group-describe.ts';
import { createConsumerGroupHeartbeatHandler } from './consumer-group-heartbeat.ts';
import { createDeleteGroupsHandler } from './delete-groups.ts';
import { createDescribeGroupsHandler } from './describe-groups.ts';
import { createFindCoordinatorHandler } from './find-coordinator.ts';
import { createHeartbeatHandler } from './heartbeat.ts';
import { createJoinGroupHandler } from './join-group.ts';
import { createLeaveGroupHandler } from './leave-group.ts';
import { createListGroupsHandler } from './list-groups.ts';
import { createOffsetCommitHandler } from './offset-commit.ts';
import { createOffsetDeleteHandler } from './offset-delete.ts';
import { createOffsetFetchHandler } from './offset-fetch.ts';
import { createStreamsGroupDescribeHandler } from './streams-group-describe.ts';
import { createStreamsGroupHeartbeatHandler } from './streams-group-heartbeat.ts';
import { createSyncGroupHandler } from './sync-group.ts';

export type GroupRoutesDependencies = {
  readonly access: Access | null;
  readonly groups: GroupCoordinator;
  readonly image: () => MetadataImage;
  readonly streamsTopics: Pick<StreamsTopicCreation, 'request'>;
  readonly transactionPartition: (transactionalId: string) => number;
  readonly sharePartition: (key: string) => number;
  readonly ensureInternalTopic: (name: string) => void;
};

const onClient = { listeners: ['client'] } as const;

export function groupRoutes(dependencies: GroupRoutesDependencies): Route[] {
  const { groups } = dependencies;
  const groupPartition = (groupId: string): number => groups.partitionFor(groupId);
  return [
    route(findCoordinatorApi, onClient, createFindCoordinatorHandler({ ...dependencies, groupPartition })),
    route(joinGroupApi, onClient, createJoinGroupHandler(dependencies)),
    route(syncGroupApi, onClient, createSyncGroupHandler(dependencies)),
    route(heartbeatApi, onClient, createHeartbeatHandler(dependencies)),
    route(leaveGroupApi, onClient, createLeaveGroupHandler(dependencies)),
    route(consumerGroupHeartbeatApi, onClient, createConsumerGroupHeartbeatHandler(dependencies)),
    route(consumerGroupDescribeApi, onClient, createConsumerGroupDescribeHandler(dependencies)),
    route(streamsGroupHeartbeatApi, onClient, createStreamsGroupHeartbeatHandler(dependencies)),
    route(streamsGroupDescribeApi, onClient, createStreamsGroupDescribeHandler(dependencies)),
    route(offsetCommitApi, onClient, createOffsetCommitHandler(dependencies)),
    route(offsetFetchApi, onClient, createOffsetFetchHandler(dependencies)),
    route(offsetDeleteApi, onClient, createOffsetDeleteHandler(dependencies)),
    route(listGroupsApi, onClient, createListGroupsHandler(dependencies)),
    route(describeGroupsApi, onClient, createDescribeGroupsHandler(dependencies)),
    route(deleteGroupsApi, onClient, createDeleteGroupsHandler(dependencies)),
  ];
}
