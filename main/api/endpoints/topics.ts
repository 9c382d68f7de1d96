// Endpoints of the Topics screen: configs with their source, validation by Kafka before anything changes, partitions,
// elections and the deletion of records.

import * as v from 'valibot';

const topic = v.pipe(v.string(), v.minLength(1), v.maxLength(249));
const partition = v.pipe(v.number(), v.integer(), v.minValue(0));
const configs = v.record(v.string(), v.string());

/** Input schemas. */
export const topicInputs = {
  /** Asks Kafka whether it would create this topic; nothing is created. */
  'topic.validate': v.object({
    topic: v.string(),
    partitions: v.pipe(v.number(), v.integer()),
    replicationFactor: v.pipe(v.number(), v.integer()),
    configs,
  }),
  'topic.configs': v.object({ topic }),
  /** What a new topic would have, and what kind of value each config takes. */
  'topic.configDefaults': v.object({}),
  /** IncrementalAlterConfigs: `set` overrides, `unset` goes back to the default. */
  'topic.alterConfigs': v.object({ topic, set: configs, unset: v.array(v.string()), validateOnly: v.boolean() }),
  'topic.addPartitions': v.object({ topic, count: v.pipe(v.number(), v.integer()), validateOnly: v.boolean() }),
  /** Elects the preferred leaders (or, unclean, anyone alive) of some partitions, or of all with null. */
  'topic.electLeaders': v.object({ topic, partitions: v.nullable(v.array(partition)), unclean: v.boolean() }),
  /** AlterPartitionReassignments; null calls a move off. */
  'topic.reassign': v.object({
    topic,
    partitions: v.pipe(
      v.array(v.object({ partition, replicas: v.nullable(v.pipe(v.array(partition), v.minLength(1))) })),
      v.minLength(1),
    ),
  }),
  /** What of these partitions is being moved. */
  'topic.reassignments': v.object({ topic, partitions: v.array(partition) }),
  /** How fast the replicas of this topic are copied to brokers that are behind, per broker; null: without a limit. */
  'topic.throttle': v.object({
    topic,
    bytesPerSecond: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1))),
  }),
  /** The first offset whose record is not older than a time, by partition. */
  'topic.offsetsAt': v.object({ topic, wallMs: v.pipe(v.number(), v.integer()) }),
  /** DeleteRecords: everything before `offset` goes; −1 means up to the high watermark. */
  'topic.deleteRecords': v.object({
    topic,
    before: v.pipe(v.array(v.object({ partition, offset: v.pipe(v.number(), v.integer()) })), v.minLength(1)),
  }),
} as const;

/** Where a value comes from, Kafka's ConfigSource; `topic` is this topic's own override. */
export type ConfigSource = 'topic' | 'broker' | 'cluster' | 'static' | 'default' | 'unknown';
export type ConfigKind =
  'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'class' | 'password' | 'unknown';

export type ConfigView = {
  readonly name: string;
  /** null: sensitive, or not set at all. */
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly kind: ConfigKind;
  readonly readOnly: boolean;
  readonly sensitive: boolean;
  readonly documentation: string | null;
  /** Where the value would come from without this topic's override, first to last. */
  readonly synonyms: readonly { readonly name: string; readonly value: string | null; readonly source: ConfigSource }[];
};

export type PartitionResult = {
  readonly partition: number;
  /** NONE, or Kafka's error. */
  readonly code: string;
  readonly message: string | null;
};

/** What each request answers. */
export type TopicOutputs = {
  'topic.validate': null;
  'topic.configs': { readonly configs: readonly ConfigView[] };
  'topic.configDefaults': { readonly configs: readonly ConfigView[] };
  'topic.alterConfigs': null;
  'topic.addPartitions': null;
  'topic.electLeaders': { readonly results: readonly PartitionResult[] };
  'topic.reassign': { readonly results: readonly PartitionResult[] };
  'topic.reassignments': {
    readonly reassignments: readonly {
      readonly partition: number;
      readonly replicas: readonly number[];
      readonly adding: readonly number[];
      readonly removing: readonly number[];
    }[];
  };
  'topic.throttle': null;
  'topic.offsetsAt': {
    /** −1: every record is older. */
    readonly offsets: readonly { readonly partition: number; readonly offset: number; readonly timestamp: number }[];
  };
  'topic.deleteRecords': {
    readonly results: readonly (PartitionResult & { readonly logStartOffset: number })[];
  };
};
