// The words of the domain as types. Offsets are numbers, not bigints: 2^53 offsets last 285 years at a
// million records a second. The only place that sees 64 bits is the wire edge (protocol/wire-reader.ts).

import { AssertionFailure } from './assert.ts';

declare const brand: unique symbol;
export type Brand<Name extends string> = { readonly [brand]: Name };

/** Node id of a broker or controller (`node.id`), ≥ 0. */
export type BrokerId = number & Brand<'BrokerId'>;
/** Index of a partition within its topic, ≥ 0. */
export type PartitionId = number & Brand<'PartitionId'>;
/** Position of a record in a partition, ≥ 0. End offsets are exclusive. */
export type Offset = number & Brand<'Offset'>;
/** Counts the leaders a partition (or the metadata quorum) has had, ≥ 0; −1 where Kafka says "unknown". */
export type LeaderEpoch = number & Brand<'LeaderEpoch'>;
/** Topic id: 22 characters of url-safe base64, as Kafka prints it. */
export type TopicId = string & Brand<'TopicId'>;

function requireInteger(value: number, least: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < least) throw new AssertionFailure(`${what} out of range: ${value}`);
}

export function toBrokerId(value: number): BrokerId {
  requireInteger(value, 0, 'broker id');
  return value as BrokerId;
}

export function toPartitionId(value: number): PartitionId {
  requireInteger(value, 0, 'partition id');
  return value as PartitionId;
}

export function toOffset(value: number): Offset {
  requireInteger(value, 0, 'offset');
  return value as Offset;
}

export function toLeaderEpoch(value: number): LeaderEpoch {
  requireInteger(value, -1, 'leader epoch');
  return value as LeaderEpoch;
}

export function toTopicId(value: string): TopicId {
  if (value.length !== 22) throw new AssertionFailure(`topic id must be 22 base64url characters: ${value}`);
  return value as TopicId;
}

export const zeroOffset = 0 as Offset;
export const unknownLeaderEpoch = -1 as LeaderEpoch;
/** The "no id" uuid of the protocol. */
export const zeroTopicId = 'AAAAAAAAAAAAAAAAAAAAAA' as TopicId;
/** Id that Kafka gives `__cluster_metadata`. */
export const metadataTopicId = 'AAAAAAAAAAAAAAAAAAAAAQ' as TopicId;
export const metadataTopicName = '__cluster_metadata';

export function minOffset(a: Offset, b: Offset): Offset {
  return a < b ? a : b;
}

export function maxOffset(a: Offset, b: Offset): Offset {
  return a > b ? a : b;
}

export type TopicPartition = { readonly topic: string; readonly partition: PartitionId };

/** `topic-3`: the name of the partition's directory and the key of maps. */
export function partitionName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}
