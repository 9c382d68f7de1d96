// Records of `__transaction_state`, as Apache Kafka 4.3.1 writes and reads them.

import { ErrorCode } from '../../protocol/errors.ts';
import type { TransactionCoordinatorRecord } from '../../protocol/messages/transaction-coordinator-records.ts';
import { javaStringHash } from '../../protocol/partitioning.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import type { Decision } from '../runtime/state-machine.ts';
import {
  noProducerEpoch,
  noProducerId,
  transactionStates,
  type TransactionMetadata,
  type TransactionPartitions,
  type TransactionState,
} from './transaction-metadata.ts';

/** A record on its way into the log carries along what the log does not keep. */
type LiveRecord = TransactionCoordinatorRecord & { readonly lastProducerEpoch: number };

export type TransactionDecision<Response> = Decision<TransactionCoordinatorRecord, Response>;

const tombstoneVersion = -1;
/** Compact strings and tagged fields; written from transaction.version 1 on. */
const flexibleVersion = 1;

/** `transactionVersion`: the cluster's level of the feature, which decides about the form. */
export function transactionRecord(metadata: TransactionMetadata, transactionVersion: number): LiveRecord {
  const isFlexible = transactionVersion >= flexibleVersion;
  return {
    name: 'TransactionLog',
    key: { transactionalId: metadata.transactionalId },
    valueVersion: isFlexible ? flexibleVersion : 0,
    value: {
      producerId: metadata.producerId,
      previousProducerId: isFlexible ? metadata.previousProducerId : noProducerId,
      nextProducerId: isFlexible ? metadata.nextProducerId : noProducerId,
      producerEpoch: metadata.producerEpoch,
      nextProducerEpoch: noProducerEpoch,
      transactionTimeoutMs: metadata.timeoutMs,
      transactionStatus: transactionStates.indexOf(metadata.state),
      transactionPartitions: metadata.state === 'Empty' ? null : inKafkasOrder(metadata.partitions),
      transactionLastUpdateTimestampMs: metadata.lastUpdateMs,
      transactionStartTimestampMs: metadata.startMs,
      clientTransactionVersion: isFlexible ? metadata.clientVersion : 0,
    },
    lastProducerEpoch: metadata.lastProducerEpoch,
  };
}

/** That of Java's hash tables, so that the same transaction has the same bytes. */
function inKafkasOrder(partitions: TransactionPartitions): { topic: string; partitionIds: number[] }[] {
  let count = 0;
  for (const ids of partitions.values()) count += ids.size;
  const partitionSlots = slotCount(count);
  const topicSlots = slotCount(partitions.size);
  const topics = [...partitions].map(([topic, ids]) => ({ topic, ids, hash: javaStringHash(topic) }));
  topics.sort((a, b) => slotOf(a.hash, topicSlots) - slotOf(b.hash, topicSlots));
  return topics.map(({ topic, ids, hash }) => {
    const slotOfId = (id: number): number => slotOf((31 * (31 + id) + hash) | 0, partitionSlots);
    return { topic, partitionIds: [...ids].sort((a, b) => slotOfId(a) - slotOfId(b)) };
  });
}

function slotOf(hash: number, slots: number): number {
  return (hash ^ (hash >>> 16)) & (slots - 1);
}

function slotCount(size: number): number {
  let slots = 16;
  while (size > slots * 0.75) slots *= 2;
  return slots;
}

export function transactionTombstone(transactionalId: string): TransactionCoordinatorRecord {
  return { name: 'TransactionLog', key: { transactionalId }, valueVersion: tombstoneVersion, value: null };
}

/** Null for a tombstone. Throws for what no Kafka stores: loading then fails rather than guesses. */
export function metadataOf(record: TransactionCoordinatorRecord): TransactionMetadata | null {
  const { key, value } = record;
  if (value === null) return null;
  const state = storedState(value.transactionStatus);
  const { transactionalId } = key;
  if (state === null) {
    throw new CoordinatorError(
      ErrorCode.UNKNOWN_SERVER_ERROR,
      `transactional id ${transactionalId} is stored in state ${value.transactionStatus}, which there is not`,
    );
  }
  const partitions = new Map<string, Set<number>>();
  for (const { topic, partitionIds } of value.transactionPartitions ?? []) partitions.set(topic, new Set(partitionIds));
  return {
    transactionalId,
    producerId: value.producerId,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: lastProducerEpochOf(record),
    timeoutMs: value.transactionTimeoutMs,
    state,
    partitions: state === 'Empty' ? new Map() : partitions,
    startMs: value.transactionStartTimestampMs,
    lastUpdateMs: value.transactionLastUpdateTimestampMs,
    clientVersion: value.clientTransactionVersion,
  };
}

function storedState(id: number): TransactionState | null {
  const state = transactionStates[id];
  return state === undefined || state === 'Dead' || state === 'PrepareEpochFence' ? null : state;
}

function lastProducerEpochOf(record: TransactionCoordinatorRecord): number {
  if (!('lastProducerEpoch' in record) || typeof record.lastProducerEpoch !== 'number') return noProducerEpoch;
  return record.lastProducerEpoch;
}

/** Partitions as requests name them. */
export function partitionsOf(
  topics: readonly { readonly name: string; readonly partitions: readonly number[] }[],
): TransactionPartitions {
  const found = new Map<string, Set<number>>();
  for (const { name, partitions } of topics) found.set(name, new Set([...(found.get(name) ?? []), ...partitions]));
  return found;
}
