// The topology of a streams application as its members bring it (KIP-1071), and what comes of it on this cluster: how
// many tasks each part has, which internal topics are missing, or why it can't run yet. Pure.

import type { MetadataImage } from '../../../metadata/metadata-image.ts';
import type { StreamsGroupTopologyValue } from '../../../protocol/messages/streams-group-records.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { CoordinatorError } from '../../runtime/coordinator-error.ts';

export type Topology = StreamsGroupTopologyValue;
type Subtopology = Topology['subtopologies'][number];
type TopicInfo = Subtopology['stateChangelogTopics'][number];

/** Status codes of heartbeats. */
export const StreamsStatus = {
  STALE_TOPOLOGY: 0,
  MISSING_SOURCE_TOPICS: 1,
  INCORRECTLY_PARTITIONED_TOPICS: 2,
  MISSING_INTERNAL_TOPICS: 3,
  SHUTDOWN_APPLICATION: 4,
  ASSIGNMENT_DELAYED: 5,
} as const;

export type Status = { readonly statusCode: number; readonly statusDetail: string };

export type InternalTopic = {
  readonly name: string;
  readonly partitions: number;
  /** −1: the cluster's default. */
  readonly replicationFactor: number;
  readonly configs: readonly { readonly name: string; readonly value: string }[];
};

export type ConfiguredSubtopology = {
  readonly taskCount: number;
  readonly isStateful: boolean;
  readonly sourceTopics: readonly string[];
  readonly repartitionSinkTopics: readonly string[];
  readonly repartitionSourceTopics: readonly InternalTopic[];
  readonly stateChangelogTopics: readonly InternalTopic[];
};

export type ConfiguredTopology = {
  readonly epoch: number;
  /** By id, sorted; null when it can't be said. */
  readonly subtopologies: ReadonlyMap<string, ConfiguredSubtopology> | null;
  readonly missingTopics: readonly InternalTopic[];
  /** Null: it can run. */
  readonly problem: Status | null;
};

type Counts = Map<string, number>;

class Misconfigured extends Error {
  readonly statusCode: number;
  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

const namesShownMax = 3;

/** All topics that must exist before it can run. */
export function requiredTopics({ subtopologies }: Topology): Set<string> {
  const names = new Set<string>();
  for (const { sourceTopics, repartitionSourceTopics, stateChangelogTopics } of subtopologies) {
    for (const name of sourceTopics) names.add(name);
    for (const { name } of [...repartitionSourceTopics, ...stateChangelogTopics]) names.add(name);
  }
  return names;
}

/** The subtopology that reads a topic. */
export function readerOf({ subtopologies }: Topology, topic: string): string | null {
  const found = subtopologies.find(
    ({ sourceTopics, repartitionSourceTopics }) =>
      sourceTopics.includes(topic) || repartitionSourceTopics.some(({ name }) => name === topic),
  );
  return found?.subtopologyId ?? null;
}

export function topicsReadBy({ subtopologies }: Topology, subtopologyId: string): string[] {
  const found = subtopologies.find((each) => each.subtopologyId === subtopologyId);
  return found === undefined ? [] : [...found.sourceTopics, ...found.repartitionSourceTopics.map(({ name }) => name)];
}

export function sameTopology(a: Topology, b: Topology): boolean {
  const sorted = ({ epoch, subtopologies }: Topology): string =>
    JSON.stringify([epoch, [...subtopologies].sort((x, y) => (x.subtopologyId < y.subtopologyId ? -1 : 1))]);
  return sorted(a) === sorted(b);
}

/** Throws STREAMS_INVALID_TOPOLOGY for one that can't run on any cluster. */
export function configureTopology(topology: Topology, image: MetadataImage): ConfiguredTopology {
  const { epoch } = topology;
  try {
    refuseMissingSources(topology, image);
    const counts = decidePartitionCounts(topology, image);
    const subtopologies = new Map(
      [...topology.subtopologies]
        .sort((a, b) => (a.subtopologyId < b.subtopologyId ? -1 : 1))
        .map((each) => [each.subtopologyId, configured(each, counts, image)]),
    );
    const missingTopics = missingInternalTopics(subtopologies.values(), image);
    const problem =
      missingTopics.length === 0
        ? null
        : {
            statusCode: StreamsStatus.MISSING_INTERNAL_TOPICS,
            statusDetail: `Internal topics are missing: ${summary(missingTopics.map(({ name }) => name))}`,
          };
    return { epoch, subtopologies, missingTopics, problem };
  } catch (error) {
    if (!(error instanceof Misconfigured)) throw error;
    const problem = { statusCode: error.statusCode, statusDetail: error.message };
    return { epoch, subtopologies: null, missingTopics: [], problem };
  }
}

function refuseMissingSources({ subtopologies }: Topology, image: MetadataImage): void {
  const missing = new Set<string>();
  for (const { sourceTopics } of subtopologies) {
    for (const name of sourceTopics) if (!image.topics.byName.has(name)) missing.add(name);
  }
  if (missing.size === 0) return;
  const names = summary([...missing].sort());
  throw new Misconfigured(StreamsStatus.MISSING_SOURCE_TOPICS, `Source topics ${names} are missing.`);
}

// ── how many partitions internal topics have ──

function decidePartitionCounts({ subtopologies }: Topology, image: MetadataImage): Counts {
  const counts: Counts = new Map();
  const countOf = (topic: string): number | null =>
    image.topics.byName.get(topic)?.partitions.size ?? counts.get(topic) ?? null;
  for (const [name, count] of repartitionCounts(subtopologies, image)) counts.set(name, count);
  const repartition = subtopologies.flatMap((each) => each.repartitionSourceTopics);
  const fixed = new Set(repartition.filter(({ partitions }) => partitions !== 0).map(({ name }) => name));
  const flexible = new Set(repartition.filter(({ partitions }) => partitions === 0).map(({ name }) => name));
  for (const subtopology of subtopologies) {
    for (const group of copartitioned(subtopology)) enforceCopartitioning(group, fixed, flexible, countOf, counts);
  }
  for (const { sourceTopics, repartitionSourceTopics, stateChangelogTopics, subtopologyId } of subtopologies) {
    const sources = [...sourceTopics, ...repartitionSourceTopics.map(({ name }) => name)];
    if (sources.length === 0) throw invalid(`No source topics found for subtopology ${subtopologyId}`);
    const most = Math.max(...sources.map((name) => countOf(name) ?? 0));
    for (const { name } of stateChangelogTopics) counts.set(name, most);
  }
  return counts;
}

/** A repartition topic without a number of its own has as many as the largest source of whoever writes to it. */
function repartitionCounts(subtopologies: readonly Subtopology[], image: MetadataImage): Counts {
  const counts: Counts = new Map();
  for (const { repartitionSourceTopics } of subtopologies) {
    for (const { name, partitions } of repartitionSourceTopics) if (partitions !== 0) counts.set(name, partitions);
  }
  const fromSources = ({ sourceTopics, repartitionSourceTopics }: Subtopology): number | null => {
    const known = [
      ...repartitionSourceTopics.map(({ name }) => counts.get(name)),
      ...sourceTopics.map((name) => image.topics.byName.get(name)?.partitions.size),
    ].filter((count) => count !== undefined);
    return known.length === 0 ? null : Math.max(...known);
  };
  for (let isOpen = true; isOpen;) {
    isOpen = false;
    let isFurther = false;
    for (const subtopology of subtopologies) {
      for (const sink of subtopology.repartitionSinkTopics) {
        if (counts.has(sink)) continue;
        const count = fromSources(subtopology);
        if (count === null) isOpen = true;
        else {
          counts.set(sink, count);
          isFurther = true;
        }
      }
    }
    if (isOpen && !isFurther) {
      throw invalid(
        'Failed to compute number of partitions for all repartition topics. There may be loops in the topology that cannot be resolved.',
      );
    }
  }
  const isDecided = subtopologies.every(({ repartitionSourceTopics }) =>
    repartitionSourceTopics.every(({ name }) => counts.has(name)),
  );
  if (isDecided) return counts;
  throw invalid(
    'Failed to compute number of partitions for all repartition topics, because a repartition source topic is never used as a sink topic.',
  );
}

function copartitioned({ copartitionGroups, sourceTopics, repartitionSourceTopics }: Subtopology): Set<string>[] {
  return copartitionGroups.map((group) => {
    const names = [
      ...group.sourceTopics.map((index) => sourceTopics[index]),
      ...group.repartitionSourceTopics.map((index) => repartitionSourceTopics[index]?.name),
    ];
    return new Set(names.filter((name) => name !== undefined));
  });
}

/** Topics that are joined have as many partitions as each other. */
function enforceCopartitioning(
  group: ReadonlySet<string>,
  fixed: ReadonlySet<string>,
  flexible: ReadonlySet<string>,
  countOf: (topic: string) => number | null,
  counts: Counts,
): void {
  const internal = [...group].filter((name) => fixed.has(name) || flexible.has(name));
  const external = [...group].filter((name) => !internal.includes(name));
  const count = (name: string): number => countOf(name) ?? 0;
  const same = (names: readonly string[]): number => {
    const [first, ...rest] = names.map(count);
    if (first !== undefined && rest.every((each) => each === first)) return first;
    const listed = [...names].sort().map((name) => `${name}=${count(name)}`);
    throw new Misconfigured(
      StreamsStatus.INCORRECTLY_PARTITIONED_TOPICS,
      `Following topics do not have the same number of partitions: [{${listed.join(', ')}}]`,
    );
  };
  if (group.size === 0) return;
  let wanted: number;
  if (external.length > 0) wanted = same(external);
  else if (fixed.size > 0) wanted = same([...fixed]);
  else wanted = Math.max(...internal.map(count));
  for (const name of internal) {
    if (fixed.has(name) && count(name) !== wanted) {
      throw new Misconfigured(
        StreamsStatus.INCORRECTLY_PARTITIONED_TOPICS,
        `Number of partitions [${count(name)}] of repartition topic [${name}] doesn't match number of partitions [${wanted}] of the source topic.`,
      );
    }
    counts.set(name, wanted);
  }
}

// ── parts ──

function configured(subtopology: Subtopology, counts: Counts, image: MetadataImage): ConfiguredSubtopology {
  const { sourceTopics, repartitionSourceTopics, repartitionSinkTopics, stateChangelogTopics } = subtopology;
  const sources = [...sourceTopics, ...repartitionSourceTopics.map(({ name }) => name)];
  const countOf = (topic: string): number => image.topics.byName.get(topic)?.partitions.size ?? counts.get(topic) ?? 0;
  return {
    taskCount: Math.max(...sources.map(countOf)),
    isStateful: stateChangelogTopics.length > 0,
    sourceTopics,
    repartitionSinkTopics,
    repartitionSourceTopics: repartitionSourceTopics.map((topic) => internalTopic(topic, counts)),
    stateChangelogTopics: stateChangelogTopics.map((topic) => internalTopic(topic, counts)),
  };
}

function internalTopic(
  { name, partitions, replicationFactor, topicConfigs }: TopicInfo,
  counts: Counts,
): InternalTopic {
  return {
    name,
    partitions: partitions === 0 ? (counts.get(name) ?? 0) : partitions,
    replicationFactor: replicationFactor === 0 ? -1 : replicationFactor,
    configs: topicConfigs.map(({ key, value }) => ({ name: key, value })),
  };
}

function missingInternalTopics(subtopologies: Iterable<ConfiguredSubtopology>, image: MetadataImage): InternalTopic[] {
  const missing = new Map<string, InternalTopic>();
  for (const { repartitionSourceTopics, stateChangelogTopics } of subtopologies) {
    for (const topic of [...repartitionSourceTopics, ...stateChangelogTopics]) {
      const existing = image.topics.byName.get(topic.name);
      if (existing === undefined) missing.set(topic.name, topic);
      else if (existing.partitions.size !== topic.partitions) {
        throw new Misconfigured(
          StreamsStatus.INCORRECTLY_PARTITIONED_TOPICS,
          `Existing topic ${topic.name} has different number of partitions: expected ${topic.partitions}, found ${existing.partitions.size}`,
        );
      }
    }
  }
  return [...missing.values()];
}

function summary(names: readonly string[]): string {
  const rest = names.length - namesShownMax;
  return `${names.slice(0, namesShownMax).join(', ')}${rest > 0 ? ` and ${rest} additional topics` : ''}`;
}

function invalid(message: string): CoordinatorError {
  return new CoordinatorError(ErrorCode.STREAMS_INVALID_TOPOLOGY, message);
}
