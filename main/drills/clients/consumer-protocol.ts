// What a member of KIP-848's protocol says to its coordinator, and what it is told. Who keeps and gives up what is
// group-member.ts's.

import type { ClusterClient } from '../../cluster/cluster-client.ts';
import { consumerGroupHeartbeatApi } from '../../protocol/messages/consumer-group-heartbeat.ts';

export type Heartbeat = {
  readonly groupId: string;
  readonly memberId: string;
  /** 0 joins, −1 leaves. */
  readonly memberEpoch: number;
  readonly topic: string;
  /** What it owns; null when it said so before. */
  readonly owned: readonly number[] | null;
};
export type HeartbeatAnswer = {
  readonly errorCode: number;
  readonly memberEpoch: number;
  readonly intervalMs: number;
  /** null: as before. */
  readonly assigned: readonly number[] | null;
};

const rebalanceTimeoutMs = 5000;

export async function sendHeartbeat(client: ClusterClient, beat: Heartbeat): Promise<HeartbeatAnswer> {
  const { groupId, memberId, memberEpoch, topic, owned } = beat;
  const topicId = client.topic(topic)?.topicId ?? '';
  const isJoining = memberEpoch === 0;
  const answer = await client.send(await client.coordinatorOf(groupId), consumerGroupHeartbeatApi, {
    groupId,
    memberId,
    memberEpoch,
    ...(isJoining ? { rebalanceTimeoutMs, subscribedTopicNames: [topic] } : {}),
    topicPartitions: owned === null ? null : owned.length === 0 ? [] : [{ topicId, partitions: [...owned] }],
  });
  const partitions = answer.assignment?.topicPartitions.find((each) => each.topicId === topicId)?.partitions ?? [];
  return {
    errorCode: answer.errorCode,
    memberEpoch: answer.memberEpoch,
    intervalMs: answer.heartbeatIntervalMs,
    assigned: answer.assignment === null ? null : [...partitions].sort((a, b) => a - b),
  };
}
