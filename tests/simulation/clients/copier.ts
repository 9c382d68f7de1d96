// A read-process-write program: copies records of one topic to another, each handful with its offsets in a transaction of
// either version, and starts over from the committed offsets whenever something is refused. Another life of it under
// the same transactional id may come at any time: then this one is a zombie, and must get nothing done.

import { ErrorCode, errorName } from '../../../main/protocol/errors.ts';
import { addOffsetsToTxnApi } from '../../../main/protocol/messages/add-offsets-to-txn.ts';
import { addPartitionsToTxnApi } from '../../../main/protocol/messages/add-partitions-to-txn.ts';
import { endTxnApi } from '../../../main/protocol/messages/end-txn.ts';
import { findCoordinatorApi } from '../../../main/protocol/messages/find-coordinator.ts';
import { initProducerIdApi } from '../../../main/protocol/messages/init-producer-id.ts';
import { offsetFetchApi } from '../../../main/protocol/messages/offset-fetch.ts';
import { produceApi } from '../../../main/protocol/messages/produce.ts';
import { txnOffsetCommitApi } from '../../../main/protocol/messages/txn-offset-commit.ts';
import type { Api, Writable } from '../../../main/protocol/schema.ts';
import { buildBatch } from '../../../main/records/batch-builder.ts';
import { nameToText, type StoredRecord, type TransactionRecord } from '../../../main/workloads/history.ts';
import type { HistoryRecorder } from '../history-recorder.ts';
import { Fetcher } from './fetcher.ts';
import { versionWithNames, type SimulatedClient } from './simulated-client.ts';

export type CopierOptions = {
  readonly transactionalId: string;
  readonly group: string;
  readonly input: string;
  readonly output: string;
  /** 1: adds partitions itself; 2: leaves that to the brokers, epochs rise with every end (KIP-890). */
  readonly version: 1 | 2;
  readonly transactionTimeoutMs: number;
  readonly pauseMs: number;
};

type Input = { readonly partition: number; readonly record: StoredRecord };
type Open = { readonly startMs: number; readonly records: TransactionRecord[]; readonly offsets: Map<number, number> };

const retryMs = 40;
const attemptsMax = 150;
const recordsMax = 5;
const recordsMaxInHurry = 40;
const readAheadMax = 40;

const retriable: ReadonlySet<number> = new Set([
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNSTABLE_OFFSET_COMMIT,
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.KAFKA_STORAGE_ERROR,
]);

/** The step can't be done any more: the program starts over. */
class Refused extends Error {}

export class Copier {
  readonly #client: SimulatedClient;
  readonly #options: CopierOptions;
  readonly #history: HistoryRecorder;
  readonly #fetcher: Fetcher;
  readonly #coordinators = new Map<string, number>();
  readonly #sequences = new Map<number, number>();
  #queue: Input[] = [];
  #committed = new Map<number, number>();
  #identity = { producerId: -1, producerEpoch: -1 };
  #open: Open | null = null;
  #nextNumber = 0;
  /** Nothing new comes any more: copies in larger handfuls. */
  isInHurry = false;
  /** How many of its transactions were committed, as it was told. */
  commits = 0;

  constructor(client: SimulatedClient, options: CopierOptions, history: HistoryRecorder) {
    this.#client = client;
    this.#options = options;
    this.#history = history;
    const { input: topic, group } = options;
    const onRead = (partition: number, records: readonly StoredRecord[]): void => {
      for (const record of records) this.#queue.push({ partition, record });
    };
    const reading = { topic, reader: client.name, group, isolation: 'read_committed', waitMs: 100, onRead } as const;
    this.#fetcher = new Fetcher(client, reading, history);
    history.producer({ producer: client.name, acks: 'all', isIdempotent: true });
  }

  /** All that the input holds is copied, as far as this program was told. */
  get hasCaughtUp(): boolean {
    const { positions, highWatermarks } = this.#fetcher;
    if (this.#open !== null || this.#queue.length > 0 || positions.size === 0) return false;
    return [...positions].every(
      ([partition, at]) =>
        at >= (highWatermarks.get(partition) ?? Infinity) && (this.#committed.get(partition) ?? 0) >= at,
    );
  }

  /** Until the client is stopped; then nothing of it is open any more. */
  async run(): Promise<void> {
    const { pauseMs } = this.#options;
    while (!this.#client.isStopped) {
      try {
        await this.#begin();
        while (!this.#client.isStopped) {
          if (!(await this.#copySome())) await this.#client.sleep(pauseMs);
          else if (!this.isInHurry) await this.#maybeRest();
        }
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        this.#history.note(this.#client.name, `starts over: ${error.message}`);
        // Long enough for another life under the same id to get something done.
        await this.#client.sleep(pauseMs * (2 + this.#client.random.below(10)));
      }
    }
  }

  async #begin(): Promise<void> {
    const { transactionalId, transactionTimeoutMs, group, input } = this.#options;
    this.#queue = [];
    this.#sequences.clear();
    await this.#until('InitProducerId', async () => {
      const startMs = this.#client.nowMs;
      const answer = await this.#coordinated(1, transactionalId, initProducerIdApi, {
        transactionalId,
        transactionTimeoutMs,
      });
      if (answer?.errorCode === ErrorCode.NONE) this.#is(answer, startMs, true);
      return answer?.errorCode ?? null;
    });
    while (this.#client.partitionsOf(input).length === 0) await this.#client.refresh(input);
    const partitionIndexes = this.#client.partitionsOf(input);
    await this.#until('OffsetFetch', async () => {
      const startMs = this.#client.nowMs;
      const request = {
        groups: [{ groupId: group, topics: [{ name: input, partitionIndexes }] }],
        requireStable: true,
      };
      const found = (await this.#coordinated(0, group, offsetFetchApi, request, 9))?.groups[0];
      const rows = found?.topics[0]?.partitions ?? [];
      const code = found?.errorCode ?? null;
      const bad = rows.find((row) => row.errorCode !== ErrorCode.NONE)?.errorCode;
      if (code !== ErrorCode.NONE || bad !== undefined) return bad ?? code;
      this.#committed = new Map(rows.map((row) => [row.partitionIndex, Math.max(0, row.committedOffset)]));
      for (const { partitionIndex: partition, committedOffset } of rows) {
        const offset = committedOffset < 0 ? null : committedOffset;
        this.#history.committedRead({ startMs, group, topic: input, partition, offset });
      }
      return code;
    });
    this.#goBack();
  }

  #is(given: { readonly producerId: number; readonly producerEpoch: number }, startMs: number, isInitial: boolean) {
    const { producerId, producerEpoch } = given;
    this.#identity = { producerId, producerEpoch };
    this.#history.epochGiven({ producer: this.#client.name, startMs, producerId, producerEpoch, isInitial });
  }

  /** To what is committed. */
  #goBack(): void {
    this.#queue = [];
    for (const [partition, offset] of this.#committed) this.#fetcher.positions.set(partition, offset);
  }

  /** False when there was nothing to copy. */
  async #copySome(): Promise<boolean> {
    if (this.#queue.length < readAheadMax) await this.#fetcher.poll();
    const { random } = this.#client;
    const inputs = this.#queue.splice(0, 1 + random.below(this.isInHurry ? recordsMaxInHurry : recordsMax));
    if (inputs.length === 0) return false;
    const open: Open = { startMs: this.#client.nowMs, records: [], offsets: new Map() };
    this.#open = open;
    let hasAskedForCommit = false;
    try {
      await this.#produceAll(open, inputs);
      await this.#commitOffsets(open, inputs);
      const isCommit = random.below(5) > 0;
      hasAskedForCommit = isCommit;
      await this.#end(isCommit);
      this.#settled(open, isCommit ? 'committed' : 'aborted');
      if (isCommit) {
        this.commits++;
        for (const [partition, offset] of open.offsets) this.#committed.set(partition, offset);
      } else this.#goBack();
    } catch (error) {
      // Whoever did not ask for a commit has none.
      if (error instanceof Refused) this.#settled(open, hasAskedForCommit ? 'unknown' : 'aborted');
      throw error;
    } finally {
      this.#open = null;
    }
    return true;
  }

  #settled(open: Open, outcome: 'committed' | 'aborted' | 'unknown'): void {
    const { group, input: topic } = this.#options;
    const offsets = [...open.offsets].map(([partition, offset]) => ({ topic, partition, offset }));
    const { startMs, records } = open;
    this.#history.transaction({ producer: this.#client.name, startMs, group, outcome, records, offsets });
  }

  async #produceAll(open: Open, inputs: readonly Input[]): Promise<void> {
    const { output, input } = this.#options;
    while (this.#client.partitionsOf(output).length === 0) await this.#client.refresh(output);
    const partitions = this.#client.partitionsOf(output);
    const byPartition = new Map<number, TransactionRecord[]>();
    for (const { partition: from, record } of inputs) {
      const partition = partitions[this.#client.random.below(partitions.length)] ?? 0;
      const source = { topic: input, partition: from, offset: record.offset };
      const copy = { producer: this.#client.name, number: this.#nextNumber++, topic: output, partition, source };
      byPartition.set(partition, [...(byPartition.get(partition) ?? []), copy]);
    }
    if (this.#options.version === 1) await this.#addPartitions([...byPartition.keys()]);
    for (const [partition, copies] of byPartition) {
      for (const { number } of copies) this.#history.sent(this.#client.name, number, output, partition);
      open.records.push(...copies);
      await this.#produce(partition, copies);
      await this.#maybeDawdle();
    }
  }

  /** With nothing open: a new life that comes now finds no transaction of this one to end. */
  async #maybeRest(): Promise<void> {
    const { random } = this.#client;
    if (random.below(4) === 0) await this.#client.sleep(random.below(400));
  }

  /** Long enough for something to happen in the middle of a transaction. */
  async #maybeDawdle(): Promise<void> {
    const { random } = this.#client;
    if (random.below(4) === 0) await this.#client.sleep(random.below(200));
  }

  async #addPartitions(partitions: readonly number[]): Promise<void> {
    const { output, transactionalId } = this.#options;
    await this.#until('AddPartitionsToTxn', async () => {
      const request = {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: this.#identity.producerId,
        v3AndBelowProducerEpoch: this.#identity.producerEpoch,
        v3AndBelowTopics: [{ name: output, partitions: [...partitions] }],
      };
      const answer = await this.#coordinated(1, transactionalId, addPartitionsToTxnApi, request, 3);
      return firstError(answer?.resultsByTopicV3AndBelow[0]?.resultsByPartition.map((each) => each.partitionErrorCode));
    });
  }

  async #produce(partition: number, copies: readonly TransactionRecord[]): Promise<void> {
    const { output, transactionalId, version } = this.#options;
    const baseSequence = this.#sequences.get(partition) ?? 0;
    const { producerId, producerEpoch } = this.#identity;
    const timestamp = this.#client.clock.wallMs();
    const rows = copies.map((copy) => ({ key: null, value: Buffer.from(nameToText(copy)), timestamp }));
    await this.#until(`Produce to ${partition}`, async () => {
      const leader = this.#client.leaderOf(output, partition);
      if (leader === null) {
        await this.#client.refresh(output);
        return null;
      }
      const records = buildBatch({ producerId, producerEpoch, baseSequence, isTransactional: true }, rows);
      const topicData = [{ name: output, partitionData: [{ index: partition, records }] }];
      const request = { transactionalId, acks: -1, timeoutMs: 1500, topicData };
      const answer = await this.#client.ask(leader.id, produceApi, request, version === 2 ? versionWithNames : 9);
      const code = answer?.responses[0]?.partitionResponses[0]?.errorCode ?? null;
      if (code !== ErrorCode.NONE) await this.#client.refresh(output);
      return code === ErrorCode.DUPLICATE_SEQUENCE_NUMBER ? ErrorCode.NONE : code;
    });
    this.#sequences.set(partition, baseSequence + copies.length);
  }

  async #commitOffsets(open: Open, inputs: readonly Input[]): Promise<void> {
    const { transactionalId, group, input, version } = this.#options;
    for (const { partition, record } of inputs) open.offsets.set(partition, record.offset + 1);
    const identity = { transactionalId, ...this.#identity };
    if (version === 1) {
      await this.#until('AddOffsetsToTxn', async () => {
        const request = { ...identity, groupId: group };
        return (await this.#coordinated(1, transactionalId, addOffsetsToTxnApi, request, 3))?.errorCode ?? null;
      });
    }
    const partitions = [...open.offsets].map(([partitionIndex, committedOffset]) => ({
      ...{ partitionIndex, committedOffset, committedMetadata: '' },
    }));
    await this.#until('TxnOffsetCommit', async () => {
      const request = { ...identity, groupId: group, topics: [{ name: input, partitions }] };
      const answer = await this.#coordinated(0, group, txnOffsetCommitApi, request, version === 2 ? 5 : 3);
      return firstError(answer?.topics[0]?.partitions.map((each) => each.errorCode));
    });
    await this.#maybeDawdle();
  }

  async #end(committed: boolean): Promise<void> {
    const { transactionalId, version } = this.#options;
    await this.#until('EndTxn', async () => {
      const request = { transactionalId, ...this.#identity, committed };
      const startMs = this.#client.nowMs;
      const coordinator = this.#coordinators.get(`1 ${transactionalId}`);
      if (coordinator !== undefined) this.#history.onEnding(coordinator);
      const answer = await this.#coordinated(1, transactionalId, endTxnApi, request, version === 2 ? 5 : 3);
      if (answer?.errorCode === ErrorCode.NONE && version === 2) {
        this.#is(answer, startMs, false);
        this.#sequences.clear();
      }
      return answer?.errorCode ?? null;
    });
  }

  /** Null of an attempt: no answer came. */
  async #until(what: string, attempt: () => Promise<number | null>): Promise<void> {
    let code: number | null = null;
    for (let count = 0; count < attemptsMax; count++) {
      code = await attempt();
      if (code === ErrorCode.NONE) return;
      if (code !== null && !retriable.has(code)) throw new Refused(`${what}: ${errorName(code)}`);
      await this.#client.sleep(retryMs);
    }
    throw new Refused(`${what}: no end of it, ${code === null ? 'no answer' : errorName(code)}`);
  }

  async #coordinated<Q, P>(keyType: 0 | 1, key: string, api: Api<Q, P>, request: Writable<Q>, version = 5) {
    const name = `${keyType} ${key}`;
    const known = this.#coordinators.get(name) ?? (await this.#findCoordinator(keyType, key));
    if (known === null) return null;
    this.#coordinators.set(name, known);
    const answer = await this.#client.ask(known, api, request, version);
    // Whatever is wrong, another one may have become the coordinator.
    if (answer === null || !isFlawless(answer)) this.#coordinators.delete(name);
    return answer;
  }

  async #findCoordinator(keyType: 0 | 1, key: string): Promise<number | null> {
    const request = { keyType, coordinatorKeys: [key] };
    const found = (await this.#client.ask(this.#client.anyBroker(), findCoordinatorApi, request, 4))?.coordinators[0];
    return found?.errorCode === ErrorCode.NONE ? found.nodeId : null;
  }
}

function firstError(codes: readonly number[] | undefined): number | null {
  if (codes === undefined) return null;
  return codes.find((code) => code !== ErrorCode.NONE) ?? ErrorCode.NONE;
}

function isFlawless(answer: unknown): boolean {
  return !/"\w*rrorCode":[^0]/.test(JSON.stringify(answer));
}
