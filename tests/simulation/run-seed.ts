// One run of one seed: a cluster, its clients and a plan of faults in one simulated world, from the first start to the
// last check. Everything comes from the seed (and the plan, which may be a cut-down one): the same gives the same journal.

import { coordinatorPartition } from '../../main/protocol/partitioning.ts';
import { SimulatedWorld } from '../../main/runtime/simulated/simulated-world.ts';
import { seededRandom } from '../../main/runtime/simulated/seeded-random.ts';
import { checkHistory } from '../../main/workloads/check-history.ts';
import type { History, HistoryCounts, UncleanEnd } from '../../main/workloads/history.ts';
import { isLossExcused, mayHaveLost } from '../../main/workloads/loss-excuse.ts';
import {
  ClientFleet,
  copiersGroupName,
  copyingTopics,
  groupName,
  readingTopics,
  modernGroupName,
} from './client-fleet.ts';
import { describeEntry } from './describe-entry.ts';
import { planFaults, type Plan } from './fault-plan.ts';
import { Faults } from './faults.ts';
import { HistoryRecorder } from './history-recorder.ts';
import { Journal } from './journal.ts';
import { checkMarkers } from './marker-checks.ts';
import { MetadataFacts } from './metadata-facts.ts';
import { QuorumWatch } from './quorum-watch.ts';
import { offsetsPartitionCount, SimulatedBrokers } from './simulated-brokers.ts';
import { compareReplicas, logEnds, WorldChecks } from './world-checks.ts';

export type Violation = { readonly rule: string; readonly message: string };

export type SeedOutcome = {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly counts: HistoryCounts;
  /** Idempotent producers that had to begin a new epoch because the next sequence was refused. */
  readonly refusedSequences: number;
  readonly faultCount: number;
  readonly virtualMs: number;
  readonly eventCount: number;
  /** Batches found equal on two disks. */
  readonly comparedBatches: number;
  readonly journal: Journal;
};

export type SeedOptions = {
  readonly seed: number;
  /** Instead of the seed's own. */
  readonly plan?: Plan;
  /** Keeps the journal's text, not only its hash. */
  readonly isTraced?: boolean;
};

const violationsMax = 50;
const startMsMax = 30_000;
/** So long after the last fault was mended everything must work again. */
const recoveryMsMax = 40_000;
const episodeMs = 4000;
const oftenSnapshots = { 'metadata.log.max.record.bytes.between.snapshots': '2000' };
/**
 * The pause between two assignments is kept as a wall clock's time, in Kafka as here: after a skew of minutes a group would
 * be assigned nothing for as long.
 */
const assignedAtOnce = { 'group.consumer.assignment.interval.ms': '0' };
/** A node that was away for a second finds the log gone, and loads a snapshot. */
const soonTrimmed = { 'metadata.max.retention.bytes': '3000' };

export function runSeed(options: SeedOptions): Promise<SeedOutcome> {
  return new SeedRun(options).run();
}

class SeedRun {
  readonly #seed: number;
  readonly #plan: Plan;
  readonly #journal: Journal;
  readonly #world: SimulatedWorld;
  readonly #brokers: SimulatedBrokers;
  readonly #history: HistoryRecorder;
  readonly #clients: ClientFleet;
  readonly #faults: Faults;
  readonly #checks: WorldChecks;
  readonly #starts: { readonly broker: number; readonly isClean: boolean; readonly atMs: number }[] = [];
  readonly #metadata = new MetadataFacts();
  readonly #quorum: QuorumWatch;
  readonly #violations: Violation[] = [];
  #comparedBatches = 0;

  constructor({ seed, plan = planFaults(seed), isTraced = false }: SeedOptions) {
    this.#seed = seed;
    this.#plan = plan;
    this.#journal = new Journal(isTraced);
    this.#world = new SimulatedWorld({ seed, onFailure: (failure) => this.#brokers.ended(failure) });
    const world = this.#world;
    const note = (actor: string, text: string): void => this.#journal.add(world.nowMs, actor, text);
    const report = (rule: string, message: string): void => this.#violation(rule, message);
    this.#checks = new WorldChecks(report, (broker) => (world.isAlive(broker) ? world.disk(broker) : null));
    this.#quorum = new QuorumWatch((highWatermark) => this.#metadata.onHighWatermark(highWatermark, world.nowMs));
    plan.clockRates.forEach((rate, index) => world.setClockRate(index + 1, rate));
    const random = seededRandom(seed, 'run');
    const kinds = plan.episodes.flat().map(({ kind }) => kind);
    this.#brokers = new SimulatedBrokers({
      world,
      brokerCount: plan.brokerCount,
      properties: {
        ...(random.below(3) === 0 ? { ...oftenSnapshots, ...(random.below(2) === 0 ? soonTrimmed : {}) } : {}),
        ...(kinds.includes('skew-clock') ? assignedAtOnce : {}),
      },
      note,
      onBrokenBroker: (broker, error) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.#violation('broker-died', `broker ${broker}: ${text}`);
      },
      onTelemetry: (broker, life, telemetry) => {
        for (const event of telemetry.events) {
          note(`broker-${broker}`, describeEntry(event.entry));
          this.#faults.onEvent(broker, event);
        }
        this.#checks.onTelemetry(broker, life, telemetry, world.nowMs);
        if (telemetry.quorum !== null) this.#quorum.onReport(broker, telemetry.quorum);
      },
      onRunning: (broker) => this.#faults.onMoment(broker, 'broker.running'),
      onNoteBack: (broker) =>
        this.#violation(
          'clean-note-back',
          `broker ${broker} ran, lost its power, and its disk says it stopped in order`,
        ),
      onRegistered: (broker) => this.#checks.onRegistered(broker),
      onStart: (broker, isClean) => {
        this.#starts.push({ broker, isClean, atMs: world.nowMs });
        this.#checks.onStart(broker, world.nowMs);
      },
    });
    this.#history = new HistoryRecorder(() => world.nowMs, note);
    for (const group of [groupName, copiersGroupName, modernGroupName]) {
      this.#history.groupPartitions.set(group, coordinatorPartition(group, offsetsPartitionCount));
    }
    this.#history.onAcknowledged = ({ acks }, leader, partition, startMs) => {
      const isLoose = this.#history.uncleanTopics.some((topic) => partition.startsWith(`${topic}-`));
      const inSyncMin = acks !== 'all' || isLoose ? 1 : Math.min(2, plan.brokerCount);
      this.#checks.onAcknowledged(leader, partition, startMs, inSyncMin);
    };
    this.#history.onEnding = (coordinator) => this.#faults.onMoment(coordinator, 'transaction.ending');
    this.#history.onRecordsDeleted = (leader) => this.#faults.onMoment(leader, 'records.deleted');
    this.#clients = new ClientFleet({ world, brokerIds: this.#brokers.ids, random, history: this.#history, note });
    this.#faults = new Faults({
      world,
      brokers: this.#brokers,
      clientNodeIds: this.#clients.nodeIds,
      random,
      note,
      onDiskLoss: (broker) => this.#history.diskLosses.push({ atMs: world.nowMs, broker }),
    });
  }

  async run(): Promise<SeedOutcome> {
    const world = this.#world;
    try {
      for (const id of this.#brokers.ids) this.#brokers.ensureStarted(id);
      await this.#settle('start', () => this.#clients.begin(), startMsMax);
      for (const episode of this.#plan.episodes) {
        this.#faults.begin(episode);
        await world.runFor(episodeMs);
        await this.#recover();
      }
      await this.#finish();
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (!(error instanceof NotAlive)) this.#violation('simulation-failed', text);
    }
    const { inSync, uncleanEnds } = this.#readMetadata();
    this.#history.inSync.push(...inSync);
    this.#history.uncleanEnds.push(...uncleanEnds);
    this.#checkPositions();
    this.#checkRefused();
    for (const ghost of this.#history.ghosts) this.#violation('ghost-record', ghost);
    const checked = checkHistory(this.#history.history);
    for (const { rule, topic, partition, message } of checked.violations) {
      this.#violation(rule, `${topic}-${partition}: ${message}`);
    }
    return {
      seed: this.#seed,
      violations: this.#violations,
      counts: checked.counts,
      refusedSequences: this.#history.refusedSequences.length,
      faultCount: this.#faults.count,
      virtualMs: world.nowMs,
      eventCount: world.eventCount,
      comparedBatches: this.#comparedBatches,
      journal: this.#journal,
    };
  }

  /** Mends everything and waits until the cluster is whole and serves everybody. */
  async #recover(): Promise<void> {
    this.#faults.end();
    const progress = this.#clients.progress();
    await this.#settle(
      'recovery',
      async () => {
        await this.#clients.until(() => this.#brokers.areAllRunning);
        await this.#becomeWhole();
        await this.#clients.until(() => this.#clients.hasProgressedSince(progress));
      },
      recoveryMsMax,
    );
  }

  /** The ISR of each moment, and which registrations were those of a broker that had ended uncleanly. */
  #readMetadata(): Pick<History, 'inSync'> & { readonly uncleanEnds: readonly UncleanEnd[] } {
    const { inSync, registrations } = this.#metadata.read();
    const uncleanEnds = registrations.filter(({ broker, atMs }) => {
      const start = this.#starts.findLast((each) => each.broker === broker && each.atMs <= atMs);
      return start?.isClean === false;
    });
    return { inSync, uncleanEnds };
  }

  async #becomeWhole(): Promise<void> {
    await this.#clients.becomeWhole();
    this.#clients.waitingFor = 'every node to hold the whole metadata log';
    await this.#clients.until(() => this.#quorum.isWhole(this.#brokers.ids));
    for (const id of this.#brokers.ids) this.#metadata.collect(this.#world.disk(id));
  }

  /** A leader that was there all the while knows the last five batches of a producer: one that stands is a duplicate. */
  #checkRefused(): void {
    for (const { producer, number, topic, partition, leader, firstSentMs } of this.#history.refusedBatches) {
      const log = this.#history.logs.find((each) => each.topic === topic && each.partition === partition);
      const isWritten = log?.records.some((record) => record.producer === producer && record.number === number);
      if (isWritten !== true || this.#checks.remembersSinceMs(leader, `${topic}-${partition}`) >= firstSentMs) continue;
      const what = `${topic}-${partition}: ${producer}#${number} stands there`;
      this.#violation('repeat-refused', `${what}; broker ${leader} refused its repetition as out of order`);
    }
  }

  /** A reader's position was handed out as committed: it may be gone only where the records before it are. */
  #checkPositions(): void {
    for (const { topic, partition, offset, message } of this.#history.lostPositions) {
      const reads = this.#history.events.filter(
        (event) => event.type === 'read' && event.topic === topic && event.partition === partition,
      );
      const told = reads.find((event) => event.type === 'read' && (event.highWatermark ?? 0) >= offset);
      if (told !== undefined && isLossExcused({ topic, partition, atMs: told.atMs }, this.#history.history)) continue;
      this.#violation('position-lost', message);
    }
  }

  async #finish(): Promise<void> {
    const world = this.#world;
    // Where the decisions of transactions are gone with the disks, Kafka promises nothing of those under way either.
    const facts = { ...this.#history.history, ...this.#readMetadata() };
    const mayHave = (topic: string): boolean => mayHaveLost(topic, facts);
    const isCopyingLost = copyingTopics.some(mayHave);
    const isReadingLost = readingTopics.some(mayHave);
    await this.#settle('end', () => this.#clients.end({ isCopyingLost, isReadingLost }), recoveryMsMax);
    await this.#settle('whole', () => this.#becomeWhole(), recoveryMsMax);
    for (const message of await this.#settle('admin check', () => this.#clients.checkAdmin(), recoveryMsMax)) {
      this.#violation('metadata-lost', message);
    }
    this.#history.logs.push(
      ...(await this.#settle('reading back', () => this.#clients.readBack(isCopyingLost), recoveryMsMax)),
    );
    const disks = new Map(this.#brokers.ids.map((id) => [id, world.disk(id)]));
    // A decision that is gone with the disks leaves its markers behind.
    if (!mayHave('__transaction_state')) {
      checkMarkers(disks, this.#history.events, (rule, message) => this.#violation(rule, message));
    }
    this.#comparedBatches = compareReplicas(disks, (rule, message) => this.#violation(rule, message));
  }

  async #settle<T>(what: string, action: () => Promise<T>, timeoutMs: number): Promise<T> {
    const startMs = this.#world.nowMs;
    try {
      return await this.#world.settle(action(), timeoutMs);
    } catch (error) {
      if (this.#world.nowMs - startMs < timeoutMs) throw error;
      this.#violation('not-alive', `${what} took more than ${timeoutMs} ms: ${this.#clients.waitingFor}`);
      this.#noteState();
      throw new NotAlive();
    }
  }

  /** What may tell why nothing goes on. */
  #noteState(): void {
    for (const id of this.#brokers.ids) {
      const ends = [...logEnds(this.#world.disk(id))].map(([name, end]) => `${name} ${end}`);
      const state = this.#brokers.isRunning(id) ? 'runs' : 'does not run';
      this.#journal.add(this.#world.nowMs, 'supervisor', `broker ${id} ${state}; log ends: ${ends.join(', ')}`);
    }
  }

  #violation(rule: string, message: string): void {
    this.#journal.add(this.#world.nowMs, 'VIOLATION', `${rule}: ${message}`);
    if (this.#violations.length < violationsMax) this.#violations.push({ rule, message });
  }
}

/** The run can't go on; the violation is noted. */
class NotAlive extends Error {}
