// Where records without a key go: to one partition until a batch's worth of bytes went there, then to another one at
// random (KIP-794). Fuller batches than with round-robin, and as even over time.

import type { Random } from '../../runtime/runtime.ts';

type StickyChoice = { partition: number; bytesLeft: number };

export class StickyPartitioner {
  readonly #random: Random;
  readonly #stickyBytes: number;
  readonly #choices = new Map<string, StickyChoice>();

  constructor(random: Random, stickyBytes: number) {
    this.#random = random;
    this.#stickyBytes = Math.max(1, stickyBytes);
  }

  /** `candidates`: partitions with a leader, or all when none has one. */
  choose(topic: string, candidates: readonly number[], recordBytes: number): number {
    let choice = this.#choices.get(topic);
    if (choice === undefined || choice.bytesLeft <= 0 || !candidates.includes(choice.partition)) {
      choice = { partition: candidates[this.#random.below(candidates.length)] ?? 0, bytesLeft: this.#stickyBytes };
      this.#choices.set(topic, choice);
    }
    choice.bytesLeft -= recordBytes;
    return choice.partition;
  }
}
