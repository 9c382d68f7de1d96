// What the markers of transactions say, in the logs as they lie on the disks in the end: each stands for a decision that its
// coordinator had in its own log, and between two transactions of one producer stands the marker of the first.

import { transactionStates } from '../../main/coordinators/transaction/transaction-metadata.ts';
import { transactionCoordinatorRecords } from '../../main/protocol/messages/transaction-coordinator-records.ts';
import { readEndTransactionMarker } from '../../main/records/control-records.ts';
import { batchesIn, type RecordBatch } from '../../main/records/record-batch.ts';
import { recordsOf } from '../../main/records/record.ts';
import type { SimulatedDisk } from '../../main/runtime/simulated/simulated-disk.ts';
import { nameFromText, type HistoryEvent, type TransactionEvent } from '../../main/workloads/history.ts';

type Report = (rule: string, message: string) => void;

const decisionTopic = '__transaction_state';
/** Kafka version 2 transactions have an epoch each; below it, decisions of one epoch can't be told apart. */
const decisionKey = (producerId: number, epoch: number, type: string): string => `${producerId} ${epoch} ${type}`;

export function checkMarkers(
  disks: ReadonlyMap<number, SimulatedDisk>,
  events: readonly HistoryEvent[],
  report: Report,
): void {
  const logs = longestLogs(disks);
  const decisions = new Map<string, number>();
  for (const [name, batches] of logs) if (name.startsWith(`${decisionTopic}-`)) addDecisions(batches, decisions);
  const transactions = transactionsByRecord(events);
  for (const [name, batches] of logs) {
    checkDecisions(name, batches, decisions, report);
    checkRuns(name, batches, transactions, report);
  }
}

/** By decision the first leader epoch of the coordinator's partition in which it was made. */
function addDecisions(batches: readonly RecordBatch[], decisions: Map<string, number>): void {
  for (const batch of batches) {
    if (batch.isControl) continue;
    for (const { key, value } of recordsOf(batch)) {
      const record = key === null ? null : transactionCoordinatorRecords.decode(key, value);
      const state = transactionStates[record?.value?.transactionStatus ?? -1];
      if (!record?.value || (state !== 'PrepareCommit' && state !== 'PrepareAbort')) continue;
      const { producerId, producerEpoch } = record.value;
      const decision = decisionKey(producerId, producerEpoch, state === 'PrepareCommit' ? 'COMMIT' : 'ABORT');
      const first = decisions.get(decision) ?? Infinity;
      decisions.set(decision, Math.min(first, batch.partitionLeaderEpoch));
    }
  }
}

/** A coordinator of a later epoch may write the marker of an earlier one's decision, never the other way round. */
function checkDecisions(
  name: string,
  batches: readonly RecordBatch[],
  decisions: ReadonlyMap<string, number>,
  report: Report,
): void {
  for (const batch of batches) {
    const marker = readEndTransactionMarker(batch);
    if (marker === null) continue;
    const { producerId, producerEpoch, baseOffset } = batch;
    const decidedIn = decisions.get(decisionKey(producerId, producerEpoch, marker.type));
    if (decidedIn !== undefined && decidedIn <= marker.coordinatorEpoch) continue;
    const what = `${name} offset ${baseOffset}: ${marker.type} of producer ${producerId} in epoch ${producerEpoch}`;
    const lack = decidedIn === undefined ? 'was never decided' : `was decided in coordinator epoch ${decidedIn}`;
    report('marker-without-decision', `${what}, written in coordinator epoch ${marker.coordinatorEpoch}, ${lack}`);
  }
}

/** By the name of each record. */
function transactionsByRecord(events: readonly HistoryEvent[]): Map<string, TransactionEvent> {
  const found = new Map<string, TransactionEvent>();
  for (const event of events) {
    if (event.type !== 'transaction') continue;
    for (const { producer, number } of event.records) found.set(`${producer}#${number}`, event);
  }
  return found;
}

/** What one producer wrote between two markers is of one transaction, and the marker says how that ended. */
function checkRuns(
  name: string,
  batches: readonly RecordBatch[],
  transactions: ReadonlyMap<string, TransactionEvent>,
  report: Report,
): void {
  const open = new Map<number, { readonly record: string; readonly event: TransactionEvent }>();
  for (const batch of batches) {
    if (!batch.isTransactional) continue;
    const { producerId, baseOffset } = batch;
    const begun = open.get(producerId);
    if (batch.isControl) {
      const type = readEndTransactionMarker(batch)?.type;
      open.delete(producerId);
      const outcome = begun?.event.outcome;
      if (outcome === undefined || outcome === 'unknown' || (outcome === 'committed') === (type === 'COMMIT')) continue;
      report('wrong-marker', `${name} offset ${baseOffset}: ${type ?? '?'}, and ${begun?.record ?? ''} was ${outcome}`);
      continue;
    }
    for (const { value } of recordsOf(batch)) {
      const record = nameFromText(value?.toString('latin1') ?? '');
      if (record === null) continue;
      const event = transactions.get(`${record.producer}#${record.number}`);
      const text = `${record.producer}#${record.number}`;
      const first = open.get(producerId);
      if (event === undefined) continue;
      if (first === undefined) open.set(producerId, { record: text, event });
      else if (first.event !== event) {
        report('marker-missing', `${name} offset ${baseOffset}: ${text}, and no marker since ${first.record}`);
      }
    }
  }
}

/** Of each partition the log that reaches farthest. */
function longestLogs(disks: ReadonlyMap<number, SimulatedDisk>): Map<string, RecordBatch[]> {
  const logs = new Map<string, RecordBatch[]>();
  for (const disk of disks.values()) {
    const data = disk.find('/data');
    if (data?.kind !== 'directory') continue;
    for (const [name, directory] of data.names) {
      if (directory.kind !== 'directory' || !/-\d+$/.test(name) || name.startsWith('__cluster_metadata')) continue;
      const batches: RecordBatch[] = [];
      for (const [file, entry] of [...directory.names].sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (entry.kind === 'file' && /^\d{20}\.log$/.test(file)) batches.push(...batchesIn(entry.contents()));
      }
      const end = batches.at(-1)?.nextOffset ?? 0;
      if (end > (logs.get(name)?.at(-1)?.nextOffset ?? 0)) logs.set(name, batches);
    }
  }
  return logs;
}
