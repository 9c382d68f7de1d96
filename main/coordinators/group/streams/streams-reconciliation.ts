// Brings one member of a streams group nearer to its target (KIP-1071): first it gives up tasks, then it gets those that
// nobody has any more. No task is at work twice, and no process has the same task twice, be it as a standby.
// stable → unrevoked (told to give up) → stable or unreleased (waits for others) → stable.

import { ErrorCode } from '../../../protocol/errors.ts';
import { CoordinatorError } from '../../runtime/coordinator-error.ts';
import type { StreamsGroupMember } from './streams-group-member.ts';
import { hasAnyOf, type HeldTasks, isNoTask, noHeldTasks, type TaskEpochs, type Tasks, type TaskSet } from './tasks.ts';

/** Who has a task now. */
export type TaskHolders = {
  /** Some member is at work on it. */
  readonly isActive: (subtopologyId: string, partition: number) => boolean;
  /** The process is at work on it. */
  readonly isActiveAt: (subtopologyId: string, partition: number, processId: string) => boolean;
  /** The process keeps its state ready. */
  readonly isReadyAt: (subtopologyId: string, partition: number, processId: string) => boolean;
};

export type StreamsReconcileInput = {
  readonly member: StreamsGroupMember;
  readonly targetEpoch: number;
  readonly target: Tasks;
  readonly holders: TaskHolders;
  /** What the member says it has; null: it did not say. */
  readonly reported: Tasks | null;
};

/** The member as it is next; the same object when nothing moves. */
export function reconcileTasks(input: StreamsReconcileInput): StreamsGroupMember {
  const { member, targetEpoch, reported } = input;
  switch (member.state) {
    case 'stable':
      return member.memberEpoch === targetEpoch ? member : advance(input, member.memberEpoch);
    case 'unrevoked':
      if (reported === null || hasAnyOf(reported, member.pendingRevocation)) return member;
      return advance(input, member.memberEpoch + 1);
    case 'unreleased':
      return advance(input, member.memberEpoch);
    case 'unknown':
      if (reported === null || !isNoTask(reported)) {
        throw new CoordinatorError(
          ErrorCode.FENCED_MEMBER_EPOCH,
          'The streams group member is in a unknown state. The member must abandon all its tasks and rejoin.',
        );
      }
      return advance(input, targetEpoch);
  }
}

type Difference<Kept> = {
  readonly kept: Kept;
  readonly revoked: Kept;
  readonly added: TaskSet;
  readonly isWaiting: boolean;
};

function advance({ member, targetEpoch, target, holders, reported }: StreamsReconcileInput, memberEpoch: number) {
  const { processId, assigned } = member;
  const active = epochDifference(
    assigned.active,
    target.active,
    (id, partition) => holders.isActive(id, partition) || holders.isReadyAt(id, partition, processId),
  );
  const isTaken = (id: string, partition: number): boolean =>
    holders.isActiveAt(id, partition, processId) || holders.isReadyAt(id, partition, processId);
  const standby = difference(assigned.standby, target.standby, isTaken);
  const warmup = difference(assigned.warmup, target.warmup, isTaken);
  const revoked: HeldTasks = { active: active.revoked, standby: standby.revoked, warmup: warmup.revoked };
  const kept: HeldTasks = { active: active.kept, standby: standby.kept, warmup: warmup.kept };
  const previousMemberEpoch = member.memberEpoch;
  if (!isNoTask(revoked) && (reported === null || hasAnyOf(reported, revoked))) {
    return {
      ...member,
      state: 'unrevoked',
      memberEpoch,
      previousMemberEpoch,
      assigned: kept,
      pendingRevocation: revoked,
    } as const;
  }
  const isWaiting = active.isWaiting || standby.isWaiting || warmup.isWaiting;
  return {
    ...member,
    state: isWaiting ? 'unreleased' : 'stable',
    memberEpoch: targetEpoch,
    previousMemberEpoch,
    assigned: {
      active: withAdded(kept.active, active.added, targetEpoch),
      standby: united(kept.standby, standby.added),
      warmup: united(kept.warmup, warmup.added),
    },
    pendingRevocation: noHeldTasks,
  } as const;
}

type IsTaken = (subtopologyId: string, partition: number) => boolean;

function difference(held: TaskSet, target: TaskSet, isTaken: IsTaken): Difference<TaskSet> {
  const kept = new Map<string, Set<number>>();
  const revoked = new Map<string, Set<number>>();
  for (const [id, partitions] of held) {
    for (const partition of partitions) put(target.get(id)?.has(partition) === true ? kept : revoked, id, partition);
  }
  return { kept, revoked, ...additions(held, target, isTaken) };
}

function epochDifference(held: TaskEpochs, target: TaskSet, isTaken: IsTaken): Difference<TaskEpochs> {
  const kept = new Map<string, Map<number, number>>();
  const revoked = new Map<string, Map<number, number>>();
  for (const [id, partitions] of held) {
    for (const [partition, epoch] of partitions) {
      const part = target.get(id)?.has(partition) === true ? kept : revoked;
      part.set(id, (part.get(id) ?? new Map<number, number>()).set(partition, epoch));
    }
  }
  return { kept, revoked, ...additions(held, target, isTaken) };
}

function additions(held: TaskSet | TaskEpochs, target: TaskSet, isTaken: IsTaken) {
  const added = new Map<string, Set<number>>();
  let isWaiting = false;
  for (const [id, partitions] of target) {
    for (const partition of partitions) {
      if (held.get(id)?.has(partition) === true) continue;
      if (isTaken(id, partition)) isWaiting = true;
      else put(added, id, partition);
    }
  }
  return { added, isWaiting };
}

function put(tasks: Map<string, Set<number>>, id: string, partition: number): void {
  tasks.set(id, (tasks.get(id) ?? new Set()).add(partition));
}

function united(a: TaskSet, b: TaskSet): TaskSet {
  const result = new Map(a);
  for (const [id, partitions] of b) result.set(id, new Set([...(a.get(id) ?? []), ...partitions]));
  return result;
}

function withAdded(held: TaskEpochs, added: TaskSet, epoch: number): TaskEpochs {
  const result = new Map(held);
  for (const [id, partitions] of added) {
    const epochs = new Map(held.get(id) ?? []);
    for (const partition of partitions) epochs.set(partition, epoch);
    result.set(id, epochs);
  }
  return result;
}
