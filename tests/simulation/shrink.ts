// Cuts a failing plan down to the fewest faults that still make it fail: leaves out ever smaller parts as long as the
// failure stays (delta debugging).

import type { Fault, Plan } from './fault-plan.ts';

type Placed = { readonly episode: number; readonly fault: Fault };

export async function shrink(plan: Plan, stillFails: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  let faults: Placed[] = plan.episodes.flatMap((episode, index) => episode.map((fault) => ({ episode: index, fault })));
  let partCount = 2;
  while (faults.length > 0) {
    const size = Math.ceil(faults.length / partCount);
    const smaller = await firstThatFails(candidates(faults, size), (each) => stillFails(planOf(plan, each)));
    if (smaller !== null) {
      faults = smaller;
      partCount = Math.max(2, partCount - 1);
    } else if (size === 1) break;
    else partCount = Math.min(faults.length, partCount * 2);
  }
  return withoutEmptyTail(planOf(plan, faults), stillFails);
}

function candidates(faults: readonly Placed[], size: number): Placed[][] {
  const without: Placed[][] = [];
  for (let start = 0; start < faults.length; start += size) {
    without.push(faults.filter((_, index) => index < start || index >= start + size));
  }
  return without;
}

async function firstThatFails<T>(list: readonly T[], fails: (each: T) => Promise<boolean>): Promise<T | null> {
  for (const each of list) if (await fails(each)) return each;
  return null;
}

function planOf(plan: Plan, faults: readonly Placed[]): Plan {
  const episodes = plan.episodes.map((_, index) =>
    faults.filter((each) => each.episode === index).map((each) => each.fault),
  );
  return { ...plan, episodes };
}

async function withoutEmptyTail(plan: Plan, stillFails: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  if (plan.episodes.length < 2 || plan.episodes.at(-1)?.length !== 0) return plan;
  const shorter = { ...plan, episodes: plan.episodes.slice(0, -1) };
  return (await stillFails(shorter)) ? shorter : plan;
}
