// One file of a simulated disk: its bytes as programs see them, apart from those that survive a power loss.

import type { Random } from '../runtime.ts';

const pageBytes = 4096;

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

  /** The power goes: unsynced bytes are lost, or, when `torn`, any of their pages may have made it. */
  losePower(torn: Random | null): void {
    const durable = this.#durable ?? this.#bytes.subarray(0, this.#syncedSize);
    let image: Buffer = Buffer.from(durable);
    if (torn !== null) image = this.#tear(image, torn);
    this.#bytes = image;
    this.#size = image.length;
    this.#syncedSize = image.length;
    this.#durable = null;
    this.#changeCount++;
  }

  #tear(durable: Buffer, random: Random): Buffer {
    const least = Math.min(durable.length, this.#size);
    const most = Math.max(durable.length, this.#size);
    const size = least + random.below(most - least + 1);
    const image = Buffer.alloc(size);
    durable.copy(image, 0, 0, Math.min(size, durable.length));
    for (let start = 0; start < size; start += pageBytes) {
      const end = Math.min(start + pageBytes, size, this.#size);
      if (end > start && random.below(2) === 0) this.#bytes.copy(image, start, start, end);
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
