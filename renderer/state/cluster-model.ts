// The renderer's copy of the cluster as one immutable value: reduce(model, delta) → model. What a delta does
// not touch keeps its identity, so the screen only redraws what changed and a paused view is just an old value.

import {
  type BrokerView,
  type ClusterDelta,
  type ClusterView,
  eventsMax,
  type GroupView,
  type JournalEvent,
  type PartitionView,
  type TopicView,
} from '../../main/api/views.ts';
import { withFigures } from '../../main/api/partition-figures.ts';
import { timeOf } from './bursts.ts';

export type ClusterFacts = Omit<ClusterView, 'brokers' | 'topics' | 'partitions' | 'groups' | 'events'>;

export type ClusterModel = {
  readonly facts: ClusterFacts;
  /** By id. */
  readonly brokers: readonly BrokerView[];
  /** By name, internal topics last. */
  readonly topics: readonly TopicView[];
  /** Per topic, by partition number. */
  readonly partitions: ReadonlyMap<string, readonly PartitionView[]>;
  /** By group id. */
  readonly groups: readonly GroupView[];
  /** Newest last. */
  readonly events: readonly JournalEvent[];
};

export function modelOf(view: ClusterView): ClusterModel {
  const { brokers, topics, partitions, groups, events, ...facts } = view;
  return {
    facts,
    brokers: brokers.toSorted(byId),
    topics: topics.toSorted(byTopic),
    partitions: replacePartitions(new Map(), partitions, []),
    groups: groups.toSorted(byGroup),
    events: mergeEvents([], events),
  };
}

export function reduce(model: ClusterModel, delta: ClusterDelta): ClusterModel {
  return {
    facts: delta.cluster ? { ...model.facts, ...delta.cluster } : model.facts,
    brokers: merge(model.brokers, delta.brokers, undefined, (broker) => broker.id, byId),
    topics: merge(model.topics, delta.topics, delta.removedTopics, (topic) => topic.topic, byTopic),
    partitions: reducePartitions(model.partitions, delta),
    groups: merge(model.groups, delta.groups, delta.removedGroups, (group) => group.groupId, byGroup),
    events: delta.events?.length ? mergeEvents(model.events, delta.events) : model.events,
  };
}

/** Reports of several processes arrive in turns: their events are put in the order in which they happened. */
function mergeEvents(known: readonly JournalEvent[], added: readonly JournalEvent[]): readonly JournalEvent[] {
  const earliest = Math.min(...added.map(timeOf));
  let settled = known.length;
  for (let newest = known[settled - 1]; newest && timeOf(newest) > earliest; newest = known[settled - 1]) settled -= 1;
  const moving = [...known.slice(settled), ...added].sort((a, b) => timeOf(a) - timeOf(b));
  return [...known.slice(0, settled), ...moving].slice(-eventsMax);
}

function merge<Item, Key>(
  items: readonly Item[],
  changed: readonly Item[] | undefined,
  removed: readonly Key[] | undefined,
  keyOf: (item: Item) => Key,
  order: (a: Item, b: Item) => number,
): readonly Item[] {
  if (!changed?.length && !removed?.length) return items;
  const byKey = new Map(items.map((item) => [keyOf(item), item]));
  for (const key of removed ?? []) byKey.delete(key);
  for (const item of changed ?? []) byKey.set(keyOf(item), item);
  return [...byKey.values()].sort(order);
}

function reducePartitions(partitions: ClusterModel['partitions'], delta: ClusterDelta): ClusterModel['partitions'] {
  if (
    !delta.partitions?.length &&
    !delta.figures?.length &&
    !delta.removedPartitions?.length &&
    !delta.removedTopics?.length
  ) {
    return partitions;
  }
  const remaining = new Map(partitions);
  for (const topic of delta.removedTopics ?? []) remaining.delete(topic);
  for (const { topic, partitions: moved } of delta.figures ?? []) {
    const known = remaining.get(topic);
    if (known === undefined) continue;
    const list = [...known];
    for (const [number, figures] of moved) {
      const index = indexOf(list, number);
      const view = list[index];
      if (view !== undefined) list[index] = withFigures(view, figures);
    }
    remaining.set(topic, list);
  }
  return replacePartitions(remaining, delta.partitions ?? [], delta.removedPartitions ?? []);
}

/** Partitions are numbered without holes, so the number is nearly always the index; −1 when it is not there. */
function indexOf(list: readonly PartitionView[], number: number): number {
  return list[number]?.partition === number ? number : list.findIndex((other) => other.partition === number);
}

function replacePartitions(
  partitions: Map<string, readonly PartitionView[]>,
  changed: readonly PartitionView[],
  removedKeys: readonly string[],
): ReadonlyMap<string, readonly PartitionView[]> {
  const copies = new Map<string, PartitionView[]>();
  const copyOf = (topic: string): PartitionView[] => {
    const known = copies.get(topic);
    if (known) return known;
    const copy = [...(partitions.get(topic) ?? [])];
    copies.set(topic, copy);
    return copy;
  };
  for (const key of removedKeys) {
    // A topic name may hold dashes itself; the partition is what follows the last one.
    const dash = key.lastIndexOf('-');
    const number = Number(key.slice(dash + 1));
    const list = copyOf(key.slice(0, dash));
    const index = indexOf(list, number);
    if (index >= 0) list.splice(index, 1);
  }
  for (const partition of changed) {
    const list = copyOf(partition.topic);
    const index = indexOf(list, partition.partition);
    if (index >= 0) list[index] = partition;
    else list.push(partition);
  }
  for (const [topic, list] of copies) {
    if (list.length === 0) partitions.delete(topic);
    else partitions.set(topic, isSorted(list) ? list : list.sort((a, b) => a.partition - b.partition));
  }
  return partitions;
}

function isSorted(list: readonly PartitionView[]): boolean {
  return list.every((partition, index) => index === 0 || (list[index - 1]?.partition ?? -1) < partition.partition);
}

function byId(a: BrokerView, b: BrokerView): number {
  return a.id - b.id;
}

function byTopic(a: TopicView, b: TopicView): number {
  if (a.internal !== b.internal) return a.internal ? 1 : -1;
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0;
}

function byGroup(a: GroupView, b: GroupView): number {
  return a.groupId < b.groupId ? -1 : a.groupId > b.groupId ? 1 : 0;
}
