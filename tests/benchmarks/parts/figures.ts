// The figures that a run gives: their names, units and which way is better. Parts fill them, the report prints them.

import type { ProfileName } from '../../../main/cluster/profiles.ts';
import type { Cluster } from '../clusters/cluster.ts';
import type { Observer } from '../observer.ts';

export type Unit = 'ms' | 's' | 'MB' | 'MB/s' | '% of a core' | 'CPU s/GB';

export type Figure = {
  readonly key: string;
  readonly title: string;
  readonly unit: Unit;
  readonly better: 'less' | 'more';
};

export type Samples = Map<string, number[]>;

export type PartOptions = {
  readonly megabytes: number;
  readonly warmUpMegabytes: number;
  readonly idleSeconds: number;
  readonly latencySeconds: number;
  readonly ratePerSecond: number;
  readonly failovers: number;
};

export type PartInput = {
  readonly cluster: Cluster;
  readonly observer: Observer;
  readonly options: PartOptions;
  /** Adds a sample of a figure. */
  note(figure: Figure, value: number): void;
  /** Says what goes on. */
  say(text: string): void;
};

export type Part = {
  readonly name: string;
  /** The time-outs of both products: a full machine must not cost a broker its session where that is not the point. */
  readonly profile: ProfileName;
  readonly figures: readonly Figure[];
  run(input: PartInput): Promise<void>;
};

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const at = (sorted.length - 1) * part;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}
