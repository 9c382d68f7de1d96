// A drill run on one time axis: lanes of brokers and clients, and the cluster as it stood at any moment. Pure.

import type { ClientMark, DrillRunRecord, DrillStepRecord } from '../../main/api/drill-views.ts';
import type { Lane, LaneInput, LaneMark, LaneSpan, LaneTone, TimedEvent } from './lane-types.ts';
import { transactionLanes } from './transaction-lanes.ts';
import { sentenceOf } from '../text/journal-sentences.ts';
import { type ClusterModel, modelOf, reduce } from './cluster-model.ts';

export type { Lane, LaneTone, TimedEvent } from './lane-types.ts';

/** A client without an answer for longer than this shows a gap. */
const gapFromMs = 250;

export function lanesOf(input: LaneInput): readonly Lane[] {
  const producers = [...new Set(input.samples.flatMap((sample) => Object.keys(sample.producers)))];
  const marked = [...new Set(input.marks.map((mark) => mark.client))].filter((name) => !producers.includes(name));
  return [
    stepsLane(input.steps),
    ...input.brokers.map((id) => brokerLane(id, input)),
    ...producers.map((name) => producerLane(name, input)),
    ...marked.sort().map((name) => ({ ...clientLane(name, input), spans: [] })),
    ...transactionLanes(input),
  ];
}

function stepsLane(steps: readonly DrillStepRecord[]): Lane {
  const tones = { fault: 'lost', repair: 'ok', load: 'accent', wait: 'muted', hold: 'muted' } as const;
  return {
    id: 'steps',
    label: 'Steps',
    kind: 'steps',
    spans: steps
      .filter((step) => step.kind === 'wait' || step.kind === 'hold')
      .map((step) => ({
        fromMs: step.startMs,
        toMs: step.endMs,
        tone: step.outcome === 'failed' ? 'lost' : 'muted',
        text: `${step.index + 1}. ${step.text}${step.detail === '' ? '' : `: ${step.detail}`}`,
      })),
    marks: steps
      .filter((step) => step.kind !== 'wait' && step.kind !== 'hold')
      .map((step) => ({
        atMs: step.startMs,
        shape: step.kind === 'fault' ? 'cross' : 'disc',
        tone: tones[step.kind],
        text: `${step.index + 1}. ${step.text}${step.detail === '' ? '' : `: ${step.detail}`}`,
      })),
  };
}

function brokerLane(id: number, { events, topics }: LaneInput): Lane {
  const spans: LaneSpan[] = [];
  const marks: LaneMark[] = [];
  let down: { fromMs: number; tone: LaneTone; text: string } | null = null;
  let fencedMs: number | null = null;
  for (const event of events) {
    const { atMs, entry } = event;
    if ('brokerId' in entry && entry.brokerId === id) {
      if (entry.kind === 'process.killed') down ??= { fromMs: atMs, tone: 'lost', text: 'killed' };
      if (entry.kind === 'process.powerLost') down ??= { fromMs: atMs, tone: 'lost', text: 'without power' };
      if (entry.kind === 'process.paused') down ??= { fromMs: atMs, tone: 'frozen', text: 'frozen' };
      if (entry.kind === 'process.exited') down ??= { fromMs: atMs, tone: 'muted', text: 'not running' };
      if ((entry.kind === 'process.started' || entry.kind === 'process.resumed') && down !== null) {
        spans.push({ ...down, toMs: atMs });
        down = null;
      }
      if (entry.kind === 'broker.fenced') fencedMs ??= atMs;
      if (entry.kind === 'broker.unfenced' && fencedMs !== null) {
        spans.push({ fromMs: fencedMs, toMs: atMs, tone: 'degraded', text: 'fenced' });
        fencedMs = null;
      }
    }
    const mark = brokerMark(id, event, topics);
    if (mark !== null) marks.push(mark);
  }
  if (down !== null) spans.push({ ...down, toMs: null });
  if (fencedMs !== null) spans.push({ fromMs: fencedMs, toMs: null, tone: 'degraded', text: 'fenced' });
  return { id: `broker-${id}`, label: `Broker ${id}`, kind: 'broker', spans, marks };
}

function brokerMark(id: number, event: TimedEvent, topics: readonly string[]): LaneMark | null {
  const { atMs, entry } = event;
  const text = sentenceOf(event);
  switch (entry.kind) {
    case 'partition.leaderElected':
      if (entry.leader !== id || !topics.includes(entry.topic)) return null;
      return { atMs, shape: 'diamond', tone: entry.unclean ? 'lost' : 'accent', text };
    case 'quorum.leaderElected':
      return entry.leader === id && event.source === `broker-${id}`
        ? { atMs, shape: 'crown', tone: 'accent', text }
        : null;
    case 'quorum.prospective':
    case 'quorum.candidate':
      return event.source === `broker-${id}` ? { atMs, shape: 'tick', tone: 'degraded', text } : null;
    case 'partition.isrShrunk':
      if (!entry.changed.includes(id) || !topics.includes(entry.topic)) return null;
      return { atMs, shape: 'tick', tone: 'degraded', text };
    case 'partition.isrExpanded':
      if (!entry.changed.includes(id) || !topics.includes(entry.topic)) return null;
      return { atMs, shape: 'tick', tone: 'ok', text };
    case 'replica.truncated':
      return event.source === `broker-${id}` && topics.includes(entry.topic)
        ? { atMs, shape: 'cross', tone: 'degraded', text }
        : null;
    default:
      return null;
  }
}

function clientLane(name: string, { marks }: LaneInput): Omit<Lane, 'spans'> {
  const tones: Readonly<Record<ClientMark['kind'], LaneTone>> = {
    error: 'degraded',
    failed: 'lost',
    refresh: 'muted',
    leader: 'accent',
    recovered: 'ok',
    rebalance: 'degraded',
    assigned: 'ok',
    joined: 'accent',
    left: 'muted',
    crashed: 'lost',
    note: 'muted',
  };
  return {
    id: name,
    label: name,
    kind: 'client',
    marks: marks
      .filter((mark) => mark.client === name)
      .map((mark) => ({
        atMs: mark.atMs,
        shape: mark.kind === 'crashed' || mark.kind === 'failed' ? 'cross' : 'tick',
        tone: tones[mark.kind],
        text: `${name} ${mark.text}${mark.count > 1 ? ` (${mark.count} times)` : ''}`,
      })),
  };
}

function producerLane(name: string, input: LaneInput): Lane {
  const spans: LaneSpan[] = [];
  let open: { fromMs: number; longestMs: number } | null = null;
  for (const sample of input.samples) {
    const waitedMs = sample.producers[name]?.unansweredMs ?? 0;
    if (waitedMs >= gapFromMs) {
      open ??= { fromMs: sample.atMs - waitedMs, longestMs: waitedMs };
      open.longestMs = Math.max(open.longestMs, waitedMs);
    } else if (open !== null) {
      spans.push({ fromMs: open.fromMs, toMs: sample.atMs, tone: 'lost', text: `${name} could not write` });
      open = null;
    }
  }
  if (open !== null) spans.push({ fromMs: open.fromMs, toMs: null, tone: 'lost', text: `${name} can not write` });
  return { ...clientLane(name, input), spans };
}

/** Keeps the cluster at some moments, so that any other is few deltas away. */
const checkpointEvery = 40;

export class RunReplay {
  readonly #run: DrillRunRecord;
  readonly #checkpoints: ClusterModel[];

  constructor(run: DrillRunRecord) {
    this.#run = run;
    this.#checkpoints = [modelOf(run.snapshot)];
    let model = modelOf(run.snapshot);
    run.deltas.forEach(({ delta }, index) => {
      model = reduce(model, delta);
      if ((index + 1) % checkpointEvery === 0) this.#checkpoints.push(model);
    });
  }

  /** The cluster as it was told at that moment. */
  at(atMs: number): ClusterModel {
    const { deltas } = this.#run;
    let count = deltas.findIndex((each) => each.atMs > atMs);
    if (count < 0) count = deltas.length;
    const checkpoint = Math.floor(count / checkpointEvery);
    let model = this.#checkpoints[checkpoint] ?? modelOf(this.#run.snapshot);
    for (const { delta } of deltas.slice(checkpoint * checkpointEvery, count)) model = reduce(model, delta);
    return model;
  }

  /** Moments worth a stop: steps, and events of the drill's own topics, brokers and clients. */
  stops(): readonly number[] {
    const lanes = lanesOf(laneInputOf(this.#run));
    const moments = lanes.flatMap((lane) => [
      ...lane.marks.map((mark) => mark.atMs),
      ...lane.spans.map((span) => span.fromMs),
    ]);
    return [...new Set(moments.map((moment) => Math.max(0, Math.round(moment))))].sort((a, b) => a - b);
  }
}

export function laneInputOf(run: DrillRunRecord): LaneInput {
  const { steps, samples, marks, events, topics } = run;
  return { steps, samples, marks, events, topics, brokers: run.snapshot.brokers.map((broker) => broker.id).sort() };
}
