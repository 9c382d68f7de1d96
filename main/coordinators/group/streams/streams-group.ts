// A streams group (KIP-1071) as its records describe it: members, topology, target assignment. Every change returns its
// undo, for records that could not be appended. Decides nothing: see streams-heartbeat.ts.
// State: Empty · NotReady (the topology can't run yet) · Assigning (epoch beyond the target's) · Reconciling · Stable.

import type { EventId } from '../../../core/journal.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { GroupCoordinatorRecord } from '../../../protocol/messages/group-coordinator-records.ts';
import type { OffsetCommitRequest } from '../../../protocol/messages/offset-commit.ts';
import { CoordinatorError } from '../../runtime/coordinator-error.ts';
import type { Undo } from '../consumer-group.ts';
import {
  isReconciledTo,
  newStreamsGroupMember,
  type StreamsGroupMember,
  withStreamsAssignment,
  withStreamsMetadata,
} from './streams-group-member.ts';
import { streamsGroupTombstones } from './streams-group-records.ts';
import type { TaskHolders } from './streams-reconciliation.ts';
import { type HeldTasks, noTasks, type TaskEpochs, taskSet, type TaskSet, type Tasks } from './tasks.ts';
import { type ConfiguredTopology, readerOf, requiredTopics, type Topology, topicsReadBy } from './topology.ts';

export type StreamsGroupState = 'Empty' | 'NotReady' | 'Assigning' | 'Reconciling' | 'Stable';

export type StreamsRecord = Extract<GroupCoordinatorRecord, { name: `StreamsGroup${string}` }>;

type CommitTopics = OffsetCommitRequest['topics'];

/** From here on a member of the new protocol may commit. */
const streamsCommitsFrom = 9;
/** Kafka's groups begin here: the first member brings the second epoch. */
const firstEpoch = 1;

export class StreamsGroup {
  readonly type = 'streams';
  readonly protocolType = 'streams';
  readonly groupId: string;
  epoch = firstEpoch;
  metadataHash = 0n;
  /** −1: none was found able to run. */
  validatedTopologyEpoch = -1;
  assignmentConfigs: ReadonlyMap<string, string> = new Map();
  /** The group epoch that the target assignment was made for. */
  assignmentEpoch = firstEpoch;
  assignmentTimestampMs = 0;
  topology: Topology | null = null;
  // ── not in the log ──
  /** What the topology comes to on this cluster; null: to be found out. */
  configured: ConfiguredTopology | null = null;
  metadataRefreshAtMs = 0;
  /** Counts changes of where members answer questions. */
  endpointEpoch = 0;
  /** Who asked that the whole application ends. */
  shutdownRequestedBy: string | null = null;
  /** The state that whoever watches was last told of. */
  reportedState: StreamsGroupState = 'Empty';
  lastEvent: EventId | null = null;
  readonly #members = new Map<string, StreamsGroupMember>();
  readonly #targets = new Map<string, Tasks>();

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  // ── questions ──

  get members(): ReadonlyMap<string, StreamsGroupMember> {
    return this.#members;
  }

  get targets(): ReadonlyMap<string, Tasks> {
    return this.#targets;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get state(): StreamsGroupState {
    if (this.isEmpty) return 'Empty';
    if (this.topology?.epoch !== this.validatedTopologyEpoch) return 'NotReady';
    if (this.epoch > this.assignmentEpoch) return 'Assigning';
    for (const member of this.#members.values()) {
      if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling';
    }
    return 'Stable';
  }

  /** Throws UNKNOWN_MEMBER_ID. */
  member(memberId: string): StreamsGroupMember {
    const member = this.#members.get(memberId);
    if (member !== undefined) return member;
    throw new CoordinatorError(
      ErrorCode.UNKNOWN_MEMBER_ID,
      `Member ${memberId} is not a member of group ${this.groupId}.`,
    );
  }

  targetOf(memberId: string): Tasks {
    return this.#targets.get(memberId) ?? noTasks;
  }

  isSubscribedTo(topic: string): boolean {
    return !this.isEmpty && this.topology !== null && requiredTopics(this.topology).has(topic);
  }

  /** The partitions that these tasks read. */
  readBy(tasks: TaskSet | TaskEpochs): { topic: string; partition: number }[] {
    return [...tasks].flatMap(([id, numbers]) => {
      const topics = this.topology === null ? [] : topicsReadBy(this.topology, id);
      return topics.flatMap((topic) => [...numbers.keys()].map((partition) => ({ topic, partition })));
    });
  }

  /** As the members but one have them: that one is about to change. */
  holdersBeside(memberId: string): TaskHolders {
    const others = [...this.#members.values()].filter((member) => member.memberId !== memberId);
    const has = (tasks: HeldTasks, kind: keyof HeldTasks, id: string, partition: number): boolean =>
      tasks[kind].get(id)?.has(partition) === true;
    const holds = (member: StreamsGroupMember, kind: keyof HeldTasks, id: string, partition: number): boolean =>
      has(member.assigned, kind, id, partition) || has(member.pendingRevocation, kind, id, partition);
    const own = this.#members.get(memberId);
    // What the member itself is giving up as one kind it may take up as another, once it has said so.
    const ownRevoked = (kind: keyof HeldTasks, id: string, partition: number): boolean =>
      own !== undefined && has(own.assigned, kind, id, partition);
    return {
      isActive: (id, partition) => others.some((member) => holds(member, 'active', id, partition)),
      isActiveAt: (id, partition, processId) =>
        ownRevoked('active', id, partition) ||
        others.some((member) => member.processId === processId && holds(member, 'active', id, partition)),
      isReadyAt: (id, partition, processId) =>
        ownRevoked('standby', id, partition) ||
        ownRevoked('warmup', id, partition) ||
        others.some(
          (member) =>
            member.processId === processId &&
            (holds(member, 'standby', id, partition) || holds(member, 'warmup', id, partition)),
        ),
    };
  }

  // ── offsets ──

  /** Throws when a commit with this member epoch can't be taken. */
  validateOffsetCommit(memberId: string, memberEpoch: number, apiVersion: number, topics: CommitTopics): void {
    // An admin client, or a consumer that assigns itself.
    if (memberEpoch < 0 && this.isEmpty) return;
    const member = this.member(memberId);
    if (apiVersion < streamsCommitsFrom) throw new CoordinatorError(ErrorCode.UNSUPPORTED_VERSION);
    this.validateCommitEpoch(member, memberEpoch, topics);
  }

  /** An older epoch will do for tasks that the member has had since then. */
  validateCommitEpoch(member: StreamsGroupMember, memberEpoch: number, topics: CommitTopics): void {
    if (memberEpoch === member.memberEpoch) return;
    if (memberEpoch > member.memberEpoch) throw stale();
    for (const { name, partitions } of topics) {
      const id = this.topology === null ? null : readerOf(this.topology, name);
      for (const { partitionIndex } of partitions) {
        const since =
          id === null
            ? undefined
            : (member.assigned.active.get(id)?.get(partitionIndex) ??
              member.pendingRevocation.active.get(id)?.get(partitionIndex));
        if (since === undefined || memberEpoch < since) throw stale();
      }
    }
  }

  /** No member id and epoch: an admin client, or one that does not tell. */
  validateOffsetFetch(memberId: string | null, memberEpoch: number): void {
    if (memberId === null && memberEpoch < 0) return;
    if (this.member(memberId ?? '').memberEpoch !== memberEpoch) throw stale();
  }

  tombstones(): GroupCoordinatorRecord[] {
    return streamsGroupTombstones(this.groupId, [...this.#members.keys()]);
  }

  // ── changes ──

  /** Everything but the group's own tombstone, with which the group as a whole goes. */
  apply(record: StreamsRecord): Undo {
    switch (record.name) {
      case 'StreamsGroupMetadata': {
        const { epoch, metadataHash, validatedTopologyEpoch, lastAssignmentConfigs } = record.value ?? nothing;
        const assignmentConfigs = new Map((lastAssignmentConfigs ?? []).map(({ key, value }) => [key, value]));
        return this.#assign({ epoch, metadataHash, validatedTopologyEpoch, assignmentConfigs });
      }
      case 'StreamsGroupTopology':
        return this.#assign({ topology: record.value });
      case 'StreamsGroupMemberMetadata': {
        const { memberId } = record.key;
        if (record.value === null) return this.#setMember(memberId, null);
        return this.#setMember(memberId, withStreamsMetadata(this.#memberOrNew(memberId), record.value));
      }
      case 'StreamsGroupCurrentMemberAssignment': {
        const { memberId } = record.key;
        // That it is gone is its metadata's tombstone to say.
        if (record.value === null && !this.#members.has(memberId)) return () => {};
        return this.#setMember(memberId, withStreamsAssignment(this.#memberOrNew(memberId), record.value));
      }
      case 'StreamsGroupTargetAssignmentMember': {
        const { key, value } = record;
        if (value === null) return this.#setTarget(key.memberId, null);
        return this.#setTarget(key.memberId, {
          active: taskSet(value.activeTasks),
          standby: taskSet(value.standbyTasks),
          warmup: taskSet(value.warmupTasks),
        });
      }
      case 'StreamsGroupTargetAssignmentMetadata': {
        const { assignmentEpoch, assignmentTimestamp } = record.value ?? {
          assignmentEpoch: -1,
          assignmentTimestamp: 0,
        };
        return this.#assign({ assignmentEpoch, assignmentTimestampMs: assignmentTimestamp });
      }
    }
  }

  #memberOrNew(memberId: string): StreamsGroupMember {
    return this.#members.get(memberId) ?? newStreamsGroupMember(memberId);
  }

  #assign(values: Partial<Recorded>): Undo {
    const { epoch, metadataHash, validatedTopologyEpoch, assignmentConfigs, topology } = this;
    const { assignmentEpoch, assignmentTimestampMs } = this;
    const epochs = { epoch, metadataHash, assignmentEpoch, assignmentTimestampMs };
    Object.assign(this, values);
    // Topics whose change did not get into the log are to be looked at again.
    return () =>
      void Object.assign(this, {
        ...epochs,
        validatedTopologyEpoch,
        assignmentConfigs,
        topology,
        metadataRefreshAtMs: 0,
      });
  }

  #setMember(memberId: string, member: StreamsGroupMember | null): Undo {
    const before = this.#members.get(memberId) ?? null;
    if (member === null) this.#members.delete(memberId);
    else this.#members.set(memberId, member);
    if (this.isEmpty) this.shutdownRequestedBy = null;
    return () => void this.#setMember(memberId, before);
  }

  #setTarget(memberId: string, target: Tasks | null): Undo {
    const before = this.#targets.get(memberId) ?? null;
    if (target === null) this.#targets.delete(memberId);
    else this.#targets.set(memberId, target);
    return () => void this.#setTarget(memberId, before);
  }
}

type Recorded = Pick<
  StreamsGroup,
  | 'epoch'
  | 'metadataHash'
  | 'validatedTopologyEpoch'
  | 'assignmentConfigs'
  | 'assignmentEpoch'
  | 'assignmentTimestampMs'
  | 'topology'
>;

const nothing = { epoch: firstEpoch, metadataHash: 0n, validatedTopologyEpoch: -1, lastAssignmentConfigs: [] } as const;

function stale(): CoordinatorError {
  return new CoordinatorError(ErrorCode.STALE_MEMBER_EPOCH);
}
