// What a fuzz target is: one thing that must hold for whatever a seed makes of it. A target throws a Finding (or lets
// through what the code under test threw and must not have).

import type { Random } from '../../main/runtime/runtime.ts';

export type FuzzTarget = {
  /** `family:thing`. */
  readonly name: string;
  /** Cases that one execution counts for. */
  run(random: Random): number | Promise<number>;
};

export class Finding extends Error {
  override readonly name = 'Finding';
}

/** Errors that mean a bug wherever bytes from outside led to them. */
export function isBug(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  return (
    error instanceof RangeError ||
    error instanceof TypeError ||
    error instanceof ReferenceError ||
    error instanceof SyntaxError ||
    error.name === 'AssertionFailure'
  );
}

export function oneOf<T>(random: Random, values: readonly T[]): T {
  const value = values[random.below(values.length)];
  if (value === undefined) throw new Error('nothing to choose from');
  return value;
}

/** What this process has used: bounds on it hold on a busy machine too. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
