// How the leader of a group divides the partitions: range (eager: all give up all, then are given anew) and
// cooperative-sticky (who has a partition keeps it; what must move is first given up, then assigned in a second
// rebalance), as Kafka's assignors of those names do for one topic. Pure.

export type Member = { readonly memberId: string; readonly owned: readonly number[] };

/** Partitions by member. */
export type Assignment = ReadonlyMap<string, readonly number[]>;

export function assignRange(members: readonly Member[], partitionCount: number): Assignment {
  const ids = members.map((member) => member.memberId).sort();
  const least = Math.floor(partitionCount / ids.length);
  const extra = partitionCount % ids.length;
  const result = new Map<string, number[]>();
  let next = 0;
  ids.forEach((id, index) => {
    const count = least + (index < extra ? 1 : 0);
    result.set(
      id,
      Array.from({ length: count }, () => next++),
    );
  });
  return result;
}

export function assignCooperatively(members: readonly Member[], partitionCount: number): Assignment {
  const target = balanced(members, partitionCount);
  const owner = new Map<number, string>();
  for (const { memberId, owned } of members) for (const partition of owned) owner.set(partition, memberId);
  // A partition that moves is nobody's in this round: its owner gives it up and joins again.
  return new Map(
    [...target].map(([id, partitions]) => [id, partitions.filter((partition) => (owner.get(partition) ?? id) === id)]),
  );
}

/** As even as can be, with as few moves as can be. */
function balanced(members: readonly Member[], partitionCount: number): Map<string, number[]> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const least = Math.floor(partitionCount / sorted.length);
  let extra = partitionCount % sorted.length;
  const taken = new Set<number>();
  const result = new Map<string, number[]>();
  // Those who have most keep the odd ones.
  for (const { memberId, owned } of [...sorted].sort((a, b) => b.owned.length - a.owned.length)) {
    const mine = owned.filter((partition) => partition < partitionCount && !taken.has(partition));
    const quota = least + (extra > 0 && mine.length > least ? 1 : 0);
    const kept = mine.slice(0, quota);
    if (kept.length > least) extra -= 1;
    for (const partition of kept) taken.add(partition);
    result.set(memberId, kept);
  }
  const free = Array.from({ length: partitionCount }, (_, index) => index).filter((each) => !taken.has(each));
  for (const { memberId } of sorted) {
    const kept = result.get(memberId) ?? [];
    while (kept.length < least && free.length > 0) kept.push(...free.splice(0, 1));
  }
  for (const { memberId } of sorted) {
    const kept = result.get(memberId) ?? [];
    if (kept.length === least && extra > 0 && free.length > 0) {
      kept.push(...free.splice(0, 1));
      extra -= 1;
    }
  }
  return new Map([...result].map(([id, partitions]) => [id, [...partitions].sort((a, b) => a - b)]));
}
