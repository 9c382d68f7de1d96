// The brokers of a simulated run and their supervisor: the engine's own startBroker on the nodes of one world. Knows
// who should be running, starts again who died, and hands on what the brokers report.

import { startBroker, type RunningBroker } from '../../main/broker/broker.ts';
import type { BrokerReport } from '../../main/broker/contract.ts';
import type { NodeFailure, SimulatedWorld } from '../../main/runtime/simulated/simulated-world.ts';
import { canFlipBeNoticed } from './flippable.ts';
import { clientPortOf, controllerPortOf } from './ports.ts';

type Telemetry = Extract<BrokerReport, { type: 'telemetry' }>;

export type SimulatedBrokersOptions = {
  readonly world: SimulatedWorld;
  readonly brokerCount: number;
  readonly properties: Readonly<Record<string, string>>;
  /** `life` counts the broker's starts. */
  readonly onTelemetry: (broker: number, life: number, report: Telemetry) => void;
  /** The broker knows that the cluster knows it. */
  readonly onRegistered: (broker: number) => void;
  readonly note: (actor: string, text: string) => void;
  /** A broker ended itself, or could not start, though its disk did nothing to it. */
  readonly onBrokenBroker: (broker: number, error: unknown) => void;
  /** Clean: for the first time, or with the mark of an orderly stop. */
  readonly onStart: (broker: number, isClean: boolean) => void;
  readonly onRunning?: (broker: number) => void;
  /** A broker ran, not asked to stop, lost its power, and its disk says that it stopped in order. */
  readonly onNoteBack?: (broker: number) => void;
};

const startRetryMs = 200;
export const offsetsPartitionCount = 2;
const cleanShutdownPath = '/data/.kafka_cleanshutdown';

/** The laptop profile, and small files. */
const properties = {
  'process.roles': 'broker,controller',
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'log.dirs': '/data',
  'broker.session.timeout.ms': '1000',
  'broker.heartbeat.interval.ms': '250',
  'controller.quorum.election.timeout.ms': '300',
  'controller.quorum.fetch.timeout.ms': '600',
  'controller.quorum.election.backoff.max.ms': '200',
  'controller.quorum.request.timeout.ms': '1000',
  'replica.lag.time.max.ms': '1500',
  'replica.fetch.wait.max.ms': '200',
  'metadata.max.idle.interval.ms': '2000',
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'offsets.topic.num.partitions': String(offsetsPartitionCount),
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'transaction.state.log.num.partitions': '2',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
  'log.cleaner.backoff.ms': '400',
  'group.consumer.min.session.timeout.ms': '1000',
  'group.consumer.session.timeout.ms': '1500',
  'group.consumer.min.heartbeat.interval.ms': '100',
  'group.consumer.heartbeat.interval.ms': '300',
  'group.initial.rebalance.delay.ms': '200',
  'group.min.session.timeout.ms': '500',
  // Room is kept in every open index, and a simulated disk copies it.
  'log.index.size.max.bytes': '8192',
  'replica.high.watermark.checkpoint.interval.ms': '1000',
  'log.flush.offset.checkpoint.interval.ms': '1500',
  'initial.broker.registration.timeout.ms': '600000',
};

/** One broker alone: every copy is the only one. */
const singleProperties = {
  'default.replication.factor': '1',
  'min.insync.replicas': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
};

/** With those of its causes. */
function messagesOf(error: unknown): string {
  return error instanceof Error ? `${error.message} ${messagesOf(error.cause)}` : '';
}

export class SimulatedBrokers {
  readonly ids: readonly number[];
  readonly #options: SimulatedBrokersOptions;
  readonly #running = new Map<number, RunningBroker>();
  readonly #starting = new Set<number>();
  readonly #wanted = new Set<number>();
  /** Asked to stop in order, and not gone yet. */
  readonly #stopping = new Set<number>();
  /** Brokers whose disk failed in this life: they may end themselves. */
  readonly #excused = new Set<number>();
  /** Counts lives, so that an old life's end is not taken for the new one's. */
  readonly #lives = new Map<number, number>();

  constructor(options: SimulatedBrokersOptions) {
    this.#options = options;
    this.ids = Array.from({ length: options.brokerCount }, (_, index) => index + 1);
    for (const id of this.ids) options.world.disk(id).mayFlip = canFlipBeNoticed;
  }

  isRunning(id: number): boolean {
    return this.#running.has(id) && this.#options.world.isAlive(id);
  }

  /** All that it wrote is synced, by its own account: a power loss takes nothing. */
  hasStoppedClean(id: number): boolean {
    const { world } = this.#options;
    return !world.isAlive(id) && world.disk(id).find(cleanShutdownPath) !== null;
  }

  get areAllRunning(): boolean {
    return this.ids.every((id) => this.isRunning(id));
  }

  /** Started if it does not run, and again whenever it ends while it is wanted. */
  ensureStarted(id: number): void {
    const { world } = this.#options;
    this.#wanted.add(id);
    if (world.isAlive(id) && (this.#running.has(id) || this.#starting.has(id))) return;
    this.#excused.delete(id);
    if (world.disk(id).fault !== null) this.#excused.add(id);
    const life = (this.#lives.get(id) ?? 0) + 1;
    this.#lives.set(id, life);
    this.#options.onStart(id, life === 1 || world.disk(id).find(cleanShutdownPath) !== null);
    this.#starting.add(id);
    this.#running.delete(id);
    this.#options.note('supervisor', `starts broker ${id}`);
    // In an event of the node's own: what it throws is the node's failure.
    const { clock } = world.runtimeFor(id);
    clock.soon(() => void this.#start(id, life));
  }

  async #start(id: number, life: number): Promise<void> {
    const { world, onTelemetry, onRegistered } = this.#options;
    const runtime = world.runtimeFor(id);
    const channel = {
      send: (report: BrokerReport): void => {
        if (report.type === 'telemetry') onTelemetry(id, life, report);
        if (report.type === 'phase' && report.brokerEpoch !== null) onRegistered(id);
      },
      onCommand: () => undefined,
    };
    const log = (text: string): void => this.#options.note(`broker-${id}`, text);
    const config = { properties: this.#properties(id), clusterId: 'simulated-cluster-id-1', logFile: null };
    try {
      const broker = await startBroker({ ...config, telemetryIntervalMs: 0 }, runtime, channel, log);
      if (this.#lives.get(id) !== life || !world.isAlive(id)) return;
      this.#starting.delete(id);
      this.#running.set(id, broker);
      this.#options.onRunning?.(id);
    } catch (error) {
      if (this.#lives.get(id) !== life || !world.isAlive(id)) return;
      world.kill(id);
      this.ended({ nodeId: id, atMs: world.nowMs, error });
    }
  }

  /** A node ended itself. */
  ended({ nodeId: id, error }: NodeFailure): void {
    const { world, note, onBrokenBroker } = this.#options;
    this.#running.delete(id);
    this.#starting.delete(id);
    note('supervisor', `broker ${id} ended itself: ${error instanceof Error ? error.message : String(error)}`);
    // Whoever may not open a file may end for it, and must say so: nobody finds the reason in its files.
    const isMute = world.disk(id).fault === 'too-many-files' && !messagesOf(error).includes('too many open files');
    if (!this.#excused.has(id) || isMute) onBrokenBroker(id, error);
    world.at(world.nowMs + startRetryMs, () => {
      if (this.#wanted.has(id)) this.ensureStarted(id);
    });
  }

  excuse(id: number): void {
    this.#excused.add(id);
  }

  kill(id: number): void {
    this.#gone(id);
    this.#options.world.kill(id);
  }

  losePower(id: number): void {
    const { world, onNoteBack } = this.#options;
    // What the note says is taken at the start, before anything is served: from then on it must be gone for good.
    const hadTakenNote = this.isRunning(id) && !this.#stopping.has(id);
    this.#gone(id);
    world.crash(id, { torn: true });
    if (hadTakenNote && world.disk(id).find(cleanShutdownPath) !== null) onNoteBack?.(id);
  }

  /** Controlled shutdown; whatever becomes of it, the process ends with it. */
  stop(id: number): void {
    const { world } = this.#options;
    const broker = this.#running.get(id);
    if (broker === undefined || !world.isAlive(id)) return this.kill(id);
    const life = this.#lives.get(id);
    this.#wanted.delete(id);
    this.#stopping.add(id);
    world.runtimeFor(id).clock.soon(() => {
      const end = (): void => {
        if (this.#lives.get(id) !== life) return;
        this.#options.note('supervisor', `broker ${id} has stopped in order`);
        // Asked back while it was still stopping.
        const isWanted = this.#wanted.has(id);
        this.kill(id);
        if (isWanted) this.ensureStarted(id);
      };
      void broker.shutdown().then(end, end);
    });
  }

  #gone(id: number): void {
    this.#wanted.delete(id);
    this.#running.delete(id);
    this.#stopping.delete(id);
    this.#starting.delete(id);
    this.#lives.set(id, (this.#lives.get(id) ?? 0) + 1);
  }

  #properties(id: number): Record<string, string> {
    const voters = this.ids.map((each) => `${each}@node-${each}:${controllerPortOf(each)}`).join(',');
    return {
      ...properties,
      ...(this.ids.length === 1 ? singleProperties : {}),
      ...this.#options.properties,
      'node.id': String(id),
      'controller.quorum.voters': voters,
      listeners: `PLAINTEXT://node-${id}:${clientPortOf(id)},CONTROLLER://node-${id}:${controllerPortOf(id)}`,
      'advertised.listeners': `PLAINTEXT://node-${id}:${clientPortOf(id)}`,
    };
  }
}
