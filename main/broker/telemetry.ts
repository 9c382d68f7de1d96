// What a broker tells its supervisor: changes at most every `intervalMs` while there are any, and one line every two
// seconds otherwise so that CPU and memory stay true. Asks each part only for what changed since it was asked last.

import type { JournalEvent } from '../core/journal.ts';
import { isActive } from '../metadata/cluster-image.ts';
import type { MetadataDelta } from '../metadata/metadata-delta.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import type { MetadataPublisher } from '../metadata/metadata-loader.ts';
import type { TopicImage } from '../metadata/topics-image.ts';
import type { Clock, Timer } from '../runtime/runtime.ts';
import type {
  BrokerCounters,
  BrokerReport,
  GroupReport,
  QuorumReport,
  ReplicaReport,
  TopicReport,
} from './contract.ts';

export type TelemetrySources = {
  events(): readonly JournalEvent[];
  replicas(): { readonly changed: readonly ReplicaReport[]; readonly removed: readonly string[] };
  groups(): { readonly changed: readonly GroupReport[]; readonly removed: readonly string[] };
  quorum(): QuorumReport | null;
  counters(): BrokerCounters;
  /** Whether this node is the active controller: only it reports topics and registrations. */
  isActiveController(): boolean;
  image(): MetadataImage;
};

const idleIntervalMs = 2000;

export class Telemetry {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #sources: TelemetrySources;
  readonly #send: (report: BrokerReport) => void;
  readonly #changedTopics = new Set<string>();
  readonly #removedTopics = new Set<string>();
  #brokersChanged = true;
  #wasActiveController = false;
  #timer: Timer | null = null;
  #dueMs = Infinity;
  #lastSentMs = -Infinity;
  #stopped = false;

  constructor(clock: Clock, intervalMs: number, sources: TelemetrySources, send: (report: BrokerReport) => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#sources = sources;
    this.#send = send;
  }

  start(): void {
    this.#schedule(0);
  }

  /** Something changed that a person wants to see soon: an event, a leader, an offset. Cheap when one is due already. */
  poke(): void {
    if (this.#dueMs - this.#clock.monotonicMs() > this.#intervalMs) {
      this.#schedule(Math.max(0, this.#lastSentMs + this.#intervalMs - this.#clock.monotonicMs()));
    }
  }

  /** Sends what is left; nothing after it. */
  stop(): void {
    this.#timer?.cancel();
    if (!this.#stopped) this.#report();
    this.#stopped = true;
  }

  /** Follows the metadata image for the time when this node is the active controller. */
  publisher(): MetadataPublisher {
    return {
      name: 'telemetry',
      onUpdate: (delta) => {
        this.#noteDelta(delta);
        this.poke();
      },
    };
  }

  #noteDelta(delta: MetadataDelta): void {
    for (const change of delta.topics?.changes.values() ?? []) {
      this.#changedTopics.add(change.topic.name);
      this.#removedTopics.delete(change.topic.name);
    }
    for (const topic of delta.topics?.deleted.values() ?? []) {
      this.#changedTopics.delete(topic.name);
      this.#removedTopics.add(topic.name);
    }
    this.#brokersChanged = true;
  }

  #schedule(inMs: number): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#dueMs = this.#clock.monotonicMs() + inMs;
    this.#timer = this.#clock.at(this.#dueMs, () => {
      const hadChanges = this.#report();
      this.#schedule(hadChanges ? this.#intervalMs : idleIntervalMs);
    });
  }

  /** Returns whether anything but the counters was in it. */
  #report(): boolean {
    const { events, replicas, groups, quorum, counters, isActiveController, image } = this.#sources;
    const isController = isActiveController();
    const { topics, removedTopics } = this.#takeTopics(isController, image());
    const controllerBrokers = isController && this.#brokersChanged ? brokerStates(image()) : null;
    if (isController) this.#brokersChanged = false;
    this.#wasActiveController = isController;
    const changedReplicas = replicas();
    const changedGroups = groups();
    const newEvents = events();
    this.#lastSentMs = this.#clock.monotonicMs();
    this.#send({
      type: 'telemetry',
      monotonicMs: this.#lastSentMs,
      events: newEvents,
      replicas: changedReplicas.changed,
      removedReplicas: changedReplicas.removed,
      quorum: quorum(),
      counters: counters(),
      groups: changedGroups.changed,
      removedGroups: changedGroups.removed,
      topics,
      removedTopics,
      controllerBrokers,
    });
    return newEvents.length + changedReplicas.changed.length + changedGroups.changed.length + topics.length > 0;
  }

  #takeTopics(isController: boolean, image: MetadataImage): { topics: TopicReport[]; removedTopics: string[] } {
    if (!isController) return { topics: [], removedTopics: [] };
    // A controller that has just taken over tells everything: what the one before it said last may be lost with it.
    const names = this.#wasActiveController ? [...this.#changedTopics] : [...image.topics.byName.keys()];
    if (!this.#wasActiveController) this.#brokersChanged = true;
    const topics = names.flatMap((name) => {
      const topic = image.topics.byName.get(name);
      return topic === undefined ? [] : [topicReport(topic)];
    });
    const removedTopics = [...this.#removedTopics];
    this.#changedTopics.clear();
    this.#removedTopics.clear();
    return { topics, removedTopics };
  }
}

const internalTopics: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
]);

function topicReport(topic: TopicImage): TopicReport {
  return {
    topic: topic.name,
    topicId: topic.id,
    internal: internalTopics.has(topic.name),
    partitions: [...topic.partitions].map(([partition, registration]) => ({
      partition,
      leader: registration.leader,
      leaderEpoch: registration.leaderEpoch,
      partitionEpoch: registration.partitionEpoch,
      replicas: registration.replicas,
      inSyncReplicas: registration.inSyncReplicas,
    })),
  };
}

function brokerStates(image: MetadataImage) {
  return [...image.cluster.brokers.values()].map((broker) => ({
    brokerId: broker.id,
    brokerEpoch: broker.epoch,
    fenced: broker.isFenced,
    inControlledShutdown: !broker.isFenced && !isActive(broker),
  }));
}
