// What happened to a transaction, in a sentence.

import type { JournalEntry } from '../../main/api/views.ts';
import { formatCount } from './format.ts';
import { partitionsText } from './partitions-text.ts';

export type TransactionEntry = Extract<
  JournalEntry,
  {
    kind:
      | 'transaction.began'
      | 'transaction.partitionsAdded'
      | 'transaction.prepared'
      | 'transaction.completed'
      | 'transaction.fenced';
  }
>;

export function isTransactionEntry(entry: JournalEntry): entry is TransactionEntry {
  return entry.kind.startsWith('transaction.');
}

export function transactionSentence(entry: TransactionEntry): string {
  const who = `${entry.transactionalId} (producer ${entry.producerId}, epoch ${entry.producerEpoch})`;
  switch (entry.kind) {
    case 'transaction.began':
      return `A transaction of ${who} began with ${partitionsText(entry.partitions)}.`;
    case 'transaction.partitionsAdded':
      return `The transaction of ${who} takes in ${partitionsText(entry.partitions)}.`;
    case 'transaction.prepared':
      return `The transaction of ${who} will be ${outcome(entry)}: the decision is on the coordinator’s log.`;
    case 'transaction.completed':
      return `The transaction of ${who} was ${outcome(entry)}; its markers are written to ${partitionsText(entry.partitions)}.${untoldText(entry.untold)}`;
    case 'transaction.fenced':
      return `A new process has ${entry.transactionalId} with epoch ${entry.producerEpoch}: whoever has epoch ${entry.fencedEpoch} or less is fenced.`;
  }
}

type Ended = Extract<TransactionEntry, { kind: 'transaction.prepared' | 'transaction.completed' }>;

function outcome({ decision, by }: Ended): string {
  if (decision === 'commit') return 'committed';
  switch (by) {
    case 'client':
      return 'aborted by its producer';
    case 'successor':
      return 'aborted for its successor';
    case 'timeout':
      return 'aborted because it was open for too long';
  }
}

function untoldText(untold: number): string {
  return untold === 0 ? '' : ` ${formatCount(untold)} more of it were committed since the last one told here.`;
}
