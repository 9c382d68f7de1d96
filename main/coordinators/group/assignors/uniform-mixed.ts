// The uniform assignor where members subscribe to different topics: keeps what members have, gives the rest to the
// least loaded subscribers, topic by topic, then moves partitions from the most to the least loaded until no topic's
// subscribers differ by more than one, or for a bounded number of rounds.

import type { TopicPartitions } from '../consumer-group-member.ts';
import { addPartition, type AssignmentSpec, type MutablePartitions } from './assignor.ts';

/** Rounds over all topics; as many as Kafka makes. */
const balanceRoundsMax = 16;
const nobody = -1;

type Topic = {
  readonly topicId: string;
  /** Indexes of members. */
  readonly subscribers: readonly number[];
  /** By partition: index of its member, or `nobody`. */
  readonly owners: Int32Array;
};

export function assignUniformMixed({ members, partitionCount }: AssignmentSpec): Map<string, TopicPartitions> {
  const subscribers = new Map<string, number[]>();
  for (const [index, { subscribedTopicIds }] of members.entries()) {
    for (const topicId of subscribedTopicIds) {
      const known = subscribers.get(topicId);
      if (known === undefined) subscribers.set(topicId, [index]);
      else known.push(index);
    }
  }
  const topics: Topic[] = [...subscribers].map(([topicId, indexes]) => ({
    topicId,
    subscribers: indexes,
    owners: new Int32Array(partitionCount(topicId)).fill(nobody),
  }));
  topics.sort(byPressure);
  const byId = new Map(topics.map((topic) => [topic.topicId, topic]));
  const loads = new Int32Array(members.length);
  for (const [index, { subscribedTopicIds, target }] of members.entries()) {
    for (const [topicId, partitions] of target) {
      const owners = subscribedTopicIds.has(topicId) ? byId.get(topicId)?.owners : undefined;
      for (const partition of owners === undefined ? [] : partitions) {
        if (owners?.[partition] !== nobody) continue;
        owners[partition] = index;
        increase(loads, index, 1);
      }
    }
  }
  for (const topic of topics) fill(topic, loads);
  balance(topics, loads);

  const targets = members.map((): MutablePartitions => new Map());
  for (const { topicId, owners } of topics) {
    for (const [partition, owner] of owners.entries()) {
      const target = targets[owner];
      if (target !== undefined) addPartition(target, topicId, partition);
    }
  }
  return new Map(members.map(({ memberId }, index) => [memberId, targets[index] ?? new Map<string, Set<number>>()]));
}

function increase(loads: Int32Array, index: number, by: number): void {
  loads[index] = (loads[index] ?? 0) + by;
}

/** Most partitions per subscriber first, then fewest subscribers. */
function byPressure(a: Topic, b: Topic): number {
  const pressure = b.owners.length / b.subscribers.length - a.owners.length / a.subscribers.length;
  if (pressure !== 0) return pressure;
  return a.subscribers.length - b.subscribers.length || (a.topicId < b.topicId ? -1 : 1);
}

function fill({ subscribers, owners }: Topic, loads: Int32Array): void {
  const queue = new LoadQueue(subscribers, loads);
  for (const [partition, owner] of owners.entries()) {
    if (owner !== nobody) continue;
    const least = queue.takeLeast();
    owners[partition] = least;
    increase(loads, least, 1);
  }
}

function balance(topics: readonly Topic[], loads: Int32Array): void {
  const shared = topics.filter(({ subscribers }) => subscribers.length >= 2);
  for (let round = 0; round < balanceRoundsMax; round++) {
    let moved = 0;
    for (const topic of shared) moved += balanceTopic(topic, loads);
    if (moved === 0) return;
  }
}

/** Moves partitions of one topic from its most to its least loaded subscribers; returns how many. */
function balanceTopic({ subscribers, owners }: Topic, loads: Int32Array): number {
  const held = new Map<number, number[]>(subscribers.map((index) => [index, []]));
  for (const [partition, owner] of owners.entries()) held.get(owner)?.push(partition);
  const least = new LoadQueue(subscribers, loads);
  let moved = 0;
  for (;;) {
    const giver = mostLoaded(subscribers, held, loads);
    const receiver = least.peekLeast();
    if (giver === nobody || (loads[giver] ?? 0) - (loads[receiver] ?? 0) <= 1) return moved;
    const partition = held.get(giver)?.pop() ?? 0;
    least.takeLeast();
    held.get(receiver)?.push(partition);
    owners[partition] = receiver;
    increase(loads, giver, -1);
    increase(loads, receiver, 1);
    moved++;
  }
}

function mostLoaded(
  subscribers: readonly number[],
  held: ReadonlyMap<number, readonly number[]>,
  loads: Int32Array,
): number {
  let most = nobody;
  for (const index of subscribers) {
    if ((held.get(index)?.length ?? 0) === 0) continue;
    if (most === nobody || (loads[index] ?? 0) >= (loads[most] ?? 0)) most = index;
  }
  return most;
}

/** Members by rising load; each that is taken counts one more from then on. */
class LoadQueue {
  readonly #order: number[];
  readonly #loads: Map<number, number>;
  #next = 0;
  #end = 0;
  #level: number;

  constructor(members: readonly number[], loads: Int32Array) {
    this.#loads = new Map(members.map((index) => [index, loads[index] ?? 0]));
    this.#order = [...members].sort((a, b) => this.#load(a) - this.#load(b) || a - b);
    this.#level = this.#load(this.#order[0] ?? 0);
    this.#widen();
  }

  #load(index: number): number {
    return this.#loads.get(index) ?? 0;
  }

  #widen(): void {
    while (this.#end < this.#order.length && this.#load(this.#order[this.#end] ?? 0) <= this.#level) this.#end++;
  }

  peekLeast(): number {
    return this.#order[this.#next] ?? 0;
  }

  takeLeast(): number {
    const taken = this.peekLeast();
    this.#next++;
    if (this.#next >= this.#end) {
      this.#level++;
      this.#next = 0;
      this.#widen();
    }
    return taken;
  }
}
