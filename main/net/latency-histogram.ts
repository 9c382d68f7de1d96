// How long answers took, for quantiles: buckets that grow by a twelfth of a doubling, so that counting costs one
// logarithm and one increment and a quantile is right within 6 %. Two windows, so that old times are forgotten.

const bucketsPerDoubling = 12;
/** From one microsecond to 36 minutes; longer ones count in the last. */
const bucketCount = 31 * bucketsPerDoubling + 1;
/** Kafka's reservoirs weigh what is older than five minutes next to nothing. */
const windowMs = 300_000;

export class LatencyHistogram {
  #recent = new Uint32Array(bucketCount);
  #former: Uint32Array | null = null;
  #recentSinceMs = -Infinity;

  record(latencyMs: number): void {
    const bucket = latencyMs <= 0.001 ? 0 : Math.round(Math.log2(latencyMs * 1000) * bucketsPerDoubling);
    const index = Math.min(bucket, bucketCount - 1);
    this.#recent[index] = (this.#recent[index] ?? 0) + 1;
  }

  /**
   * How many answers fell into each bucket over the last five to ten minutes, or since the last question where that is
   * longer ago. Windows move on when somebody asks: nobody pays for them otherwise.
   */
  counts(nowMs: number): number[] {
    if (nowMs - this.#recentSinceMs > windowMs) {
      this.#former = this.#recent;
      this.#recent = new Uint32Array(bucketCount);
      this.#recentSinceMs = nowMs;
    }
    return Array.from(this.#recent, (count, index) => count + (this.#former?.[index] ?? 0));
  }
}

/** Quantiles (each 0..1) in milliseconds of several histograms' counts together; zeros when all are empty. */
export function quantilesOf(histograms: readonly (readonly number[])[], wanted: readonly number[]): number[] {
  const counts = Array.from({ length: bucketCount }, (_, index) =>
    histograms.reduce((sum, histogram) => sum + (histogram[index] ?? 0), 0),
  );
  const total = counts.reduce((sum, count) => sum + count, 0);
  return wanted.map((quantile) => valueAt(counts, Math.max(1, Math.ceil(quantile * total))));
}

function valueAt(counts: readonly number[], rank: number): number {
  let seen = 0;
  for (const [index, count] of counts.entries()) {
    seen += count;
    if (seen >= rank) return index === 0 ? 0 : 2 ** (index / bucketsPerDoubling) / 1000;
  }
  return 0;
}
