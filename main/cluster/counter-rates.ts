// Rates per second from counters that only rise, over a sliding window. Pure.

const windowMs = 2000;
const samplesMax = 64;

export class CounterRates {
  readonly #samples: { readonly atMs: number; readonly counters: Readonly<Record<string, number>> }[] = [];

  add(atMs: number, counters: Readonly<Record<string, number>>): void {
    this.#samples.push({ atMs, counters });
    // One sample older than the window stays: it is where the window begins.
    while (
      this.#samples.length > 2 &&
      (this.#samples.length > samplesMax || atMs - (this.#samples[1]?.atMs ?? atMs) >= windowMs)
    ) {
      this.#samples.shift();
    }
  }

  /** Growth of one counter per second over the window; 0 until two samples are there. */
  perSecond(name: string): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return Math.max(0, (((last.counters[name] ?? 0) - (first.counters[name] ?? 0)) * 1000) / (last.atMs - first.atMs));
  }
}
