// A whole cluster in one process: the same startBroker as in a real one, on a simulated network, disk and clock. The
// client is a node of its own that speaks the wire. For tests.

import type { JournalEvent } from '../core/journal.ts';
import { NodeConnections } from '../net/node-connections.ts';
import { metadataApi, type MetadataResponse } from '../protocol/messages/metadata.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import { NetworkError } from '../runtime/runtime.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { startBroker, type RunningBroker } from './broker.ts';
import type { BrokerReport } from './contract.ts';
import { SimulatedCopier, type CopierOptions } from './simulated-copier.test-kit.ts';
import { SimulatedShareMember } from './simulated-share-member.test-kit.ts';
import { SimulatedWriter } from './simulated-writer.test-kit.ts';

const clientNodeId = 100;
const clientPort = (id: number): number => 19091 + id;
const controllerPort = (id: number): number => 19191 + id;
const metricsPort = (id: number): number => 19241 + id;

/** The time-outs of the laptop profile. */
const timeouts = {
  'broker.session.timeout.ms': '1000',
  'broker.heartbeat.interval.ms': '250',
  'controller.quorum.election.timeout.ms': '300',
  'controller.quorum.fetch.timeout.ms': '600',
  'controller.quorum.election.backoff.max.ms': '200',
  'controller.quorum.request.timeout.ms': '1000',
  'replica.lag.time.max.ms': '2000',
  'metadata.max.idle.interval.ms': '5000',
};

export class SimulatedCluster {
  readonly world: SimulatedWorld;
  readonly events: JournalEvent[] = [];
  readonly #ids: readonly number[];
  /** Of every broker, besides the usual ones. */
  readonly #properties: Readonly<Record<string, string>>;
  readonly #brokers = new Map<number, RunningBroker>();
  readonly #client: NodeConnections;

  constructor(seed: number, brokerCount = 3, properties: Readonly<Record<string, string>> = {}) {
    this.#properties = properties;
    this.world = new SimulatedWorld({ seed });
    this.#ids = Array.from({ length: brokerCount }, (_, index) => index + 1);
    const { clock, network, random } = this.world.runtimeFor(clientNodeId);
    const endpointOf = (id: number) => ({ host: `node-${id}`, port: clientPort(id) });
    this.#client = new NodeConnections({ clock, network, random, clientId: 'client', endpointOf, negotiate: true });
  }

  get ids(): readonly number[] {
    return this.#ids;
  }

  startAll(): Promise<void> {
    return this.start(...this.#ids);
  }

  /** Together: a quorum may need several. */
  async start(...ids: readonly number[]): Promise<void> {
    await this.world.settle(Promise.all(ids.map((id) => this.#start(id))), 30_000);
  }

  /** From within the running world: does not make it run. */
  launch(id: number): Promise<void> {
    return this.#start(id);
  }

  async #start(id: number): Promise<void> {
    const runtime = this.world.runtimeFor(id);
    const voters = this.#ids.map((each) => `${each}@node-${each}:${controllerPort(each)}`).join(',');
    const properties = {
      ...timeouts,
      'process.roles': 'broker,controller',
      'node.id': String(id),
      'controller.quorum.voters': voters,
      listeners: `PLAINTEXT://node-${id}:${clientPort(id)},CONTROLLER://node-${id}:${controllerPort(id)}`,
      'advertised.listeners': `PLAINTEXT://node-${id}:${clientPort(id)}`,
      'controller.listener.names': 'CONTROLLER',
      'inter.broker.listener.name': 'PLAINTEXT',
      'log.dirs': '/data',
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
      ...this.#properties,
    };
    const channel = {
      send: (report: BrokerReport) => {
        if (report.type === 'telemetry') this.events.push(...report.events);
        if (report.type === 'failed') throw new Error(`broker ${id}: ${report.message}`);
      },
      onCommand: () => undefined,
    };
    const config = {
      properties,
      clusterId: 'simulated-cluster-id-1',
      logFile: null,
      telemetryIntervalMs: 100,
      metricsPort: metricsPort(id),
    };
    this.#brokers.set(id, await startBroker(config, runtime, channel, () => undefined));
  }

  /** Controlled shutdown. */
  async stop(id: number): Promise<void> {
    const broker = this.#brokers.get(id);
    if (broker === undefined) throw new Error(`broker ${id} is not running`);
    await this.world.settle(broker.shutdown(), 30_000);
    this.world.kill(id);
  }

  writer(topic: string, partitions: number): SimulatedWriter {
    return new SimulatedWriter(this.#client, this.world.runtimeFor(clientNodeId).clock, this.#ids, topic, partitions);
  }

  copier(options: CopierOptions): SimulatedCopier {
    const { clock, random } = this.world.runtimeFor(clientNodeId);
    return new SimulatedCopier(this.#client, clock, random, this.#ids, options);
  }

  shareMember(options: ConstructorParameters<typeof SimulatedShareMember>[3]): SimulatedShareMember {
    return new SimulatedShareMember(this.#client, this.world.runtimeFor(clientNodeId), this.#ids, options);
  }

  send<Q, P>(id: number, api: Api<Q, P>, request: Writable<Q>, timeoutMs = 10_000): Promise<P> {
    return this.world.settle(this.#client.send(id, api, request, { timeoutMs }), timeoutMs + 1000);
  }

  /** `/metrics` of a broker, as Prometheus asks for it: the whole answer. */
  scrape(id: number): Promise<string> {
    return this.world.settle(this.#scrape(id), 5000);
  }

  async #scrape(id: number): Promise<string> {
    const { network } = this.world.runtimeFor(clientNodeId);
    const connection = await network.connect({ host: `node-${id}`, port: metricsPort(id), timeoutMs: 1000 });
    const chunks: Buffer[] = [];
    const closed = new Promise<void>((resolve) => {
      const onData = (chunk: Buffer): void => void chunks.push(Buffer.from(chunk));
      connection.handle({ onData, onClose: () => resolve(), onDrain: () => undefined });
    });
    connection.write([Buffer.from(`GET /metrics HTTP/1.1\r\nHost: localhost:${metricsPort(id)}\r\n\r\n`)]);
    await closed;
    return Buffer.concat(chunks).toString();
  }

  /** As a client does: tries again while the connection breaks. */
  async ask<Q, P>(id: number, api: Api<Q, P>, request: Writable<Q>, timeoutMs = 10_000): Promise<P> {
    const deadlineMs = this.world.nowMs + timeoutMs;
    for (;;) {
      try {
        return await this.send(id, api, request, timeoutMs);
      } catch (error) {
        if (!(error instanceof NetworkError) || this.world.nowMs >= deadlineMs) throw error;
        await this.world.runFor(50);
      }
    }
  }

  async metadata(id: number, topic: string): Promise<MetadataResponse['topics'][number]> {
    const response = await this.ask(id, metadataApi, { topics: [{ name: topic }], allowAutoTopicCreation: false });
    const [found] = response.topics;
    if (found === undefined) throw new Error(`no answer about ${topic}`);
    return found;
  }

  /** Asks a broker for its view of the topic until it is as wanted; returns how long that took. */
  async until(
    id: number,
    topic: string,
    isRight: (partitions: MetadataResponse['topics'][number]['partitions']) => boolean,
    timeoutMs = 20_000,
  ) {
    const startMs = this.world.nowMs;
    for (;;) {
      const { partitions } = await this.metadata(id, topic);
      if (partitions.length > 0 && isRight(partitions)) return { tookMs: this.world.nowMs - startMs, partitions };
      if (this.world.nowMs - startMs > timeoutMs)
        throw new Error(`seed ${this.world.seed}: ${JSON.stringify(partitions)}`);
      await this.world.runFor(20);
    }
  }

  get controllerId(): number {
    const active = this.events.filter((event) => event.entry.kind === 'controller.active').at(-1);
    if (active === undefined) throw new Error('no controller was ever active');
    return Number(active.source.replace('broker-', ''));
  }
}
