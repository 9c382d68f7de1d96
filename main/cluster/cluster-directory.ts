// Our own files beside the brokers': `DIR/highwater/` holds the topology, the running supervisor's address and the
// logs. `DIR/node-I/` belongs to broker I and is a Kafka log directory.

import * as v from 'valibot';
import type { Clock, Disk } from '../runtime/runtime.ts';
import type { Processes } from '../runtime/processes.ts';
import { ClusterError } from './cluster-error.ts';
import { profiles, type ProfileName } from './profiles.ts';
import { brokersMax, logDirsMax, type Topology } from './topology.ts';

const id = v.pipe(v.number(), v.integer(), v.minValue(0));
const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
const pid = v.pipe(v.number(), v.integer(), v.minValue(1));

const runningSchema = v.object({
  supervisorPid: pid,
  controlPort: port,
  token: v.string(),
  uiUrl: v.nullable(v.string()),
  brokers: v.array(v.object({ id, pid })),
});

const topologySchema = v.object({
  formatVersion: v.literal(1),
  clusterId: v.pipe(v.string(), v.minLength(1)),
  profile: v.picklist(Object.keys(profiles) as ProfileName[]),
  host: v.pipe(v.string(), v.minLength(1)),
  brokers: v.pipe(
    v.array(
      v.object({
        id,
        port,
        controllerPort: port,
        metricsPort: v.optional(port),
        securedPort: v.optional(port),
        rack: v.nullable(v.string()),
      }),
    ),
    v.minLength(1),
    v.maxLength(brokersMax),
  ),
  logDirs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(logDirsMax))),
  configs: v.record(v.string(), v.string()),
  secured: v.optional(v.object({ users: v.record(v.string(), v.string()) })),
});

/** Who runs this directory now, and how `highwater broker …` reaches it. */
export type Running = Readonly<v.InferOutput<typeof runningSchema>>;

/** A process that was sent SIGKILL is gone within this time, unless its disk hangs. */
const killedWithinMs = 2000;

export class ClusterDirectory {
  readonly path: string;
  readonly #disk: Disk;
  #lock: { release(): void } | null = null;

  constructor(path: string, disk: Disk) {
    this.path = path;
    this.#disk = disk;
  }

  /** The log directory with the metadata log. */
  logDir(brokerId: number): string {
    return `${this.path}/node-${brokerId}`;
  }

  /** All `count` log directories of a broker, that with the metadata log first. */
  logDirs(brokerId: number, count: number): string[] {
    const others = Array.from({ length: count - 1 }, (_, index) => `${this.logDir(brokerId)}-disk-${index + 2}`);
    return [this.logDir(brokerId), ...others];
  }

  /** Those that are there, the first in any case. */
  existingLogDirs(brokerId: number): string[] {
    return this.logDirs(brokerId, logDirsMax).filter((path, index) => index === 0 || this.#disk.isDirectory(path));
  }

  file(name: string): string {
    return `${this.path}/highwater/${name}`;
  }

  /** Takes the directory for this supervisor, or throws naming the one that holds it. */
  async take(processes: Processes, clock: Clock): Promise<void> {
    const running = this.readRunning();
    if (running !== null && running.supervisorPid !== processes.pid && isOurs(processes, running.supervisorPid)) {
      throw new ClusterError(
        'DIRECTORY_IN_USE',
        `data directory ${this.path} is in use by highwater with pid ${running.supervisorPid}`,
        'stop that one, or give another directory with --data',
      );
    }
    this.#prepare();
    // A supervisor that was SIGKILLed while a broker was frozen leaves that broker behind: it could not see the channel close.
    for (const { pid } of running?.brokers ?? []) {
      if (processes.commandLine(pid)?.includes(this.file('broker-')) !== true) continue;
      processes.signal(pid, 'SIGKILL');
      const deadlineMs = clock.monotonicMs() + killedWithinMs;
      while (processes.isAlive(pid) && clock.monotonicMs() < deadlineMs) {
        await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + 5, resolve));
      }
    }
    this.#lock = this.#disk.lock(this.file('lock'));
  }

  #prepare(): void {
    try {
      this.#disk.makeDirectory(this.file('logs'));
    } catch (error) {
      throw new ClusterError(
        'DIRECTORY_NOT_WRITABLE',
        `data directory ${this.path} can't be written: ${error instanceof Error ? error.message : String(error)}`,
        'give a directory that you own with --data',
        error,
      );
    }
  }

  readTopology(): Topology | null {
    const stored = this.#readJson('cluster.json');
    const format = v.safeParse(v.object({ formatVersion: v.number() }), stored);
    if (format.success && format.output.formatVersion !== 1) {
      throw new ClusterError(
        'DIRECTORY_TOO_NEW',
        `${this.file('cluster.json')} has format ${format.output.formatVersion}, this highwater knows 1`,
        'use the highwater that made it, or another directory',
      );
    }
    return stored === undefined ? null : this.#checked('cluster.json', topologySchema, stored);
  }

  writeTopology(topology: Topology): void {
    this.#writeJson('cluster.json', topology);
  }

  readRunning(): Running | null {
    const stored = this.#readJson('running.json');
    return stored === undefined ? null : this.#checked('running.json', runningSchema, stored);
  }

  writeRunning(running: Running): void {
    this.#writeJson('running.json', running);
  }

  writeBrokerConfig(brokerId: number, config: unknown): string {
    this.#writeJson(`broker-${brokerId}.json`, config);
    return this.file(`broker-${brokerId}.json`);
  }

  /** Topics that are throttled for a move of their replicas, until it is over. */
  readThrottles(): readonly string[] {
    const stored = this.#readJson('throttles.json');
    return stored === undefined ? [] : this.#checked('throttles.json', v.array(v.string()), stored);
  }

  writeThrottles(topics: readonly string[]): void {
    this.#writeJson('throttles.json', topics);
  }

  /** cluster.id that a Kafka log directory already in place carries, if there is one. */
  existingClusterId(brokerId: number): string | null {
    const path = `${this.logDir(brokerId)}/meta.properties`;
    if (!this.#disk.exists(path)) return null;
    const text = Buffer.from(this.#disk.readFile(path)).toString('utf8');
    return /^cluster\.id=(.+)$/m.exec(text)?.[1]?.trim() ?? null;
  }

  /** Gives the directory back; an ephemeral one is removed with all in it. */
  release(remove: boolean): void {
    this.#disk.remove(this.file('running.json'));
    this.#lock?.release();
    this.#lock = null;
    if (remove) this.#disk.removeTree(this.path);
  }

  /** Undefined when the file is missing. */
  #readJson(name: string): unknown {
    const path = this.file(name);
    if (!this.#disk.exists(path)) return undefined;
    const text = Buffer.from(this.#disk.readFile(path)).toString('utf8');
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw new ClusterError(
        'DIRECTORY_DAMAGED',
        `${path} is not JSON`,
        'restore it, or remove it to lose only what it holds',
        error,
      );
    }
  }

  #checked<Schema extends v.GenericSchema>(name: string, schema: Schema, value: unknown): v.InferOutput<Schema> {
    const parsed = v.safeParse(schema, value);
    if (parsed.success) return parsed.output;
    const [issue] = parsed.issues;
    throw new ClusterError(
      'DIRECTORY_DAMAGED',
      `${this.file(name)} is damaged: ${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`,
      'restore it, or remove it to lose only what it holds',
    );
  }

  #writeJson(name: string, value: unknown): void {
    this.#disk.writeFileAtomic(this.file(name), Buffer.from(`${JSON.stringify(value, null, 2)}\n`));
  }
}

/** A pid may have been given to another program since: only a process that looks like ours counts. */
function isOurs(processes: Processes, pid: number): boolean {
  if (!processes.isAlive(pid)) return false;
  const commandLine = processes.commandLine(pid);
  return commandLine === null || /highwater|dist\/cli\/main|electron|vitest|node/i.test(commandLine);
}
