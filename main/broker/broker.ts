// Composition of one node, broker and controller in one process. Used as it is by real processes and by the
// simulation: everything that is not deterministic comes with the Runtime.
//
// open the log directory → take part in the quorum → read the metadata up to the present → host replicas and groups →
// register with the active controller → be unfenced → serve. The way back is `shutdown`, in the opposite order.

import type { Access } from '../access/access.ts';
import { guardedRoutes } from '../access/guarded-routes.ts';
import { toBrokerId, type BrokerId } from '../core/ids.ts';
import { controllerRoutes } from '../controller/controller-routes.ts';
import { QuorumController } from '../controller/quorum-controller.ts';
import type { LogDirectories } from '../log/log-directories.ts';
import type { LogDirectory } from '../log/log-directory.ts';
import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { supportedFeatures } from '../metadata/features.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import { MetadataLoader, type MetadataPublisher } from '../metadata/metadata-loader.ts';
import { HttpServer } from '../net/http-server.ts';
import { NodeConnections } from '../net/node-connections.ts';
import type { ConnectionProblem } from '../net/server-connection.ts';
import { RpcServer } from '../net/server.ts';
import { decodeMetadataRecord, encodeMetadataRecord } from '../protocol/metadata-record-frame.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { randomUuid } from '../protocol/uuid.ts';
import { RaftNode } from '../raft/raft-node.ts';
import { NetworkError, type DiskError, type Runtime } from '../runtime/runtime.ts';
import { openAccess } from './access-startup.ts';
import { parseBootstrapServers, parseVoters, raftConfig, readSettings, serverLimits } from './broker-config.ts';
import { BrokerJournal } from './broker-journal.ts';
import type { BrokerPhase, BrokerProcessConfig, ControlChannel } from './contract.ts';
import { createControllerChannel, type ControllerChannel } from './controller-channel.ts';
import { controllerRegistration } from './controller-registration.ts';
import { apiVersionsRoute } from './handlers/api-versions.ts';
import { raftRoutes } from './handlers/raft.ts';
import { BrokerLifecycle, type LifecyclePhase } from './lifecycle.ts';
import { listenersOf, type Listeners } from './listener-config.ts';
import { openLogDirectories } from './log-directory-startup.ts';
import { startMaintenance } from './maintenance.ts';
import { MetadataCatchUp } from './metadata-catch-up.ts';
import { metadataSnapshots } from './metadata-snapshots.ts';
import { metricsPage, type MetricsSources } from './metrics/metrics-page.ts';
import { createRaftTransport } from './raft-transport.ts';
import { saslAuthentication } from './sasl-startup.ts';
import { Services } from './services.ts';
import { SessionLease } from './session-lease.ts';
import { StartupError } from './startup-error.ts';
import { Telemetry } from './telemetry.ts';

export type RunningBroker = {
  /** Controlled shutdown: leaders move away, logs are flushed, the clean-shutdown file is left. */
  shutdown(): Promise<void>;
  /** No controller will answer any more: a shutdown under way goes on without leave. */
  quorumGone(): void;
};

export type Log = (text: string) => void;

/** Starts the node; resolves when its broker is unfenced. Throws StartupError when it can't start. */
export async function startBroker(
  config: BrokerProcessConfig,
  runtime: Runtime,
  channel: ControlChannel,
  log: Log,
): Promise<RunningBroker> {
  const node = new BrokerNode(config, runtime, channel, log);
  await node.start();
  return node;
}

/** How long raft waits for another node to take the leadership over at shutdown. */
const handOverMs = 300;
const controllerRegistrationTimeoutMs = 10_000;
/** metadata.version 4.3-IV0. */
const cordonedDirectoriesLevel = 30;

class BrokerNode implements RunningBroker {
  readonly #config: BrokerProcessConfig;
  readonly #runtime: Runtime;
  readonly #channel: ControlChannel;
  readonly #log: Log;
  readonly #settings: BrokerSettings;
  readonly #listeners: Listeners;
  readonly #nodeId: BrokerId;
  readonly #journal: BrokerJournal;
  readonly #logs: LogDirectories;
  readonly #loader = new MetadataLoader();
  readonly #raft: RaftNode<MetadataRecord>;
  readonly #transport: ReturnType<typeof createRaftTransport>;
  readonly #controller: QuorumController;
  readonly #access: Access | null;
  readonly #catchUp: MetadataCatchUp<MetadataRecord>;
  readonly #controllerConnections: NodeConnections;
  readonly #controllerChannel: ControllerChannel;
  readonly #lifecycle: BrokerLifecycle;
  readonly #lease: SessionLease;
  readonly #services: Services;
  readonly #telemetry: Telemetry;
  readonly #controllerServer: RpcServer;
  readonly #clientServer: RpcServer;
  /** For clients that say who they are. */
  readonly #securedServers: readonly RpcServer[];
  readonly #registration: ReturnType<typeof controllerRegistration>;
  #metricsServer: HttpServer | null = null;
  #maintenance: { stop(): void } | null = null;
  #isStopping = false;

  constructor(config: BrokerProcessConfig, runtime: Runtime, channel: ControlChannel, log: Log) {
    this.#config = config;
    this.#runtime = runtime;
    this.#channel = channel;
    this.#log = log;
    this.#settings = readSettings(config.properties);
    this.#listeners = listenersOf(this.#settings);
    this.#nodeId = toBrokerId(this.#settings.nodeId);
    const { clock } = runtime;
    // Opening the logs records what was recovered, before there is anything that reports it.
    const reporting: { telemetry: Telemetry | null } = { telemetry: null };
    this.#journal = new BrokerJournal(this.#nodeId, clock, () => reporting.telemetry?.poke());
    this.#phase('recovering', null);
    this.#logs = openLogDirectories({
      runtime,
      settings: this.#settings,
      clusterId: config.clusterId,
      lockFile: config.lockFile ?? null,
      image: () => this.#loader.image,
      journal: this.#journal,
      log,
    });
    const { main } = this.#logs;
    const voters = parseVoters(this.#settings);
    const raftSettings = raftConfig(this.#settings);
    this.#transport = createRaftTransport(runtime, this.#nodeId, raftSettings.requestTimeoutMs);
    this.#raft = RaftNode.open<MetadataRecord>({
      runtime,
      nodeId: this.#nodeId,
      clusterId: main.meta.clusterId,
      directoryId: main.meta.directoryId,
      directory: `${main.path}/__cluster_metadata-0`,
      voters,
      listenerName: this.#listeners.controller.name,
      endpoint: this.#listeners.controllerAdvertised,
      bootstrapServers: parseBootstrapServers(this.#settings),
      autoJoins: this.#settings.boolean('controller.quorum.auto.join.enable'),
      config: raftSettings,
      transport: this.#transport,
      codec: { encode: encodeMetadataRecord, decode: decodeMetadataRecord },
      logEnvironment: main.environment,
      journal: this.#journal,
    });
    this.#controller = new QuorumController({
      clock,
      random: runtime.random,
      journal: this.#journal,
      nodeId: this.#nodeId,
      clusterId: main.meta.clusterId,
      settings: this.#settings,
      raft: this.#raft,
      loader: this.#loader,
      fatal: (error) => runtime.fatal(error),
    });
    this.#catchUp = new MetadataCatchUp(this.#loader, () => this.#raft.highWatermark);
    this.#access = openAccess(this.#settings, () => this.#loader.image, this.#catchUp.whenCaughtUp);
    this.#controllerConnections = this.#connectionsTo((id) => this.#raft.addressOf(id), 'controller');
    this.#controllerChannel = createControllerChannel({
      clock,
      connections: this.#controllerConnections,
      activeController: () => this.#raft.leaderAndEpoch().leaderId,
      attemptTimeoutMs: raftSettings.requestTimeoutMs,
    });
    this.#lease = new SessionLease(clock, this.#settings.number('broker.session.timeout.ms'));
    this.#services = new Services({
      access: this.#access,
      runtime,
      settings: this.#settings,
      listeners: this.#listeners,
      nodeId: this.#nodeId,
      logs: this.#logs,
      loader: this.#loader,
      raft: this.#raft,
      controllerChannel: this.#controllerChannel,
      journal: this.#journal,
      brokerEpoch: () => this.#lifecycle.brokerEpoch ?? -1,
      isLeadershipCertain: () => this.#lease.isHeld,
      onDirectoryFailed: (directory, error) => this.#directoryFailed(directory, error),
      onCordonedChanged: () => this.#lifecycle.cordonedChanged(),
      onStorageError: (topic, partition, error) =>
        this.#fail(`log of ${topic}-${partition} failed: ${error.message}`, error),
      log,
    });
    this.#lifecycle = this.#createLifecycle();
    const problem = (each: ConnectionProblem) => this.#onProblem(each);
    const shared = { clock, network: runtime.network, limits: serverLimits(this.#settings), onProblem: problem };
    const quorumRoutes = guardedRoutes(raftRoutes(this.#raft), this.#access, 'controller');
    this.#controllerServer = new RpcServer({
      ...shared,
      ...this.#listeners.controller,
      listener: 'controller',
      routes: [
        ...quorumRoutes,
        ...controllerRoutes(this.#controller, this.#access, quorumRoutes),
        ...this.#services.controllerListenerRoutes(),
        apiVersionsRoute(
          'controller',
          () => this.#controllerServer.router.advertised,
          () => this.#loader.image,
        ),
      ],
    });
    const forClients = {
      ...shared,
      listener: 'client' as const,
      mutedUntilMs: (connectionId: string) => this.#services.mutedUntilMs(connectionId),
      onConnectionClosed: (connectionId: string) => this.#services.connectionClosed(connectionId),
      routes: [
        ...this.#services.clientRoutes(),
        apiVersionsRoute(
          'client',
          () => this.#services.advertised(this.#clientServer.router.advertised),
          () => this.#loader.image,
        ),
      ],
    };
    this.#clientServer = new RpcServer({ ...forClients, ...this.#listeners.client });
    this.#securedServers = this.#listeners.secured.map((listener) => {
      const { random } = runtime;
      const image = () => this.#loader.image;
      const authentication = saslAuthentication({ settings: this.#settings, listener, clock, random, image });
      return new RpcServer({ ...forClients, ...listener, authentication });
    });
    this.#registration = controllerRegistration({
      clock,
      channel: this.#controllerChannel,
      nodeId: this.#nodeId,
      incarnationId: randomUuid(runtime.random),
      endpoints: [{ ...this.#listeners.controller, securityProtocol: 0 }],
      features: supportedFeatures,
      timeoutMs: controllerRegistrationTimeoutMs,
    });
    this.#telemetry = this.#createTelemetry();
    reporting.telemetry = this.#telemetry;
  }

  async start(): Promise<void> {
    await this.#listen(this.#controllerServer, 'controller');
    this.#raft.register(this.#loader);
    this.#raft.register(this.#controller);
    this.#raft.register(metadataSnapshots(this.#raft, this.#loader, this.#log));
    this.#raft.register(this.#catchUp);
    this.#telemetry.start();
    await this.#listen(this.#clientServer, 'client');
    this.#metricsServer = await this.#listenForMetrics();
    this.#channel.send({
      type: 'listening',
      clientPort: this.#clientServer.port,
      controllerPort: this.#controllerServer.port,
      metricsPort: this.#metricsServer?.port ?? null,
    });
    this.#phase('registering', null);
    await this.#lifecycle.start();
    await this.#lifecycle.caughtUp();
    if (this.#isStopping) return;
    // Not earlier: who came before the credentials are read would be told that they are wrong.
    for (const server of this.#securedServers) await this.#listen(server, server.router.listenerName);
    // Not earlier: until its own registration is read, the metadata may still call this broker the leader it was before
    // it died. If its disk lost a tail meanwhile (power loss), leading for even a moment would make followers truncate.
    this.#services.startPublishing();
    this.#maintenance = startMaintenance(this.#runtime.clock, this.#settings, this.#logs, (error) =>
      this.#services.directoryFailed(error),
    );
    await this.#lifecycle.unfence();
  }

  async shutdown(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#phase('stopping', this.#lifecycle.brokerEpoch);
    this.#maintenance?.stop();
    // Without a controller nobody can take the leaders away: waiting longer than it takes to elect one is in vain.
    const { fetchTimeoutMs, electionTimeoutMs } = raftConfig(this.#settings);
    await this.#lifecycle.controlledShutdown(2 * (fetchTimeoutMs + electionTimeoutMs));
    for (const server of this.#clientServers) await server.close();
    this.#services.close();
    this.#registration.stop();
    await this.#raft.shutdown(handOverMs);
    await this.#controllerServer.close();
    await this.#metricsServer?.close();
    this.#transport.close();
    this.#controllerConnections.closeAll();
    await this.#logs.settle();
    this.#logs.close(this.#lifecycle.brokerEpoch ?? -1);
    this.#telemetry.stop();
    this.#log('stopped in order');
  }

  quorumGone(): void {
    if (this.#isStopping) this.#lifecycle.stop();
  }

  async #listen(server: RpcServer, what: string): Promise<void> {
    try {
      await server.listen();
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      throw new StartupError(`${what} listener: ${error.message}`, 'choose another port with --port', error);
    }
  }

  get #clientServers(): readonly RpcServer[] {
    return [this.#clientServer, ...this.#securedServers];
  }

  /** Null: none wanted, or its port is taken. */
  async #listenForMetrics(): Promise<HttpServer | null> {
    const { metricsPort } = this.#config;
    if (metricsPort === undefined) return null;
    const { clock, network } = this.#runtime;
    const pages = { '/metrics': () => metricsPage(this.#metricsSources()) };
    const server = new HttpServer({ clock, network, port: metricsPort, pages });
    try {
      await server.listen();
      return server;
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      this.#log(`no /metrics on port ${metricsPort}: ${error.message}`);
      return null;
    }
  }

  #metricsSources(): MetricsSources {
    return {
      services: (readings) => this.#services.readMetrics(readings),
      metadata: () => ({
        nodeId: this.#nodeId,
        isActiveController: this.#controller.isActive,
        image: this.#loader.image,
        lastOffset: this.#loader.lastOffset,
        quorum: this.#raft.report(),
        voterCount: this.#raft.voters.length,
        wallMs: this.#runtime.clock.wallMs(),
      }),
      servers: () => ({
        servers: [
          ...this.#clientServers.map((server) => [server.router.listenerName, server.counters] as const),
          [this.#listeners.controller.name, this.#controllerServer.counters],
        ],
        phase: this.#lifecycle.phase,
        usage: this.#runtime.usage(),
        monotonicMs: this.#runtime.clock.monotonicMs(),
      }),
    };
  }

  #createLifecycle(): BrokerLifecycle {
    const { clock, random } = this.#runtime;
    const settings = this.#settings;
    const lifecycle = new BrokerLifecycle({
      clock,
      channel: this.#controllerChannel,
      nodeId: this.#nodeId,
      clusterId: this.#logs.main.meta.clusterId,
      incarnationId: randomUuid(random),
      endpoints: this.#listeners.endpoints,
      features: supportedFeatures,
      rack: settings.text('broker.rack'),
      directories: this.#logs.online.map(({ meta }) => meta.directoryId),
      cordonedDirectories: () => {
        const level = this.#loader.image.features.metadataVersion ?? 0;
        return level < cordonedDirectoriesLevel ? null : this.#logs.cordoned.map(({ meta }) => meta.directoryId);
      },
      previousBrokerEpoch: this.#logs.previousBrokerEpoch ?? -1,
      heartbeatIntervalMs: settings.number('broker.heartbeat.interval.ms'),
      sessionTimeoutMs: settings.number('broker.session.timeout.ms'),
      registrationTimeoutMs: settings.number('initial.broker.registration.timeout.ms'),
      metadataOffset: () => this.#loader.lastOffset,
      onPhase: (phase, brokerEpoch) => this.#phase(phaseOf(phase), brokerEpoch),
      onUnfencedHeartbeat: (sentMs) => this.#lease.renew(sentMs),
      onFailure: (message) => this.#fail(message, null),
    });
    void this.#catchUp.whenCaughtUp.then(() => {
      if (this.#isStopping) return;
      this.#loader.install(this.#registration);
      this.#loader.install(this.#telemetry.publisher());
      this.#loader.install(this.#limitsPublisher());
      this.#loader.install({ name: 'lifecycle', onUpdate: () => lifecycle.metadataApplied() });
    });
    return lifecycle;
  }

  #limitsPublisher(): MetadataPublisher {
    let quotas: MetadataImage['clientQuotas'] | null = null;
    return {
      name: 'limits',
      onUpdate: ({ changedConfigs }, image) => {
        if (changedConfigs.size === 0 && image.clientQuotas === quotas) return;
        quotas = image.clientQuotas;
        const limits = serverLimits(this.#settings, image);
        for (const server of [...this.#clientServers, this.#controllerServer]) server.updateLimits(limits);
      },
    };
  }

  #createTelemetry(): Telemetry {
    const { clock } = this.#runtime;
    return new Telemetry(
      clock,
      this.#config.telemetryIntervalMs,
      {
        events: () => this.#journal.take(),
        replicas: () => this.#services.takeReplicaReports(),
        groups: () => this.#services.takeGroupReports(),
        quorum: () => this.#raft.report(),
        counters: () => ({
          ...this.#services.counters(),
          connections: this.#clientServers.reduce((sum, { counters }) => sum + counters.connectionsOpen, 0),
          cpuMs: this.#runtime.usage().cpuMs,
          residentBytes: this.#runtime.usage().residentBytes,
        }),
        isActiveController: () => this.#controller.isActive,
        image: () => this.#loader.image,
      },
      (report) => this.#channel.send(report),
    );
  }

  #connectionsTo(endpointOf: (id: number) => { host: string; port: number } | null, purpose: string): NodeConnections {
    const { clock, network, random } = this.#runtime;
    return new NodeConnections({
      clock,
      network,
      random,
      clientId: `broker-${this.#nodeId}-to-${purpose}`,
      endpointOf,
      connectTimeoutMs: 1000,
      reconnectBackoffMs: 20,
      reconnectBackoffMsMax: 200,
    });
  }

  #phase(phase: BrokerPhase, brokerEpoch: number | null): void {
    this.#log(`phase ${phase}${brokerEpoch === null ? '' : ` (broker epoch ${brokerEpoch})`}`);
    this.#channel.send({ type: 'phase', phase, brokerEpoch });
  }

  #onProblem(problem: ConnectionProblem): void {
    const trace =
      problem.kind === 'handler-failed' && problem.error instanceof Error ? `\n${problem.error.stack ?? ''}` : '';
    this.#log(`${problem.kind} on ${problem.connectionId}: ${problem.message}${trace}`);
  }

  /** The controller takes its leaders away and its replicas out of the ISRs; if it can't be told, the node must go. */
  #directoryFailed(directory: LogDirectory, error: DiskError): void {
    const { clock } = this.#runtime;
    const { directoryId } = directory.meta;
    this.#log(`log directory ${directory.path} failed, its replicas are offline: ${error.message}`);
    this.#lifecycle.directoryFailed(directoryId);
    clock.at(clock.monotonicMs() + this.#settings.number('log.dir.failure.timeout.ms'), () => {
      const known = this.#loader.image.cluster.brokers.get(this.#nodeId)?.directories;
      if (known?.includes(directoryId) !== true) return;
      this.#fail(`no controller could be told that log directory ${directory.path} failed`, error);
    });
  }

  /** The node can't go on. */
  #fail(message: string, error: unknown): void {
    if (this.#isStopping) return;
    this.#channel.send({ type: 'failed', message, advice: `see the log of broker ${this.#nodeId}` });
    this.#runtime.fatal(error ?? new Error(message));
  }
}

function phaseOf(phase: LifecyclePhase): BrokerPhase {
  switch (phase) {
    case 'starting':
      return 'registering';
    case 'fenced':
      return 'fenced';
    case 'running':
      return 'running';
    case 'stopping':
    case 'stopped':
      return 'stopping';
  }
}
