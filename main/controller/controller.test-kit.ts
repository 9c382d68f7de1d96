// A quorum of real RaftNodes in a simulated world, each with a loader and a controller, and brokers that are nothing
// but heartbeats. For tests.

import { toBrokerId } from '../core/ids.ts';
import type { Journal, JournalEntry } from '../core/journal.ts';
import { FilePool } from '../log/file-pool.ts';
import { TailCache } from '../log/tail-cache.ts';
import { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { supportedFeatures } from '../metadata/features.ts';
import { MetadataLoader } from '../metadata/metadata-loader.ts';
import { decodeMetadataRecord, encodeMetadataRecord } from '../protocol/metadata-record-frame.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { randomUuid } from '../protocol/uuid.ts';
import { defaultRaftConfig } from '../raft/contract.ts';
import { RaftNode } from '../raft/raft-node.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import type { Timer } from '../runtime/runtime.ts';
import { QuorumController } from './quorum-controller.ts';

const clusterId = 'simulated-cluster-id-1';

export type Recorded = { readonly entry: JournalEntry; readonly cause: string | null; readonly id: string };

export class ControllerWorld {
  readonly world: SimulatedWorld;
  readonly events: Recorded[] = [];
  readonly loader = new MetadataLoader();
  readonly controller: QuorumController;
  readonly raft: RaftNode<MetadataRecord>;
  /** How late the controller's timers come: what a process that stands still sees. */
  timerLagMs = 0;
  readonly #heartbeats = new Map<number, Timer>();
  readonly #directories = new Map<number, string>();

  constructor(seed: number, properties: Readonly<Record<string, string>> = {}) {
    this.world = new SimulatedWorld({ seed });
    const runtime = this.world.runtimeFor(1);
    const journal: Journal = {
      record: (entry, cause = null) => {
        const id = `broker-1:${this.events.length + 1}`;
        this.events.push({ entry, cause, id });
        return id;
      },
    };
    runtime.disk.makeDirectory('/data');
    this.raft = RaftNode.open<MetadataRecord>({
      runtime,
      nodeId: toBrokerId(1),
      clusterId,
      directoryId: randomUuid(runtime.random),
      directory: '/data/__cluster_metadata-0',
      voters: [{ id: toBrokerId(1), host: 'node-1', port: 9093 }],
      listenerName: 'CONTROLLER',
      logEnvironment: {
        pool: new FilePool(runtime.disk),
        clock: runtime.clock,
        jitter: () => 0,
        preallocateIndexes: false,
        tailCache: new TailCache(),
      },
      config: defaultRaftConfig,
      transport: { send: () => Promise.reject(new Error('a quorum of one sends nothing')) },
      codec: { encode: encodeMetadataRecord, decode: decodeMetadataRecord },
      journal,
    });
    const settings = new BrokerSettings({ 'node.id': '1', 'min.insync.replicas': '2', ...properties });
    this.controller = new QuorumController({
      clock: {
        ...runtime.clock,
        at: (deadlineMs, action) => runtime.clock.at(deadlineMs + this.timerLagMs, action),
      },
      random: runtime.random,
      journal,
      nodeId: 1,
      clusterId,
      settings,
      raft: this.raft,
      loader: this.loader,
      fatal: (error) => runtime.fatal(error),
    });
    this.raft.register(this.loader);
    this.raft.register(this.controller);
  }

  async start(): Promise<void> {
    await this.world.runUntil(() => this.loader.image.features.metadataVersion !== null, 10_000);
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.world.settle(promise, 10_000);
  }

  /** Registers a broker, has it unfenced and keeps its session. Resolves with its epoch. */
  async startBroker(
    brokerId: number,
    options: { previousBrokerEpoch?: number; rack?: string | null } = {},
  ): Promise<number> {
    const { random } = this.world;
    const directory = this.#directories.get(brokerId) ?? randomUuid(random);
    this.#directories.set(brokerId, directory);
    const response = await this.settle(
      this.controller.registerBroker({
        brokerId,
        clusterId,
        incarnationId: randomUuid(random),
        listeners: [{ name: 'PLAINTEXT', host: `node-${brokerId}`, port: 9092, securityProtocol: 0 }],
        features: supportedFeatures,
        rack: options.rack ?? null,
        isMigratingZkBroker: false,
        logDirs: [directory],
        previousBrokerEpoch: options.previousBrokerEpoch ?? -1,
      }),
    );
    await this.heartbeat(brokerId, response.brokerEpoch);
    await this.world.runUntil(() => this.loader.image.cluster.brokers.get(brokerId)?.isFenced === false, 10_000);
    return response.brokerEpoch;
  }

  async heartbeat(brokerId: number, brokerEpoch: number, wish: { wantFence?: boolean; wantShutDown?: boolean } = {}) {
    const request = {
      brokerId,
      brokerEpoch,
      currentMetadataOffset: this.loader.lastOffset,
      wantFence: wish.wantFence ?? false,
      wantShutDown: wish.wantShutDown ?? false,
      offlineLogDirs: [],
      cordonedLogDirs: [],
    };
    const response = await this.settle(this.controller.brokerHeartbeat(request));
    this.#keepAlive(brokerId, brokerEpoch);
    return response;
  }

  /** From now on nothing is heard of the broker. */
  silence(brokerId: number): void {
    this.#heartbeats.get(brokerId)?.cancel();
    this.#heartbeats.delete(brokerId);
  }

  #keepAlive(brokerId: number, brokerEpoch: number): void {
    this.silence(brokerId);
    const { clock } = this.world.runtimeFor(1);
    const request = {
      brokerId,
      brokerEpoch,
      wantFence: false,
      wantShutDown: false,
      offlineLogDirs: [],
      cordonedLogDirs: [],
    };
    const beat = (): void => {
      const sent = this.controller.brokerHeartbeat({ ...request, currentMetadataOffset: this.loader.lastOffset });
      sent.catch(() => null);
      this.#heartbeats.set(brokerId, clock.at(clock.monotonicMs() + 2000, beat));
    };
    this.#heartbeats.set(brokerId, clock.at(clock.monotonicMs() + 2000, beat));
  }
}
