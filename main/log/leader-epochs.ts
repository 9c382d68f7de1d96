// Which leader epoch began at which offset: the lineage that followers compare to find where they diverge.
// Pure; the text of `leader-epoch-checkpoint` is written by PartitionLog. Epochs and start offsets both rise.

import { assert } from '../core/assert.ts';
import { toLeaderEpoch, toOffset, type LeaderEpoch, type Offset } from '../core/ids.ts';
import type { EpochEndOffset, EpochEntry } from './log-types.ts';

export class LeaderEpochs {
  #entries: EpochEntry[];

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = [...entries];
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  get latestEpoch(): LeaderEpoch | null {
    return this.#entries.at(-1)?.epoch ?? null;
  }

  /** Notes that `epoch` begins at `startOffset`; what contradicts it goes. Returns whether anything changed. */
  assign(epoch: number, startOffset: number): boolean {
    assert(epoch >= 0 && startOffset >= 0, `epoch ${epoch} cannot begin at ${startOffset}`);
    const last = this.#entries.at(-1);
    if (last !== undefined && last.epoch === epoch && startOffset >= last.startOffset) return false;
    while (this.#isContradicted(epoch, startOffset)) this.#entries.pop();
    this.#entries.push({ epoch: toLeaderEpoch(epoch), startOffset: toOffset(startOffset) });
    return true;
  }

  /** Largest epoch known that is not above the asked one, and where it ends. Null when none can be told. */
  endOffsetFor(epoch: number, logEndOffset: Offset): EpochEndOffset | null {
    if (epoch < 0) return null;
    if (this.latestEpoch === epoch) return { epoch: toLeaderEpoch(epoch), endOffset: logEndOffset };
    const higher = this.#entries.find((entry) => entry.epoch > epoch);
    if (higher === undefined) return null;
    const floor = this.#entries.findLast((entry) => entry.epoch <= epoch);
    // Every epoch up to the asked one is gone from the log: it ends where what is left begins.
    return { epoch: floor?.epoch ?? toLeaderEpoch(epoch), endOffset: higher.startOffset };
  }

  epochForOffset(offset: number): LeaderEpoch | null {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? null;
  }

  /** Drops epochs that begin at `endOffset` or later. */
  truncateFromEnd(endOffset: number): boolean {
    const count = this.#entries.length;
    while ((this.#entries.at(-1)?.startOffset ?? -1) >= endOffset) this.#entries.pop();
    return this.#entries.length !== count;
  }

  /** Drops epochs that end at or before `startOffset`; the one around it begins there. */
  truncateFromStart(startOffset: number): boolean {
    const index = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset);
    const around = this.#entries[index];
    if (around === undefined || (index === 0 && around.startOffset === startOffset)) return false;
    this.#entries = [{ epoch: around.epoch, startOffset: toOffset(startOffset) }, ...this.#entries.slice(index + 1)];
    return true;
  }

  clear(): boolean {
    const changed = this.#entries.length > 0;
    this.#entries = [];
    return changed;
  }

  #isContradicted(epoch: number, startOffset: number): boolean {
    const last = this.#entries.at(-1);
    return last !== undefined && (last.epoch >= epoch || last.startOffset >= startOffset);
  }
}
