// What became of every record of a run: what its sender was told, set against what stands in the log. Exact counts,
// two bytes a record. Pure.

export type LedgerCounts = {
  readonly sent: number;
  readonly acknowledged: number;
  readonly failed: number;
  /** Copies in the log, all together. */
  readonly inLog: number;
  /** Acknowledged and not in the log. */
  readonly lost: number;
  /** Copies beyond the first. */
  readonly duplicated: number;
  /** First copies that stand behind a record that was sent later to the same partition. */
  readonly reordered: number;
  /** Reported as failed and in the log all the same. */
  readonly failedButInLog: number;
  /** Numbers of the first few lost records, as evidence. */
  readonly lostExamples: readonly number[];
};

const told = { nothing: 0, acknowledged: 1, failed: 2 } as const;
const copiesMax = 255;
const examplesMax = 20;

export class RecordLedger {
  readonly recordsMax: number;
  readonly #told: Uint8Array;
  readonly #copies: Uint8Array;
  readonly #lastByPartition = new Map<number, number>();
  #sent = 0;
  #inLog = 0;
  #reordered = 0;

  constructor(recordsMax: number) {
    this.recordsMax = recordsMax;
    this.#told = new Uint8Array(recordsMax);
    this.#copies = new Uint8Array(recordsMax);
  }

  get isFull(): boolean {
    return this.#sent >= this.recordsMax;
  }

  /** Gives the next record its number. */
  next(): number {
    return this.#sent++;
  }

  acknowledged(number: number): void {
    this.#told[number] = told.acknowledged;
  }

  failed(number: number): void {
    this.#told[number] = told.failed;
  }

  /** A record found in a partition's log; call in the order of offsets. */
  found(partition: number, number: number): void {
    if (!(number >= 0 && number < this.#sent)) return;
    this.#inLog += 1;
    const copies = this.#copies[number] ?? 0;
    if (copies < copiesMax) this.#copies[number] = copies + 1;
    if (copies > 0) return;
    const last = this.#lastByPartition.get(partition) ?? -1;
    if (number < last) this.#reordered += 1;
    else this.#lastByPartition.set(partition, number);
  }

  count(): LedgerCounts {
    const counts = { acknowledged: 0, failed: 0, lost: 0, duplicated: 0, failedButInLog: 0 };
    const lostExamples: number[] = [];
    for (let number = 0; number < this.#sent; number++) {
      const copies = this.#copies[number] ?? 0;
      if (copies > 1) counts.duplicated += copies - 1;
      if (this.#told[number] === told.acknowledged) {
        counts.acknowledged += 1;
        if (copies > 0) continue;
        counts.lost += 1;
        if (lostExamples.length < examplesMax) lostExamples.push(number);
      } else if (this.#told[number] === told.failed) {
        counts.failed += 1;
        if (copies > 0) counts.failedButInLog += 1;
      }
    }
    return { sent: this.#sent, inLog: this.#inLog, reordered: this.#reordered, ...counts, lostExamples };
  }
}
