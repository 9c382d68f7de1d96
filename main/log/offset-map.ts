// The last offset of each key in the dirty part of a log. Bounded: when it is full, cleaning stops at the last
// batch that was mapped whole and goes on another time.

/** Kafka's log.cleaner.dedupe.buffer.size allows some five million keys; a laptop's log has fewer. */
export const offsetMapBytesMaxDefault = 32 * 1024 * 1024;
/** Rough cost of an entry besides its key. */
const entryBytes = 64;

export class OffsetMap {
  readonly #bytesMax: number;
  readonly #offsets = new Map<string, number>();
  #bytes = 0;
  /** Every record up to here is in the map. */
  latestOffset = -1;

  constructor(bytesMax: number = offsetMapBytesMaxDefault) {
    this.#bytesMax = bytesMax;
  }

  /** False when it is full and the key is new. */
  put(key: Buffer, offset: number): boolean {
    // Latin-1 keeps every byte apart and costs one byte each.
    const text = key.toString('latin1');
    if (!this.#offsets.has(text)) {
      const bytes = text.length + entryBytes;
      if (this.#bytes + bytes > this.#bytesMax) return false;
      this.#bytes += bytes;
    }
    this.#offsets.set(text, offset);
    return true;
  }

  /** −1 for a key that is not in the dirty part. */
  get(key: Buffer): number {
    return this.#offsets.get(key.toString('latin1')) ?? -1;
  }
}
