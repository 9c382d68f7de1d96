// The app: its workspaces, each with a cluster that runs or not, several at once. Finds the cluster that a request
// speaks to, and keeps the subscriptions of pages over the runs of a cluster.

import type { Channel, ClusterChannel, Pushed } from '../api/contract.ts';
import type { AppApi, AppHandlers, EngineApi } from '../api/host.ts';
import { Pushes } from '../api/pushes.ts';
import type { WorkspaceList, WorkspaceState, WorkspaceView } from '../api/workspace-views.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import type { Processes } from '../runtime/processes.ts';
import type { Runtime, Timer } from '../runtime/runtime.ts';
import type { HostedCluster } from './hosted-cluster.ts';
import { readWorkspaceFile, writeWorkspaceFile } from './workspace-file.ts';
import { WorkspaceStore, type StoredWorkspace } from './workspace-store.ts';

export type WorkspacesOptions = {
  readonly runtime: Runtime;
  readonly processes: Processes;
  /** Where workspaces live. */
  readonly root: string;
  /** The root goes when the app ends. */
  readonly isRootEphemeral: boolean;
  /** The cluster that the app was started with, prepared. */
  readonly home: {
    readonly dataDir: string;
    readonly ephemeral: boolean;
    readonly cluster: HostedCluster;
    reopen(): Promise<HostedCluster>;
  };
  /** Prepares the cluster of a workspace; throws ClusterError when it can't. */
  open(workspace: StoredWorkspace): Promise<HostedCluster>;
  /** What Kafka would say to broker configs. */
  checkConfigs(configs: Readonly<Record<string, string>>): readonly ConfigProblem[];
};

type ConfigProblem = { readonly name: string; readonly message: string; readonly severity: 'error' | 'warning' };
type Subscription = {
  to(api: EngineApi): () => void;
  end: (() => void) | null;
};

type Slot = {
  readonly id: string;
  state: WorkspaceState;
  problem: string | null;
  run: number;
  cluster: HostedCluster | null;
  drilling: boolean;
  readonly subscriptions: Set<Subscription>;
};

const figuresIntervalMs = 1000;
/** Changes within this time are told together. */
const coalesceMs = 50;

export class Workspaces implements AppApi {
  readonly handlers: AppHandlers;
  readonly homeId: string;
  readonly #options: WorkspacesOptions;
  readonly #store: WorkspaceStore;
  readonly #slots = new Map<string, Slot>();
  readonly #pushes = new Pushes();
  #uiUrl: string | null = null;
  #timer: Timer | null = null;
  #soon: Timer | null = null;
  #isClosed = false;
  #onHomeShutdownAsked: () => void = () => undefined;

  constructor(options: WorkspacesOptions) {
    this.#options = options;
    const { root, runtime, processes, home } = options;
    const homeName = home.ephemeral ? 'Ephemeral cluster' : null;
    this.#store = new WorkspaceStore({ root, runtime, processes, home: home.dataDir, homeName });
    this.homeId = this.#store.idOf(home.dataDir) ?? 'default';
    this.handlers = this.#handlers();
    this.#attach(this.#slot(this.homeId), home.cluster, 'stopped');
    this.#tick();
  }

  /** Starts the cluster that the app was started with. */
  async startHome(): Promise<{ readyMs: number }> {
    const slot = this.#slot(this.homeId);
    return this.#run(slot, slot.cluster ?? (await this.#options.home.reopen()));
  }

  setUiUrl(url: string): void {
    this.#uiUrl = url;
    for (const { cluster } of this.#slots.values()) cluster?.setUiUrl(url);
  }

  /** Told when another program asks the app's first cluster to end, and so the app. */
  onShutdownAsked(action: () => void): void {
    this.#onHomeShutdownAsked = action;
  }

  /** Stops all that runs. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#soon?.cancel();
    await Promise.all([...this.#slots.values()].map((slot) => this.#end(slot)));
    if (this.#options.isRootEphemeral) this.#options.runtime.disk.removeTree(this.#options.root);
  }

  cluster(workspace: string | null): EngineApi {
    const id = workspace ?? this.homeId;
    const cluster = this.#slots.get(id)?.cluster;
    if (cluster !== null && cluster !== undefined) return cluster.api();
    const { name } = this.#store.get(id);
    throw new ClusterError('WORKSPACE_STOPPED', `${name} is not running`, 'start it on the Clusters screen');
  }

  subscribe<Name extends Channel>(
    channel: Name,
    workspace: string | null,
    receive: (payload: Pushed[Name]) => void,
  ): () => void {
    if (channel === 'workspaces.changed') return this.#pushes.subscribe(channel, receive);
    const slot = this.#slot(workspace ?? this.homeId);
    const subscription: Subscription = {
      to: (api) => api.subscribe<ClusterChannel>(channel, receive as (payload: Pushed[ClusterChannel]) => void),
      end: null,
    };
    slot.subscriptions.add(subscription);
    if (slot.cluster !== null) connect(subscription, slot.cluster);
    return () => {
      subscription.end?.();
      slot.subscriptions.delete(subscription);
    };
  }

  list(): WorkspaceList {
    const { workspaces, damaged } = this.#store.list();
    return { workspaces: workspaces.map((each) => this.#view(each)), damaged, root: this.#store.root };
  }

  #handlers(): AppHandlers {
    const store = this.#store;
    const told = <T>(value: T): T => {
      this.#changed();
      return value;
    };
    return {
      'workspaces.list': () => this.list(),
      'workspaces.create': async (file) => {
        this.#requireValid(file.settings.configs);
        return told({ id: await store.create(file) });
      },
      'workspaces.update': async ({ id, ...file }) => {
        this.#requireStopped(id, 'is changed');
        this.#requireValid(file.settings.configs);
        await store.update(id, file);
        return told(null);
      },
      'workspaces.start': async ({ id }) => {
        await this.#start(id);
        return null;
      },
      'workspaces.stop': async ({ id }) => {
        store.get(id);
        await this.#end(this.#slot(id));
        return null;
      },
      'workspaces.duplicate': async ({ id, name, withData }) => {
        if (withData) this.#requireStopped(id, 'is copied with its data');
        return told({ id: await store.duplicate(id, name, withData) });
      },
      'workspaces.reset': ({ id }) => {
        this.#requireStopped(id, 'is reset');
        return told({ freedBytes: store.reset(id) });
      },
      'workspaces.delete': ({ id }) => {
        this.#requireStopped(id, 'is deleted');
        store.remove(id);
        this.#slots.delete(id);
        return told(null);
      },
      'workspaces.export': ({ id }) => ({
        fileName: `${id}.highwater.json`,
        text: writeWorkspaceFile(store.get(id)),
      }),
      'workspaces.import': async ({ text, name }) => told({ id: await this.#import(text, name) }),
      'workspaces.dataSize': ({ id }) => ({ bytes: store.dataBytes(id) }),
      'workspaces.checkConfigs': ({ configs }) => ({ problems: this.#options.checkConfigs(configs) }),
    };
  }

  async #import(text: string, name: string | null): Promise<string> {
    const file = readWorkspaceFile(text, 'the file');
    const wanted = name ?? file.name;
    this.#requireValid(file.settings.configs);
    const taken = this.#store.list().workspaces.map(({ settings }) => settings.port);
    // The ports of the machine that it comes from need not be free here.
    const { port } = file.settings;
    const settings = { ...file.settings, port: taken.includes(port) ? null : port };
    return this.#store.create({ name: wanted, settings });
  }

  async #start(id: string): Promise<void> {
    const workspace = this.#store.get(id);
    const slot = this.#slot(id);
    if (slot.state === 'starting' || slot.state === 'running') return;
    if (slot.state === 'stopping')
      throw new ClusterError('WORKSPACE_BUSY', `${workspace.name} is stopping`, 'wait until it has stopped');
    if (workspace.runBy !== null) throw runElsewhere(workspace, workspace.runBy);
    this.#become(slot, 'starting', null);
    const { home } = this.#options;
    let cluster: HostedCluster;
    try {
      cluster = id === this.homeId ? await home.reopen() : await this.#options.open(workspace);
    } catch (error) {
      this.#become(slot, 'failed', problemText(error));
      throw forScreens(error);
    }
    if (this.#isClosed) return cluster.stop();
    this.#attach(slot, cluster, 'starting');
    // What fails from here on stands in the list: a start may take longer than a request.
    this.#run(slot, cluster).catch(() => undefined);
  }

  async #run(slot: Slot, cluster: HostedCluster): Promise<{ readyMs: number }> {
    this.#become(slot, 'starting', null);
    try {
      const ready = await cluster.start();
      if (slot.cluster === cluster && slot.state === 'starting') this.#become(slot, 'running', null);
      return ready;
    } catch (error) {
      // Its brokers' logs and what did start stay to be looked at; stopping ends them.
      if (slot.cluster === cluster && slot.state === 'starting') this.#become(slot, 'failed', problemText(error));
      throw error;
    }
  }

  async #end(slot: Slot): Promise<void> {
    const { cluster } = slot;
    if (cluster === null || slot.state === 'stopping') {
      if (slot.state === 'failed') this.#become(slot, 'stopped', null);
      return;
    }
    this.#become(slot, 'stopping', null);
    try {
      await cluster.stop();
    } finally {
      slot.cluster = null;
      slot.drilling = false;
      for (const subscription of slot.subscriptions) disconnect(subscription);
      this.#become(slot, 'stopped', null);
    }
  }

  #attach(slot: Slot, cluster: HostedCluster, state: WorkspaceState): void {
    slot.cluster = cluster;
    slot.run += 1;
    if (this.#uiUrl !== null) cluster.setUiUrl(this.#uiUrl);
    cluster.onShutdownAsked(() => {
      if (slot.id === this.homeId) this.#onHomeShutdownAsked();
      else void this.#end(slot);
    });
    cluster.api().subscribe('drill.progress', ({ isOver }) => {
      if (slot.drilling === !isOver || slot.cluster !== cluster) return;
      slot.drilling = !isOver;
      this.#changed();
    });
    for (const subscription of slot.subscriptions) connect(subscription, cluster);
    this.#become(slot, state, null);
  }

  #slot(id: string): Slot {
    const known = this.#slots.get(id);
    if (known !== undefined) return known;
    const slot: Slot = {
      id,
      state: 'stopped',
      problem: null,
      run: 0,
      cluster: null,
      drilling: false,
      subscriptions: new Set(),
    };
    // Pages may ask for what does not exist: only real workspaces are kept.
    if (id === this.homeId || this.#store.list().workspaces.some((each) => each.id === id)) this.#slots.set(id, slot);
    return slot;
  }

  #become(slot: Slot, state: WorkspaceState, problem: string | null): void {
    slot.state = state;
    slot.problem = problem;
    this.#changed();
  }

  #view(workspace: StoredWorkspace): WorkspaceView {
    const { id, name, settings, path, runBy } = workspace;
    const slot = this.#slots.get(id);
    const isHome = id === this.homeId;
    return {
      id,
      name,
      settings,
      state: slot?.state ?? 'stopped',
      problem: slot?.problem ?? null,
      run: slot?.run ?? 0,
      isHome,
      isAdopted: this.#store.isAdopted(id),
      ephemeral: this.#options.isRootEphemeral || (isHome && this.#options.home.ephemeral),
      dataDir: path,
      runBy,
      drilling: slot?.drilling ?? false,
      figures: slot?.cluster?.figures() ?? null,
    };
  }

  #requireStopped(id: string, what: string): void {
    const workspace = this.#store.get(id);
    if (workspace.runBy !== null) throw runElsewhere(workspace, workspace.runBy);
    if (this.#slots.get(id)?.cluster === null || this.#slots.get(id) === undefined) return;
    throw new ClusterError('WORKSPACE_RUNS', `${workspace.name} runs`, `stop it before it ${what}`);
  }

  #requireValid(configs: Readonly<Record<string, string>>): void {
    const problem = this.#options.checkConfigs(configs).find(({ severity }) => severity === 'error');
    if (problem !== undefined) throw new ClusterError('INVALID_CONFIG', problem.message, `mend ${problem.name}`);
  }

  /** Tells the list once a second while somebody looks and something runs. */
  #tick(): void {
    const { clock } = this.#options.runtime;
    this.#timer = clock.at(clock.monotonicMs() + figuresIntervalMs, () => {
      if ([...this.#slots.values()].some(({ cluster }) => cluster !== null)) this.#tell();
      this.#tick();
    });
  }

  #changed(): void {
    if (this.#soon !== null || this.#isClosed) return;
    const { clock } = this.#options.runtime;
    this.#soon = clock.at(clock.monotonicMs() + coalesceMs, () => {
      this.#soon = null;
      this.#tell();
    });
  }

  #tell(): void {
    if (this.#pushes.hasReceivers('workspaces.changed')) this.#pushes.push('workspaces.changed', this.list());
  }
}

function connect(subscription: Subscription, cluster: HostedCluster): void {
  disconnect(subscription);
  subscription.end = subscription.to(cluster.api());
}

function disconnect(subscription: Subscription): void {
  subscription.end?.();
  subscription.end = null;
}

function runElsewhere({ name }: StoredWorkspace, pid: number): ClusterError {
  return new ClusterError('DIRECTORY_IN_USE', `${name} is run by highwater with pid ${pid}`, 'stop that one first');
}

/** The command line's options mean nothing to somebody who looks at a screen. */
function forScreens(error: unknown): unknown {
  if (!(error instanceof ClusterError)) return error;
  const advice: Readonly<Record<string, string>> = {
    PORT_TAKEN: 'stop what listens there, or give the workspace another first port',
    DIRECTORY_IN_USE: 'stop that one first',
  };
  return new ClusterError(error.code, error.message, advice[error.code] ?? error.advice, error);
}

function problemText(error: unknown): string {
  const shown = forScreens(error);
  if (!(shown instanceof ClusterError)) return shown instanceof Error ? shown.message : String(shown);
  return shown.advice === null ? shown.message : `${shown.message}. ${shown.advice}`;
}
