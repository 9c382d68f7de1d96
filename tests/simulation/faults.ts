// Carries out a plan's faults on the simulated world, and takes each back when its time is over.

import type { JournalEvent } from '../../main/core/journal.ts';
import type { Random, Timer } from '../../main/runtime/runtime.ts';
import type { SimulatedWorld } from '../../main/runtime/simulated/simulated-world.ts';
import { describeFault, type Episode, type Fault, type Moment } from './fault-plan.ts';
import type { SimulatedBrokers } from './simulated-brokers.ts';

export type FaultsOptions = {
  readonly world: SimulatedWorld;
  readonly brokers: SimulatedBrokers;
  readonly clientNodeIds: readonly number[];
  readonly random: Random;
  readonly note: (actor: string, text: string) => void;
  readonly onDiskLoss: (broker: number) => unknown;
};

const slowDelay = { minMs: 20, maxMs: 250 };
const slowSyncMs = 150;
const skewMsMax = 120_000;
/** Long enough for what is decided to reach those who aren't cut off, too short for anybody to be missed. */
const splitMs = 12;

const diskFaults = { 'disk-full': 'no-space', 'disk-error': 'io', 'no-descriptors': 'too-many-files' } as const;

export class Faults {
  readonly #options: FaultsOptions;
  #timers: Timer[] = [];
  /** Waiting for their event. */
  #armed: Fault[] = [];
  #undo: (() => void)[] = [];
  #count = 0;

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  /** How many were carried out so far. */
  get count(): number {
    return this.#count;
  }

  begin(episode: Episode): void {
    const { world } = this.#options;
    const startMs = world.nowMs;
    for (const fault of episode) {
      const act = fault.on === null ? () => this.#apply(fault) : () => this.#armed.push(fault);
      this.#timers.push(world.at(startMs + fault.atMs, act));
    }
  }

  onEvent(broker: number, { entry }: JournalEvent): void {
    this.#strike(broker, entry.kind);
  }

  onMoment(broker: number, moment: Moment): void {
    this.#strike(broker, moment);
  }

  #strike(broker: number, kind: Fault['on']): void {
    if (this.#armed.length === 0) return;
    for (const fault of this.#armed.filter((each) => each.on === kind)) {
      // One disk at most may lose its tail: such a fault waits for its own broker's event.
      if (fault.kind === 'power-loss' && fault.broker !== broker) continue;
      this.#armed = this.#armed.filter((each) => each !== fault);
      const { world } = this.#options;
      // After the event that caused it: what it wrote and sent has happened.
      const act = (): void => this.#apply({ ...fault, broker, other: this.#otherThan(broker, fault) });
      this.#timers.push(world.at(world.nowMs + (fault.delayMs ?? 0), act));
    }
  }

  #otherThan(broker: number, { other }: Fault): number {
    if (other !== broker) return other;
    const { ids } = this.#options.brokers;
    return ids[broker % ids.length] ?? broker;
  }

  /** Everything is mended: nothing is armed, every broker is started. */
  end(): void {
    const { world, brokers } = this.#options;
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.#armed = [];
    for (const undo of this.#undo.splice(0)) undo();
    world.healAll();
    for (const id of brokers.ids) {
      world.disk(id).fault = null;
      world.disk(id).syncDelayMs = 0;
      world.resume(id);
      brokers.ensureStarted(id);
    }
  }

  #apply(fault: Fault): void {
    const { world, note } = this.#options;
    note('world', describeFault({ ...fault, atMs: Math.round(world.nowMs), on: null }));
    this.#count++;
    const takeBack = this.#act(fault);
    let isDone = false;
    const undo = (): void => {
      if (isDone) return;
      isDone = true;
      note('world', `${fault.kind} of ${fault.broker} is over`);
      takeBack();
    };
    this.#undo.push(undo);
    this.#timers.push(world.at(world.nowMs + fault.forMs, undo));
  }

  #act({ kind, broker, other }: Fault): () => void {
    const { world, brokers, clientNodeIds, random } = this.#options;
    const disk = world.disk(broker);
    const others = brokers.ids.filter((id) => id !== broker);
    const restart = (): void => brokers.ensureStarted(broker);
    switch (kind) {
      case 'kill':
        brokers.kill(broker);
        return restart;
      case 'power-loss':
        this.#losePower(broker);
        return restart;
      case 'blackout':
        for (const id of brokers.ids) this.#losePower(id);
        return () => {
          for (const id of brokers.ids) brokers.ensureStarted(id);
        };
      case 'quorum-loss': {
        // From `broker` on, in a ring: the rest is too few to decide anything.
        const gone = Array.from({ length: Math.ceil(brokers.ids.length / 2) }, (_, index) => {
          return brokers.ids[(broker - 1 + index) % brokers.ids.length] ?? broker;
        });
        for (const id of gone) brokers.kill(id);
        return () => {
          for (const id of gone) brokers.ensureStarted(id);
        };
      }
      case 'away':
        brokers.kill(broker);
        return restart;
      case 'freeze':
        world.pause(broker);
        return () => world.resume(broker);
      case 'stop':
        brokers.stop(broker);
        return restart;
      case 'isolate':
        return this.#cut(others, [broker], true);
      case 'cut':
        return this.#cut([broker], [other], false);
      case 'cut-clients':
        return this.#cut(clientNodeIds, [broker], true);
      case 'lose-answers': {
        const healed = this.#cut([broker], clientNodeIds, false);
        return () => {
          for (const id of clientNodeIds) world.dropConnections(broker, id);
          healed();
        };
      }
      case 'slow-network':
        for (const id of others) world.setDelay(broker, id, slowDelay);
        return () => {
          for (const id of others) world.setDelay(broker, id, null);
        };
      case 'drop-connections':
        world.dropConnections(broker, other);
        return () => undefined;
      case 'disk-full':
      case 'disk-error':
      case 'no-descriptors':
        disk.fault = diskFaults[kind];
        brokers.excuse(broker);
        return () => {
          disk.fault = null;
          restart();
        };
      case 'slow-disk':
        disk.syncDelayMs = slowSyncMs;
        return () => {
          disk.syncDelayMs = 0;
        };
      case 'split-decision': {
        world.cut(broker, other);
        const end = (): void => {
          world.dropConnections(broker, other);
          brokers.kill(broker);
          world.heal(broker, other);
        };
        this.#timers.push(world.at(world.nowMs + splitMs, end));
        return () => {
          world.heal(broker, other);
          restart();
        };
      }
      case 'skew-clock':
        world.setWallSkew(broker, Math.floor((random.next() - 0.5) * 2 * skewMsMax));
        return () => world.setWallSkew(broker, 0);
    }
  }

  #losePower(broker: number): void {
    const { brokers, onDiskLoss } = this.#options;
    if (!brokers.hasStoppedClean(broker)) onDiskLoss(broker);
    brokers.losePower(broker);
  }

  #cut(from: readonly number[], to: readonly number[], isBothWays: boolean): () => void {
    const { world } = this.#options;
    const links = from.flatMap((a) =>
      to.flatMap((b) => (isBothWays ? [[a, b] as const, [b, a] as const] : [[a, b] as const])),
    );
    for (const [a, b] of links) world.cut(a, b);
    return () => {
      for (const [a, b] of links) world.heal(a, b);
    };
  }
}
