// One member of a streams group (KIP-1071): a thread of an application, and how far it has come towards its target.
// Immutable; records make the next one.

import type {
  StreamsGroupCurrentMemberAssignmentValue,
  StreamsGroupMemberMetadataValue,
} from '../../../protocol/messages/streams-group-records.ts';
import { type HeldTasks, noHeldTasks, taskSet, type TaskEpochs } from './tasks.ts';

/**
 * stable: at the epoch of its target, nothing open · unrevoked: must give up tasks before it may go on · unreleased:
 * waits for tasks that others still have · unknown: written by a newer Kafka.
 */
export type StreamsMemberState = 'stable' | 'unrevoked' | 'unreleased' | 'unknown';

export type Endpoint = { readonly host: string; readonly port: number };

export type StreamsGroupMember = {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly topologyEpoch: number;
  /** Members of one process share its memory and disk. */
  readonly processId: string;
  /** Where the application answers questions about its state; null: nowhere. */
  readonly userEndpoint: Endpoint | null;
  readonly clientTags: readonly { readonly key: string; readonly value: string }[];
  readonly memberEpoch: number;
  readonly previousMemberEpoch: number;
  readonly state: StreamsMemberState;
  readonly assigned: HeldTasks;
  readonly pendingRevocation: HeldTasks;
};

const stateCodes: Readonly<Record<Exclude<StreamsMemberState, 'unknown'>, number>> = {
  stable: 0,
  unrevoked: 1,
  unreleased: 2,
};
const unknownStateCode = 127;
const releasedEpoch = -1;

export function newStreamsGroupMember(memberId: string): StreamsGroupMember {
  return {
    memberId,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    rebalanceTimeoutMs: -1,
    topologyEpoch: -1,
    processId: '',
    userEndpoint: null,
    clientTags: [],
    memberEpoch: 0,
    previousMemberEpoch: 0,
    state: 'stable',
    assigned: noHeldTasks,
    pendingRevocation: noHeldTasks,
  };
}

export function isReconciledTo({ state, memberEpoch }: StreamsGroupMember, epoch: number): boolean {
  return state === 'stable' && memberEpoch === epoch;
}

/** Of what it told about itself: nothing changed. */
export function isSameMetadata(a: StreamsGroupMember, b: StreamsGroupMember): boolean {
  return JSON.stringify(metadataOf(a)) === JSON.stringify(metadataOf(b));
}

/** As records have it. */
export function metadataOf(member: StreamsGroupMember): StreamsGroupMemberMetadataValue {
  const { instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs, topologyEpoch, processId } = member;
  const { userEndpoint, clientTags } = member;
  const identity = { instanceId, rackId, clientId, clientHost };
  return { ...identity, rebalanceTimeoutMs, topologyEpoch, processId, userEndpoint, clientTags };
}

export function withStreamsMetadata(
  member: StreamsGroupMember,
  value: StreamsGroupMemberMetadataValue,
): StreamsGroupMember {
  const { instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs, topologyEpoch, processId } = value;
  const { userEndpoint, clientTags } = value;
  const identity = { instanceId, rackId, clientId, clientHost };
  return { ...member, ...identity, rebalanceTimeoutMs, topologyEpoch, processId, userEndpoint, clientTags };
}

export function withStreamsAssignment(
  member: StreamsGroupMember,
  value: StreamsGroupCurrentMemberAssignmentValue | null,
): StreamsGroupMember {
  if (value === null) {
    const released = { memberEpoch: releasedEpoch, previousMemberEpoch: releasedEpoch, state: 'stable' } as const;
    return { ...member, ...released, assigned: noHeldTasks, pendingRevocation: noHeldTasks };
  }
  const { memberEpoch, previousMemberEpoch } = value;
  return {
    ...member,
    memberEpoch,
    previousMemberEpoch,
    state: stateOf(value.state),
    assigned: {
      active: epochsOf(value.activeTasks, memberEpoch),
      standby: taskSet(value.standbyTasks),
      warmup: taskSet(value.warmupTasks),
    },
    pendingRevocation: {
      active: epochsOf(value.activeTasksPendingRevocation, memberEpoch),
      standby: taskSet(value.standbyTasksPendingRevocation),
      warmup: taskSet(value.warmupTasksPendingRevocation),
    },
  };
}

export function storedState(state: StreamsMemberState): number {
  return state === 'unknown' ? unknownStateCode : stateCodes[state];
}

function stateOf(code: number): StreamsMemberState {
  if (code === stateCodes.stable) return 'stable';
  if (code === stateCodes.unrevoked) return 'unrevoked';
  return code === stateCodes.unreleased ? 'unreleased' : 'unknown';
}

/** Kafka before 4.3 wrote no epochs of tasks: the member's own stands for them. */
function epochsOf(stored: StreamsGroupCurrentMemberAssignmentValue['activeTasks'], memberEpoch: number): TaskEpochs {
  return new Map(
    stored.map(({ subtopologyId, partitions, assignmentEpochs }) => [
      subtopologyId,
      new Map(partitions.map((partition, index) => [partition, assignmentEpochs?.[index] ?? memberEpoch])),
    ]),
  );
}
