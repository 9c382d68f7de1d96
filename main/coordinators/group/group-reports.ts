// What telemetry says of groups: only those that changed since it asked last. Marking is one Set.add per change.

import { consumerProtocolAssignment } from '../../protocol/messages/embedded-messages.ts';
import { ProtocolError } from '../../protocol/protocol-error.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { ConsumerGroup } from './consumer-group.ts';
import type { OwnedPartitions, TopicPartitions } from './consumer-group-member.ts';
import type { OffsetStore } from './offset-store.ts';
import type { Group } from './group-registry.ts';
import { ShareGroup } from './share/share-group.ts';
import { StreamsGroup } from './streams/streams-group.ts';

/** One group that this broker coordinates; the same shape as in the broker's contract, which stands above this module. */
export type GroupReport = {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: string;
  /** Of the newer protocols: the group epoch. */
  readonly generation: number;
  readonly members: readonly {
    readonly memberId: string;
    readonly clientId: string;
    readonly host: string;
    readonly partitions: readonly { topic: string; partition: number }[];
  }[];
  readonly offsets: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly committedOffset: number;
    readonly metadata: string;
  }[];
};

export type GroupChanges = { readonly changed: readonly GroupReport[]; readonly removed: readonly string[] };

export function reportOf(group: Group, { store }: { readonly store: OffsetStore }, image: MetadataImage): GroupReport {
  const offsets = [...store.all(group.groupId, 'committed')].map(([topic, partition, committed]) => ({
    topic,
    partition,
    committedOffset: committed.offset,
    metadata: committed.metadata,
  }));
  const { groupId, state } = group;
  if (group instanceof ConsumerGroup || group instanceof ShareGroup) {
    const members = [...group.members.values()].map(({ memberId, clientId, clientHost, assigned }) => ({
      memberId,
      clientId,
      host: hostOf(clientHost),
      partitions: namedPartitions(assigned, image),
    }));
    return { groupId, protocolType: group.protocolType, state, generation: group.epoch, members, offsets };
  }
  if (group instanceof StreamsGroup) {
    const members = [...group.members.values()].map(({ memberId, clientId, clientHost, assigned }) => ({
      memberId,
      clientId,
      host: hostOf(clientHost),
      partitions: group.readBy(assigned.active),
    }));
    return { groupId, protocolType: group.protocolType, state, generation: group.epoch, members, offsets };
  }
  const members = [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    clientId: member.clientId,
    host: hostOf(member.clientHost),
    partitions: group.hasConsumers ? partitionsOf(member.assignment) : [],
  }));
  const generation = group.generationId;
  return { groupId, protocolType: group.protocolType ?? '', state, generation, members, offsets };
}

export function namedPartitions(
  owned: OwnedPartitions | TopicPartitions,
  { topics }: MetadataImage,
): { topic: string; partition: number }[] {
  return [...owned].flatMap(([topicId, partitions]) => {
    const topic = topics.byId.get(topicId)?.name;
    return topic === undefined ? [] : [...partitions.keys()].map((partition) => ({ topic, partition }));
  });
}

/** Java prints an address without a name as `/127.0.0.1`. */
function hostOf(clientHost: string): string {
  return clientHost.startsWith('/') ? clientHost.slice(1) : clientHost;
}

/** As the leader of a classic group of consumers assigned them. */
export function partitionsOf(assignment: Buffer): { topic: string; partition: number }[] {
  if (assignment.length < 2) return [];
  try {
    // Version in front; version 0 is the beginning of all later ones.
    const { assignedPartitions } = consumerProtocolAssignment.decodeFrom(assignment.subarray(2), 0);
    return assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
  } catch (error) {
    // What the leader hands out is between it and its members.
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}
