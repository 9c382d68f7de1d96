// What the journal says of transactions. A program that commits a hundred a second would drown all else in it, so of
// those that just commit only some are told, and how many were not; every abort and every fencing is.

import type { Journal, JournalEntry } from '../../core/journal.ts';
import type { Clock } from '../../runtime/runtime.ts';
import type { TransactionMetadata, TransactionPartitions } from './transaction-metadata.ts';

/** Transactions begun in one second that are told step by step, of all transactional ids of one partition together. */
const toldPerSecond = 4;

type Ended = Extract<JournalEntry, { kind: 'transaction.prepared' | 'transaction.completed' }>;
type EndedBy = Ended['by'];
type Told = { isTold: boolean; untold: number; by: EndedBy };

export class TransactionJournal {
  readonly #journal: Journal;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** By transactional id; bounded by those that the partition holds. */
  readonly #ids = new Map<string, Told>();
  #secondMs = -Infinity;
  #toldInSecond = 0;

  constructor(journal: Journal, clock: Pick<Clock, 'monotonicMs'>) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** Why the decision that is on its way was made; a client's own needs no word. */
  endedBy(transactionalId: string, by: EndedBy): void {
    this.#of(transactionalId).by = by;
  }

  /** A step is committed to the log. */
  stepped(before: TransactionMetadata | null, after: TransactionMetadata | null): void {
    if (after === null) {
      if (before !== null) this.#ids.delete(before.transactionalId);
      return;
    }
    switch (after.state) {
      case 'Ongoing':
        this.#ongoing(before, after);
        return;
      case 'PrepareCommit':
      case 'PrepareAbort':
        this.#ending('transaction.prepared', after, after);
        return;
      case 'CompleteCommit':
      case 'CompleteAbort':
        this.#ending('transaction.completed', before ?? after, after);
        return;
      case 'Empty':
        this.#initialized(before, after);
        return;
    }
  }

  #ongoing(before: TransactionMetadata | null, after: TransactionMetadata): void {
    const isBegun = before?.state !== 'Ongoing';
    const told = this.#of(after.transactionalId);
    if (isBegun) Object.assign(told, { isTold: this.#takeTurn(), by: 'client' });
    if (!told.isTold) return;
    const kind = isBegun ? 'transaction.began' : 'transaction.partitionsAdded';
    const partitions = listed(after.partitions, isBegun ? null : (before?.partitions ?? null));
    this.#journal.record({ kind, ...identityOf(after), partitions });
  }

  #ending(
    kind: 'transaction.prepared' | 'transaction.completed',
    decided: TransactionMetadata,
    { state }: TransactionMetadata,
  ): void {
    const told = this.#of(decided.transactionalId);
    const decision = state === 'PrepareCommit' || state === 'CompleteCommit' ? 'commit' : 'abort';
    if (decision === 'commit' && !told.isTold) {
      if (kind === 'transaction.completed') told.untold += 1;
      return;
    }
    const partitions = listed(decided.partitions, null);
    const { by, untold } = told;
    const startedWallMs = decided.startMs;
    this.#journal.record({ kind, ...identityOf(decided), decision, by, startedWallMs, partitions, untold });
    if (kind === 'transaction.completed') told.untold = 0;
  }

  #initialized(before: TransactionMetadata | null, after: TransactionMetadata): void {
    // A producer that raises its own epoch remembers the last one: it fences nobody but itself.
    const isSuccessor = before !== null && before.producerEpoch >= 0 && after.lastProducerEpoch < 0;
    if (!isSuccessor || before.producerEpoch === after.producerEpoch) return;
    const { transactionalId, producerId, producerEpoch } = after;
    const fencedEpoch = before.producerEpoch;
    this.#journal.record({ kind: 'transaction.fenced', transactionalId, producerId, fencedEpoch, producerEpoch });
  }

  #takeTurn(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#secondMs >= 1000) {
      this.#secondMs = nowMs;
      this.#toldInSecond = 0;
    }
    this.#toldInSecond += 1;
    return this.#toldInSecond <= toldPerSecond;
  }

  #of(transactionalId: string): Told {
    const known = this.#ids.get(transactionalId) ?? { isTold: false, untold: 0, by: 'client' };
    this.#ids.set(transactionalId, known);
    return known;
  }
}

function identityOf({ transactionalId, producerId, producerEpoch }: TransactionMetadata) {
  return { transactionalId, producerId, producerEpoch };
}

/** Without those that were there before. */
function listed(partitions: TransactionPartitions, before: TransactionPartitions | null) {
  return [...partitions]
    .map(([topic, numbers]) => ({
      topic,
      partitions: [...numbers].filter((number) => before?.get(topic)?.has(number) !== true).sort((a, b) => a - b),
    }))
    .filter((each) => each.partitions.length > 0);
}
