// Tasks of a streams group (KIP-1071): a subtopology's work on one number of partition. Pure.

/** Numbers of partitions by subtopology id. */
export type TaskSet = ReadonlyMap<string, ReadonlySet<number>>;
/** The same, each with the member epoch at which it was given out. */
export type TaskEpochs = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** What a member is to have, or says it has. */
export type Tasks = { readonly active: TaskSet; readonly standby: TaskSet; readonly warmup: TaskSet };
/** What a member has; active tasks remember since when, for commits that come late. */
export type HeldTasks = { readonly active: TaskEpochs; readonly standby: TaskSet; readonly warmup: TaskSet };

export type StoredTasks = readonly { readonly subtopologyId: string; readonly partitions: readonly number[] }[];

export const noTasks: Tasks = { active: new Map(), standby: new Map(), warmup: new Map() };
export const noHeldTasks: HeldTasks = { active: new Map(), standby: new Map(), warmup: new Map() };

export function taskSet(stored: StoredTasks): TaskSet {
  return new Map(stored.map(({ subtopologyId, partitions }) => [subtopologyId, new Set(partitions)]));
}

/** Sorted. */
export function storedTasks(tasks: TaskSet | TaskEpochs): { subtopologyId: string; partitions: number[] }[] {
  return [...tasks]
    .map(([subtopologyId, partitions]) => ({
      subtopologyId,
      partitions: [...partitions.keys()].sort((a, b) => a - b),
    }))
    .sort((a, b) => (a.subtopologyId < b.subtopologyId ? -1 : 1));
}

export function isNoTask({ active, standby, warmup }: Tasks | HeldTasks): boolean {
  return active.size === 0 && standby.size === 0 && warmup.size === 0;
}

export function sameTasks(a: Tasks, b: Tasks): boolean {
  return sameSet(a.active, b.active) && sameSet(a.standby, b.standby) && sameSet(a.warmup, b.warmup);
}

export function sameHeldTasks(a: HeldTasks, b: HeldTasks): boolean {
  return sameEpochs(a.active, b.active) && sameSet(a.standby, b.standby) && sameSet(a.warmup, b.warmup);
}

/** Whether a member still has any of what it is to give up. */
export function hasAnyOf(reported: Tasks, held: HeldTasks): boolean {
  return (
    overlaps(reported.active, held.active) ||
    overlaps(reported.standby, held.standby) ||
    overlaps(reported.warmup, held.warmup)
  );
}

/** Whether a member has nothing but what it was given. */
export function isWithin(reported: Tasks, held: HeldTasks): boolean {
  return (
    isSubset(reported.active, held.active) &&
    isSubset(reported.standby, held.standby) &&
    isSubset(reported.warmup, held.warmup)
  );
}

function sameSet(a: TaskSet, b: TaskSet): boolean {
  if (a.size !== b.size) return false;
  for (const [subtopologyId, partitions] of a) {
    const others = b.get(subtopologyId);
    if (others?.size !== partitions.size) return false;
    for (const partition of partitions) if (!others.has(partition)) return false;
  }
  return true;
}

function sameEpochs(a: TaskEpochs, b: TaskEpochs): boolean {
  if (a.size !== b.size) return false;
  for (const [subtopologyId, partitions] of a) {
    const others = b.get(subtopologyId);
    if (others?.size !== partitions.size) return false;
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false;
  }
  return true;
}

function overlaps(a: TaskSet, b: TaskSet | TaskEpochs): boolean {
  for (const [subtopologyId, partitions] of a) {
    const others = b.get(subtopologyId);
    if (others !== undefined && [...partitions].some((partition) => others.has(partition))) return true;
  }
  return false;
}

function isSubset(a: TaskSet, b: TaskSet | TaskEpochs): boolean {
  for (const [subtopologyId, partitions] of a) {
    const others = b.get(subtopologyId);
    if (partitions.size > 0 && others === undefined) return false;
    for (const partition of partitions) if (others?.has(partition) !== true) return false;
  }
  return true;
}
