// The workspaces on the disk: one directory each below the root. `DIR/highwater/workspace.json` holds the name; the
// settings are the cluster's own `cluster.json`, so that `highwater up --data DIR`
// runs the same one. A directory that `up` made has no workspace file and is shown under its own name.

import type { LocalSettings, WorkspaceSettings } from '../api/workspace-views.ts';
import { ClusterDirectory } from '../cluster/cluster-directory.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import { controllerPortOffset, metricsPortOffset, securedPortOffset, type Topology } from '../cluster/topology.ts';
import { randomUuid } from '../protocol/uuid.ts';
import type { Processes } from '../runtime/processes.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { workspacesMax } from '../api/workspace-views.ts';
import { copyTree, treeBytes } from './copy-tree.ts';
import { freePortRange, portsOf } from './port-ranges.ts';
import { readWorkspaceFile, workspaceId, writeWorkspaceFile, type WorkspaceFile } from './workspace-file.ts';

const fileName = 'workspace.json';
const host = '127.0.0.1';

export type StoredWorkspace = WorkspaceFile & {
  readonly id: string;
  readonly path: string;
  /** Pid of another Highwater that runs it. */
  readonly runBy: number | null;
};

export type StoreContents = {
  readonly workspaces: readonly StoredWorkspace[];
  readonly damaged: readonly { readonly path: string; readonly problem: string }[];
};

export class WorkspaceStore {
  readonly root: string;
  readonly #runtime: Runtime;
  readonly #processes: Processes;
  /** A directory elsewhere that this app was started with. */
  readonly #adopted: { readonly id: string; readonly path: string } | null;

  /** What the home directory is called until somebody names it; a made-up directory's own name says nothing. */
  readonly #unnamedHome: { readonly path: string; readonly name: string } | null;

  constructor(options: {
    root: string;
    runtime: Runtime;
    processes: Processes;
    home: string | null;
    /** Null: as its directory is. */
    homeName?: string | null;
  }) {
    this.root = options.root;
    this.#runtime = options.runtime;
    this.#processes = options.processes;
    const { home, homeName = null } = options;
    this.#unnamedHome = home === null || homeName === null ? null : { path: home, name: homeName };
    const isBelow = home === null || home.slice(0, home.lastIndexOf('/')) === options.root;
    this.#adopted = isBelow ? null : { id: workspaceId(baseName(home), new Set(this.#names())), path: home };
  }

  list(): StoreContents {
    const workspaces: StoredWorkspace[] = [];
    const damaged: { path: string; problem: string }[] = [];
    for (const id of this.#ids()) {
      const path = this.pathOf(id);
      try {
        workspaces.push(this.#read(id));
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
        damaged.push({ path, problem: [error.message, error.advice ?? ''].join('. ') });
      }
    }
    return { workspaces, damaged };
  }

  get(id: string): StoredWorkspace {
    if (!this.#ids().includes(id)) throw new ClusterError('UNKNOWN_WORKSPACE', `there is no workspace ${id}`);
    return this.#read(id);
  }

  pathOf(id: string): string {
    return this.#adopted?.id === id ? this.#adopted.path : `${this.root}/${id}`;
  }

  isAdopted(id: string): boolean {
    return this.#adopted?.id === id;
  }

  /** The id of a data directory; null when it is none of ours. */
  idOf(path: string): string | null {
    return this.#ids().find((id) => this.pathOf(id) === path) ?? null;
  }

  async create(file: WorkspaceFile): Promise<string> {
    const names = this.#names();
    if (names.length >= workspacesMax) {
      throw new ClusterError('TOO_MANY_WORKSPACES', `there are ${names.length} workspaces`, 'delete one first');
    }
    this.#requireFreeName(file.name, null);
    const id = workspaceId(file.name, new Set([...names, this.#adopted?.id ?? '']));
    const directory = this.#directory(id);
    const topology = await this.#topology(file.settings, id, null);
    this.#runtime.disk.makeDirectory(directory.file('logs'));
    directory.writeTopology(topology);
    this.#writeFile(id, file);
    return id;
  }

  async update(id: string, file: WorkspaceFile): Promise<void> {
    const before = this.get(id);
    this.#requireFreeName(file.name, id);
    const directory = this.#directory(id);
    const known = directory.readTopology();
    if (known !== null && known.brokers.length !== file.settings.brokers && this.#hasData(id)) {
      throw new ClusterError(
        'WORKSPACE_HAS_DATA',
        `${before.name} holds the data of ${known.brokers.length} brokers, not ${file.settings.brokers}`,
        'reset it first, or duplicate it without its data',
      );
    }
    directory.writeTopology(await this.#topology(file.settings, id, known));
    this.#writeFile(id, file);
  }

  /** Another directory with the same settings on ports of its own; with its data when asked for. */
  async duplicate(id: string, name: string, withData: boolean): Promise<string> {
    const { settings, path } = this.get(id);
    const copy = await this.create({
      name,
      settings: { ...settings, port: null },
    });
    if (!withData) return copy;
    const { disk, clock } = this.#runtime;
    try {
      const clusterId = this.#directory(copy).readTopology()?.clusterId ?? '';
      for (const node of nodeNames(disk.list(path))) {
        await copyTree(disk, clock, `${path}/${node}`, `${this.pathOf(copy)}/${node}`);
        this.#rewriteClusterId(`${this.pathOf(copy)}/${node}/meta.properties`, clusterId);
      }
    } catch (error) {
      // Half a copy would start as a damaged cluster.
      disk.removeTree(this.pathOf(copy));
      throw error;
    }
    return copy;
  }

  /** What a reset would free. */
  dataBytes(id: string): number {
    this.get(id);
    return this.#dataPaths(id).reduce((sum, each) => sum + treeBytes(this.#runtime.disk, each), 0);
  }

  /** Brokers' directories and logs go; settings, name and drill runs stay. Answers how many bytes that freed. */
  reset(id: string): number {
    const freed = this.dataBytes(id);
    const directory = this.#directory(id);
    // First the new id: brokers that find data of another cluster say so instead of serving it.
    const topology = directory.readTopology();
    if (topology !== null) directory.writeTopology({ ...topology, clusterId: randomUuid(this.#runtime.random) });
    for (const each of this.#dataPaths(id)) this.#runtime.disk.removeTree(each);
    return freed;
  }

  remove(id: string): void {
    const { path } = this.get(id);
    if (this.isAdopted(id)) {
      throw new ClusterError(
        'WORKSPACE_ELSEWHERE',
        `${path} was given on the command line and is not deleted from here`,
        'reset it here, or remove the directory yourself',
      );
    }
    // Its place goes first: what a crash leaves behind is not shown as a cluster.
    for (const name of [fileName, 'cluster.json']) this.#runtime.disk.remove(this.#directory(id).file(name));
    this.#runtime.disk.removeTree(path);
  }

  #read(id: string): StoredWorkspace {
    const directory = this.#directory(id);
    const { disk } = this.#runtime;
    const path = directory.file(fileName);
    const file = disk.exists(path) ? readWorkspaceFile(Buffer.from(disk.readFile(path)).toString('utf8'), path) : null;
    const topology = directory.readTopology();
    const settings = topology === null ? file?.settings : settingsOf(topology);
    const running = directory.readRunning();
    const pid = running?.supervisorPid ?? null;
    const isElsewhere = pid !== null && pid !== this.#processes.pid && this.#processes.isAlive(pid);
    return {
      id,
      path: directory.path,
      name: file?.name ?? this.#nameOf(directory.path),
      // An adopted directory that was not started yet holds nothing.
      settings: settings ?? { kind: 'local', brokers: 3, racks: [], profile: 'laptop', port: null, configs: {} },
      runBy: isElsewhere ? pid : null,
    };
  }

  #nameOf(path: string): string {
    return this.#unnamedHome?.path === path ? this.#unnamedHome.name : baseName(path);
  }

  async #topology(settings: LocalSettings, id: string, known: Topology | null): Promise<Topology> {
    const others = this.list().workspaces.filter((each) => each.id !== id);
    const taken = new Set(
      others.flatMap(({ settings: each }) => (each.port !== null ? portsOf(each.port, each.brokers) : [])),
    );
    const { port, brokers, racks, profile, configs } = settings;
    const clash = port === null ? undefined : portsOf(port, brokers).find((each) => taken.has(each));
    if (clash !== undefined) {
      const holder = others.find(
        ({ settings: each }) => each.port !== null && portsOf(each.port, each.brokers).includes(clash),
      );
      throw new ClusterError(
        'PORT_TAKEN',
        `port ${clash} belongs to the workspace ${holder?.name ?? ''}`,
        'choose another first port, or leave it open',
      );
    }
    const first = port ?? (await freePortRange(this.#runtime.network, brokers, taken));
    return {
      formatVersion: 1,
      clusterId: known?.clusterId ?? randomUuid(this.#runtime.random),
      profile,
      host,
      configs,
      ...(known?.logDirs === undefined ? {} : { logDirs: known.logDirs }),
      ...(known?.secured === undefined ? {} : { secured: known.secured }),
      brokers: Array.from({ length: brokers }, (_, index) => ({
        id: index + 1,
        ...(known?.brokers[0]?.port === first && known.brokers[index] !== undefined
          ? { port: known.brokers[index].port, controllerPort: known.brokers[index].controllerPort }
          : { port: first + index, controllerPort: first + controllerPortOffset + index }),
        metricsPort: first + metricsPortOffset + index,
        ...(known?.secured === undefined ? {} : { securedPort: first + securedPortOffset + index }),
        rack: racks[index] ?? null,
      })),
    };
  }

  #requireFreeName(name: string, self: string | null): void {
    const same = this.list().workspaces.find((each) => each.name === name && each.id !== self);
    if (same === undefined) return;
    throw new ClusterError('NAME_TAKEN', `there is a workspace ${name} already`, 'give it another name');
  }

  #rewriteClusterId(path: string, clusterId: string): void {
    const { disk } = this.#runtime;
    if (!disk.exists(path)) return;
    const text = Buffer.from(disk.readFile(path)).toString('utf8');
    disk.writeFileAtomic(path, Buffer.from(text.replace(/^cluster\.id=.*$/m, `cluster.id=${clusterId}`)));
  }

  #dataPaths(id: string): string[] {
    const { disk } = this.#runtime;
    const path = this.pathOf(id);
    if (!disk.exists(path)) return [];
    const logs = this.#directory(id).file('logs');
    return [...nodeNames(disk.list(path)).map((name) => `${path}/${name}`), ...(disk.exists(logs) ? [logs] : [])];
  }

  #hasData(id: string): boolean {
    return nodeNames(this.#runtime.disk.list(this.pathOf(id))).length > 0;
  }

  #writeFile(id: string, file: WorkspaceFile): void {
    const path = this.#directory(id).file(fileName);
    this.#runtime.disk.writeFileAtomic(path, Buffer.from(writeWorkspaceFile(file)));
  }

  #directory(id: string): ClusterDirectory {
    return new ClusterDirectory(this.pathOf(id), this.#runtime.disk);
  }

  #ids(): string[] {
    const { disk } = this.#runtime;
    const holds = (path: string) => [fileName, 'cluster.json'].some((name) => disk.exists(`${path}/highwater/${name}`));
    const below = this.#names().filter((name) => holds(`${this.root}/${name}`));
    return this.#adopted === null ? below : [this.#adopted.id, ...below];
  }

  #names(): string[] {
    const { disk } = this.#runtime;
    return disk.exists(this.root) ? disk.list(this.root).filter((name) => /^[\w.-]{1,64}$/.test(name)) : [];
  }
}

function settingsOf(topology: Topology): WorkspaceSettings {
  const { brokers, profile, configs } = topology;
  const racks = brokers.map(({ rack }) => rack);
  return { kind: 'local', brokers: brokers.length, racks, profile, port: brokers[0]?.port ?? null, configs };
}

function baseName(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
}

const nodeNames = (names: readonly string[]) => names.filter((name) => /^node-\d+$/.test(name));
