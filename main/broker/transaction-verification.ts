// Asks transaction coordinators, before a transactional append, whether the transaction is open and the partition in
// it (KIP-890): to verify for clients that add partitions themselves, or to add it for those that leave that to the
// broker. One request to a coordinator at a time carries all that is asked there.

import { partitionName } from '../core/ids.ts';
import type { TransactionPartitions } from '../coordinators/transaction/transaction-metadata.ts';
import { LogError } from '../log/log-error.ts';
import type { VerificationGuard } from '../log/log-types.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import type {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from '../protocol/messages/add-partitions-to-txn.ts';
import type { Writable } from '../protocol/schema.ts';
import type { Partition } from '../replication/partition.ts';
import { NetworkError, type Clock } from '../runtime/runtime.ts';

/**
 * What the client understands: `verify` nothing new, `verify-abortable` TRANSACTION_ABORTABLE; `add`: its partitions
 * are added for it (transaction version 2).
 */
export type TransactionOperation = 'verify' | 'verify-abortable' | 'add';

export type TransactionalProducer = {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
};

/** A partition that a transactional batch is meant for. */
export type TransactionalTarget = { readonly partition: Partition; readonly baseSequence: number };

export type Verification =
  | { readonly errorCode: typeof ErrorCode.NONE; readonly guard: VerificationGuard | null }
  | { readonly errorCode: number; readonly guard: null };

export type TransactionVerificationOptions = {
  readonly clock: Clock;
  /** Broker that coordinates the transactional id; null: nobody does now. */
  readonly coordinatorOf: (transactionalId: string) => number | null;
  /** While the producer's last transaction is still being completed: mostly for a few milliseconds more. */
  readonly retryBackoffMs: number;
  readonly retryMsMax: number;
  readonly send: (
    brokerId: number,
    request: Writable<AddPartitionsToTxnRequest>,
  ) => Promise<AddPartitionsToTxnResponse>;
};

type Question = {
  readonly producer: TransactionalProducer;
  readonly operation: TransactionOperation;
  readonly partitions: TransactionPartitions;
  readonly answer: (codes: Codes) => void;
};

/** Error code by partition name, or one for all. */
type Codes = ReadonlyMap<string, number> | number;
type Coordinator = { questions: Question[]; isBusy: boolean };

/** Unanswered questions to one coordinator; one more is refused with a retriable error. */
const questionsMax = 10_000;

export class TransactionVerification {
  readonly #options: TransactionVerificationOptions;
  readonly #coordinators = new Map<number, Coordinator>();

  constructor(options: TransactionVerificationOptions) {
    this.#options = options;
  }

  /**
   * In the order of the targets. Without a promise when the log knows the transaction in all of them already.
   * `waits`: a transaction that is still being completed is waited for a moment.
   */
  verify(
    producer: TransactionalProducer,
    operation: TransactionOperation,
    targets: readonly TransactionalTarget[],
    waits: boolean,
  ): Verification[] | Promise<Verification[]> {
    const found = targets.map((target) => start(producer, operation, target));
    if (found.every(({ guard }) => guard === null)) return found;
    return this.#confirm(producer, operation, targets, found, waits);
  }

  async #confirm(
    producer: TransactionalProducer,
    operation: TransactionOperation,
    targets: readonly TransactionalTarget[],
    begun: Verification[],
    waits: boolean,
  ): Promise<Verification[]> {
    const { clock, retryBackoffMs, retryMsMax } = this.#options;
    const deadlineMs = clock.monotonicMs() + retryMsMax;
    for (let found = begun; ;) {
      const codes = await this.#ask(producer, operation, partitionsToAsk(targets, found));
      const isTooLate = clock.monotonicMs() >= deadlineMs;
      const comesBack = waits && operation === 'add' && !isTooLate && hasConcurrentTransactions(codes);
      if (comesBack) {
        await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + retryBackoffMs, resolve));
      }
      const before = found;
      found = targets.map((target) => start(producer, operation, target));
      // The last transaction's marker may have come in between: it has used up the guards that were there.
      const isFresh = ({ guard }: Verification, index: number): boolean =>
        guard !== null && guard !== before[index]?.guard;
      const isOpen = found.every(({ guard }) => guard === null);
      if (!isOpen && (comesBack || (!isTooLate && found.some(isFresh)))) continue;
      return found.map((verification, index): Verification => {
        if (verification.guard === null) return verification;
        if (isFresh(verification, index)) return { errorCode: ErrorCode.CONCURRENT_TRANSACTIONS, guard: null };
        const name = targets[index]?.partition.name ?? '';
        const code = typeof codes === 'number' ? codes : (codes.get(name) ?? ErrorCode.NONE);
        return code === ErrorCode.NONE ? verification : { errorCode: code, guard: null };
      });
    }
  }

  #ask(
    producer: TransactionalProducer,
    operation: TransactionOperation,
    partitions: TransactionPartitions,
  ): Promise<Codes> {
    const brokerId = this.#options.coordinatorOf(producer.transactionalId);
    if (brokerId === null) return Promise.resolve(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    let coordinator = this.#coordinators.get(brokerId);
    if (coordinator === undefined) {
      coordinator = { questions: [], isBusy: false };
      this.#coordinators.set(brokerId, coordinator);
    }
    const { questions } = coordinator;
    if (questions.length >= questionsMax) return Promise.resolve(ErrorCode.NETWORK_EXCEPTION);
    const known = coordinator;
    return new Promise((answer) => {
      questions.push({ producer, operation, partitions, answer });
      if (!known.isBusy) void this.#work(brokerId, known);
    });
  }

  async #work(brokerId: number, coordinator: Coordinator): Promise<void> {
    coordinator.isBusy = true;
    while (coordinator.questions.length > 0) {
      const { now, later } = firstOfEachId(coordinator.questions);
      coordinator.questions = later;
      await this.#sendQuestions(brokerId, now);
    }
    coordinator.isBusy = false;
    this.#coordinators.delete(brokerId);
  }

  async #sendQuestions(brokerId: number, questions: readonly Question[]): Promise<void> {
    const transactions = questions.map(({ producer, operation, partitions }) => ({
      ...producer,
      verifyOnly: operation !== 'add',
      topics: [...partitions].map(([name, ids]) => ({ name, partitions: [...ids] })),
    }));
    let response: AddPartitionsToTxnResponse;
    try {
      response = await this.#options.send(brokerId, { transactions });
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      for (const { answer } of questions) answer(ErrorCode.NETWORK_EXCEPTION);
      return;
    }
    const results = new Map(response.resultsByTransaction.map((each) => [each.transactionalId, each.topicResults]));
    for (const { producer, operation, answer } of questions) {
      const topics = results.get(producer.transactionalId);
      if (response.errorCode !== ErrorCode.NONE) answer(response.errorCode);
      else if (topics === undefined) answer(ErrorCode.NETWORK_EXCEPTION);
      else answer(codesOf(topics, operation));
    }
  }
}

/** The errors of a verification as a Produce answer says them, with Kafka's words. */
export function produceErrorOf(
  errorCode: number,
  operation: TransactionOperation,
): { readonly errorCode: number; readonly errorMessage: string | null } {
  switch (errorCode) {
    case ErrorCode.INVALID_TXN_STATE:
      return { errorCode, errorMessage: 'Partition was not added to the transaction' };
    case ErrorCode.CONCURRENT_TRANSACTIONS:
      // Clients of version 2 know it from the end of a transaction.
      if (operation === 'add') return { errorCode, errorMessage: null };
      break;
    case ErrorCode.NETWORK_EXCEPTION:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
      break;
    default:
      return { errorCode, errorMessage: null };
  }
  // One that makes every client send the batch again, without asking for metadata first.
  return {
    errorCode: ErrorCode.NOT_ENOUGH_REPLICAS,
    errorMessage:
      'Unable to verify the partition has been added to the transaction. ' +
      `Underlying error: ${errorName(errorCode)}`,
  };
}

function partitionsToAsk(
  targets: readonly TransactionalTarget[],
  found: readonly Verification[],
): TransactionPartitions {
  const asked = new Map<string, Set<number>>();
  for (const [index, { partition }] of targets.entries()) {
    if ((found[index]?.guard ?? null) === null) continue;
    asked.set(partition.topic, (asked.get(partition.topic) ?? new Set()).add(partition.partition));
  }
  return asked;
}

function start(
  { producerId, producerEpoch }: TransactionalProducer,
  operation: TransactionOperation,
  { partition, baseSequence }: TransactionalTarget,
): Verification {
  const { log } = partition;
  const adds = operation === 'add';
  if (!partition.isLeader) return { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, guard: null };
  if (!adds && !log.config.transactionPartitionVerificationEnable) return { errorCode: ErrorCode.NONE, guard: null };
  try {
    const guard = log.startVerification(producerId, baseSequence, producerEpoch, adds);
    return { errorCode: ErrorCode.NONE, guard };
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    return { errorCode: error.errorCode, guard: null };
  }
}

/** A request may name a transactional id once; what else is asked about it waits for the next one. */
function firstOfEachId(questions: readonly Question[]): { readonly now: Question[]; readonly later: Question[] } {
  const ids = new Set<string>();
  const now: Question[] = [];
  const later: Question[] = [];
  for (const question of questions) {
    const { transactionalId } = question.producer;
    (ids.has(transactionalId) ? later : now).push(question);
    ids.add(transactionalId);
  }
  return { now, later };
}

type TopicResults = AddPartitionsToTxnResponse['resultsByTransaction'][number]['topicResults'];

function codesOf(topics: TopicResults, operation: TransactionOperation): ReadonlyMap<string, number> {
  const codes = new Map<string, number>();
  for (const { name, resultsByPartition } of topics) {
    for (const { partitionIndex, partitionErrorCode } of resultsByPartition) {
      codes.set(partitionName(name, partitionIndex), knownCode(partitionErrorCode, operation));
    }
  }
  return codes;
}

function knownCode(code: number, operation: TransactionOperation): number {
  // Producers expect this one of a Produce.
  if (code === ErrorCode.PRODUCER_FENCED) return ErrorCode.INVALID_PRODUCER_EPOCH;
  if (code === ErrorCode.TRANSACTION_ABORTABLE && operation === 'verify') return ErrorCode.INVALID_TXN_STATE;
  return code;
}

function hasConcurrentTransactions(codes: Codes): boolean {
  if (typeof codes === 'number') return codes === ErrorCode.CONCURRENT_TRANSACTIONS;
  for (const code of codes.values()) if (code === ErrorCode.CONCURRENT_TRANSACTIONS) return true;
  return false;
}
