// The arithmetic of majorities, on its own so that it can be tested to exhaustion. Pure.

import { present } from '../core/assert.ts';

/** How many of `voterCount` voters are more than half. */
export function majorityOf(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

/** Whether so many refusals leave no majority to be won any more. */
export function isLost(voterCount: number, refusals: number): boolean {
  return voterCount - refusals < majorityOf(voterCount);
}

/** The largest end offset that a majority has reached, given what each voter (the leader too) has on its disk. */
export function majorityEndOffset(endOffsets: readonly number[]): number {
  const descending = [...endOffsets].sort((a, b) => b - a);
  return present(descending[majorityOf(endOffsets.length) - 1], 'end offset of a majority');
}
