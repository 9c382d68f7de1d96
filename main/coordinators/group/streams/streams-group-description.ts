// StreamsGroupDescribe: a streams group as administrators see it.

import { ErrorCode } from '../../../protocol/errors.ts';
import type { StreamsGroupDescribeResponse } from '../../../protocol/messages/streams-group-describe.ts';
import type { Writable } from '../../../protocol/schema.ts';
import type { Group } from '../group-registry.ts';
import { StreamsGroup } from './streams-group.ts';
import { storedTasks, type HeldTasks, type Tasks } from './tasks.ts';
import type { InternalTopic, Topology } from './topology.ts';

export type DescribedStreamsGroup = NonNullable<Writable<StreamsGroupDescribeResponse>['groups']>[number];
type DescribedTopology = NonNullable<DescribedStreamsGroup['topology']>;

export function describeStreamsGroup(group: Group | null, groupId: string): DescribedStreamsGroup {
  if (!(group instanceof StreamsGroup)) {
    const errorMessage = group === null ? `Group ${groupId} not found.` : `Group ${groupId} is not a streams group.`;
    return { groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage };
  }
  const members = [...group.members.values()].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  return {
    groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    topology: describedTopology(group),
    members: members.map((member) => ({
      memberId: member.memberId,
      memberEpoch: member.memberEpoch,
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      topologyEpoch: member.topologyEpoch,
      processId: member.processId,
      userEndpoint: member.userEndpoint,
      clientTags: member.clientTags,
      assignment: describedTasks(member.assigned),
      targetAssignment: describedTasks(group.targetOf(member.memberId)),
    })),
  };
}

function describedTasks({ active, standby, warmup }: Tasks | HeldTasks) {
  return { activeTasks: storedTasks(active), standbyTasks: storedTasks(standby), warmupTasks: storedTasks(warmup) };
}

/** With the numbers of partitions it has here, once it can run; as its members brought it before. */
function describedTopology({ topology, configured }: StreamsGroup): DescribedTopology | null {
  if (configured?.problem === null && configured.subtopologies !== null) {
    return {
      epoch: configured.epoch,
      subtopologies: [...configured.subtopologies].map(([subtopologyId, each]) => ({
        subtopologyId,
        sourceTopics: [...each.sourceTopics].sort(),
        repartitionSinkTopics: [...each.repartitionSinkTopics].sort(),
        repartitionSourceTopics: each.repartitionSourceTopics.map(describedTopic).sort(byName),
        stateChangelogTopics: each.stateChangelogTopics.map(describedTopic).sort(byName),
      })),
    };
  }
  return topology === null ? null : asBrought(topology);
}

function asBrought({ epoch, subtopologies }: Topology): DescribedTopology {
  return {
    epoch,
    subtopologies: [...subtopologies]
      .sort((a, b) => (a.subtopologyId < b.subtopologyId ? -1 : 1))
      .map((each) => ({
        subtopologyId: each.subtopologyId,
        sourceTopics: [...each.sourceTopics].sort(),
        repartitionSinkTopics: [...each.repartitionSinkTopics].sort(),
        repartitionSourceTopics: [...each.repartitionSourceTopics].sort(byName),
        stateChangelogTopics: [...each.stateChangelogTopics].sort(byName),
      })),
  };
}

function describedTopic({ name, partitions, replicationFactor, configs }: InternalTopic) {
  return {
    name,
    partitions,
    replicationFactor: Math.max(0, replicationFactor),
    topicConfigs: configs.map(({ name: key, value }) => ({ key, value })),
  };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
