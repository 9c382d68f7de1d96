// What is promised beyond plain logs: a log's start stays where DeleteRecords was told to have put it, compaction keeps the
// latest record of each key, and no partition is given to two members of a group at one epoch (KIP-848). Pure.

import type { FinalLog, History, HistoryEvent, HistoryRule } from './history.ts';
import { isLossExcused } from './loss-excuse.ts';

type Place = { readonly topic: string; readonly partition: number };
type Report = (rule: HistoryRule, place: Place, message: string) => void;
type Event<Type extends HistoryEvent['type']> = Extract<HistoryEvent, { type: Type }>;

const offsetsTopic = '__consumer_offsets';
const placeOf = ({ topic, partition }: Place): string => `${topic}-${partition}`;

export function checkTopics(history: History, report: Report): void {
  checkLogStarts(history, report);
  for (const log of history.logs) if (log.isCompacted) checkKeys(log, history, report);
  checkOwners(history, report);
}

/** Only what was acknowledged before a fetch began binds its answer. */
function checkLogStarts(history: History, report: Report): void {
  const deleted = new Map<string, Event<'recordsDeleted'>[]>();
  for (const event of history.events) {
    if (event.type !== 'recordsDeleted') continue;
    deleted.set(placeOf(event), [...(deleted.get(placeOf(event)) ?? []), event]);
  }
  if (deleted.size === 0) return;
  for (const event of history.events) {
    if (event.type !== 'read' || typeof event.logStartOffset !== 'number') continue;
    const { logStartOffset, startMs = event.atMs } = event;
    const bound = (deleted.get(placeOf(event)) ?? []).find(
      (each) => each.atMs < startMs && each.lowWatermark > logStartOffset && wasAsked(event, each, history),
    );
    if (bound === undefined) continue;
    if (isLossExcused({ topic: event.topic, partition: event.partition, atMs: bound.startMs }, history)) continue;
    const what = `records below ${bound.lowWatermark} were deleted; broker ${event.leader ?? '?'} says the log begins at ${logStartOffset}`;
    report('log-start-fell', event, what);
  }
}

/** DeleteRecords waits for those in sync only: who is away, though it may be elected (KIP-966), is not waited for. */
function wasAsked({ leader }: Event<'read'>, deleted: Event<'recordsDeleted'>, { inSync }: History): boolean {
  const then = inSync.findLast((fact) => placeOf(fact) === placeOf(deleted) && fact.atMs <= deleted.startMs);
  if (then === undefined || leader === null) return true;
  return then.inSyncReplicas.includes(leader) && then.eligibleOnly?.includes(leader) !== true;
}

/** Of each key the newest acknowledged record is there, or a newer one. */
function checkKeys(log: FinalLog, history: History, report: Report): void {
  const newest = new Map<string, number>();
  for (const { key, offset } of log.records) {
    if (key !== undefined) newest.set(key, Math.max(offset, newest.get(key) ?? -1));
  }
  const promised = new Map<string, Event<'acknowledged'>>();
  const acks = new Map(history.producers.map((each) => [each.producer, each.acks]));
  for (const event of history.events) {
    if (event.type !== 'acknowledged' || event.key === undefined || placeOf(event) !== placeOf(log)) continue;
    if (event.offset === null || acks.get(event.producer) !== 'all') continue;
    if (event.offset > (promised.get(event.key)?.offset ?? -1)) promised.set(event.key, event);
  }
  for (const [key, event] of promised) {
    if (event.offset === null || (newest.get(key) ?? -1) >= event.offset) continue;
    const promise = { topic: log.topic, partition: log.partition, atMs: event.startMs ?? event.atMs };
    if (isLossExcused(promise, history)) continue;
    const stands = newest.get(key);
    const what = `the latest of key ${key} was acknowledged at offset ${event.offset}; the newest there is at ${stands ?? 'none'}`;
    report('latest-of-key-lost', log, what);
  }
}

function checkOwners(history: History, report: Report): void {
  const owners = new Map<string, Event<'owned'>>();
  for (const event of history.events) {
    if (event.type !== 'owned') continue;
    const key = `${event.group} ${placeOf(event)} ${event.epoch}`;
    const known = owners.get(key);
    if (known === undefined) owners.set(key, event);
    if (known === undefined || known.member === event.member) continue;
    const partition = history.groupPartitions?.get(event.group) ?? null;
    if (isLossExcused({ topic: offsetsTopic, partition, atMs: known.atMs }, history)) continue;
    report(
      'owned-twice',
      event,
      `${known.member} and ${event.member} own it in epoch ${event.epoch} of ${event.group}`,
    );
  }
}
