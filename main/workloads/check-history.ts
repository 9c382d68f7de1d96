// Computes from a history what the cluster did to its clients: lost, doubled, moved, shown too early. Pure: the same
// history gives the same report. The rules are Kafka's promises; each names what it takes as given.
//
// A topic's name stands for one topic: a run that deletes one and makes it anew uses a new name.

import type {
  FinalLog,
  History,
  HistoryCounts,
  HistoryEvent,
  HistoryReport,
  HistoryRule,
  HistoryViolation,
  ProducerFacts,
  RecordName,
  StoredRecord,
} from './history.ts';
import { checkTopics } from './check-topics.ts';
import { checkTransactions } from './check-transactions.ts';
import { isLossExcused, judgeLoss, type LossVerdict } from './loss-excuse.ts';

export const violationCountMax = 100;

const offsetsTopic = '__consumer_offsets';

type Event<Type extends HistoryEvent['type']> = Extract<HistoryEvent, { type: Type }>;
/** What was read at an offset, and when it was read first. */
type Seen = { readonly name: string; readonly atMs: number };
type Partition = { readonly topic: string; readonly partition: number };

export function checkHistory(history: History): HistoryReport {
  const check = new HistoryCheck(history);
  return check.run();
}

const keyOf = ({ topic, partition }: Partition): string => `${topic}-${partition}`;
const partitionOf = ({ topic, partition }: Partition): Partition => ({ topic, partition });
const nameOf = ({ producer, number }: RecordName): string => `${producer}#${number}`;

function groupBy<T>(list: readonly T[], key: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of list) {
    const known = groups.get(key(each));
    if (known === undefined) groups.set(key(each), [each]);
    else known.push(each);
  }
  return groups;
}

class HistoryCheck {
  readonly #history: History;
  readonly #producers: Map<string, ProducerFacts>;
  readonly #logs: Map<string, FinalLog>;
  readonly #violations: HistoryViolation[] = [];
  #violationCount = 0;
  readonly #counts = {
    sent: 0,
    acknowledged: 0,
    failed: 0,
    lost: { all: 0, leader: 0 },
    lostExcused: 0,
    lostGivenUp: 0,
    lostToUnclean: 0,
    duplicated: 0,
    duplicatedIdempotent: 0,
    reordered: 0,
    reorderedIdempotent: 0,
    read: 0,
    commits: 0,
    transactions: { committed: 0, aborted: 0, unknown: 0 },
  } satisfies HistoryCounts;

  constructor(history: History) {
    this.#history = history;
    this.#producers = new Map(history.producers.map((each) => [each.producer, each]));
    this.#logs = new Map(history.logs.map((each) => [keyOf(each), each]));
  }

  run(): HistoryReport {
    const { events, logs } = this.#history;
    const sent = new Set<string>();
    for (const event of events) {
      if (event.type !== 'sent') continue;
      this.#counts.sent++;
      sent.add(`${nameOf(event)}@${keyOf(event)}`);
    }
    for (const log of logs) this.#checkLog(log, sent);
    this.#checkAnswers();
    this.#checkReads();
    this.#checkCommits();
    for (const event of events) if (event.type === 'transaction') this.#counts.transactions[event.outcome]++;
    const report = (rule: HistoryRule, place: Partition, message: string): void =>
      this.#violation(rule, place, message);
    checkTransactions(this.#history, report);
    checkTopics(this.#history, report);
    return { counts: this.#counts, violations: this.#violations, violationCount: this.#violationCount };
  }

  #violation(rule: HistoryRule, { topic, partition }: Partition, message: string): void {
    this.#violationCount++;
    if (this.#violations.length >= violationCountMax) return;
    this.#violations.push({ rule, topic, partition, message });
  }

  // ── what stands in the logs ──

  #checkLog(log: FinalLog, sent: ReadonlySet<string>): void {
    const offsets = new Map<string, number>();
    const newest = new Map<string, number>();
    let epoch = -1;
    for (const record of log.records) {
      const name = nameOf(record);
      const isIdempotent = this.#producers.get(record.producer)?.isIdempotent === true;
      if (!sent.has(`${name}@${keyOf(log)}`)) {
        this.#violation('invented', log, `offset ${record.offset} holds ${name}, which nobody sent here`);
      }
      const first = offsets.get(name);
      if (first !== undefined) {
        this.#counts.duplicated++;
        if (isIdempotent) {
          this.#counts.duplicatedIdempotent++;
          this.#violation('duplicated', log, `${name} stands at offset ${first} and again at ${record.offset}`);
        }
      } else {
        offsets.set(name, record.offset);
        const before = newest.get(record.producer) ?? -1;
        if (record.number < before) {
          this.#counts.reordered++;
          if (isIdempotent) {
            this.#counts.reorderedIdempotent++;
            const place = `${name} stands at offset ${record.offset}`;
            this.#violation('reordered', log, `${place}, behind ${record.producer}#${before}, which was sent later`);
          }
        }
        newest.set(record.producer, Math.max(before, record.number));
      }
      if (record.leaderEpoch !== null && record.leaderEpoch < epoch) {
        const what = `offset ${record.offset} is of leader epoch ${record.leaderEpoch}, the one before of ${epoch}`;
        this.#violation('leader-epoch-fell', log, what);
      }
      epoch = Math.max(epoch, record.leaderEpoch ?? -1);
    }
  }

  // ── what producers were told ──

  #checkAnswers(): void {
    const answered = this.#history.events.filter((event) => event.type === 'acknowledged' || event.type === 'failed');
    for (const [key, events] of groupBy(answered, keyOf)) {
      const log = this.#logs.get(key) ?? null;
      const byName = groupBy(log?.records ?? [], nameOf);
      const acknowledged: Event<'acknowledged'>[] = [];
      for (const event of events) {
        if (event.type === 'acknowledged') acknowledged.push(event);
        if (event.type === 'acknowledged') this.#counts.acknowledged++;
        else this.#counts.failed++;
        if (log === null) continue;
        const copies = byName.get(nameOf(event)) ?? [];
        if (event.type === 'acknowledged') this.#checkAcknowledged(event, log, copies);
        else if (event.isRefused && copies[0] !== undefined) {
          const what = `${nameOf(event)} was refused (${event.error}) and stands at offset ${copies[0].offset}`;
          this.#violation('refused-but-written', log, what);
        }
      }
      if (log !== null) this.#checkLeaders(log, acknowledged);
    }
  }

  #checkAcknowledged(event: Event<'acknowledged'>, log: FinalLog, copies: readonly StoredRecord[]): void {
    const acks = this.#producers.get(event.producer)?.acks ?? 'all';
    if (acks === 'none') return;
    if (copies.length > 0) {
      const { offset } = event;
      // A record that only its leader held may be lost and then sent again by hand: its place is no promise.
      if (acks !== 'all' || offset === null || copies.some((copy) => copy.offset === offset)) return;
      // Sent twice, and the copy that was acknowledged is lost as much as it may be: the other one outlived it.
      const isIdempotent = this.#producers.get(event.producer)?.isIdempotent === true;
      if (!isIdempotent && this.#verdictOn(event) !== 'broken-promise') return;
      const places = copies.map((copy) => copy.offset).join(', ');
      this.#violation('moved', log, `${nameOf(event)} was acknowledged at offset ${offset} and stands at ${places}`);
      return;
    }
    // Retention or DeleteRecords may have taken it; where nobody knows its offset, only a whole log is proof.
    if ((event.offset ?? 0) < log.logStartOffset || log.isCompacted) return;
    this.#counts.lost[acks]++;
    if (acks !== 'all') return;
    if (this.#isLossToldOnly(event)) return;
    const where = event.offset === null ? '' : ` at offset ${event.offset}`;
    const what = `${nameOf(event)} was acknowledged${where} at ${event.atMs.toFixed(0)} ms and is gone`;
    this.#violation('lost', log, what);
  }

  #verdictOn(event: Event<'acknowledged'>): LossVerdict {
    return judgeLoss({ ...partitionOf(event), atMs: event.startMs ?? event.atMs }, this.#history);
  }

  #isLossToldOnly(event: Event<'acknowledged'>): boolean {
    const verdict = this.#verdictOn(event);
    if (verdict === 'no-disk-left') this.#counts.lostExcused++;
    if (verdict === 'given-up') this.#counts.lostGivenUp++;
    if (verdict === 'unclean-election') this.#counts.lostToUnclean++;
    return verdict !== 'broken-promise';
  }

  /** The epoch under which a record was written stands in the log: all acknowledgements of one epoch are of one leader. */
  #checkLeaders(log: FinalLog, acknowledged: readonly Event<'acknowledged'>[]): void {
    const epochs = new Map(log.records.map((record) => [record.offset, record]));
    const leaders = new Map<number, number>();
    for (const event of acknowledged) {
      const record = event.offset === null ? undefined : epochs.get(event.offset);
      // A duplicate is answered by a later leader than the one that wrote it: only offsets tell nothing then.
      if (record === undefined || record.leaderEpoch === null || event.leader === null) continue;
      if (nameOf(record) !== nameOf(event)) continue;
      const known = leaders.get(record.leaderEpoch);
      if (known === undefined) leaders.set(record.leaderEpoch, event.leader);
      else if (known !== event.leader && this.#producers.get(event.producer)?.isIdempotent !== true) {
        const what = `brokers ${known} and ${event.leader} both acknowledged in leader epoch ${record.leaderEpoch}`;
        this.#violation('two-leaders-in-one-epoch', log, what);
      }
    }
  }

  // ── what readers were shown ──

  #checkReads(): void {
    const reads = this.#history.events.filter((event) => event.type === 'read');
    for (const [key, events] of groupBy(reads, keyOf)) {
      const seen = new Map<number, Seen>();
      const log = this.#logs.get(key);
      const final = new Map((log?.records ?? []).map((record) => [record.offset, nameOf(record)]));
      const highWatermarks = new Map<string, number>();
      const lastStableOffsets = new Map<string, number>();
      for (const event of events) {
        this.#checkRead(event, seen);
        this.#checkRises(event, 'high-watermark-fell', event.highWatermark, highWatermarks);
        this.#checkRises(event, 'last-stable-offset-fell', event.lastStableOffset ?? null, lastStableOffsets);
      }
      if (log === undefined) continue;
      for (const [offset, { name, atMs }] of seen) {
        const stands = final.get(offset);
        if (stands === name || offset < log.logStartOffset) continue;
        if (log.isCompacted && stands === undefined) continue;
        if (isLossExcused({ ...partitionOf(log), atMs }, this.#history)) continue;
        this.#violation(
          'read-changed',
          log,
          `${name} was read at offset ${offset}; ${stands ?? 'nothing'} stands there`,
        );
      }
    }
  }

  /** What was below the high watermark when it was read was promised as much as an acknowledged record. */
  #checkRead(event: Event<'read'>, seen: Map<number, Seen>): void {
    let previous = -1;
    for (const record of event.records) {
      this.#counts.read++;
      const name = nameOf(record);
      if (record.offset <= previous) {
        this.#violation('read-out-of-order', event, `${event.reader} read offset ${record.offset} after ${previous}`);
      }
      previous = record.offset;
      if (event.highWatermark !== null && record.offset >= event.highWatermark) {
        const what = `${event.reader} read ${name} at offset ${record.offset} with high watermark ${event.highWatermark}`;
        this.#violation('read-above-high-watermark', event, what);
      }
      if (typeof event.lastStableOffset === 'number' && record.offset >= event.lastStableOffset) {
        const what = `${event.reader} read ${name} at offset ${record.offset} with last stable offset ${event.lastStableOffset}`;
        this.#violation('read-above-last-stable-offset', event, what);
      }
      const known = seen.get(record.offset);
      if (known !== undefined && known.name !== name) {
        if (!isLossExcused({ ...partitionOf(event), atMs: known.atMs }, this.#history)) {
          const what = `offset ${record.offset} was read as ${known.name}, then as ${name} by ${event.reader}`;
          this.#violation('read-changed', event, what);
        }
      }
      if (known?.name !== name) seen.set(record.offset, { name, atMs: event.startMs ?? event.atMs });
    }
  }

  /** A new leader may begin with an older high watermark; one leader's only grows. Answers to one reader are in order. */
  #checkRises(event: Event<'read'>, rule: HistoryRule, told: number | null, known: Map<string, number>): void {
    if (told === null || event.leader === null || event.leaderEpoch === null) return;
    const key = `${event.reader} ${event.leader} ${event.leaderEpoch}`;
    const before = known.get(key) ?? 0;
    if (told < before) {
      const what = `leader ${event.leader} in epoch ${event.leaderEpoch} told ${before}, then ${told}`;
      this.#violation(rule, event, what);
    }
    known.set(key, told);
  }

  // ── what groups committed ──

  #checkCommits(): void {
    const commits = this.#history.events.filter(
      (event) => event.type === 'committed' || event.type === 'committedRead',
    );
    const reads = this.#history.events.filter((event) => event.type === 'read');
    const readsByGroup = groupBy(reads, (event) => `${event.group ?? ''} ${keyOf(event)}`);
    for (const [key, events] of groupBy(commits, (event) => `${event.group} ${keyOf(event)}`)) {
      // Only what had been acknowledged before a request began binds the answer to it.
      const acknowledged: Event<'committed'>[] = [];
      for (const event of events) {
        if (event.type === 'committed') this.#counts.commits++;
        const bound = acknowledged.findLast((each) => each.atMs < event.startMs);
        const isBelow = bound !== undefined && (event.offset ?? -1) < bound.offset;
        // Where the group's own partition is not known by its number, any of its topic stands for it.
        const partition = this.#history.groupPartitions?.get(event.group) ?? null;
        if (isBelow && !isLossExcused({ topic: offsetsTopic, partition, atMs: bound.startMs }, this.#history)) {
          const did = event.type === 'committed' ? 'committed' : 'was told';
          const what = `group ${event.group} had ${bound.offset} acknowledged, then ${did} ${event.offset ?? 'none'}`;
          this.#violation('commit-fell', event, what);
        }
        if (event.type === 'committed') acknowledged.push(event);
      }
      const last = acknowledged.at(-1);
      if (last !== undefined) this.#checkGroupReads(last, readsByGroup.get(key) ?? []);
    }
  }

  /** A group that committed an offset has been given every record below it. */
  #checkGroupReads(commit: Event<'committed'>, reads: readonly Event<'read'>[]): void {
    const log = this.#logs.get(keyOf(commit));
    if (log === undefined) return;
    const given = new Set<number>();
    for (const event of reads) for (const record of event.records) given.add(record.offset);
    for (const { offset } of log.records) {
      if (offset >= commit.offset || given.has(offset)) continue;
      const what = `group ${commit.group} committed ${commit.offset} and was never given offset ${offset}`;
      this.#violation('skipped-by-group', commit, what);
    }
  }
}
