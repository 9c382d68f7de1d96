// Who holds which partitions, told to the journal whenever it changes: what a picture of a rebalance is drawn from.
// It knows only what this coordinator is told, so a partition counts as held until its member gives it up or is out.
// Bounded by the members of the groups of one partition of `__consumer_offsets`.

import type { Journal, JournalEntry } from '../../core/journal.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { consumerProtocolSubscription } from '../../protocol/messages/embedded-messages.ts';
import { ProtocolError } from '../../protocol/protocol-error.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { ClassicGroupMember } from './classic-group-member.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import { namedPartitions, partitionsOf } from './group-reports.ts';
import type { Group } from './group-registry.ts';
import { ShareGroup } from './share/share-group.ts';
import { StreamsGroup } from './streams/streams-group.ts';

type Told = Extract<JournalEntry, { kind: 'group.memberHolds' }>['told'];
type Partition = { readonly topic: string; readonly partition: number };
type Member = { readonly memberId: string; readonly clientId: string };
type NewerGroup = ConsumerGroup | ShareGroup | StreamsGroup;

export class GroupOwnership {
  readonly #journal: Journal;
  readonly #image: () => MetadataImage;
  /** By group and member: what was told last, as text. */
  readonly #told = new Map<string, Map<string, string>>();

  constructor(journal: Journal, image: () => MetadataImage) {
    this.#journal = journal;
    this.#image = image;
  }

  /** After a load: its members are no news, what they hold is told when it changes. */
  loaded(group: Group): void {
    for (const memberId of group.members.keys()) this.#of(group.groupId).set(memberId, '');
  }

  joined(group: Group, { memberId, clientId }: Member, replaces: string | null = null): void {
    const known = this.#of(group.groupId);
    if (known.has(memberId)) return;
    known.set(memberId, replaces === null ? '' : (known.get(replaces) ?? ''));
    if (replaces !== null) known.delete(replaces);
    const { groupId, type: protocol } = group;
    const entry = { kind: 'group.memberJoined', groupId, memberId, clientId, protocol, replaces } as const;
    group.lastEvent = this.#journal.record(entry, group.lastEvent);
  }

  removed(groupId: string, memberId: string): void {
    const known = this.#told.get(groupId);
    known?.delete(memberId);
    if (known?.size === 0) this.#told.delete(groupId);
  }

  // ── classic ──

  /** Its JoinGroup says what it kept: nothing under an eager assignor, all it need not give up under a cooperative one. */
  rejoined(group: ClassicGroup, member: ClassicGroupMember): void {
    if (!group.hasConsumers) return;
    this.#tell(group, member, group.generationId, 'rejoined', ownedBy(member.protocols[0]?.metadata));
  }

  assigned(group: ClassicGroup, member: ClassicGroupMember): void {
    if (!group.hasConsumers) return;
    this.#tell(group, member, group.generationId, 'assigned', partitionsOf(member.assignment));
  }

  // ── the newer protocols ──

  /** A record of the group was applied. */
  applied(group: NewerGroup, record: GroupCoordinatorRecord): void {
    if (!('memberId' in record.key)) return;
    const { memberId } = record.key;
    const member = group.members.get(memberId);
    if (member === undefined) return this.removed(group.groupId, memberId);
    // On its way out: that it is removed is told by who removes it.
    if (record.value === null) return;
    if (record.name.endsWith('MemberMetadata')) this.joined(group, member);
    if (!record.name.endsWith('CurrentMemberAssignment')) return;
    this.#tell(group, member, member.memberEpoch, 'reconciled', this.#heldIn(group, memberId));
  }

  #heldIn(group: NewerGroup, memberId: string): readonly Partition[] {
    if (group instanceof StreamsGroup) {
      const member = group.members.get(memberId);
      if (member === undefined) return [];
      return [...group.readBy(member.assigned.active), ...group.readBy(member.pendingRevocation.active)];
    }
    if (group instanceof ShareGroup) {
      const member = group.members.get(memberId);
      return member === undefined ? [] : namedPartitions(member.assigned, this.#image());
    }
    const member = group.members.get(memberId);
    if (member === undefined) return [];
    // What it was asked to give up is its own until it says that it has.
    const pending = namedPartitions(member.pendingRevocation, this.#image());
    return [...namedPartitions(member.assigned, this.#image()), ...pending];
  }

  #tell(group: Group, member: Member, epoch: number, told: Told, held: readonly Partition[]): void {
    const { memberId, clientId } = member;
    const partitions = byTopic(held);
    const text = JSON.stringify(partitions);
    const known = this.#of(group.groupId);
    const before = known.get(memberId);
    // That nothing changed is news only of a member whose partitions nobody was told yet.
    if (before === text || (before === '' && held.length === 0)) return;
    known.set(memberId, text);
    const { groupId } = group;
    const entry = { kind: 'group.memberHolds', groupId, memberId, clientId, epoch, told, partitions } as const;
    group.lastEvent = this.#journal.record(entry, group.lastEvent);
  }

  #of(groupId: string): Map<string, string> {
    const known = this.#told.get(groupId) ?? new Map<string, string>();
    this.#told.set(groupId, known);
    return known;
  }
}

function byTopic(held: readonly Partition[]): { topic: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of held) {
    const numbers = topics.get(topic) ?? [];
    topics.set(topic, numbers);
    numbers.push(partition);
  }
  return [...topics.keys()].sort().map((topic) => ({
    topic,
    partitions: (topics.get(topic) ?? []).sort((a, b) => a - b),
  }));
}

/** The version stands before the message; the first one knew no owned partitions. */
function ownedBy(metadata: Buffer | undefined): Partition[] {
  if (metadata === undefined || metadata.length < 2) return [];
  const version = Math.min(Math.max(metadata.readInt16BE(0), 0), consumerProtocolSubscription.versions.max);
  try {
    const { ownedPartitions } = consumerProtocolSubscription.decodeFrom(metadata.subarray(2), version);
    return ownedPartitions.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
  } catch (error) {
    // What a client writes there is between it and its group.
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}
