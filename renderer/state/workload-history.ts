// The last minute of the workload's figures, for the chart. A ring of numbers; the oldest samples fall out.

import type { WorkloadView } from '../../main/api/views.ts';

export const historySpanMs = 60_000;
/** 60 s at the 20 deltas a second that a host may send. */
const samplesMax = 1_200;

export class WorkloadHistory {
  readonly #atMs = new Float64Array(samplesMax);
  readonly #acknowledged = new Float32Array(samplesMax);
  readonly #consumed = new Float32Array(samplesMax);
  #next = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(atMs: number, workload: WorkloadView): void {
    if (this.#count > 0 && atMs <= this.atMs(this.#count - 1)) return;
    this.#atMs[this.#next] = atMs;
    this.#acknowledged[this.#next] = workload.acknowledgedPerSecond;
    this.#consumed[this.#next] = workload.consumedPerSecond;
    this.#next = (this.#next + 1) % samplesMax;
    this.#count = Math.min(this.#count + 1, samplesMax);
  }

  clear(): void {
    this.#next = 0;
    this.#count = 0;
  }

  /** Index 0 is the oldest sample kept. */
  atMs(index: number): number {
    return this.#atMs[this.#slot(index)] ?? 0;
  }

  acknowledged(index: number): number {
    return this.#acknowledged[this.#slot(index)] ?? 0;
  }

  consumed(index: number): number {
    return this.#consumed[this.#slot(index)] ?? 0;
  }

  #slot(index: number): number {
    return (this.#next - this.#count + index + samplesMax) % samplesMax;
  }
}

/** A span in which no write was acknowledged, on the monotonic clock; `untilMs` null: it lasts. */
export type Gap = { readonly fromMs: number; readonly untilMs: number | null };

/** Folds the workload's own measure of unavailability into gaps to draw. */
export function extendGaps(gaps: readonly Gap[], atMs: number, unavailableForMs: number | null): readonly Gap[] {
  const last = gaps.at(-1);
  const open = last && last.untilMs === null ? last : null;
  if (unavailableForMs === null) {
    return open ? [...gaps.slice(0, -1), { fromMs: open.fromMs, untilMs: atMs }] : gaps;
  }
  if (open) return gaps;
  const kept = gaps.filter((gap) => gap.untilMs === null || gap.untilMs > atMs - historySpanMs);
  return [...kept, { fromMs: atMs - unavailableForMs, untilMs: null }];
}
