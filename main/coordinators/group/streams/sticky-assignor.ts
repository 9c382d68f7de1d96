// The assignor of streams groups (KIP-1071, Kafka's StickyTaskAssignor): tasks stay where they are as far as members
// come to have equally many; the others go to processes with the least to do. A standby is on another process than its
// active task. Pure and deterministic.

import type { Tasks } from './tasks.ts';

export type StreamingMember = {
  readonly memberId: string;
  readonly processId: string;
  /** Its target so far. */
  readonly target: Tasks;
};

export type TaskSource = { readonly taskCount: number; readonly isStateful: boolean };

type Task = { readonly subtopologyId: string; readonly partition: number };
type Share = {
  readonly memberId: string;
  readonly process: Process;
  readonly active: Task[];
  readonly standby: Task[];
};
type Process = { readonly shares: Share[]; readonly tasks: Set<string> };

/** Targets by member id. */
export function assignSticky(
  members: readonly StreamingMember[],
  subtopologies: ReadonlyMap<string, TaskSource>,
  standbyReplicas: number,
): Map<string, Tasks> {
  const shares = sharesOf(members);
  const active = tasksOf(subtopologies, () => true);
  const stateful = tasksOf(subtopologies, ({ isStateful }) => isStateful);
  const before = previousHolders(members, shares);
  assignActive(active, shares, before);
  if (standbyReplicas > 0) assignStandbys(stateful, standbyReplicas, active.length, shares, before);
  return new Map(
    shares.map((share) => [
      share.memberId,
      { active: grouped(share.active), standby: grouped(share.standby), warmup: new Map() },
    ]),
  );
}

type Previous = {
  readonly active: ReadonlyMap<string, Share>;
  readonly standby: ReadonlyMap<string, readonly Share[]>;
};

function sharesOf(members: readonly StreamingMember[]): Share[] {
  const processes = new Map<string, Process>();
  return members.map(({ memberId, processId }) => {
    let process = processes.get(processId);
    if (process === undefined) processes.set(processId, (process = { shares: [], tasks: new Set() }));
    const share: Share = { memberId, process, active: [], standby: [] };
    process.shares.push(share);
    return share;
  });
}

function tasksOf(subtopologies: ReadonlyMap<string, TaskSource>, isMeant: (source: TaskSource) => boolean): Task[] {
  const tasks: Task[] = [];
  for (const [subtopologyId, source] of subtopologies) {
    if (!isMeant(source)) continue;
    for (let partition = 0; partition < source.taskCount; partition++) tasks.push({ subtopologyId, partition });
  }
  return tasks.sort((a, b) => a.partition - b.partition || (a.subtopologyId < b.subtopologyId ? -1 : 1));
}

function previousHolders(members: readonly StreamingMember[], shares: readonly Share[]): Previous {
  const active = new Map<string, Share>();
  const standby = new Map<string, Share[]>();
  for (const [index, { target }] of members.entries()) {
    const share = shares[index];
    if (share === undefined) continue;
    for (const [subtopologyId, partitions] of target.active) {
      for (const partition of partitions) active.set(keyOf({ subtopologyId, partition }), share);
    }
    for (const [subtopologyId, partitions] of target.standby) {
      for (const partition of partitions) {
        const key = keyOf({ subtopologyId, partition });
        standby.set(key, [...(standby.get(key) ?? []), share]);
      }
    }
  }
  return { active, standby };
}

/** So many for each, the first members one more, counted anew with each member that has its part. */
class Quota {
  #perMember: number;
  #tasks: number;
  #members: number;

  constructor(tasks: number, members: number) {
    this.#tasks = tasks;
    this.#members = members;
    this.#perMember = 0;
    this.#spread();
  }

  hasRoom(count: number): boolean {
    return count < this.#perMember;
  }

  /** A member has so many now. */
  taken(count: number): void {
    if (count !== this.#perMember) return;
    this.#members--;
    this.#tasks -= count;
    this.#spread();
  }

  #spread(): void {
    this.#perMember = this.#members <= 0 ? 0 : Math.ceil(this.#tasks / this.#members);
  }
}

function assignActive(tasks: readonly Task[], shares: readonly Share[], before: Previous): void {
  const quota = new Quota(tasks.length, shares.length);
  const give = (share: Share, task: Task): void => {
    share.active.push(task);
    share.process.tasks.add(keyOf(task));
    quota.taken(share.active.length);
  };
  const left = tasks.filter((task) => {
    const key = keyOf(task);
    const previous = before.active.get(key) ?? leastLoaded(before.standby.get(key) ?? []);
    if (previous === undefined || !quota.hasRoom(previous.active.length)) return true;
    give(previous, task);
    return false;
  });
  for (const task of left) {
    const share = leastLoaded(shares);
    if (share !== undefined) give(share, task);
  }
}

function assignStandbys(
  tasks: readonly Task[],
  replicas: number,
  activeCount: number,
  shares: readonly Share[],
  before: Previous,
): void {
  const quota = new Quota(activeCount + tasks.length * replicas, shares.length);
  for (const share of shares) quota.taken(share.active.length);
  const give = (share: Share, task: Task): void => {
    share.standby.push(task);
    share.process.tasks.add(keyOf(task));
    quota.taken(countOf(share));
  };
  const left: { readonly task: Task; readonly replicas: number }[] = [];
  for (const task of [...tasks].reverse()) {
    const key = keyOf(task);
    let open = replicas;
    const previous = [before.active.get(key), ...(before.standby.get(key) ?? [])];
    for (const share of previous) {
      if (open === 0 || share === undefined || share.process.tasks.has(key) || !quota.hasRoom(countOf(share))) continue;
      give(share, task);
      open--;
    }
    if (open > 0) left.push({ task, replicas: open });
  }
  for (const { task, replicas: open } of left) {
    for (let replica = 0; replica < open; replica++) {
      // With too few processes there are fewer standbys than were asked for.
      const share = leastLoaded(shares.filter(({ process }) => !process.tasks.has(keyOf(task))));
      if (share !== undefined) give(share, task);
    }
  }
}

/** Of the process with the least to do for each of its members, the member with the least. */
function leastLoaded(shares: readonly Share[]): Share | undefined {
  let best: Share | undefined;
  for (const share of shares) if (best === undefined || compareLoad(share, best) < 0) best = share;
  return best;
}

function compareLoad(a: Share, b: Share): number {
  return loadOf(a.process) - loadOf(b.process) || countOf(a) - countOf(b);
}

function loadOf({ shares }: Process): number {
  return shares.reduce((sum, share) => sum + countOf(share), 0) / shares.length;
}

function countOf({ active, standby }: Share): number {
  return active.length + standby.length;
}

function keyOf({ subtopologyId, partition }: Task): string {
  return `${subtopologyId}\0${partition}`;
}

function grouped(tasks: readonly Task[]): Map<string, Set<number>> {
  const result = new Map<string, Set<number>>();
  for (const { subtopologyId, partition } of tasks) {
    result.set(subtopologyId, (result.get(subtopologyId) ?? new Set()).add(partition));
  }
  return result;
}
