// Guards of streams groups (KIP-1071): a member may name only topics that it may describe, and has internal topics made
// only where it may create them.

import {
  streamsGroupDescribeApi,
  type StreamsGroupDescribeResponse,
} from '../../protocol/messages/streams-group-describe.ts';
import {
  streamsGroupHeartbeatApi,
  type StreamsGroupHeartbeatRequest,
} from '../../protocol/messages/streams-group-heartbeat.ts';
import type { Writable } from '../../protocol/schema.ts';
import { describedGroups, mayDescribeAll, mayRead } from './groups.ts';
import { afterwards, guard, refusals, type GuardEntry } from './guard.ts';

type Topology = NonNullable<StreamsGroupHeartbeatRequest['topology']>;
type DescribedStreamsGroup = NonNullable<Writable<StreamsGroupDescribeResponse>['groups']>[number];

const usedTopicHidden = 'The described group uses topics that the client is not authorized to describe.';

export const streamsGuards: readonly GuardEntry[] = [
  guard(streamsGroupHeartbeatApi, (access, asking, request, serve) => {
    if (!mayRead(access, asking, request.groupId)) return { errorCode: refusals.group.errorCode };
    const topics = request.topology === null ? [] : requestedTopics(request.topology);
    return mayDescribeAll(access, asking, topics) ? serve(request) : { errorCode: refusals.topic.errorCode };
  }),
  guard(streamsGroupDescribeApi, (access, asking, request, serve) => {
    const groups = describedGroups(access, asking, request, describedTopics, usedTopicHidden);
    return afterwards(serve({ ...request, groupIds: groups.allowed }), (response) => ({
      ...response,
      groups: groups.merge(response.groups ?? []),
    }));
  }),
];

function requestedTopics({ subtopologies }: Topology): string[] {
  return subtopologies.flatMap(
    ({ sourceTopics, repartitionSinkTopics, repartitionSourceTopics, stateChangelogTopics }) => [
      ...sourceTopics,
      ...repartitionSinkTopics,
      ...repartitionSourceTopics.map(({ name }) => name),
      ...stateChangelogTopics.map(({ name }) => name),
    ],
  );
}

function describedTopics({ topology }: DescribedStreamsGroup): string[] {
  return (topology?.subtopologies ?? []).flatMap((each) => [
    ...(each.sourceTopics ?? []),
    ...(each.repartitionSinkTopics ?? []),
    ...(each.repartitionSourceTopics ?? []).map(({ name }) => name ?? ''),
    ...(each.stateChangelogTopics ?? []).map(({ name }) => name ?? ''),
  ]);
}
