// How much of something happened per second over the last samples, as Kafka's metrics measure it for quotas: at least
// all samples but one count as passed, so that a burst at the start is not taken for a rate.

export class QuotaRate {
  readonly #sampleCount: number;
  readonly #sampleMs: number;
  readonly #samples: { readonly startMs: number; value: number }[] = [];
  lastUsedMs = 0;

  constructor(sampleCount: number, sampleMs: number) {
    this.#sampleCount = sampleCount;
    this.#sampleMs = sampleMs;
  }

  /** Negative takes back. */
  record(value: number, nowMs: number): void {
    this.lastUsedMs = nowMs;
    const current = this.#samples.at(-1);
    if (current !== undefined && nowMs - current.startMs < this.#sampleMs) {
      current.value += value;
      return;
    }
    this.#samples.push({ startMs: nowMs, value });
    if (this.#samples.length > this.#sampleCount) this.#samples.shift();
  }

  /** How long to wait so that the rate falls to `bound`; 0 when it is not above it. */
  throttleMs(bound: number, nowMs: number): number {
    this.#purge(nowMs);
    let total = 0;
    for (const { value } of this.#samples) total += value;
    const windowMs = this.#windowMs(nowMs);
    const rate = (total * 1000) / windowMs;
    return rate <= bound ? 0 : Math.round(((rate - bound) / bound) * windowMs);
  }

  #purge(nowMs: number): void {
    const oldestMs = nowMs - this.#sampleCount * this.#sampleMs;
    while ((this.#samples[0]?.startMs ?? nowMs) < oldestMs) this.#samples.shift();
  }

  #windowMs(nowMs: number): number {
    const elapsedMs = nowMs - (this.#samples[0]?.startMs ?? nowMs);
    const fullWindows = Math.floor(elapsedMs / this.#sampleMs);
    const missing = Math.max(0, this.#sampleCount - 1 - fullWindows);
    return Math.max(elapsedMs + missing * this.#sampleMs, 1);
  }
}
