// Who waits for a partition's high watermark. Appends hand out rising offsets, so the queue is in order and a rise
// releases a prefix of it: O(released), with nothing to search.

/** One partition's part of an acks=all append. */
export type CommitWait = {
  /** Released when the high watermark is here or beyond: the last appended offset + 1. */
  readonly requiredOffset: number;
  /** True once nobody waits any more (timed out); such entries are dropped when they reach the front. */
  readonly isSettled: boolean;
  settle(errorCode: number): void;
};

/** Dead entries at the front of the array are cut away when there are this many. */
const compactFrom = 1024;

export class CommitWaits {
  private waits: (CommitWait | undefined)[] = [];
  private head = 0;

  get size(): number {
    return this.waits.length - this.head;
  }

  add(wait: CommitWait): void {
    this.dropSettled();
    this.waits.push(wait);
  }

  /** Settles everyone who waited for `highWatermark` or less. */
  release(highWatermark: number, errorCode: number): void {
    for (;;) {
      const first = this.waits[this.head];
      if (first === undefined || first.requiredOffset > highWatermark) break;
      this.shift();
      if (!first.isSettled) first.settle(errorCode);
    }
  }

  failAll(errorCode: number): void {
    const waits = this.waits.slice(this.head);
    this.waits = [];
    this.head = 0;
    for (const wait of waits) if (wait !== undefined && !wait.isSettled) wait.settle(errorCode);
  }

  /** While the high watermark stands still, those who gave up must not pile up. */
  private dropSettled(): void {
    while (this.waits[this.head]?.isSettled === true) this.shift();
  }

  private shift(): void {
    this.waits[this.head] = undefined;
    this.head++;
    if (this.head === this.waits.length) {
      this.waits = [];
      this.head = 0;
    } else if (this.head >= compactFrom && this.head * 2 >= this.waits.length) {
      this.waits = this.waits.slice(this.head);
      this.head = 0;
    }
  }
}
