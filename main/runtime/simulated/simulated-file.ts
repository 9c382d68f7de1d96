// One file of a simulated disk: its bytes as programs see them, apart from those that survive a power loss.

import type { Random } from '../runtime.ts';

const pageBytes = 4096;
/** Of the unsynced pages that reach the device when the power goes, one in so many holds wrong bits. */
const spoiltPageOneIn = 8;
const flippedBitsMax = 8;

/** Whether a bit of the byte at `at` of an unsynced file may flip when the power goes. */
export type MayFlip = (bytes: Buffer, at: number) => boolean;

function spoil(image: Buffer, start: number, end: number, random: Random, mayFlip: MayFlip): void {
  if (end <= start) return;
  for (let count = 1 + random.below(flippedBitsMax); count > 0; count--) {
    const at = start + random.below(end - start);
    const bit = 1 << random.below(8);
    if (mayFlip(image, at)) image[at] = (image[at] ?? 0) ^ bit;
  }
}

/** What a rewrite left as it was is as safe as before. */
function commonLength(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  // Whole pages first: most of two images is the same.
  while (length + pageBytes <= most && a.compare(b, length, length + pageBytes, length, length + pageBytes) === 0) {
    length += pageBytes;
  }
  while (length < most && a[length] === b[length]) length++;
  return length;
}

export class SimulatedFile {
  readonly kind = 'file';
  modifiedMs = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #size = 0;
  /** The first so many bytes are safe, as long as `#durable` is null. */
  #syncedSize = 0;
  /** The safe image, kept apart from the first change that is not an append until the next sync. */
  #durable: Buffer | null = null;
  /** Counts changes other than appends: a sync that overlaps one must not take the later bytes for the earlier. */
  #changeCount = 0;

  get size(): number {
    return this.#size;
  }

  /** Bytes that a power loss would take; for tests and the disk's own statistics. */
  get unsyncedBytes(): number {
    return this.#durable === null ? this.#size - this.#syncedSize : this.#size;
  }

  read(target: Uint8Array, targetStart: number, length: number, position: number): number {
    const end = Math.min(this.#size, position + length);
    if (end <= position) return 0;
    target.set(this.#bytes.subarray(position, end), targetStart);
    return end - position;
  }

  contents(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#size));
  }

  write(source: Uint8Array, position: number): void {
    if (position < this.#size) this.#keepDurable();
    const end = position + source.length;
    this.#grow(end);
    if (position > this.#size) this.#bytes.fill(0, this.#size, position);
    this.#bytes.set(source, position);
    if (end > this.#size) this.#size = end;
  }

  truncate(length: number): void {
    if (length < this.#size) {
      this.#keepDurable();
      this.#size = length;
    } else if (length > this.#size) {
      this.#grow(length);
      this.#bytes.fill(0, this.#size, length);
      this.#size = length;
    }
  }

  /** First half of a sync: what must be safe once it is done. */
  beginSync(): { readonly size: number; readonly changeCount: number } {
    return { size: this.#size, changeCount: this.#changeCount };
  }

  finishSync(begun: { readonly size: number; readonly changeCount: number }): void {
    if (begun.changeCount !== this.#changeCount) {
      // Overwritten or cut meanwhile: which of both images reached the device is open, the later one is allowed.
      this.#syncedSize = this.#size;
    } else {
      this.#syncedSize = this.#durable === null ? Math.max(this.#syncedSize, begun.size) : begun.size;
    }
    this.#durable = null;
  }

  /** The power goes: unsynced bytes are lost, or, when `torn`, any of their pages may have made it, or made it wrongly. */
  losePower(torn: Random | null, mayFlip: MayFlip = () => true): void {
    const durable = this.#durable ?? this.#bytes.subarray(0, this.#syncedSize);
    let image: Buffer = Buffer.from(durable);
    if (torn !== null) image = this.#tear(image, torn, mayFlip);
    this.#bytes = image;
    this.#size = image.length;
    this.#syncedSize = image.length;
    this.#durable = null;
    this.#changeCount++;
  }

  #tear(durable: Buffer, random: Random, mayFlip: MayFlip): Buffer {
    const least = Math.min(durable.length, this.#size);
    const most = Math.max(durable.length, this.#size);
    const size = least + random.below(most - least + 1);
    const image = Buffer.alloc(size);
    durable.copy(image, 0, 0, Math.min(size, durable.length));
    const safeBytes = commonLength(durable, this.#bytes.subarray(0, this.#size));
    for (let start = 0; start < size; start += pageBytes) {
      const end = Math.min(start + pageBytes, size, this.#size);
      if (end <= start || random.below(2) !== 0) continue;
      this.#bytes.copy(image, start, start, end);
      if (random.below(spoiltPageOneIn) === 0) spoil(image, Math.max(start, safeBytes), end, random, mayFlip);
    }
    return image;
  }

  #keepDurable(): void {
    this.#changeCount++;
    this.#durable ??= Buffer.from(this.#bytes.subarray(0, this.#syncedSize));
  }

  #grow(size: number): void {
    if (size <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(size, this.#bytes.length * 2, 256));
    this.#bytes.copy(grown, 0, 0, this.#size);
    this.#bytes = grown;
  }
}
