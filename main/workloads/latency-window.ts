// Latency percentiles over the last few seconds. Pure and bounded.

const windowMs = 5000;
const samplesMax = 2000;

export class LatencyWindow {
  readonly #samples: { readonly atMs: number; readonly latencyMs: number }[] = [];

  add(atMs: number, latencyMs: number): void {
    this.#samples.push({ atMs, latencyMs });
    if (this.#samples.length > samplesMax) this.#samples.shift();
  }

  /** Milliseconds; null without a sample in the window. */
  percentiles(nowMs: number): { p50: number | null; p99: number | null } {
    const sorted = this.#samples
      .filter((sample) => nowMs - sample.atMs <= windowMs)
      .map((sample) => sample.latencyMs)
      .sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
    return { p50: at(0.5), p99: at(0.99) };
  }
}
