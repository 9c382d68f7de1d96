// The verdict of a run, with its evidence: what clients were told against what the logs hold, how long nobody could
// write or read, where election time went. Counts; has no opinion beyond the file's expectations. Pure.

import type {
  AnsweredQuestion,
  DrillRunRecord,
  DrillSample,
  DrillStepRecord,
  DrillVerdict,
  ElectionRecord,
  ExpectationResult,
  Gap,
  GroupVerdict,
  LostRecord,
  ProducerVerdict,
} from '../api/drill-views.ts';
import type { JournalEvent } from '../core/journal.ts';
import { checkHistory } from '../workloads/check-history.ts';
import type { FinalLog, HistoryEvent, InSyncFact } from '../workloads/history.ts';
import type { PacedProducer, Sending } from './clients/paced-producer.ts';
import type { DrillClients } from './drill-clients.ts';
import type { DrillPlan } from './drill-plan.ts';
import type { Bound } from './drill-file.ts';
import { electionsOf, isrFacts, type Acknowledgement } from './elections.ts';
import { measureText } from './measures.ts';

export type Evidence = {
  readonly plan: DrillPlan;
  readonly prefix: string;
  readonly originMs: number;
  readonly failure: string | null;
  readonly logs: readonly FinalLog[];
  readonly clients: Pick<DrillClients, 'producers' | 'groups' | 'copiers' | 'history'>;
  readonly steps: readonly DrillStepRecord[];
  readonly samples: readonly DrillSample[];
  readonly events: readonly JournalEvent[];
  readonly deltas: DrillRunRecord['deltas'];
  readonly predictions: readonly (string | null)[];
};

/** A record that is not answered for longer than this counts as time in which nobody could write. */
export const unavailableFromMs = 250;
const lostRecordsMax = 100;
const gapsMax = 500;
/** A group is "drained" when its lag is back to this share of its highest. */
const drainedShare = 0.02;

export function judge(evidence: Evidence): DrillVerdict {
  const { plan, clients, failure } = evidence;
  const stored = copiesOf(evidence.logs);
  const isRead = evidence.logs.length > 0;
  const gaps = gapsOf(evidence);
  const lostRecords: LostRecord[] = [];
  const producers = [...clients.producers.values()].map((producer) =>
    judgeProducer(producer, evidence, { stored, isRead, gaps, lostRecords }),
  );
  const groups = judgeGroups(evidence, gaps);
  const input = electionInput(evidence);
  const elections = electionsOf(input);
  const violations = isRead ? violationsOf(evidence) : [];
  const fullSize = new Map(plan.topics.map((topic) => [evidence.prefix + topic.name, topic.replicationFactor]));
  const measures: Record<string, number | null> = {
    ...clientMeasures(producers, groups, evidence),
    ...electionMeasures(elections),
    ...isrMeasures(isrFacts(input, fullSize)),
    truncatedRecords: truncatedRecords(evidence),
    violations: violations.length,
  };
  if (!isRead) for (const name of ['lost', 'duplicated', 'reordered']) measures[name] = null;
  const expectations = plan.expectations.map(({ measure, bound }) => checkBound(measure, bound, measures));
  if (!plan.expectations.some(({ measure }) => measure === 'violations'))
    expectations.push(checkBound('violations', 0, measures));
  const passed = failure === null && expectations.every((each) => each.passed);
  return {
    passed,
    summary: summaryOf(failure, producers, expectations),
    failure,
    expectations,
    measures,
    producers,
    groups,
    elections,
    gaps: gaps.slice(0, gapsMax),
    lostRecords: lostRecords.slice(0, lostRecordsMax),
    violations,
    questions: answerQuestions(evidence, measures),
  };
}

// ── producers ──

type Copies = ReadonlyMap<string, { readonly count: number; readonly place: string }>;

function copiesOf(logs: readonly FinalLog[]): Copies {
  const copies = new Map<string, { count: number; place: string }>();
  for (const { topic, partition, records } of logs) {
    for (const { producer, number } of records) {
      const name = `${producer}#${number}`;
      const known = copies.get(name);
      if (known === undefined) copies.set(name, { count: 1, place: `${topic}-${partition}` });
      else known.count += 1;
    }
  }
  return copies;
}

function judgeProducer(
  producer: PacedProducer,
  { logs, prefix, originMs }: Evidence,
  read: { stored: Copies; isRead: boolean; gaps: readonly Gap[]; lostRecords: LostRecord[] },
): ProducerVerdict {
  const { name, settings, preset, topic } = producer.plan;
  const latencies: number[] = [];
  const counts = { acknowledged: 0, failed: 0, failedButWritten: 0, lost: 0, duplicated: 0 };
  for (const sending of producer.sendings) {
    const copies = read.stored.get(`${name}#${sending.number}`)?.count ?? 0;
    counts.duplicated += Math.max(0, copies - 1);
    if (sending.outcome === 'acknowledged') {
      counts.acknowledged += 1;
      latencies.push((sending.endMs ?? 0) - sending.sentMs);
      if (copies > 0 || !read.isRead) continue;
      counts.lost += 1;
      const { number, partition, offset } = sending;
      const acknowledgedAtMs = Math.round((sending.endMs ?? 0) - originMs);
      read.lostRecords.push({ producer: name, number, topic: prefix + topic, partition, offset, acknowledgedAtMs });
    } else {
      counts.failed += 1;
      if (copies > 0) counts.failedButWritten += 1;
    }
  }
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? null;
  return {
    producer: name,
    preset,
    acks: String(settings.acks),
    sent: producer.sendings.length,
    ...counts,
    reordered: reorderedOf(name, logs),
    latencyP50Ms: tenth(at(0.5)),
    latencyP99Ms: tenth(at(0.99)),
    latencyMaxMs: tenth(latencies.at(-1) ?? null),
    unavailableMs: longest(read.gaps.filter((gap) => gap.kind === 'writes' && gap.client === name)),
  };
}

/** Records that stand, for the first time, behind one that the producer sent later. */
function reorderedOf(producer: string, logs: readonly FinalLog[]): number {
  let count = 0;
  for (const { records } of logs) {
    let newest = -1;
    const seen = new Set<number>();
    for (const record of records) {
      if (record.producer !== producer || seen.has(record.number)) continue;
      seen.add(record.number);
      if (record.number < newest) count += 1;
      newest = Math.max(newest, record.number);
    }
  }
  return count;
}

// ── availability ──

function gapsOf({ clients, originMs, prefix }: Evidence): Gap[] {
  const gaps: Gap[] = [];
  for (const { plan, sendings } of clients.producers.values()) {
    gaps.push(...writeGaps(plan.name, prefix + plan.topic, sendings, originMs));
  }
  for (const group of clients.groups.values()) {
    for (const gap of group.gaps) {
      gaps.push({ ...gap, fromMs: Math.round(gap.fromMs - originMs), toMs: Math.round(gap.toMs - originMs) });
    }
  }
  return gaps.sort((a, b) => a.fromMs - b.fromMs);
}

/** Spans in which records of a partition waited too long for their answers, or got none: the union of their waits. */
export function writeGaps(client: string, topic: string, sendings: readonly Sending[], originMs: number): Gap[] {
  const byPartition = new Map<number, { fromMs: number; toMs: number }[]>();
  for (const { sentMs, endMs, outcome, partition } of sendings) {
    if (endMs === null || (outcome === 'acknowledged' && endMs - sentMs < unavailableFromMs)) continue;
    const spans = byPartition.get(partition) ?? [];
    byPartition.set(partition, spans);
    const last = spans.at(-1);
    // Sendings are in the order of their sending.
    if (last !== undefined && sentMs <= last.toMs) last.toMs = Math.max(last.toMs, endMs);
    else spans.push({ fromMs: sentMs, toMs: endMs });
  }
  return [...byPartition].flatMap(([partition, spans]) =>
    spans.map(({ fromMs, toMs }): Gap => ({
      client,
      kind: 'writes',
      partition: `${topic}-${partition}`,
      fromMs: Math.round(fromMs - originMs),
      toMs: Math.round(toMs - originMs),
    })),
  );
}

function longest(gaps: readonly Gap[]): number {
  return gaps.reduce((most, gap) => Math.max(most, gap.toMs - gap.fromMs), 0);
}

// ── groups ──

function judgeGroups({ clients, samples }: Evidence, gaps: readonly Gap[]): GroupVerdict[] {
  return [...clients.groups].map(([name, group]) => {
    let maxLag = 0;
    let maxLagAtMs: number | null = null;
    for (const sample of samples) {
      const lag = sample.groups[name]?.lag ?? 0;
      if (lag <= maxLag) continue;
      maxLag = lag;
      maxLagAtMs = sample.atMs;
    }
    const drained = samples.find(
      (sample) => sample.atMs > (maxLagAtMs ?? Infinity) && (sample.groups[name]?.lag ?? 0) <= maxLag * drainedShare,
    );
    return {
      group: name,
      assignor: group.plan.assignor,
      consumed: group.consumed,
      deliveredAgain: group.deliveredAgain,
      maxLag,
      maxLagAtMs,
      drainMs: drained === undefined || maxLagAtMs === null ? null : drained.atMs - maxLagAtMs,
      unavailableMs: longest(gaps.filter((gap) => gap.kind === 'reads' && gap.client === name)),
      rebalances: group.rebalances,
      partitionsMoved: group.partitionsMoved,
      unownedMs: Math.round(group.unownedMs),
    };
  });
}

// ── promises ──

function violationsOf(evidence: Evidence): string[] {
  const { clients, logs, prefix } = evidence;
  const sent = [...clients.producers.values()].flatMap(({ plan, sendings }) =>
    sendings
      .filter(({ partition }) => partition >= 0)
      .map(({ number, partition, sentMs }): HistoryEvent => {
        return { type: 'sent', producer: plan.name, number, topic: prefix + plan.topic, partition, atMs: sentMs };
      }),
  );
  const report = checkHistory({
    producers: [...clients.producers.values()].map(({ plan: { name, settings } }) => ({
      producer: name,
      acks: settings.acks === 'all' ? 'all' : settings.acks === 1 ? 'leader' : 'none',
      isIdempotent: settings.enableIdempotence,
    })),
    events: [...sent, ...clients.history],
    logs,
    inSync: inSyncFacts(evidence),
    diskLosses: evidence.events.flatMap(({ entry, monotonicMs: atMs }) =>
      entry.kind === 'process.powerLost' ? [{ atMs, broker: entry.brokerId }] : [],
    ),
  });
  return report.violations.map(({ rule, topic, partition, message }) => `${rule}: ${topic}-${partition}: ${message}`);
}

/** Leaders and ISRs as the view told them, and each change that the journal names. */
function inSyncFacts({ events, deltas, originMs, plan, prefix }: Evidence): InSyncFact[] {
  const topics = new Set(plan.topics.map((topic) => prefix + topic.name));
  const facts: InSyncFact[] = [];
  for (const { atMs, delta } of deltas) {
    for (const { topic, partition, leader, inSyncReplicas } of delta.partitions ?? []) {
      if (topics.has(topic)) facts.push({ topic, partition, atMs: originMs + atMs, leader, inSyncReplicas });
    }
  }
  for (const { entry, monotonicMs: atMs } of events) {
    if (entry.kind !== 'partition.leaderElected' || !topics.has(entry.topic)) continue;
    const { topic, partition, leader, inSyncReplicas } = entry;
    facts.push({ topic, partition, atMs, leader, inSyncReplicas });
  }
  return facts.sort((a, b) => a.atMs - b.atMs);
}

function truncatedRecords({ events, plan, prefix }: Evidence): number {
  const topics = new Set(plan.topics.map((topic) => prefix + topic.name));
  let count = 0;
  for (const { entry } of events) {
    if (entry.kind === 'replica.truncated' && topics.has(entry.topic)) count += entry.from - entry.to;
  }
  return count;
}

// ── figures ──

function electionInput({ plan, prefix, originMs, events, steps, clients }: Evidence) {
  const acknowledgements: Acknowledgement[] = [];
  for (const { plan: producer, sendings } of clients.producers.values()) {
    for (const { outcome, endMs, partition } of sendings) {
      if (outcome !== 'acknowledged' || endMs === null) continue;
      acknowledgements.push({ partition: `${prefix}${producer.topic}-${partition}`, atMs: endMs - originMs });
    }
  }
  acknowledgements.sort((a, b) => a.atMs - b.atMs);
  const topics = new Set(plan.topics.map((topic) => prefix + topic.name));
  return { originMs, events, steps, topics, acknowledgements };
}

function electionMeasures(elections: readonly ElectionRecord[]): Record<string, number | null> {
  const partitions = elections.filter((each) => each.of !== 'quorum');
  const quorum = elections.filter((each) => each.of === 'quorum');
  const most = (list: readonly ElectionRecord[], value: (each: ElectionRecord) => number | null) => {
    const known = list.map(value).filter((each) => each !== null);
    return known.length === 0 ? null : Math.max(...known);
  };
  const timed = partitions.length > 0 ? partitions : quorum;
  return {
    elections: partitions.length,
    uncleanElections: partitions.filter((each) => each.isUnclean).length,
    controllerElections: quorum.length,
    electionMs: most(timed, (each) => each.totalMs),
    detectionMs: most(timed, (each) => each.detectionMs),
    voteMs: most(quorum, (each) => each.voteMs),
    metadataMs: most(timed, (each) => each.metadataMs),
    discoveryMs: most(partitions, (each) => each.discoveryMs),
  };
}

function isrMeasures(facts: ReturnType<typeof isrFacts>): Record<string, number | null> {
  return { isrShrinks: facts.shrinks, isrRecoveryMs: facts.recoveryMs, offlineMs: facts.offlineMs };
}

function clientMeasures(
  producers: readonly ProducerVerdict[],
  groups: readonly GroupVerdict[],
  { clients }: Evidence,
): Record<string, number | null> {
  const measures: Record<string, number | null> = {};
  const add = (name: string, client: string, value: number | null, how: 'sum' | 'most') => {
    measures[`${name}.${client}`] = value;
    if (value === null) return;
    const before = measures[name] ?? 0;
    measures[name] = how === 'sum' ? before + value : Math.max(before, value);
  };
  for (const each of producers) {
    const client = each.producer;
    for (const name of [
      'sent',
      'acknowledged',
      'failed',
      'failedButWritten',
      'lost',
      'duplicated',
      'reordered',
    ] as const)
      add(name, client, each[name], 'sum');
    add('writesUnavailableMs', client, each.unavailableMs, 'most');
    add('latencyP99Ms', client, each.latencyP99Ms, 'most');
    const producer = clients.producers.get(client);
    let refused = 0;
    for (const count of producer?.refusals.values() ?? []) refused += count;
    add('refusedAttempts', client, refused, 'sum');
    add('hottestPartitionShare', client, hottestShare(producer?.sendings ?? []), 'most');
  }
  for (const each of groups) {
    const client = each.group;
    for (const name of ['consumed', 'deliveredAgain', 'rebalances', 'partitionsMoved'] as const)
      add(name, client, each[name], 'sum');
    add('readsUnavailableMs', client, each.unavailableMs, 'most');
    for (const name of ['maxLag', 'drainMs', 'unownedMs'] as const) add(name, client, each[name], 'most');
  }
  for (const [name, copier] of clients.copiers) {
    add('copies', name, copier.count?.copies ?? null, 'sum');
    add('copiesLost', name, copier.count?.lost ?? null, 'sum');
    add('copiesDuplicated', name, copier.count?.duplicated ?? null, 'sum');
    add('fenced', name, copier.fenced, 'sum');
  }
  for (const [name, group] of clients.groups) {
    add('unownedTotalMs', name, Math.round(group.unownedTotalMs), 'sum');
    add('partitionsUnowned', name, group.partitionsUnowned, 'sum');
  }
  return measures;
}

/** Share of the records that went to the partition that got most. */
function hottestShare(sendings: readonly Sending[]): number | null {
  const counts = new Map<number, number>();
  for (const { partition } of sendings) counts.set(partition, (counts.get(partition) ?? 0) + 1);
  return sendings.length === 0 ? null : Math.max(...counts.values()) / sendings.length;
}

// ── expectations and questions ──

function checkBound(
  measure: string,
  bound: Bound,
  measures: Readonly<Record<string, number | null>>,
): ExpectationResult {
  const actual = measures[measure] ?? null;
  const { atLeast, atMost } = typeof bound === 'number' ? { atLeast: bound, atMost: bound } : bound;
  const texts = [
    ...(typeof bound === 'number' ? [measureText(measure, bound)] : []),
    ...(typeof bound !== 'number' && atLeast !== undefined ? [`at least ${measureText(measure, atLeast)}`] : []),
    ...(typeof bound !== 'number' && atMost !== undefined ? [`at most ${measureText(measure, atMost)}`] : []),
  ];
  const passed =
    actual !== null && (atLeast === undefined || actual >= atLeast) && (atMost === undefined || actual <= atMost);
  return { measure, expected: texts.join(', ') || 'anything', actual, passed };
}

function answerQuestions(
  { plan, predictions }: Evidence,
  measures: Readonly<Record<string, number | null>>,
): AnsweredQuestion[] {
  return plan.questions.map(({ ask, answers, measure }, index) => {
    const value = measures[measure] ?? null;
    const fitting = answers.find((answer) => value !== null && (answer.upTo === undefined || value <= answer.upTo));
    return {
      ask,
      answers: answers.map((answer) => answer.say),
      actual: value === null ? 'not measured' : (fitting?.say ?? answers.at(-1)?.say ?? ''),
      because: `${measure} = ${measureText(measure, value)}`,
      predicted: predictions[index] ?? null,
    };
  });
}

function summaryOf(
  failure: string | null,
  producers: readonly ProducerVerdict[],
  expectations: readonly ExpectationResult[],
): string {
  if (failure !== null) return `The run did not come to its end: ${failure}.`;
  const sum = (value: (each: ProducerVerdict) => number) => producers.reduce((total, each) => total + value(each), 0);
  const counted =
    `${sum((each) => each.acknowledged)} acknowledged, ${sum((each) => each.lost)} lost, ` +
    `${sum((each) => each.duplicated)} duplicated, ${sum((each) => each.reordered)} reordered`;
  const broken = expectations.filter((each) => !each.passed);
  if (broken.length === 0) return `As expected: ${counted}.`;
  const reasons = broken.map(
    ({ measure, expected, actual }) => `${measure} is ${measureText(measure, actual)}, expected ${expected}`,
  );
  return `${counted}; ${reasons.join('; ')}.`;
}

function tenth(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}
