// A share group (KIP-932) as its records describe it. Every change returns its undo, for records that could not be
// appended. Decides nothing: see share-heartbeat.ts. State: Empty (no members) · Stable.

import type { EventId } from '../../../core/journal.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { GroupCoordinatorRecord } from '../../../protocol/messages/group-coordinator-records.ts';
import { CoordinatorError } from '../../runtime/coordinator-error.ts';
import { emptyTarget, type TopicPartitions } from '../consumer-group-member.ts';
import type { Undo } from '../consumer-group.ts';
import {
  newShareGroupMember,
  type ShareGroupMember,
  withShareAssignment,
  withShareMetadata,
} from './share-group-member.ts';
import { shareGroupTombstones } from './share-group-records.ts';
import { noShareTopics, type ShareTopics, shareTopicsOf } from './share-topics.ts';

export type ShareGroupState = 'Empty' | 'Stable';

export type ShareRecord = Extract<GroupCoordinatorRecord, { name: `ShareGroup${string}` }>;

/** Kafka's groups begin here: the first member brings the second epoch. */
const firstEpoch = 1;

export class ShareGroup {
  readonly type = 'share';
  readonly protocolType = 'share';
  readonly groupId: string;
  epoch = firstEpoch;
  metadataHash = 0n;
  /** The group epoch that the target assignment was made for. */
  assignmentEpoch = firstEpoch;
  assignmentTimestampMs = 0;
  topics: ShareTopics = noShareTopics;
  /** Not in the log: when the topics are looked at anew; 0 at once. */
  metadataRefreshAtMs = 0;
  /** The last journal event about this group: cause of what comes next. */
  lastEvent: EventId | null = null;
  readonly #members = new Map<string, ShareGroupMember>();
  readonly #targets = new Map<string, TopicPartitions>();

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  // ── questions ──

  get members(): ReadonlyMap<string, ShareGroupMember> {
    return this.#members;
  }

  get targets(): ReadonlyMap<string, TopicPartitions> {
    return this.#targets;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get state(): ShareGroupState {
    return this.isEmpty ? 'Empty' : 'Stable';
  }

  /** Throws UNKNOWN_MEMBER_ID. */
  member(memberId: string): ShareGroupMember {
    const member = this.#members.get(memberId);
    if (member !== undefined) return member;
    throw new CoordinatorError(
      ErrorCode.UNKNOWN_MEMBER_ID,
      `Member ${memberId} is not a member of group ${this.groupId}.`,
    );
  }

  targetOf(memberId: string): TopicPartitions {
    return this.#targets.get(memberId) ?? emptyTarget;
  }

  isSubscribedTo(topic: string): boolean {
    for (const member of this.#members.values()) if (member.subscribedTopicNames.includes(topic)) return true;
    return false;
  }

  // ── offsets are kept by the share coordinator, not here ──

  validateOffsetCommit(): void {
    throw this.#notForOffsets();
  }

  validateOffsetFetch(): void {
    throw this.#notForOffsets();
  }

  #notForOffsets(): CoordinatorError {
    return new CoordinatorError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${this.groupId} is not a consumer group.`);
  }

  tombstones(): GroupCoordinatorRecord[] {
    return shareGroupTombstones(this.groupId, [...this.#members.keys()]);
  }

  // ── changes ──

  /** Everything but the group's own tombstone, with which the group as a whole goes. */
  apply(record: ShareRecord, nowMs: number): Undo {
    switch (record.name) {
      case 'ShareGroupMetadata': {
        const { epoch, metadataHash } = record.value ?? { epoch: firstEpoch, metadataHash: 0n };
        return this.#assign({ epoch, metadataHash });
      }
      case 'ShareGroupMemberMetadata': {
        const { memberId } = record.key;
        if (record.value === null) return this.#setMember(memberId, null);
        return this.#setMember(memberId, withShareMetadata(this.#memberOrNew(memberId), record.value));
      }
      case 'ShareGroupCurrentMemberAssignment': {
        const { memberId } = record.key;
        // That it is gone is its metadata's tombstone to say.
        if (record.value === null && !this.#members.has(memberId)) return () => {};
        return this.#setMember(memberId, withShareAssignment(this.#memberOrNew(memberId), record.value));
      }
      case 'ShareGroupTargetAssignmentMember': {
        const topics = record.value?.topicPartitions.map(
          ({ topicId, partitions }) => [topicId, new Set(partitions)] as const,
        );
        return this.#setTarget(record.key.memberId, topics === undefined ? null : new Map(topics));
      }
      case 'ShareGroupTargetAssignmentMetadata': {
        const { assignmentEpoch, assignmentTimestamp } = record.value ?? {
          assignmentEpoch: -1,
          assignmentTimestamp: 0,
        };
        return this.#assign({ assignmentEpoch, assignmentTimestampMs: assignmentTimestamp });
      }
      case 'ShareGroupStatePartitionMetadata':
        return this.#assign({ topics: record.value === null ? noShareTopics : shareTopicsOf(record.value, nowMs) });
    }
  }

  #memberOrNew(memberId: string): ShareGroupMember {
    return this.#members.get(memberId) ?? newShareGroupMember(memberId);
  }

  #assign(
    values: Partial<
      Pick<ShareGroup, 'epoch' | 'metadataHash' | 'assignmentEpoch' | 'assignmentTimestampMs' | 'topics'>
    >,
  ): Undo {
    const { epoch, metadataHash, assignmentEpoch, assignmentTimestampMs, topics } = this;
    Object.assign(this, values);
    const before = { epoch, metadataHash, assignmentEpoch, assignmentTimestampMs, topics };
    // Topics whose change did not get into the log are to be looked at again.
    return () => void Object.assign(this, { ...before, metadataRefreshAtMs: 0 });
  }

  #setMember(memberId: string, member: ShareGroupMember | null): Undo {
    const before = this.#members.get(memberId) ?? null;
    if (member === null) this.#members.delete(memberId);
    else this.#members.set(memberId, member);
    return () => void this.#setMember(memberId, before);
  }

  #setTarget(memberId: string, target: TopicPartitions | null): Undo {
    const before = this.#targets.get(memberId) ?? null;
    if (target === null) this.#targets.delete(memberId);
    else this.#targets.set(memberId, target);
    return () => void this.#setTarget(memberId, before);
  }
}
