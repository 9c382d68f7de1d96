// Composition root of everything outside the brokers: one cluster, its supervisor, the demo workload and the UI's
// contract. The shells (CLI, browser, Electron, embedded API) start it and show it.

import { dirname, join } from 'node:path';
import type { DrillRunRecord } from './api/drill-views.ts';
import type { EngineApi } from './api/host.ts';
import { Pushes } from './api/pushes.ts';
import type { ClusterView } from './api/views.ts';
import type { WorkspaceFigures } from './api/workspace-views.ts';
import { ClusterAdmin } from './cluster/cluster-admin.ts';
import type { ClusterDirectory } from './cluster/cluster-directory.ts';
import { serveControl, type ControlRequest } from './cluster/control-server.ts';
import { provideScramUsers } from './cluster/scram-users.ts';
import { prepareCluster, type LaunchOptions } from './cluster/launch.ts';
import type { Supervisor } from './cluster/supervisor.ts';
import { DataServices } from './data-services.ts';
import { DrillHost } from './drills/drill-host.ts';
import type { DrillWorld } from './drills/drill-world.ts';
import { faultHandlers } from './faults/fault-handlers.ts';
import { nodeProcesses } from './runtime/node/node-processes.ts';
import { nodeRuntime } from './runtime/node/node-runtime.ts';
import type { Listener, Runtime, Timer } from './runtime/runtime.ts';
import { ScreenServices } from './screen-services.ts';
import { DemoWorkload } from './workloads/demo-workload.ts';
import type { HostedCluster } from './workspaces/hosted-cluster.ts';

export type EngineOptions = Omit<LaunchOptions, 'onChange'>;

/** Screens are told at most this often: 10 times a second. */
const deltaIntervalMs = 100;
/** On a cluster that has other topics, those of drills are known by this. */
const sharedDrillPrefix = 'drill-';

export class Engine implements HostedCluster {
  readonly supervisor: Supervisor;
  readonly directory: ClusterDirectory;
  readonly #runtime: Runtime;
  readonly #admin: ClusterAdmin;
  readonly #workload: DemoWorkload;
  readonly #screens: ScreenServices;
  readonly #data: DataServices;
  readonly #drills: DrillHost;
  readonly #pushes = new Pushes();
  readonly #token: string;
  readonly #ephemeral: boolean;
  /** Who was given a password this time. */
  readonly #renewedUsers: readonly string[];
  #control: Listener | null = null;
  #deltaTimer: Timer | null = null;
  #uiUrl: string | null = null;
  #onShutdownAsked: () => void = () => undefined;

  constructor(
    runtime: Runtime,
    prepared: Awaited<ReturnType<typeof prepareCluster>>,
    { ephemeral = false, secured }: Pick<EngineOptions, 'ephemeral' | 'secured'>,
    drillDirectory: string,
  ) {
    this.#runtime = runtime;
    this.supervisor = prepared.supervisor;
    this.directory = prepared.directory;
    this.#ephemeral = ephemeral;
    this.#renewedUsers = Object.keys(secured?.users ?? {});
    this.#token = Buffer.from(runtime.random.bytes(24)).toString('base64url');
    const { topology } = this.supervisor;
    this.#admin = new ClusterAdmin(runtime, topology);
    this.#data = new DataServices(runtime, this.supervisor, this.directory);
    this.#workload = new DemoWorkload({
      clock: runtime.clock,
      bootstrap: this.supervisor.view.view().bootstrap,
      replicationFactor: Math.min(3, topology.brokers.length),
      onChange: (workload) => {
        this.supervisor.view.setFacts({ workload });
        this.#scheduleDelta();
      },
      record: (entry) => this.supervisor.record(entry),
    });
    this.#screens = new ScreenServices({
      runtime,
      supervisor: this.supervisor,
      logFile: (brokerId) => this.directory.file(`logs/broker-${brokerId}.log`),
      onSample: (sample) => this.#pushes.push('cluster.sample', sample),
      onMeasurement: (view) => this.#pushes.push('producers.measurement', view),
    });
    this.#drills = new DrillHost({
      runtime,
      catalogDirectory: drillDirectory,
      runsDirectory: this.directory.file('drills'),
      world: () => this.drillWorld(sharedDrillPrefix),
      push: (progress) => this.#pushes.push('drill.progress', progress),
    });
  }

  /** Takes the directory and prepares the cluster; throws ClusterError when it can't. */
  static async prepare(options: EngineOptions): Promise<Engine> {
    const runtime = nodeRuntime();
    // The supervisor exists only after `prepareCluster`; its changes reach the engine through this box.
    const box: { engine: Engine | null } = { engine: null };
    const prepared = await prepareCluster(runtime, nodeProcesses(), {
      ...options,
      onChange: () => box.engine?.onViewChanged(),
    });
    box.engine = new Engine(
      runtime,
      prepared,
      options,
      // The build puts the drill files beside the brokers' folder.
      join(dirname(dirname(options.brokerScript)), 'drills'),
    );
    return box.engine;
  }

  /** Starts all brokers; resolves when a client that asks any of them sees all. */
  async start(): Promise<{ readyMs: number }> {
    this.#control = await serveControl(this.#runtime, this.#token, (request) => this.#serve(request));
    const starting = this.supervisor.startAll();
    // With the pids of the processes that were just spawned.
    this.#writeRunning();
    this.#screens.start();
    const started = await starting;
    await provideScramUsers(this.#runtime, this.supervisor.topology, this.#renewedUsers);
    return started;
  }

  /** Controlled shutdown of everything; gives the directory back. */
  async stop(): Promise<void> {
    await this.#drills.stop();
    this.#screens.stop();
    this.#data.close();
    await this.#workload.stop();
    await this.supervisor.stopAll();
    await this.#control?.close();
    this.#deltaTimer?.cancel();
    this.#deltaTimer = null;
    this.directory.release(this.#ephemeral);
  }

  startWorkload(messagesPerSecond: number): Promise<void> {
    return this.#workload.start(messagesPerSecond);
  }

  setUiUrl(url: string): void {
    this.#uiUrl = url;
    this.#writeRunning();
  }

  /** Told when `highwater` asks this supervisor to end. */
  onShutdownAsked(action: () => void): void {
    this.#onShutdownAsked = action;
  }

  view(): ClusterView {
    return this.supervisor.view.view();
  }

  /** The few sums that a list of clusters shows. */
  figures(): WorkspaceFigures {
    const { view } = this.supervisor;
    const { brokers } = view.samplingView();
    const sum = (name: 'messagesInPerSecond' | 'bytesInPerSecond' | 'residentBytes') =>
      brokers.reduce((total, broker) => total + broker[name], 0);
    return {
      clusterId: view.facts.clusterId,
      bootstrap: view.facts.bootstrap,
      state: view.facts.state,
      brokersUp: brokers.filter(({ process }) => process === 'running').length,
      brokerCount: brokers.length,
      topicCount: view.topicCount,
      messagesInPerSecond: sum('messagesInPerSecond'),
      bytesInPerSecond: sum('bytesInPerSecond'),
      residentBytes: sum('residentBytes'),
    };
  }

  /** This cluster for a drill; `prefix` keeps its topics and groups apart from others. */
  drillWorld(prefix: string): DrillWorld {
    const { supervisor } = this;
    const { host, brokers } = supervisor.topology;
    return {
      runtime: this.#runtime,
      control: supervisor,
      bootstrap: brokers.map(({ port }) => ({ host, port })),
      prefix,
      view: () => supervisor.view.view(),
      follow: (receive) => {
        // What changed before is in the snapshot.
        this.#flushDelta();
        return { snapshot: supervisor.view.view(), end: this.#pushes.subscribe('cluster.delta', receive) };
      },
      record: (entry) => supervisor.record(entry),
    };
  }

  /** Runs a drill of the library, or a drill file, on this cluster. */
  runDrill(nameOrFile: string, seed: number): Promise<DrillRunRecord> {
    return this.#drills.run(nameOrFile, seed);
  }

  /** What the shells host. */
  api(): EngineApi {
    const { supervisor } = this;
    const done = (work: Promise<unknown>) => work.then(() => null);
    return {
      handlers: {
        ...this.#screens.handlers(),
        ...this.#data.handlers(),
        ...this.#drills.handlers(),
        'cluster.snapshot': () => {
          this.#flushDelta();
          return { number: supervisor.view.number, view: supervisor.view.view() };
        },
        'broker.start': ({ brokerId }) => done(this.#started(supervisor.start(brokerId))),
        'broker.stop': ({ brokerId }) => done(supervisor.stop(brokerId)),
        'broker.kill': ({ brokerId }) => done(supervisor.kill(brokerId)),
        'broker.pause': ({ brokerId }) => done(supervisor.pause(brokerId)),
        'broker.resume': ({ brokerId }) => done(supervisor.resume(brokerId)),
        'broker.restart': async ({ brokerId }) => {
          await supervisor.stop(brokerId);
          return done(this.#started(supervisor.start(brokerId)));
        },
        'topic.create': (input) => this.#admin.createTopic(input),
        'topic.delete': ({ topic }) => done(this.#admin.deleteTopic(topic)),
        'partition.electPreferred': ({ topic, partition }) => done(this.#admin.electPreferred(topic, partition)),
        'workload.start': ({ messagesPerSecond }) => done(this.#workload.start(messagesPerSecond)),
        'workload.stop': () => done(this.#workload.stop()),
        ...faultHandlers(supervisor),
      },
      subscribe: (channel, receive) => this.#pushes.subscribe(channel, receive),
    };
  }

  onViewChanged(): void {
    this.#scheduleDelta();
  }

  async #serve(request: ControlRequest): Promise<unknown> {
    const { supervisor } = this;
    switch (request.verb) {
      case 'start':
        return this.#started(supervisor.start(request.brokerId));
      case 'stop':
        return supervisor.stop(request.brokerId);
      case 'kill':
        return supervisor.kill(request.brokerId);
      case 'pause':
        return supervisor.pause(request.brokerId);
      case 'resume':
        return supervisor.resume(request.brokerId);
      case 'view':
        return supervisor.view.view();
      case 'fault.add':
        return supervisor.addFault(request.fault);
      case 'fault.clear':
        return supervisor.clearFault(request.faultId);
      case 'fault.clearAll':
        return { cleared: await supervisor.clearFaults() };
      case 'powerLoss':
        return supervisor.powerLoss(request.brokerId, { torn: request.torn });
      case 'shutdown':
        this.#onShutdownAsked();
        return null;
    }
  }

  async #started(starting: Promise<void>): Promise<void> {
    this.#writeRunning();
    await starting;
  }

  #writeRunning(): void {
    this.directory.writeRunning({
      supervisorPid: nodeProcesses().pid,
      controlPort: this.#control?.port ?? 0,
      token: this.#token,
      uiUrl: this.#uiUrl,
      brokers: this.supervisor.brokers().map(({ id, pid }) => ({ id, pid })),
    });
  }

  #scheduleDelta(): void {
    if (!this.#pushes.hasReceivers('cluster.delta') || this.#deltaTimer !== null) return;
    this.#deltaTimer = this.#runtime.clock.at(this.#runtime.clock.monotonicMs() + deltaIntervalMs, () => {
      this.#deltaTimer = null;
      this.#flushDelta();
    });
  }

  #flushDelta(): void {
    const delta = this.supervisor.view.takeDelta();
    if (delta !== null) this.#pushes.push('cluster.delta', delta);
  }
}
