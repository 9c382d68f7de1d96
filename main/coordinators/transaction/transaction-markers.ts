// Writes the markers of decided transactions to the leaders of their partitions, until all are written. One request
// to a broker at a time carries all that is due there. As many transactions as transactional ids can be under way.

import type { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '../../protocol/messages/write-txn-markers.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { NetworkError, type Clock, type Timer } from '../../runtime/runtime.ts';
import { supportsEpochBump, type TransactionMetadata } from './transaction-metadata.ts';

/** Where a partition's markers go; null: it has no leader now; 'gone': there is no such partition any more. */
export type MarkerLeader = number | null | 'gone';

export type TransactionMarkersOptions = {
  readonly clock: Clock;
  readonly leaderOf: (topic: string, partition: number) => MarkerLeader;
  readonly send: (brokerId: number, request: WriteTxnMarkersRequest) => Promise<WriteTxnMarkersResponse>;
  /** Leader epoch of a partition of the transaction topic; null: this broker does not coordinate it any more. */
  readonly coordinatorEpoch: (partition: number) => number | null;
  readonly onComplete: (partition: number, decided: TransactionMetadata) => void;
};

/** One decided transaction. */
type Job = {
  readonly partition: number;
  readonly decided: TransactionMetadata;
  /** Partitions whose marker is not known to be written. */
  readonly remaining: Map<string, Set<number>>;
  isOver: boolean;
};

/** A part of a job that goes to one broker. */
type Part = { readonly job: Job; readonly partitions: Map<string, number[]> };

type Destination = { queue: Part[]; isBusy: boolean };

type Marker = WriteTxnMarkersRequest['markers'][number];

const retryBackoffMs = 50;
const partsPerRequestMax = 1000;

export class TransactionMarkers {
  readonly #options: TransactionMarkersOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #destinations = new Map<number, Destination>();
  /** Parts that have no leader or failed, until the next attempt. */
  #waiting: Part[] = [];
  #retry: Timer | null = null;
  #isClosed = false;

  constructor(options: TransactionMarkersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#jobs.size;
  }

  add(partition: number, decided: TransactionMetadata): void {
    if (this.#isClosed) return;
    this.#cancel(decided.transactionalId);
    const remaining = new Map([...decided.partitions].map(([topic, ids]) => [topic, new Set(ids)]));
    const job: Job = { partition, decided, remaining, isOver: false };
    this.#jobs.set(decided.transactionalId, job);
    this.#dispatch(job, new Map([...remaining].map(([topic, ids]) => [topic, [...ids]])));
    this.#completeIfDone(job);
  }

  /** Another broker coordinates these transactions now, and sends the markers. */
  removePartition(partition: number): void {
    for (const { decided, partition: owner } of [...this.#jobs.values()]) {
      if (owner === partition) this.#cancel(decided.transactionalId);
    }
  }

  /** What is left of a decided transaction, for those who look. */
  remainingOf(transactionalId: string): ReadonlyMap<string, ReadonlySet<number>> | null {
    return this.#jobs.get(transactionalId)?.remaining ?? null;
  }

  close(): void {
    this.#isClosed = true;
    this.#retry?.cancel();
    for (const transactionalId of [...this.#jobs.keys()]) this.#cancel(transactionalId);
    this.#waiting = [];
  }

  #cancel(transactionalId: string): void {
    const job = this.#jobs.get(transactionalId);
    if (job !== undefined) job.isOver = true;
    this.#jobs.delete(transactionalId);
  }

  #dispatch(job: Job, partitions: ReadonlyMap<string, readonly number[]>): void {
    const byBroker = new Map<number | null, Map<string, number[]>>();
    for (const [topic, ids] of partitions) {
      for (const id of ids) {
        const leader = this.#options.leaderOf(topic, id);
        // Deleted: nobody will read it any more.
        if (leader === 'gone') done(job, topic, id);
        else put(byBroker, leader, topic, id);
      }
    }
    for (const [broker, found] of byBroker) {
      if (broker === null) this.#later({ job, partitions: found });
      else this.#enqueue(broker, { job, partitions: found });
    }
  }

  #enqueue(broker: number, part: Part): void {
    let destination = this.#destinations.get(broker);
    if (destination === undefined) {
      destination = { queue: [], isBusy: false };
      this.#destinations.set(broker, destination);
    }
    destination.queue.push(part);
    if (destination.isBusy) return;
    destination.isBusy = true;
    // What the same event decides goes in one request.
    const idle = destination;
    this.#options.clock.soon(() => void this.#work(broker, idle));
  }

  async #work(broker: number, destination: Destination): Promise<void> {
    while (!this.#isClosed && destination.queue.length > 0) {
      const parts = destination.queue.splice(0, partsPerRequestMax).filter(({ job }) => !job.isOver);
      await this.#sendParts(broker, parts);
    }
    destination.isBusy = false;
    if (destination.queue.length === 0) this.#destinations.delete(broker);
  }

  async #sendParts(broker: number, parts: readonly Part[]): Promise<void> {
    const markers: Marker[] = [];
    const sent: Part[] = [];
    for (const part of parts) {
      const coordinatorEpoch = this.#options.coordinatorEpoch(part.job.partition);
      if (coordinatorEpoch === null) continue;
      markers.push(markerOf(part, coordinatorEpoch));
      sent.push(part);
    }
    if (markers.length === 0) return;
    let response: WriteTxnMarkersResponse;
    try {
      response = await this.#options.send(broker, { markers });
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      for (const part of sent) this.#later(part);
      return;
    }
    const codes = codesOf(response);
    for (const part of sent) this.#settle(part, codes);
  }

  #settle(part: Part, codes: ReadonlyMap<string, number>): void {
    const { job } = part;
    if (job.isOver) return;
    const failed = new Map<string, number[]>();
    for (const [topic, ids] of part.partitions) {
      for (const id of ids) {
        const code = codes.get(codeKey(job.decided.producerId, topic, id)) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
        if (isDone(code)) done(job, topic, id);
        // A newer coordinator or producer has taken over: nothing of this may be written any more.
        else if (isFenced(code)) return this.#cancel(job.decided.transactionalId);
        else failed.set(topic, [...(failed.get(topic) ?? []), id]);
      }
    }
    if (failed.size > 0) this.#later({ job, partitions: failed });
    this.#completeIfDone(job);
  }

  #completeIfDone(job: Job): void {
    if (job.isOver || job.remaining.size > 0) return;
    this.#cancel(job.decided.transactionalId);
    this.#options.onComplete(job.partition, job.decided);
  }

  #later(part: Part): void {
    if (this.#isClosed || part.job.isOver) return;
    this.#waiting.push(part);
    const { clock } = this.#options;
    this.#retry ??= clock.at(clock.monotonicMs() + retryBackoffMs, () => {
      this.#retry = null;
      for (const { job, partitions } of this.#waiting.splice(0)) {
        if (job.isOver) continue;
        this.#dispatch(job, partitions);
        this.#completeIfDone(job);
      }
    });
  }
}

function markerOf({ job, partitions }: Part, coordinatorEpoch: number): Marker {
  const { producerId, producerEpoch, state, clientVersion } = job.decided;
  return {
    producerId,
    producerEpoch,
    transactionResult: state === 'PrepareCommit',
    topics: [...partitions].map(([name, partitionIndexes]) => ({ name, partitionIndexes })),
    coordinatorEpoch,
    transactionVersion: supportsEpochBump(clientVersion) ? clientVersion : 0,
  };
}

function isDone(code: number): boolean {
  return (
    code === ErrorCode.NONE ||
    // Nothing can have been written to such a partition.
    code === ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT ||
    code === ErrorCode.UNSUPPORTED_VERSION
  );
}

function isFenced(code: number): boolean {
  return code === ErrorCode.INVALID_PRODUCER_EPOCH || code === ErrorCode.TRANSACTION_COORDINATOR_FENCED;
}

function done({ remaining }: Job, topic: string, id: number): void {
  const ids = remaining.get(topic);
  ids?.delete(id);
  if (ids?.size === 0) remaining.delete(topic);
}

function put(into: Map<number | null, Map<string, number[]>>, broker: number | null, topic: string, id: number): void {
  const topics = into.get(broker) ?? new Map<string, number[]>();
  into.set(broker, topics);
  topics.set(topic, [...(topics.get(topic) ?? []), id]);
}

function codesOf({ markers }: WriteTxnMarkersResponse): ReadonlyMap<string, number> {
  const codes = new Map<string, number>();
  for (const { producerId, topics } of markers) {
    for (const { name, partitions } of topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        codes.set(codeKey(producerId, name, partitionIndex), errorCode);
      }
    }
  }
  return codes;
}

function codeKey(producerId: number, topic: string, partition: number): string {
  return `${producerId}:${topic}-${partition}`;
}
