// What a group of a newer protocol is made of: KIP-848 consumers, share groups (KIP-932), streams groups (KIP-1071).
// To DescribeGroups they are dead, so each is asked for by its own request.

import type { GroupDetail, GroupMemberDetail } from '../api/group-views.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { consumerGroupDescribeApi } from '../protocol/messages/consumer-group-describe.ts';
import { shareGroupDescribeApi } from '../protocol/messages/share-group-describe.ts';
import {
  streamsGroupDescribeApi,
  type StreamsGroupDescribeResponse,
} from '../protocol/messages/streams-group-describe.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import type { ClusterClient } from './cluster-client.ts';

/** Null: no such group under any of these protocols, or the cluster does not serve them. */
export async function describeNewerGroup(client: ClusterClient, groupId: string): Promise<GroupDetail | null> {
  const coordinator = await client.coordinatorOf(groupId);
  const body = { groupIds: [groupId] };
  const ask = <Q, P extends { readonly groups: readonly { readonly errorCode: number }[] }>(
    api: Api<Q, P>,
    request: Writable<Q>,
  ) =>
    client.send(coordinator, api, request).then(
      ({ groups }): P['groups'][number] | null => (groups[0]?.errorCode === ErrorCode.NONE ? groups[0] : null),
      () => null,
    );

  const consumer = await ask(consumerGroupDescribeApi, body);
  if (consumer !== null) {
    const { groupState: state, assignorName: protocol } = consumer;
    const members = consumer.members.map((member) => ({ ...namedMember(member), instanceId: member.instanceId }));
    return { groupId, type: 'consumer', state, protocolType: 'consumer', protocol, coordinator, members };
  }
  const share = await ask(shareGroupDescribeApi, body);
  if (share !== null) {
    const { groupState: state, assignorName: protocol } = share;
    const members = share.members.map((member) => ({ ...namedMember(member), instanceId: null }));
    return { groupId, type: 'share', state, protocolType: 'share', protocol, coordinator, members };
  }
  const streams = await ask(streamsGroupDescribeApi, body);
  if (streams === null) return null;
  const members = streams.members.map((member) => streamsMember(streams, member));
  const state = streams.groupState;
  return { groupId, type: 'streams', state, protocolType: 'streams', protocol: '', coordinator, members };
}

type NamedMember = {
  readonly memberId: string;
  readonly clientId: string;
  readonly clientHost: string;
  readonly subscribedTopicNames: readonly string[];
  readonly assignment: {
    readonly topicPartitions: readonly { readonly topicName: string; readonly partitions: readonly number[] }[];
  };
};

function namedMember(member: NamedMember): Omit<GroupMemberDetail, 'instanceId'> {
  const { memberId, clientId, clientHost, subscribedTopicNames, assignment } = member;
  return {
    memberId,
    clientId,
    host: clientHost,
    topics: subscribedTopicNames,
    assignment: assignment.topicPartitions.map(({ topicName, partitions }) => ({ topic: topicName, partitions })),
  };
}

type StreamsGroup = StreamsGroupDescribeResponse['groups'][number];

/** An active task reads its number of each topic that its subtopology reads. */
function streamsMember({ topology }: StreamsGroup, member: StreamsGroup['members'][number]): GroupMemberDetail {
  const { memberId, instanceId, clientId, clientHost } = member;
  const sources = new Map(
    (topology?.subtopologies ?? []).map(({ subtopologyId, sourceTopics, repartitionSourceTopics }) => [
      subtopologyId,
      [...sourceTopics, ...repartitionSourceTopics.map(({ name }) => name)],
    ]),
  );
  const assignment = member.assignment.activeTasks.flatMap(({ subtopologyId, partitions }) =>
    (sources.get(subtopologyId) ?? []).map((topic) => ({ topic, partitions })),
  );
  const topics = [...new Set([...sources.values()].flat())];
  return { memberId, instanceId, clientId, host: clientHost, topics, assignment };
}
