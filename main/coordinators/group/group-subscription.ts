// Which topics the members of a consumer group subscribe to between them, as it will be once a member has changed,
// and the hash over these topics by which a group notices that they changed.

import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { TopicImage } from '../../metadata/topics-image.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerGroupMember } from './consumer-group-member.ts';
import type { ResolvedRegex } from './consumer-group-records.ts';
import { xxh3 } from './xxh3.ts';

/** A member that joins, changes or goes, not yet replayed. */
export type MemberChange = { readonly before: ConsumerGroupMember | null; readonly after: ConsumerGroupMember | null };

export type Subscription = {
  /** All topics, by name or by expression. */
  readonly topicNames: ReadonlySet<string>;
  /** How many members subscribe to an expression. */
  readonly regexCounts: ReadonlyMap<string, number>;
  readonly isHomogeneous: boolean;
};

export function membersAfter(group: ConsumerGroup, changes: readonly MemberChange[]): ConsumerGroupMember[] {
  const members = new Map(group.members);
  for (const { before, after } of changes) {
    if (before !== null) members.delete(before.memberId);
    if (after !== null) {
      // A static member that came back under a new id takes its own place.
      const replaced = group.staticMember(after.instanceId);
      if (replaced !== null) members.delete(replaced.memberId);
      members.set(after.memberId, after);
    }
  }
  return [...members.values()];
}

export function subscriptionOf(
  members: readonly Pick<ConsumerGroupMember, 'subscribedTopicNames' | 'subscribedTopicRegex'>[],
  regexes: ReadonlyMap<string, ResolvedRegex>,
): Subscription {
  const nameCounts = new Map<string, number>();
  const regexCounts = new Map<string, number>();
  for (const { subscribedTopicNames, subscribedTopicRegex } of members) {
    for (const name of subscribedTopicNames) nameCounts.set(name, (nameCounts.get(name) ?? 0) + 1);
    if (subscribedTopicRegex !== '') {
      regexCounts.set(subscribedTopicRegex, (regexCounts.get(subscribedTopicRegex) ?? 0) + 1);
    }
  }
  const topicNames = new Set(nameCounts.keys());
  for (const regex of regexCounts.keys()) for (const topic of regexes.get(regex)?.topics ?? []) topicNames.add(topic);
  const everyone = members.length;
  const isHomogeneous =
    regexCounts.size === 0
      ? [...nameCounts.values()].every((count) => count === everyone)
      : regexCounts.size === 1 && nameCounts.size === 0 && [...regexCounts.values()][0] === everyone;
  return { topicNames, regexCounts, isHomogeneous };
}

export function topicNamesOf(member: ConsumerGroupMember, regexes: ReadonlyMap<string, ResolvedRegex>): Set<string> {
  const names = new Set(member.subscribedTopicNames);
  for (const topic of regexes.get(member.subscribedTopicRegex)?.topics ?? []) names.add(topic);
  return names;
}

/** Those that exist. */
export function topicIdsOf(names: Iterable<string>, image: MetadataImage): Set<string> {
  const ids = new Set<string>();
  for (const name of names) {
    const topic = image.topics.byName.get(name);
    if (topic !== undefined) ids.add(topic.id);
  }
  return ids;
}

/** Kept for as long as neither topic nor brokers change; more than this many topics are hashed anew. */
const topicHashesMax = 10_000;
const hashFormat = 0;

type KnownHash = { readonly topic: TopicImage; readonly cluster: MetadataImage['cluster']; readonly hash: bigint };

/** As Kafka's: what is stored by one must compare equal at the other. */
export class MetadataHashes {
  readonly #known = new Map<string, KnownHash>();

  /** Over the topics that exist; 0 without any. Signed, as the records have it. */
  of(names: ReadonlySet<string>, image: MetadataImage): bigint {
    const hashes: bigint[] = [];
    for (const name of [...names].sort()) {
      const topic = image.topics.byName.get(name);
      if (topic !== undefined) hashes.push(this.#ofTopic(topic, image));
    }
    if (hashes.length === 0) return 0n;
    const input = Buffer.alloc(hashes.length * 8);
    for (const [index, hash] of hashes.entries()) input.writeBigUInt64LE(hash, index * 8);
    return BigInt.asIntN(64, xxh3(input));
  }

  #ofTopic(topic: TopicImage, image: MetadataImage): bigint {
    const known = this.#known.get(topic.name);
    if (known?.topic === topic && known.cluster === image.cluster) return known.hash;
    if (this.#known.size >= topicHashesMax) this.#known.clear();
    const hash = topicHash(topic, image);
    this.#known.set(topic.name, { topic, cluster: image.cluster, hash });
    return hash;
  }
}

function topicHash({ id, name, partitions }: TopicImage, image: MetadataImage): bigint {
  // The uuid as two numbers of 64 bits, each with its lowest byte first.
  const chunks = [Buffer.from([hashFormat]), Buffer.from(id, 'base64url').swap64(), text(name), int32(partitions.size)];
  for (let partition = 0; partition < partitions.size; partition++) {
    chunks.push(int32(partition));
    const racks: string[] = [];
    for (const replica of partitions.get(partition)?.replicas ?? []) {
      const rack = image.cluster.brokers.get(replica)?.rack;
      if (rack !== null && rack !== undefined) racks.push(rack);
    }
    for (const rack of racks.sort()) chunks.push(int32(rack.length), text(rack));
  }
  return xxh3(Buffer.concat(chunks));
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** Two bytes a character, then how many. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from(value, 'utf16le'), int32(value.length)]);
}
