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
