// How many groups and committed offsets a coordinator has, for whoever shows figures.

import type { GroupMachine } from './group-machine.ts';

export type GroupCounts = {
  /** `consumer` → `Stable` → how many. */
  readonly byTypeAndState: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly offsetCount: number;
};

export function countGroups(machines: Iterable<GroupMachine>): GroupCounts {
  const byTypeAndState = new Map<string, Map<string, number>>();
  let offsetCount = 0;
  for (const machine of machines) {
    offsetCount += machine.offsets.count();
    for (const { groupType, groupState } of machine.list()) {
      let states = byTypeAndState.get(groupType);
      if (states === undefined) byTypeAndState.set(groupType, (states = new Map<string, number>()));
      states.set(groupState, (states.get(groupState) ?? 0) + 1);
    }
  }
  return { byTypeAndState, offsetCount };
}
