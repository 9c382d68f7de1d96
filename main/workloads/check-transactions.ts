// What transactions promise: all of one's records are shown to readers of committed records, or none; none of an aborted
// one, ever; and the offsets that were committed with them move exactly with what was written. Pure.

import type {
  FinalLog,
  History,
  HistoryEvent,
  HistoryRule,
  RecordName,
  TransactionEvent,
  TransactionRecord,
} from './history.ts';
import { isLossExcused, mayHaveLost } from './loss-excuse.ts';

type Place = { readonly topic: string; readonly partition: number };
type Report = (rule: HistoryRule, place: Place, message: string) => void;

const offsetsTopic = '__consumer_offsets';
const transactionsTopic = '__transaction_state';

const nameOf = ({ producer, number }: RecordName): string => `${producer}#${number}`;
const placeOf = ({ topic, partition }: Place): string => `${topic}-${partition}`;

export function checkTransactions(history: History, report: Report): void {
  checkEpochs(history, report);
  const transactions = history.events.filter((event) => event.type === 'transaction');
  if (transactions.length === 0) return;
  const visible = new Set<string>();
  for (const log of history.logs) for (const record of log.committed ?? []) visible.add(nameOf(record));
  const logs = new Map(history.logs.filter((log) => log.committed !== undefined).map((log) => [placeOf(log), log]));
  for (const each of transactions) checkOne(each, { history, logs, visible, report });
  checkReads(history.events, transactions, report);
  for (const group of new Set(transactions.map((each) => each.group))) {
    const own = transactions.filter((each) => each.group === group);
    checkExactlyOnce(group, own, { history, logs, visible, report });
  }
}

type Facts = {
  readonly history: History;
  readonly logs: ReadonlyMap<string, FinalLog>;
  readonly visible: ReadonlySet<string>;
  readonly report: Report;
};

function checkOne(event: TransactionEvent, { history, logs, visible, report }: Facts): void {
  // A partition that is not known in the end tells nothing.
  const records = event.records.filter((record) => logs.has(placeOf(record)));
  const shown = records.filter((record) => visible.has(nameOf(record)));
  const missing = records.filter((record) => !visible.has(nameOf(record)));
  const [first] = shown;
  const [gone] = missing;
  if (event.outcome === 'aborted' && first !== undefined) {
    report('aborted-visible', first, `${nameOf(first)} of a transaction that was not committed is shown`);
  }
  if (gone === undefined) return;
  const isExcused = missing.every(({ topic, partition }) =>
    isLossExcused({ topic, partition, atMs: event.startMs }, history),
  );
  // Where a partition gave up what it held, the other's records still stand; and so where the decision itself is gone.
  if (isExcused || mayHaveLost(transactionsTopic, history)) return;
  if (first !== undefined && event.outcome !== 'aborted') {
    const what = `of one transaction ${nameOf(first)} is shown in ${placeOf(first)}, and ${nameOf(gone)} is not`;
    report('transaction-torn', gone, what);
  } else if (event.outcome === 'committed') {
    report('transaction-lost', gone, `${nameOf(gone)} of a committed transaction is not shown`);
  }
}

/** A new life under a transactional id gets an epoch that nobody had: else the life before is not fenced by it. */
function checkEpochs(history: History, report: Report): void {
  // A coordinator that lost what it had decided counts from where it was.
  if (mayHaveLost(transactionsTopic, history)) return;
  const holders = new Map<string, string>();
  for (const event of history.events) {
    if (event.type !== 'epochGiven') continue;
    const { producerId, producerEpoch, producer, isInitial } = event;
    const epoch = `epoch ${producerEpoch} of producer id ${producerId}`;
    const holder = holders.get(epoch);
    if (holder !== undefined && (isInitial || holder !== producer)) {
      const place = { topic: transactionsTopic, partition: 0 };
      report('epoch-given-twice', place, `${epoch}: to ${holder}, then to ${producer}`);
    }
    holders.set(epoch, producer);
  }
}

/** What a reader of committed records was shown at any time is of no aborted transaction. */
function checkReads(events: readonly HistoryEvent[], transactions: readonly TransactionEvent[], report: Report): void {
  const aborted = new Set<string>();
  for (const { outcome, records } of transactions) {
    if (outcome === 'aborted') for (const record of records) aborted.add(nameOf(record));
  }
  for (const event of events) {
    if (event.type !== 'read' || event.isolation !== 'read_committed') continue;
    for (const record of event.records) {
      if (!aborted.has(nameOf(record))) continue;
      report('aborted-visible', event, `${event.reader} was shown ${nameOf(record)}, which was not committed`);
    }
  }
}

/** Below the group's last offset each input was copied once; at and above it none was. */
function checkExactlyOnce(group: string, transactions: readonly TransactionEvent[], facts: Facts): void {
  const { history, visible, report } = facts;
  const records = transactions.flatMap((each) => each.records);
  const topics = new Set(records.flatMap((record) => [record.topic, record.source.topic]));
  // Offsets of what was given up are handed out again: then nothing can be told from them.
  if ([...topics, offsetsTopic, transactionsTopic].some((topic) => mayHaveLost(topic, history))) return;
  const copies = new Map<string, Map<number, TransactionRecord>>();
  for (const record of records) {
    if (!visible.has(nameOf(record))) continue;
    const place = placeOf(record.source);
    const known = copies.get(place) ?? new Map<number, TransactionRecord>();
    copies.set(place, known);
    const other = known.get(record.source.offset);
    if (other !== undefined) {
      const what = `offset ${record.source.offset} of ${place} was copied as ${nameOf(other)} and as ${nameOf(record)}`;
      report('copied-twice', record, what);
    }
    known.set(record.source.offset, record);
  }
  for (const log of history.logs) {
    const told = history.events.findLast(
      (event) => event.type === 'committedRead' && event.group === group && placeOf(event) === placeOf(log),
    );
    if (told?.type !== 'committedRead') continue;
    checkOffsets(log, told.offset ?? 0, copies.get(placeOf(log)) ?? new Map<number, TransactionRecord>(), report);
  }
}

function checkOffsets(
  log: FinalLog,
  committed: number,
  copies: ReadonlyMap<number, TransactionRecord>,
  report: Report,
): void {
  for (const { offset } of log.records) {
    if (offset < committed && !copies.has(offset)) {
      report('offsets-apart', log, `offset ${offset} lies below the committed ${committed} and was never copied`);
    }
  }
  for (const [offset, copy] of copies) {
    if (offset < committed) continue;
    const what = `offset ${offset} was copied as ${nameOf(copy)}, and only what is below ${committed} is committed`;
    report('offsets-apart', log, what);
  }
}
