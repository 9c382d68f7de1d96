// Takes a sample of brokers and groups from the view each second and keeps the last minutes. Pure: time comes with
// the call. Bounded by groups, partitions and samples.

import type { ClusterView, GroupView } from '../api/views.ts';
import { samplesMax, type BrokerSample, type ClusterSample, type GroupSample } from '../api/sample-views.ts';

const groupsMax = 500;
const partitionsMax = 500;
/** Rates are taken over this many samples, so that commits once a second do not make them jump. */
const rateSamples = 5;

/** Sums over the partitions with a committed offset and a known end. */
type Totals = {
  readonly monotonicMs: number;
  readonly committed: number;
  readonly ends: number;
  readonly partitions: number;
};
type GroupState = { readonly samples: (GroupSample & { wallMs: number })[]; readonly totals: Totals[] };

export class ClusterSamples {
  readonly #brokers = new Map<number, (BrokerSample & { wallMs: number })[]>();
  readonly #groups = new Map<string, GroupState>();

  brokerHistory(brokerId: number): readonly (BrokerSample & { readonly wallMs: number })[] {
    return this.#brokers.get(brokerId) ?? [];
  }

  groupHistory(groupId: string): readonly (GroupSample & { readonly wallMs: number })[] {
    return this.#groups.get(groupId)?.samples ?? [];
  }

  add(view: Pick<ClusterView, 'brokers' | 'groups'>, wallMs: number, monotonicMs: number): ClusterSample {
    const brokers: Record<string, BrokerSample> = {};
    for (const broker of view.brokers) {
      const { bytesInPerSecond, bytesOutPerSecond, messagesInPerSecond, cpuShare, residentBytes } = broker;
      const isRunning = broker.process === 'running';
      const sample = isRunning
        ? { bytesInPerSecond, bytesOutPerSecond, messagesInPerSecond, cpuShare, residentBytes }
        : nothing;
      brokers[broker.id] = sample;
      const history = this.#brokers.get(broker.id) ?? [];
      keep(history, { ...sample, wallMs });
      this.#brokers.set(broker.id, history);
    }
    return { wallMs, brokers, groups: this.#addGroups(view.groups, wallMs, monotonicMs) };
  }

  #addGroups(views: readonly GroupView[], wallMs: number, monotonicMs: number): Record<string, GroupSample> {
    const groups: Record<string, GroupSample> = {};
    const present = new Set<string>();
    for (const view of views.slice(0, groupsMax)) {
      present.add(view.groupId);
      const state = this.#groups.get(view.groupId) ?? { samples: [], totals: [] };
      this.#groups.set(view.groupId, state);
      const sample = groupSample(view, state.totals, monotonicMs);
      groups[view.groupId] = sample;
      keep(state.samples, { ...sample, wallMs });
    }
    for (const groupId of this.#groups.keys()) if (!present.has(groupId)) this.#groups.delete(groupId);
    return groups;
  }
}

const nothing: BrokerSample = {
  bytesInPerSecond: 0,
  bytesOutPerSecond: 0,
  messagesInPerSecond: 0,
  cpuShare: 0,
  residentBytes: 0,
};

function keep<T>(samples: T[], sample: T): void {
  samples.push(sample);
  if (samples.length > samplesMax) samples.shift();
}

function groupSample(view: GroupView, totals: Totals[], monotonicMs: number): GroupSample {
  const partitionLags: Record<string, number | null> = {};
  let committed = 0;
  let ends = 0;
  let counted = 0;
  for (const each of view.partitions) {
    if (each.committedOffset === null || each.logEndOffset === null) continue;
    counted += 1;
    committed += each.committedOffset;
    ends += each.logEndOffset;
  }
  for (const each of view.partitions.slice(0, partitionsMax)) {
    partitionLags[`${each.topic}-${each.partition}`] = each.lag;
  }
  // A partition's first commit is no growth: what it had before was not consumed in this second.
  if (totals.at(-1)?.partitions !== counted) totals.length = 0;
  if (counted > 0) totals.push({ monotonicMs, committed, ends, partitions: counted });
  if (totals.length > rateSamples) totals.shift();
  const consumedPerSecond = rate(totals, 'committed');
  const producedPerSecond = rate(totals, 'ends');
  return {
    lag: view.totalLag,
    consumedPerSecond,
    producedPerSecond,
    timeToDrainMs: timeToDrain(view.totalLag, consumedPerSecond, producedPerSecond),
    partitionLags,
  };
}

function rate(totals: readonly Totals[], name: 'committed' | 'ends'): number | null {
  const first = totals[0];
  const last = totals.at(-1);
  if (first === undefined || last === undefined || last.monotonicMs <= first.monotonicMs) return null;
  return Math.max(0, ((last[name] - first[name]) * 1000) / (last.monotonicMs - first.monotonicMs));
}

function timeToDrain(lag: number | null, consumed: number | null, produced: number | null): number | null {
  if (lag === null) return null;
  if (lag === 0) return 0;
  if (consumed === null || produced === null) return null;
  const gainPerSecond = consumed - produced;
  return gainPerSecond <= 0 ? null : (lag * 1000) / gainPerSecond;
}
