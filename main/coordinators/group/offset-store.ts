// Committed offsets of all groups of one partition, in two layers: the newest (what decisions rest on) and the
// committed (what clients are shown). They differ by the records still on their way to the other replicas.

import { assert } from '../../core/assert.ts';
import type { OffsetAndMetadata } from './group-records.ts';

type Entry = {
  newest: OffsetAndMetadata | null;
  /** Offset of the record that `newest` came with. */
  newestOffset: number;
  committed: OffsetAndMetadata | null;
};

type Change = {
  readonly offset: number;
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  readonly entry: Entry;
  readonly value: OffsetAndMetadata | null;
  readonly before: OffsetAndMetadata | null;
  readonly beforeOffset: number;
};

type Topics = Map<string, Map<number, Entry>>;
type PendingOffset = { readonly value: OffsetAndMetadata; readonly offset: number };
type PendingTopics = Map<string, Map<number, PendingOffset>>;

export type Layer = 'newest' | 'committed';

export class OffsetStore {
  readonly #groups = new Map<string, Topics>();
  /** By rising offset: as many as records are on their way. */
  #changes: Change[] = [];
  /** Offsets in open transactions, by producer id and group. */
  readonly #pending = new Map<number, Map<string, PendingTopics>>();
  /** False while loading: what stands in the log counts at once. */
  isTracking = false;

  get(groupId: string, topic: string, partition: number, layer: Layer): OffsetAndMetadata | null {
    return this.#groups.get(groupId)?.get(topic)?.get(partition)?.[layer] ?? null;
  }

  *all(groupId: string, layer: Layer): Generator<readonly [topic: string, partition: number, OffsetAndMetadata]> {
    for (const [topic, partitions] of this.#groups.get(groupId) ?? []) {
      for (const [partition, entry] of partitions) {
        const value = entry[layer];
        if (value !== null) yield [topic, partition, value];
      }
    }
  }

  /** Groups that have or lately had offsets. */
  groupIds(): IterableIterator<string> {
    return this.#groups.keys();
  }

  /** Committed offsets of all groups. */
  count(): number {
    let count = 0;
    for (const topics of this.#groups.values()) {
      for (const partitions of topics.values()) {
        for (const { committed } of partitions.values()) if (committed !== null) count++;
      }
    }
    return count;
  }

  /** Null removes. */
  set(groupId: string, topic: string, partition: number, value: OffsetAndMetadata | null, offset: number): void {
    const entry = this.#entry(groupId, topic, partition);
    if (this.isTracking) {
      const before = { before: entry.newest, beforeOffset: entry.newestOffset };
      assert(offset >= (this.#changes.at(-1)?.offset ?? 0), `offsets of ${groupId} change out of order at ${offset}`);
      this.#changes.push({ offset, groupId, topic, partition, entry, value, ...before });
    }
    entry.newest = value;
    entry.newestOffset = offset;
    if (!this.isTracking) {
      entry.committed = value;
      this.#dropIfVoid(groupId, topic, partition, entry);
    }
    if (value === null) this.#forgetPending(groupId, topic, partition);
  }

  /** Returns the groups for which something became visible. */
  commitUpTo(offset: number): ReadonlySet<string> {
    const groups = new Set<string>();
    let count = 0;
    for (const change of this.#changes) {
      if (change.offset >= offset) break;
      count++;
      change.entry.committed = change.value;
      groups.add(change.groupId);
      this.#dropIfVoid(change.groupId, change.topic, change.partition, change.entry);
    }
    if (count > 0) this.#changes = this.#changes.slice(count);
    return groups;
  }

  revertFrom(offset: number): void {
    for (let change = this.#changes.at(-1); change !== undefined && change.offset >= offset;) {
      this.#changes.pop();
      change.entry.newest = change.before;
      change.entry.newestOffset = change.beforeOffset;
      const { groupId, topic, partition, entry } = change;
      change = this.#changes.at(-1);
      // An earlier change of the same entry may still be on its way.
      if (change === undefined) this.#dropIfVoid(groupId, topic, partition, entry);
    }
  }

  // ── transactions ──

  setPending(producerId: number, groupId: string, topic: string, partition: number, pending: PendingOffset): void {
    const groups = child(this.#pending, producerId);
    const topics = child(groups, groupId);
    child(topics, topic).set(partition, pending);
  }

  hasPending(groupId: string, topic: string, partition: number): boolean {
    for (const groups of this.#pending.values()) {
      if (groups.get(groupId)?.get(topic)?.has(partition) === true) return true;
    }
    return false;
  }

  hasOpenTransaction(groupId: string): boolean {
    for (const groups of this.#pending.values()) if (groups.has(groupId)) return true;
    return false;
  }

  /** Offsets that only open transactions hold. */
  *allPending(groupId: string): Generator<readonly [topic: string, partition: number]> {
    for (const groups of this.#pending.values()) {
      for (const [topic, partitions] of groups.get(groupId) ?? []) {
        for (const partition of partitions.keys()) yield [topic, partition];
      }
    }
  }

  /** `markerOffset`: where the marker stands; a commit outside of the transaction that came later stays. */
  endTransaction(producerId: number, type: 'COMMIT' | 'ABORT', markerOffset: number): void {
    const groups = this.#pending.get(producerId);
    this.#pending.delete(producerId);
    if (groups === undefined || type === 'ABORT') return;
    for (const [groupId, topics] of groups) {
      for (const [topic, partitions] of topics) {
        for (const [partition, { value, offset }] of partitions) {
          const entry = this.#groups.get(groupId)?.get(topic)?.get(partition);
          if (entry !== undefined && entry.newest !== null && entry.newestOffset > offset) continue;
          this.set(groupId, topic, partition, value, this.isTracking ? markerOffset : offset);
        }
      }
    }
  }

  #forgetPending(groupId: string, topic: string, partition: number): void {
    for (const groups of this.#pending.values()) groups.get(groupId)?.get(topic)?.delete(partition);
  }

  #entry(groupId: string, topic: string, partition: number): Entry {
    const partitions = child(child(this.#groups, groupId), topic);
    let entry = partitions.get(partition);
    if (entry === undefined) {
      entry = { newest: null, newestOffset: -1, committed: null };
      partitions.set(partition, entry);
    }
    return entry;
  }

  #dropIfVoid(groupId: string, topic: string, partition: number, entry: Entry): void {
    if (entry.newest !== null || entry.committed !== null) return;
    const topics = this.#groups.get(groupId);
    const partitions = topics?.get(topic);
    if (partitions?.get(partition) !== entry) return;
    partitions.delete(partition);
    if (partitions.size > 0) return;
    topics?.delete(topic);
    if (topics?.size === 0) this.#groups.delete(groupId);
  }
}

/** The map under `key`, made when missing. */
function child<K, V extends Map<unknown, unknown>>(map: Map<K, V>, key: K): V {
  let value = map.get(key);
  if (value === undefined) {
    value = new Map() as V;
    map.set(key, value);
  }
  return value;
}
