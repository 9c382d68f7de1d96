// One process of a read-process-write program: reads a topic, writes a copy of each record to another, and commits how
// far it read: before writing (at most once), after (at least once), or both in one transaction (exactly once). It can be
// killed or frozen between its two writes, where the difference shows.

import type { ClientMark } from '../../api/drill-views.ts';
import { ClusterClient } from '../../cluster/cluster-client.ts';
import type { NodeEndpoint } from '../../net/node-connections.ts';
import { ErrorCode, errorName, isRetriable } from '../../protocol/errors.ts';
import { endTxnApi } from '../../protocol/messages/end-txn.ts';
import { fetchApi } from '../../protocol/messages/fetch.ts';
import { findCoordinatorApi } from '../../protocol/messages/find-coordinator.ts';
import { initProducerIdApi } from '../../protocol/messages/init-producer-id.ts';
import { offsetCommitApi } from '../../protocol/messages/offset-commit.ts';
import { offsetFetchApi } from '../../protocol/messages/offset-fetch.ts';
import { produceApi } from '../../protocol/messages/produce.ts';
import { txnOffsetCommitApi } from '../../protocol/messages/txn-offset-commit.ts';
import { buildBatch } from '../../records/batch-builder.ts';
import { batchesIn } from '../../records/record-batch.ts';
import { RecordCursor } from '../../records/record.ts';
import type { Random, Runtime } from '../../runtime/runtime.ts';
import type { CopierPlan } from '../drill-plan.ts';

export type CopierOptions = {
  readonly runtime: Pick<Runtime, 'clock' | 'network'>;
  readonly random: Random;
  readonly bootstrap: readonly NodeEndpoint[];
  readonly plan: CopierPlan;
  /** Group and transactional id: the same for every process of the program. */
  readonly identity: string;
  readonly from: string;
  readonly to: string;
  /** `ledger-1`: its lane. */
  readonly name: string;
  tell(mark: Omit<ClientMark, 'count' | 'untilMs'>): void;
  copied(count: number): void;
  fenced(): void;
};

const requestTimeoutMs = 3000;
const transactionTimeoutMs = 60_000;
const retryMs = 50;
const idleMs = 20;
const partitionMaxBytes = 65_536;

/** Another process has the program's transactional id: this one may not write any more. */
class Fenced extends Error {
  override readonly name = 'Fenced';
}
class Ended extends Error {
  override readonly name = 'Ended';
}

const fencing: ReadonlySet<number> = new Set([
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.INVALID_TXN_STATE,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
]);

type Turn = { readonly partition: number; readonly offsets: readonly number[]; readonly next: number };

export class Copier {
  readonly #options: CopierOptions;
  readonly #client: ClusterClient;
  /** By partition of the input. */
  readonly #positions = new Map<number, number>();
  readonly #sequences = new Map<number, number>();
  #producer = { id: -1, epoch: -1 };
  #state: 'running' | 'stopping' | 'ended' = 'running';
  #dieBetween = false;
  #freezeBetween = false;
  #thaw: (() => void) | null = null;
  #isFrozen = false;
  #done: Promise<void> = Promise.resolve();
  /** Partitions that were read to their end since they were asked about. */
  #seenEmpty = new Set<number>();

  constructor(options: CopierOptions) {
    this.#options = options;
    const { runtime, random, bootstrap, name } = options;
    this.#client = new ClusterClient({
      runtime: { ...runtime, random },
      bootstrap,
      clientId: name,
      connectTimeoutMs: 1000,
      requestTimeoutMs,
    });
  }

  get name(): string {
    return this.#options.name;
  }

  get isEnded(): boolean {
    return this.#state === 'ended';
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Dies between its two writes, the next time it is there. Resolves when it is gone. */
  async crash(): Promise<void> {
    this.#dieBetween = true;
    await this.#done;
  }

  /** Stands still between its two writes, the next time it is there, as in a long pause of its garbage collector. */
  async freeze(): Promise<void> {
    this.#freezeBetween = true;
    while (!this.#isFrozen && this.#state === 'running') await this.#pause(idleMs);
  }

  thaw(): void {
    this.#thaw?.();
  }

  /** Ends after the turn at hand. */
  async stop(): Promise<void> {
    if (this.#state === 'running') this.#state = 'stopping';
    this.thaw();
    await this.#done;
  }

  /** Whether it has copied all that is there, judged from now on. */
  beginDrain(): void {
    this.#seenEmpty = new Set();
  }

  get isDrained(): boolean {
    const count = this.#client.topic(this.#options.from)?.partitions.length ?? 0;
    return count > 0 && this.#seenEmpty.size === count;
  }

  async #run(): Promise<void> {
    this.#tell('joined', 'begins');
    while (this.#state === 'running') {
      try {
        await this.#begin();
        while (this.#state === 'running') if (!(await this.#turn())) await this.#pause(idleMs);
      } catch (error) {
        if (error instanceof Ended) break;
        if (error instanceof Fenced) {
          this.#tell('failed', `fenced: ${error.message}`);
          this.#options.fenced();
          break;
        }
        this.#tell('error', error instanceof Error ? error.message : String(error));
        await this.#pause(retryMs);
      }
    }
    this.#state = 'ended';
    this.#client.close();
  }

  /** Its producer id, and where the program got to. */
  async #begin(): Promise<void> {
    const { from, to, plan, identity } = this.#options;
    await this.#client.refresh([from, to]);
    this.#sequences.clear();
    if (plan.mode === 'exactly-once') {
      await this.#retried('InitProducerId', async () => {
        const answer = await this.#client.send(await this.#transactionCoordinator(), initProducerIdApi, {
          transactionalId: identity,
          transactionTimeoutMs,
        });
        if (answer.errorCode === ErrorCode.NONE) {
          this.#producer = { id: answer.producerId, epoch: answer.producerEpoch };
        }
        return answer.errorCode;
      });
    }
    await this.#retried('OffsetFetch', () => this.#fetchPositions());
  }

  async #fetchPositions(): Promise<number> {
    const { from, identity } = this.#options;
    const known = this.#client.topic(from);
    const partitionIndexes = [...(known?.partitions.keys() ?? [])];
    const answer = await this.#client.send(await this.#client.coordinatorOf(identity), offsetFetchApi, {
      groups: [{ groupId: identity, topics: [{ name: from, topicId: known?.topicId ?? '', partitionIndexes }] }],
      requireStable: true,
    });
    const group = answer.groups[0];
    const partitions = group?.topics[0]?.partitions ?? [];
    const failed = partitions.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
    if (group !== undefined && group.errorCode !== ErrorCode.NONE) return group.errorCode;
    if (failed !== undefined) return failed.errorCode;
    for (const { partitionIndex, committedOffset } of partitions) {
      this.#positions.set(partitionIndex, Math.max(0, committedOffset));
    }
    return ErrorCode.NONE;
  }

  /** False when there was nothing to copy. */
  async #turn(): Promise<boolean> {
    let any = false;
    for (const partition of [...this.#positions.keys()]) {
      if (this.#state !== 'running') return any;
      const turn = await this.#read(partition);
      if (turn === null) {
        this.#seenEmpty.add(partition);
        continue;
      }
      any = true;
      await this.#copy(turn);
      this.#positions.set(partition, turn.next);
      this.#options.copied(turn.offsets.length);
    }
    return any;
  }

  async #read(partition: number): Promise<Turn | null> {
    const { from, plan } = this.#options;
    const fetchOffset = this.#positions.get(partition) ?? 0;
    const topicId = this.#client.topic(from)?.topicId ?? '';
    const answer = await this.#client.send(this.#client.leaderOf(from, partition), fetchApi, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: partitionMaxBytes,
      isolationLevel: 1,
      topics: [{ topic: from, topicId, partitions: [{ partition, fetchOffset, partitionMaxBytes }] }],
    });
    const part = answer.responses[0]?.partitions[0];
    const code = part?.errorCode ?? answer.errorCode;
    if (code !== ErrorCode.NONE) throw new Error(`${errorName(code)} from ${from}-${partition}`);
    const offsets: number[] = [];
    for (const batch of batchesIn(part?.records ?? Buffer.alloc(0))) {
      const cursor = new RecordCursor(batch);
      while (cursor.next() && offsets.length < plan.batch)
        if (cursor.offset >= fetchOffset) offsets.push(cursor.offset);
    }
    const last = offsets.at(-1);
    return last === undefined ? null : { partition, offsets, next: last + 1 };
  }

  async #copy(turn: Turn): Promise<void> {
    switch (this.#options.plan.mode) {
      case 'at-most-once':
        await this.#commit(turn);
        await this.#between();
        // Once: what is not answered is given up, since a second try might make a second copy.
        await this.#produceOnce(turn).catch((error: unknown) => this.#tell('error', String(error)));
        return;
      case 'at-least-once':
        await this.#retried('Produce', () => this.#produceOnce(turn));
        await this.#between();
        await this.#commit(turn);
        return;
      case 'exactly-once':
        await this.#retried('Produce', () => this.#produceOnce(turn));
        await this.#retried('TxnOffsetCommit', () => this.#commitInTransaction(turn));
        await this.#between();
        await this.#retried('EndTxn', () => this.#endTransaction());
        return;
    }
  }

  /** Where it dies or freezes when asked to. */
  async #between(): Promise<void> {
    if (this.#dieBetween) {
      this.#tell('crashed', 'crashed between its two writes');
      throw new Ended();
    }
    if (!this.#freezeBetween) return;
    this.#freezeBetween = false;
    this.#tell('note', 'frozen between its two writes');
    this.#isFrozen = true;
    await new Promise<void>((resolve) => (this.#thaw = resolve));
    this.#isFrozen = false;
    this.#thaw = null;
    this.#tell('note', 'thawed: goes on as if nothing had happened');
  }

  async #produceOnce(turn: Turn): Promise<number> {
    const { from, to, plan, identity, runtime } = this.#options;
    const known = this.#client.topic(to);
    const index = turn.partition % Math.max(1, known?.partitions.length ?? 1);
    const isTransactional = plan.mode === 'exactly-once';
    const timestamp = runtime.clock.wallMs();
    const baseSequence = this.#sequences.get(index) ?? 0;
    const records = buildBatch(
      isTransactional
        ? { isTransactional, producerId: this.#producer.id, producerEpoch: this.#producer.epoch, baseSequence }
        : {},
      turn.offsets.map((offset) => ({ key: null, value: copyName(from, turn.partition, offset), timestamp })),
    );
    const answer = await this.#client.send(this.#client.leaderOf(to, index), produceApi, {
      transactionalId: isTransactional ? identity : null,
      acks: -1,
      timeoutMs: requestTimeoutMs,
      topicData: [{ name: to, topicId: known?.topicId ?? '', partitionData: [{ index, records }] }],
    });
    const code = answer.responses[0]?.partitionResponses[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    if (code === ErrorCode.NONE) this.#sequences.set(index, baseSequence + turn.offsets.length);
    return code;
  }

  /** Without a membership, as a program that assigns its partitions itself. */
  async #commit(turn: Turn): Promise<void> {
    const { from, identity } = this.#options;
    await this.#retried('OffsetCommit', async () => {
      const partitions = [{ partitionIndex: turn.partition, committedOffset: turn.next, committedMetadata: '' }];
      const answer = await this.#client.send(await this.#client.coordinatorOf(identity), offsetCommitApi, {
        groupId: identity,
        generationIdOrMemberEpoch: -1,
        memberId: '',
        topics: [{ name: from, topicId: this.#client.topic(from)?.topicId ?? '', partitions }],
      });
      return answer.topics[0]?.partitions[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    });
  }

  async #commitInTransaction(turn: Turn): Promise<number> {
    const { from, identity } = this.#options;
    const partitions = [{ partitionIndex: turn.partition, committedOffset: turn.next, committedMetadata: '' }];
    const answer = await this.#client.send(await this.#client.coordinatorOf(identity), txnOffsetCommitApi, {
      ...this.#identity(),
      groupId: identity,
      generationId: -1,
      memberId: '',
      topics: [{ name: from, partitions }],
    });
    return answer.topics[0]?.partitions[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
  }

  async #endTransaction(): Promise<number> {
    const answer = await this.#client.send(await this.#transactionCoordinator(), endTxnApi, {
      ...this.#identity(),
      committed: true,
    });
    if (answer.errorCode === ErrorCode.NONE && answer.producerId >= 0) {
      // Every end raises the epoch (KIP-890), and sequences begin anew with it.
      if (answer.producerEpoch !== this.#producer.epoch) this.#sequences.clear();
      this.#producer = { id: answer.producerId, epoch: answer.producerEpoch };
    }
    return answer.errorCode;
  }

  #identity() {
    const { id: producerId, epoch: producerEpoch } = this.#producer;
    return { transactionalId: this.#options.identity, producerId, producerEpoch };
  }

  async #transactionCoordinator(): Promise<number> {
    const coordinatorKeys = [this.#options.identity];
    const answer = await this.#client.sendToAny(findCoordinatorApi, { keyType: 1, coordinatorKeys });
    const found = answer.coordinators[0] ?? answer;
    if (found.errorCode !== ErrorCode.NONE) throw new Error(errorName(found.errorCode));
    return found.nodeId;
  }

  /** Again until it is done; throws when it can't be any more. */
  async #retried(what: string, attempt: () => Promise<number>): Promise<void> {
    while (this.#state !== 'ended') {
      let said: string;
      try {
        const code = await attempt();
        if (code === ErrorCode.NONE) return;
        if (fencing.has(code)) throw new Fenced(`${what} was refused with ${errorName(code)}`);
        if (!isRetriable(code)) throw new Error(`${what}: ${errorName(code)}`);
        said = errorName(code);
      } catch (error) {
        if (error instanceof Fenced || this.#options.plan.mode === 'at-most-once') throw error;
        said = error instanceof Error ? error.message : String(error);
      }
      this.#tell('error', `${what}: ${said}`);
      await this.#pause(retryMs);
      const { from, to, identity } = this.#options;
      this.#client.forgetCoordinator(identity);
      await this.#client.refresh([from, to]).catch(() => undefined);
    }
    throw new Ended();
  }

  #tell(kind: ClientMark['kind'], text: string): void {
    const { runtime, name, tell } = this.#options;
    tell({ atMs: runtime.clock.monotonicMs(), client: name, kind, text });
  }

  #pause(ms: number): Promise<void> {
    const { clock } = this.#options.runtime;
    return new Promise((resolve) => clock.at(clock.monotonicMs() + ms, resolve));
  }
}

/** What a copy says of the record that it is of; no producer of a drill writes such values. */
function copyName(topic: string, partition: number, offset: number): Buffer {
  return Buffer.from(`copy of ${topic} ${partition} ${offset}`);
}

export function originOf(value: string): string | null {
  return /^copy of \S+ (\d+ \d+)$/.exec(value)?.[1] ?? null;
}
