// What the coordinator knows of one transactional id, and how it moves on. Pure: each step makes a new value.
// Empty → Ongoing → PrepareCommit | PrepareAbort → CompleteCommit | CompleteAbort → Ongoing | Empty …; from transaction
// version 2 on (KIP-890) an abort may also come from Empty and Complete…, as it bumps the epoch.

import { assert } from '../../core/assert.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';

/** By their numbers in the log. The last two are never stored: Kafka passes through them, people may filter by them. */
export const transactionStates = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const;

export type TransactionState = Exclude<(typeof transactionStates)[number], 'Dead' | 'PrepareEpochFence'>;

/** Partition numbers by topic. */
export type TransactionPartitions = ReadonlyMap<string, ReadonlySet<number>>;

export type TransactionMetadata = {
  readonly transactionalId: string;
  readonly producerId: number;
  /** The producer id before the last step; differs when that step changed it. */
  readonly previousProducerId: number;
  /** Takes over when the transaction under way is complete: this one's epochs are used up. −1: none. */
  readonly nextProducerId: number;
  /** −1: not given to anyone yet. */
  readonly producerEpoch: number;
  /** The epoch before the last bump by this same producer, so that it may ask again; −1: none. Not in the log. */
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly state: TransactionState;
  readonly partitions: TransactionPartitions;
  /** −1: no transaction has begun. */
  readonly startMs: number;
  readonly lastUpdateMs: number;
  /** Transaction version that the client spoke in the last step that told. */
  readonly clientVersion: number;
};

export const noProducerId = -1;
export const noProducerEpoch = -1;
/** The highest epoch that exists; kept back for fencing. */
export const producerEpochMax = 0x7fff;
/** From this transaction version on every end of a transaction bumps the epoch. */
export const epochBumpVersion = 2;

const noPartitions: TransactionPartitions = new Map();

export function isEpochExhausted(producerEpoch: number): boolean {
  return producerEpoch >= producerEpochMax - 1;
}

export function supportsEpochBump(transactionVersion: number): boolean {
  return transactionVersion >= epochBumpVersion;
}

export function isPrepared({ state }: TransactionMetadata): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort';
}

export function newTransactionalId(
  transactionalId: string,
  producerId: number,
  timeoutMs: number,
  nowMs: number,
): TransactionMetadata {
  return {
    transactionalId,
    producerId,
    previousProducerId: noProducerId,
    nextProducerId: noProducerId,
    producerEpoch: noProducerEpoch,
    lastProducerEpoch: noProducerEpoch,
    timeoutMs,
    state: 'Empty',
    partitions: noPartitions,
    startMs: -1,
    lastUpdateMs: nowMs,
    clientVersion: 0,
  };
}

function moved(before: TransactionMetadata, change: Partial<TransactionMetadata>): TransactionMetadata {
  return { ...before, previousProducerId: before.producerId, ...change };
}

/** InitProducerId: the next epoch. `expectedEpoch`: what the producer believes it has; null when it is new. */
export function withNextEpoch(
  before: TransactionMetadata,
  timeoutMs: number,
  expectedEpoch: number | null,
  nowMs: number,
): TransactionMetadata {
  const { producerEpoch, lastProducerEpoch } = before;
  assert(!isEpochExhausted(producerEpoch), `${before.transactionalId} has used up its epochs`);
  const fresh = {
    state: 'Empty',
    timeoutMs,
    partitions: noPartitions,
    startMs: -1,
    lastUpdateMs: nowMs,
  } as const;
  if (expectedEpoch === null) {
    return moved(before, { ...fresh, producerEpoch: producerEpoch + 1, lastProducerEpoch: noProducerEpoch });
  }
  if (producerEpoch === noProducerEpoch || expectedEpoch === producerEpoch) {
    return moved(before, { ...fresh, producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch });
  }
  // The same question again: its answer was lost.
  if (expectedEpoch === lastProducerEpoch) return moved(before, fresh);
  throw new CoordinatorError(ErrorCode.PRODUCER_FENCED);
}

/** InitProducerId when the epochs are used up. */
export function withNewProducerId(
  before: TransactionMetadata,
  producerId: number,
  timeoutMs: number,
  keepsLastEpoch: boolean,
  nowMs: number,
): TransactionMetadata {
  return moved(before, {
    state: 'Empty',
    producerId,
    producerEpoch: 0,
    lastProducerEpoch: keepsLastEpoch ? before.producerEpoch : noProducerEpoch,
    timeoutMs,
    partitions: noPartitions,
    startMs: -1,
    lastUpdateMs: nowMs,
  });
}

export function withPartitions(
  before: TransactionMetadata,
  added: TransactionPartitions,
  clientVersion: number,
  nowMs: number,
): TransactionMetadata {
  const partitions = new Map(before.partitions);
  for (const [topic, ids] of added) partitions.set(topic, new Set([...(partitions.get(topic) ?? []), ...ids]));
  return moved(before, {
    state: 'Ongoing',
    partitions,
    startMs: before.state === 'Ongoing' ? before.startMs : nowMs,
    lastUpdateMs: nowMs,
    clientVersion,
  });
}

export type PrepareOptions = {
  readonly type: 'COMMIT' | 'ABORT';
  readonly transactionVersion: number;
  /** Taken when the epochs are used up; −1 otherwise. */
  readonly nextProducerId: number;
  readonly nowMs: number;
};

/** The decision: from here on there is no way back. */
export function prepared(before: TransactionMetadata, options: PrepareOptions): TransactionMetadata {
  const { type, transactionVersion, nextProducerId, nowMs } = options;
  const { producerEpoch } = before;
  const bump = supportsEpochBump(transactionVersion);
  // At the very last epoch only an abort gets here, and must: it is the way out.
  const nextEpoch = bump && producerEpoch < producerEpochMax ? producerEpoch + 1 : producerEpoch;
  return moved(before, {
    state: type === 'COMMIT' ? 'PrepareCommit' : 'PrepareAbort',
    producerEpoch: nextEpoch,
    lastProducerEpoch: bump ? producerEpoch : before.lastProducerEpoch,
    nextProducerId,
    startMs: before.state === 'Ongoing' ? before.startMs : nowMs,
    lastUpdateMs: nowMs,
    clientVersion: transactionVersion,
  });
}

/** A fence below version 2: the abort itself goes out with the bumped epoch. */
export function fencedBelowEpochBump(before: TransactionMetadata): TransactionMetadata {
  const producerEpoch = Math.min(before.producerEpoch + 1, producerEpochMax);
  return { ...before, producerEpoch, lastProducerEpoch: noProducerEpoch };
}

/** All markers are written. */
export function completed(before: TransactionMetadata, nowMs: number): TransactionMetadata {
  const hasNewId = supportsEpochBump(before.clientVersion) && before.nextProducerId !== noProducerId;
  return moved(before, {
    state: before.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    ...(hasNewId ? { producerId: before.nextProducerId, producerEpoch: 0 } : {}),
    nextProducerId: noProducerId,
    partitions: noPartitions,
    lastUpdateMs: nowMs,
  });
}

export function holdsAll(partitions: TransactionPartitions, asked: TransactionPartitions): boolean {
  for (const [topic, ids] of asked) {
    const known = partitions.get(topic);
    for (const id of ids) if (known?.has(id) !== true) return false;
  }
  return true;
}
