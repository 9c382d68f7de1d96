// Places the replicas of new partitions: round the racks, and inside each rack round its brokers, so that leaders and
// followers spread evenly and a partition's replicas stand in as many racks as there are. Fenced brokers get
// replicas only where the alive ones do not suffice, and never the first one. Pure but for the random it is given.

import { ErrorCode } from '../protocol/errors.ts';
import type { Random } from '../runtime/runtime.ts';
import { ApiError } from './decision.ts';

export type UsableBroker = { readonly id: number; readonly rack: string | null; readonly isFenced: boolean };

function shuffle<T>(list: T[], random: Random): void {
  for (let last = list.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const [a, b] = [list[last], list[other]];
    if (a === undefined || b === undefined) continue;
    list[last] = b;
    list[other] = a;
  }
}

/** Hands out its brokers in turn: each once per round, every round starting one further. */
class BrokerRing {
  readonly #brokers: number[];
  #offset: number;
  #index = 0;
  #round = 0;

  constructor(brokers: readonly number[], random: Random) {
    this.#brokers = [...brokers].sort((a, b) => a - b);
    this.#offset = brokers.length === 0 ? 0 : random.below(brokers.length);
  }

  next(round: number): number | null {
    const count = this.#brokers.length;
    if (count === 0) return null;
    if (this.#round !== round) {
      this.#round = round;
      this.#index = 0;
      this.#offset = (this.#offset + 1) % count;
    }
    if (this.#index >= count) return null;
    return this.#brokers[(this.#index++ + this.#offset) % count] ?? null;
  }

  shuffle(random: Random): void {
    shuffle(this.#brokers, random);
  }
}

const allFenced = 'All brokers are currently fenced, or have all their log directories cordoned.';

type Rack = { readonly alive: BrokerRing; readonly fenced: BrokerRing };

function invalidReplicationFactor(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REPLICATION_FACTOR, message);
}

class RackRing {
  readonly #racks: Rack[];
  readonly #random: Random;
  readonly #aliveCount: number;
  #offset: number;
  #round = 0;

  constructor(brokers: readonly UsableBroker[], random: Random) {
    const names = [...new Set(brokers.map((broker) => broker.rack))].sort((a, b) =>
      a === b ? 0 : a === null ? -1 : b === null ? 1 : a < b ? -1 : 1,
    );
    this.#racks = names.map((name) => {
      const inRack = brokers.filter((broker) => broker.rack === name);
      const ids = (isFenced: boolean): number[] => inRack.filter((b) => b.isFenced === isFenced).map((b) => b.id);
      return { alive: new BrokerRing(ids(false), random), fenced: new BrokerRing(ids(true), random) };
    });
    this.#random = random;
    this.#aliveCount = brokers.filter((broker) => !broker.isFenced).length;
    this.#offset = names.length === 0 ? 0 : random.below(names.length);
  }

  #rack(index: number): Rack {
    const rack = this.#racks[index % this.#racks.length];
    if (rack === undefined) throw invalidReplicationFactor(allFenced);
    return rack;
  }

  place(replicationFactor: number): number[] {
    const count = this.#racks.length;
    // After as many rounds as there are brokers assignments would repeat: shuffle.
    if (this.#round === this.#aliveCount && this.#aliveCount > 1) {
      shuffle(this.#racks, this.#random);
      for (const rack of this.#racks) {
        rack.alive.shuffle(this.#random);
        rack.fenced.shuffle(this.#random);
      }
      this.#round = 0;
    }
    const start = this.#offset % count;
    let first = start;
    let leader = this.#rack(first).alive.next(this.#round);
    while (leader === null) {
      first = (first + 1) % count;
      leader = this.#rack(first).alive.next(this.#round);
    }
    const replicas = [leader];
    let rack = start;
    // The leader's rack is passed over once: it has its replica.
    let skipped = first;
    while (replicas.length < replicationFactor) {
      if (rack === skipped) {
        skipped = -1;
      } else {
        const { alive, fenced } = this.#rack(rack);
        const replica = alive.next(this.#round) ?? fenced.next(this.#round);
        if (replica !== null) replicas.push(replica);
      }
      rack = (rack + 1) % count;
    }
    this.#round++;
    this.#offset = (start + 1) % count;
    return replicas;
  }
}

/** One list of broker ids per partition; the first of each is the preferred leader. Throws ApiError. */
export function placeReplicas(
  brokers: readonly UsableBroker[],
  partitionCount: number,
  replicationFactor: number,
  random: Random,
): number[][] {
  if (replicationFactor <= 0) {
    throw invalidReplicationFactor(
      `Invalid replication factor ${replicationFactor}: the replication factor must be positive.`,
    );
  }
  if (!brokers.some((broker) => !broker.isFenced)) throw invalidReplicationFactor(allFenced);
  if (replicationFactor > brokers.length) {
    throw invalidReplicationFactor(
      `The target replication factor of ${replicationFactor} cannot be reached because only ${brokers.length} broker(s) are registered or some brokers have all their log directories cordoned.`,
    );
  }
  const ring = new RackRing(brokers, random);
  return Array.from({ length: partitionCount }, () => ring.place(replicationFactor));
}
