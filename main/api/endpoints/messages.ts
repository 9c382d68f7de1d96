// Endpoints of the Messages screen. Reading is a chain of questions, each with the positions that the last one
// answered: a live tail is a question that waits. So nothing in the engine belongs to a screen that has gone.

import * as v from 'valibot';

const topic = v.pipe(v.string(), v.minLength(1), v.maxLength(249));
const partition = v.pipe(v.number(), v.integer(), v.minValue(0));
const offset = v.pipe(v.number(), v.integer());
const positions = v.array(v.object({ partition, offset }));
const isolation = v.picklist(['read_uncommitted', 'read_committed']);

export const messagesLimitMax = 1000;
export const produceRecordsMax = 1000;
export const previewBytesMax = 65_536;

/** Input schemas. */
export const messageInputs = {
  /** Where to begin, by partition. */
  'messages.positions': v.object({
    topic,
    partitions: v.nullable(v.array(partition)),
    isolation,
    from: v.variant('kind', [
      v.object({ kind: v.literal('oldest') }),
      v.object({ kind: v.literal('newest') }),
      /** The last `count` records of all partitions together, taken evenly. */
      v.object({ kind: v.literal('last'), count: v.pipe(v.number(), v.integer(), v.minValue(1)) }),
      v.object({ kind: v.literal('offset'), offset }),
      v.object({ kind: v.literal('time'), wallMs: v.pipe(v.number(), v.integer()) }),
    ]),
  }),
  'messages.read': v.object({
    topic,
    positions,
    /** Exclusive ends; a partition without one is read to its end. */
    until: positions,
    isolation,
    limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(messagesLimitMax)),
    /** How many records to look at before answering, matching or not. */
    scanMax: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000)),
    /** How long to wait for the first record that is not there yet. */
    waitMs: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(10_000)),
    /** Anywhere in key, value or headers, without regard to case. */
    text: v.string(),
    /** See `docs/FILTERS.md`. */
    expression: v.string(),
    control: v.boolean(),
    previewBytes: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(previewBytesMax)),
  }),
  /** One record in full. */
  'messages.one': v.object({ topic, partition, offset }),
  /** Says what is wrong with an expression, before it is used. */
  'messages.checkExpression': v.object({ expression: v.string() }),
  'messages.produce': v.object({
    topic,
    /** null: by the key, as Kafka's own partitioner does, or any without a key. */
    partition: v.nullable(partition),
    /** Base64; null is a null key, and a null value is a tombstone. */
    key: v.nullable(v.string()),
    value: v.nullable(v.string()),
    headers: v.array(v.object({ key: v.string(), value: v.nullable(v.string()) })),
    compression: v.picklist(['none', 'gzip', 'snappy', 'lz4', 'zstd']),
    acks: v.picklist([-1, 1, 0]),
    /** How many times, each a record of its own in one batch. */
    count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)),
  }),
  /** Many different records, in one batch for each partition; each gets an answer of its own. */
  'messages.produceMany': v.object({
    topic,
    compression: v.picklist(['none', 'gzip', 'snappy', 'lz4', 'zstd']),
    acks: v.picklist([-1, 1]),
    records: v.pipe(
      v.array(
        v.object({
          partition: v.nullable(partition),
          key: v.nullable(v.string()),
          value: v.nullable(v.string()),
          headers: v.array(v.object({ key: v.string(), value: v.nullable(v.string()) })),
          /** null: now. */
          timestamp: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))),
        }),
      ),
      v.minLength(1),
      v.maxLength(produceRecordsMax),
    ),
  }),
} as const;

export type Position = { readonly partition: number; readonly offset: number };

export type PartitionBounds = {
  readonly partition: number;
  readonly logStartOffset: number;
  /** High watermark, or last stable offset under read_committed. */
  readonly endOffset: number;
};

export type MessageView = {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly timestampType: string;
  /** Base64 of at most `previewBytes`; null is null. */
  readonly key: string | null;
  readonly value: string | null;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly headers: readonly { readonly key: string; readonly value: string | null }[];
  readonly batch: {
    readonly baseOffset: number;
    readonly recordCount: number;
    readonly bytes: number;
    readonly compression: string;
    readonly leaderEpoch: number;
    readonly producerId: number;
    readonly producerEpoch: number;
    readonly isTransactional: boolean;
  };
  readonly sequence: number;
  /** What a control record says; null for data. */
  readonly control: string | null;
  /** How the transaction that it was written in ended; `none` when in none, `open` while nobody knows. */
  readonly transaction: 'none' | 'open' | 'committed' | 'aborted';
  /** Records of Kafka's own topics as JSON, by Kafka's schemas; null for everybody else's. */
  readonly internal: { readonly key: string | null; readonly value: string | null } | null;
};

/** What became of one of many records. */
export type ProducedRecord =
  | { readonly partition: number; readonly offset: number }
  | { readonly partition: number | null; readonly code: string; readonly message: string };

/** What each request answers. */
export type MessageOutputs = {
  'messages.positions': { readonly positions: readonly Position[]; readonly bounds: readonly PartitionBounds[] };
  'messages.read': {
    /** In the order of their timestamps. */
    readonly messages: readonly MessageView[];
    readonly positions: readonly Position[];
    readonly bounds: readonly PartitionBounds[];
    readonly scanned: number;
    readonly scannedBytes: number;
    /** Records whose expression failed, e.g. a value that is no JSON. */
    readonly failed: number;
    /** Every partition was read to its end. */
    readonly atEnd: boolean;
    /** Partitions that could not be read now, with Kafka's reason. */
    readonly problems: readonly { readonly partition: number; readonly message: string }[];
  };
  'messages.one': MessageView;
  'messages.checkExpression': { readonly problem: string | null };
  'messages.produce': { readonly partition: number; readonly baseOffset: number | null; readonly tookMs: number };
  /** In the order of the records. */
  'messages.produceMany': { readonly results: readonly ProducedRecord[] };
};
