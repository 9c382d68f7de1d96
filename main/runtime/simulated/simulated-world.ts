// Many nodes in one process under a virtual clock, from a seed, deterministically. Only the scheduler starts work:
// it takes one event, runs it, lets every microtask finish, and takes the next.

import { NodeLife, NodeStopped } from './node-life.ts';
import { EventQueue } from './event-queue.ts';
import type { LinkDelay } from './simulated-network.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedDiskView } from './simulated-disk-view.ts';
import { seededRandom } from './seeded-random.ts';
import { repeatInMacrotasks } from '../node/macrotasks.ts';
import type { Random, Runtime, Timer } from '../runtime.ts';

export type NodeFailure = { readonly nodeId: number; readonly atMs: number; readonly error: unknown };

export type SimulatedWorldOptions = {
  readonly seed: number | string;
  /** What the nodes' wall clocks show at virtual time 0; default 2026-01-01. */
  readonly wallStartMs?: number;
  readonly delay?: LinkDelay;
  /** More events waiting at once mean a loop without end; default 1 000 000. */
  readonly eventCountMax?: number;
  /** A node threw out of an event or called `fatal`; it is dead already. Without this, running throws the error. */
  readonly onFailure?: (failure: NodeFailure) => void;
  /** After each event and its microtasks: the place to check invariants. */
  readonly afterEvent?: () => void;
};

type NodeState = { life: NodeLife; runtime: Runtime; lifeCount: number; diedSilently: boolean };

const defaultWallStartMs = Date.UTC(2026, 0, 1);

export class SimulatedWorld {
  readonly seed: number | string;
  readonly network: SimulatedNetwork;
  /** The world's own dice, for scripts of faults; nodes have their own. */
  readonly random: Random;
  readonly #options: SimulatedWorldOptions;
  readonly #queue: EventQueue;
  readonly #nodes = new Map<number, NodeState>();
  readonly #disks = new Map<number, SimulatedDisk>();
  readonly #failures: NodeFailure[] = [];
  readonly #wallSkews = new Map<number, number>();
  readonly #clockRates = new Map<number, number>();
  readonly #time: { nowMs: number; readonly wallStartMs: number };
  #isRunning = false;
  #eventCount = 0;

  constructor(options: SimulatedWorldOptions) {
    this.seed = options.seed;
    this.#options = options;
    this.#time = { nowMs: 0, wallStartMs: options.wallStartMs ?? defaultWallStartMs };
    this.#queue = new EventQueue(options.eventCountMax ?? 1_000_000);
    this.random = seededRandom(options.seed, 'world');
    const delay = options.delay ?? { minMs: 0.1, maxMs: 0.5 };
    this.network = new SimulatedNetwork(seededRandom(options.seed, 'network'), () => this.#time.nowMs, delay);
  }

  /** Virtual milliseconds since the world began. */
  get nowMs(): number {
    return this.#time.nowMs;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  get failures(): readonly NodeFailure[] {
    return this.#failures;
  }

  /** The runtime of the node's present life; a dead or new node begins a life with it. Its disk is kept. */
  runtimeFor(nodeId: number): Runtime {
    const known = this.#nodes.get(nodeId);
    if (known?.life.isAlive === true) return known.runtime;
    const lifeCount = (known?.lifeCount ?? 0) + 1;
    const life = new NodeLife(nodeId, this.#queue, this.#time, this.#clockRates.get(nodeId) ?? 1);
    life.wallSkewMs = this.#wallSkews.get(nodeId) ?? 0;
    const disk = this.disk(nodeId);
    disk.locks.clear();
    const runtime: Runtime = {
      clock: life.clock,
      random: seededRandom(this.seed, 'node', nodeId, lifeCount),
      disk: new SimulatedDiskView(disk, life),
      network: this.network.networkFor(life),
      fatal: (error) => {
        this.#fail(life, error);
        throw new NodeStopped(`node ${nodeId} ended itself`);
      },
      usage: () => ({ residentBytes: 0, cpuMs: 0 }),
    };
    this.#nodes.set(nodeId, { life, runtime, lifeCount, diedSilently: false });
    if (known?.diedSilently === true) this.network.resetOldConnections(nodeId);
    return runtime;
  }

  /** The disk outlives its node; for faults and for looking at it. */
  disk(nodeId: number): SimulatedDisk {
    const known = this.#disks.get(nodeId);
    if (known !== undefined) return known;
    const disk = new SimulatedDisk();
    this.#disks.set(nodeId, disk);
    return disk;
  }

  isAlive(nodeId: number): boolean {
    return this.#nodes.get(nodeId)?.life.isAlive === true;
  }

  /** SIGKILL: timers and connections die, what was written stays (the operating system holds it). */
  kill(nodeId: number): void {
    const state = this.#nodes.get(nodeId);
    if (state?.life.isAlive !== true) return;
    state.life.end();
    this.network.endLife(state.life, false);
  }

  /** Power loss: as `kill`, and what was not synced is lost (`torn`: single pages of it may have made it); peers hear nothing. */
  crash(nodeId: number, options: { readonly torn?: boolean } = {}): void {
    const state = this.#nodes.get(nodeId);
    if (state?.life.isAlive === true) {
      state.life.end();
      state.diedSilently = true;
      this.network.endLife(state.life, true);
    }
    this.disk(nodeId).losePower(options.torn === true ? this.random : null);
  }

  /** SIGSTOP and SIGCONT: a paused node's connections stay open, its timers come late. */
  pause(nodeId: number): void {
    this.#nodes.get(nodeId)?.life.pause();
  }

  resume(nodeId: number): void {
    this.#nodes.get(nodeId)?.life.resume();
  }

  setWallSkew(nodeId: number, skewMs: number): void {
    this.#wallSkews.set(nodeId, skewMs);
    const state = this.#nodes.get(nodeId);
    if (state !== undefined) state.life.wallSkewMs = skewMs;
  }

  /** The node's clocks go `rate` times as fast as the world's, from its next life on. */
  setClockRate(nodeId: number, rate: number): void {
    this.#clockRates.set(nodeId, rate);
  }

  /** One way: nothing of `from` reaches `to`; connections stay open and bytes wait for `heal`. */
  cut(from: number, to: number): void {
    this.network.cut(from, to);
  }

  cutBoth(a: number, b: number): void {
    this.network.cut(a, b);
    this.network.cut(b, a);
  }

  heal(from: number, to: number): void {
    this.network.heal(from, to);
  }

  healAll(): void {
    this.network.healAll();
  }

  /** Cuts a node off from all other nodes that ever lived, both ways. */
  isolate(nodeId: number): void {
    for (const other of this.#nodes.keys()) if (other !== nodeId) this.cutBoth(nodeId, other);
  }

  dropConnections(a: number, b: number): void {
    this.network.dropConnections(a, b);
  }

  setDelay(from: number, to: number, delay: LinkDelay | null): void {
    this.network.setDelay(from, to, delay);
  }

  /** Schedules a step of the script itself: it belongs to no node and survives all of them. */
  at(timeMs: number, action: () => void): Timer {
    const event = this.#queue.push(Math.max(timeMs, this.nowMs), null, action);
    return { cancel: () => this.#queue.cancel(event) };
  }

  /** Runs everything due up to virtual time `untilMs`, which then is now. */
  async run(untilMs: number): Promise<void> {
    await this.#repeat(untilMs, () => false);
    this.#time.nowMs = Math.max(this.nowMs, untilMs);
  }

  async runFor(durationMs: number): Promise<void> {
    await this.run(this.nowMs + durationMs);
  }

  /** Runs until `condition` holds, looked at between events; throws when `timeoutMs` of virtual time pass first. */
  async runUntil(condition: () => boolean, timeoutMs = 60_000): Promise<void> {
    const deadlineMs = this.nowMs + timeoutMs;
    await this.#repeat(deadlineMs, condition);
    if (condition()) return;
    this.#time.nowMs = Math.max(this.nowMs, deadlineMs);
    throw new Error(`seed ${this.seed}: the condition did not come true within ${timeoutMs} ms of virtual time`);
  }

  /** Runs until `promise` settles and gives its value or throws its error. */
  async settle<T>(promise: Promise<T>, timeoutMs = 60_000): Promise<T> {
    let isSettled = false;
    const note = (): void => {
      isSettled = true;
    };
    promise.then(note, note);
    await this.runUntil(() => isSettled, timeoutMs);
    return promise;
  }

  async #repeat(untilMs: number, isDone: () => boolean): Promise<void> {
    if (this.#isRunning) throw new Error('the simulated world runs already: one run at a time');
    this.#isRunning = true;
    let isFirst = true;
    try {
      await repeatInMacrotasks(() => {
        if (!isFirst) this.#options.afterEvent?.();
        isFirst = false;
        this.#throwFailure();
        if (isDone()) return false;
        return this.#runNext(untilMs);
      });
    } finally {
      this.#isRunning = false;
    }
  }

  #runNext(untilMs: number): boolean {
    for (;;) {
      const event = this.#queue.peek();
      if (event === null || event.timeMs > untilMs) return false;
      this.#queue.pop();
      if (event.action === null || event.owner?.isAlive === false) continue;
      this.#time.nowMs = Math.max(this.nowMs, event.timeMs);
      if (event.owner?.isPaused === true) {
        event.owner.hold(event);
        continue;
      }
      const { action } = event;
      event.action = null;
      this.#eventCount++;
      this.#runAction(action, event.owner);
      return true;
    }
  }

  #runAction(action: () => void, owner: object | null): void {
    try {
      action();
    } catch (error) {
      if (error instanceof NodeStopped) return;
      if (!(owner instanceof NodeLife)) throw error;
      this.#fail(owner, error);
    }
  }

  #throwFailure(): void {
    const failure = this.#failures.at(-1);
    if (failure !== undefined && this.#options.onFailure === undefined) throw failure.error;
  }

  #fail(life: NodeLife, error: unknown): void {
    if (!life.isAlive) return;
    const failure: NodeFailure = { nodeId: life.nodeId, atMs: this.nowMs, error };
    this.#failures.push(failure);
    this.kill(life.nodeId);
    this.#options.onFailure?.(failure);
  }
}
