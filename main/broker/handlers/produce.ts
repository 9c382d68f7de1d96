// Produce, versions 3 to 13 (0 to 2 are advertised for librdkafka and refused). KIP-98, 467, 516, 951.
// A transaction's first batch waits for its coordinator's word (KIP-890); what comes behind it on the same connection
// waits too, so that the order stays.

import { assert } from '../../core/assert.ts';
import { toTopicId, zeroTopicId } from '../../core/ids.ts';
import type { Handler, RequestContext } from '../../net/handler.ts';
import { CloseConnection } from '../../net/router.ts';
import { ErrorCode, errorName } from '../../protocol/errors.ts';
import type { ProduceRequest, ProduceResponse } from '../../protocol/messages/produce.ts';
import type { Writable } from '../../protocol/schema.ts';
import { isCompressionReady, prepareCompression } from '../../records/compression/compression.ts';
import { RecordBatch, recordBatchOverheadBytes } from '../../records/record-batch.ts';
import { checkProduceRecords, compressionNeededBy } from '../../records/validation.ts';
import type { AppendOutcome, AppendTarget } from '../../replication/appends.ts';
import { failedAppend } from '../../replication/appends.ts';
import type { Partition } from '../../replication/partition.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';
import { produceErrorOf, type TransactionVerification, type Verification } from '../transaction-verification.ts';
import { isInternalTopic } from '../../metadata/internal-topics.ts';
import { LeaderHints } from './leader-hints.ts';

export type ProduceCounters = { produceRequests: number; failedProduceRequests: number };

export type ProduceDependencies = {
  readonly replicas: ReplicaManager;
  readonly transactionVerification: TransactionVerification;
  readonly counters: ProduceCounters;
};

type Answer = Writable<ProduceResponse> | null | Promise<Writable<ProduceResponse> | null>;

/** From this version on an answer names the new leader and its endpoint; an older one has no room for them. */
const leaderHintVersionMin = 10;
/** First versions whose clients understand TRANSACTION_ABORTABLE, and leave adding partitions to the broker. */
const abortableFrom = 11;
const addsFrom = 12;

/** The one client that Kafka lets write to internal topics. */
const adminClientId = '__admin_client';

/** A partition of the request: what is appended, or the outcome that is settled already. */
type Part = { readonly index: number; target: AppendTarget | null; outcome: AppendOutcome };

type TopicParts = { readonly name: string; readonly topicId: string; readonly parts: Part[] };

export function createProduceHandler(
  dependencies: ProduceDependencies,
): Handler<ProduceRequest, Writable<ProduceResponse>> {
  const { replicas, transactionVerification, counters } = dependencies;
  /** Connections with a request that waits for a transaction coordinator: until it, and what queues behind it, is in. */
  const verifying = new Map<string, Promise<void>>();
  /** While a codec is being loaded later requests queue behind it: their order is promised. */
  let preparing: Promise<void> | null = null;

  function serve(context: RequestContext, request: ProduceRequest): Answer {
    const { connectionId } = context;
    const before = verifying.get(connectionId);
    if (before === undefined && request.transactionalId === null)
      return append(context, request, read(context, request));
    if (before === undefined) return inTurn(connectionId, begin(context, request));
    const turn = before.then(() => begin(context, request));
    const answer = turn.then((started) => started.answer);
    queue(
      connectionId,
      turn.then((started) => started.appended),
    );
    return answer;
  }

  function inTurn(connectionId: string, { answer, appended }: Started): Answer {
    if (appended !== undefined) queue(connectionId, appended);
    return answer;
  }

  function queue(connectionId: string, turn: Promise<void>): void {
    // What went wrong is told with the answer.
    const over = turn.catch(() => undefined);
    verifying.set(connectionId, over);
    void over.then(() => {
      if (verifying.get(connectionId) === over) verifying.delete(connectionId);
    });
  }

  /** `appended`: settles once the batches are in the log, where that is not so yet. */
  function begin(context: RequestContext, request: ProduceRequest): Started {
    const topics = read(context, request);
    const verified = verifyTransaction(transactionVerification, context, request, topics);
    if (verified === undefined) return { answer: append(context, request, topics), appended: undefined };
    // Registered first, so it runs before whoever waits for its turn.
    const answer = verified.then(() => append(context, request, topics));
    return { answer, appended: verified };
  }

  function read(context: RequestContext, request: ProduceRequest): TopicParts[] {
    counters.produceRequests++;
    return readRequest(replicas, context, request);
  }

  function append(context: RequestContext, request: ProduceRequest, topics: TopicParts[]): Answer {
    const targets: AppendTarget[] = [];
    for (const topic of topics) for (const part of topic.parts) if (part.target !== null) targets.push(part.target);
    const timeoutMs = Math.max(0, request.timeoutMs);
    const outcomes = replicas.appendRecords(targets, { acks: request.acks, timeoutMs, origin: 'client' });
    if (outcomes instanceof Promise) return outcomes.then((settled) => respond(context, request, topics, settled));
    return respond(context, request, topics, outcomes);
  }

  function respond(
    context: RequestContext,
    request: ProduceRequest,
    topics: TopicParts[],
    outcomes: readonly AppendOutcome[],
  ): Writable<ProduceResponse> | null {
    let next = 0;
    let failed: AppendOutcome | null = null;
    for (const topic of topics) {
      for (const part of topic.parts) {
        if (part.target !== null) part.outcome = outcomes[next++] ?? part.outcome;
        if (part.outcome.errorCode !== ErrorCode.NONE) failed = part.outcome;
      }
    }
    if (failed !== null) counters.failedProduceRequests++;
    if (request.acks !== 0) return toResponse(replicas, topics, context);
    if (failed === null) return null;
    // With acks=0 an error can't be told any other way.
    throw new CloseConnection(
      `a produce request with acks=0 failed: ${errorName(failed.errorCode)}; the connection is closed`,
    );
  }

  return (context, request) => {
    const needed = preparing === null && needsPreparation(request);
    if (preparing === null && !needed) return serve(context, request);
    if (preparing === null) {
      const done = prepareCompression('zstd').finally(() => {
        if (preparing === done) preparing = null;
      });
      preparing = done;
    }
    return preparing.then(() => serve(context, request));
  };
}

function needsPreparation(request: ProduceRequest): boolean {
  if (isCompressionReady('zstd')) return false;
  for (const topic of request.topicData) {
    for (const { records } of topic.partitionData)
      if (records !== null && compressionNeededBy(records) !== null) return true;
  }
  return false;
}

function readRequest(replicas: ReplicaManager, context: RequestContext, request: ProduceRequest): TopicParts[] {
  const refusal = requestError(request);
  const topics: TopicParts[] = [];
  for (const { name, topicId, partitionData } of request.topicData) {
    const parts: Part[] = [];
    topics.push({ name, topicId, parts });
    for (const { index, records } of partitionData) {
      const found = refusal ?? findPartition(replicas, context, name, topicId, index);
      const error =
        typeof found === 'number' ? found : (checkProduceRecords(records, context.apiVersion)?.errorCode ?? null);
      if (error !== null || typeof found === 'number') {
        parts.push({ index, target: null, outcome: failedAppend(error ?? ErrorCode.UNKNOWN_SERVER_ERROR) });
      } else {
        assert(records !== null, 'records were checked');
        parts.push({
          index,
          target: { partition: found, records },
          outcome: failedAppend(ErrorCode.UNKNOWN_SERVER_ERROR),
        });
      }
    }
  }
  return topics;
}

type Started = { readonly answer: Answer; readonly appended: Promise<void> | undefined };

/** Gives transactional targets their guards and takes out those that may not be written; undefined: done at once. */
function verifyTransaction(
  verification: TransactionVerification,
  { apiVersion }: RequestContext,
  { transactionalId }: ProduceRequest,
  topics: readonly TopicParts[],
): Promise<void> | undefined {
  if (transactionalId === null) return undefined;
  const parts: { readonly part: Part; readonly partition: Partition; readonly batch: RecordBatch }[] = [];
  for (const topic of topics) {
    for (const part of topic.parts) {
      if (part.target === null || typeof part.target.partition === 'number') continue;
      const batch = new RecordBatch(part.target.records);
      if (batch.hasProducerId && batch.isTransactional) parts.push({ part, partition: part.target.partition, batch });
    }
  }
  const [first] = parts;
  if (first === undefined) return undefined;
  const { producerId, producerEpoch } = first.batch;
  if (parts.some(({ batch }) => batch.producerId !== producerId || batch.producerEpoch !== producerEpoch)) {
    for (const { part } of parts) refuse(part, ErrorCode.INVALID_PRODUCER_ID_MAPPING, null);
    return undefined;
  }
  const operation = apiVersion >= addsFrom ? 'add' : apiVersion >= abortableFrom ? 'verify-abortable' : 'verify';
  const targets = parts.map(({ partition, batch }) => ({ partition, baseSequence: batch.baseSequence }));
  const take = (verifications: readonly Verification[]): void => {
    for (const [index, { part }] of parts.entries()) {
      const found = verifications[index];
      if (found === undefined || part.target === null) continue;
      if (found.errorCode === ErrorCode.NONE) part.target = { ...part.target, verificationGuard: found.guard };
      else {
        const { errorCode, errorMessage } = produceErrorOf(found.errorCode, operation);
        refuse(part, errorCode, errorMessage);
      }
    }
  };
  const verified = verification.verify({ transactionalId, producerId, producerEpoch }, operation, targets, true);
  if (verified instanceof Promise) return verified.then(take);
  take(verified);
  return undefined;
}

function refuse(part: Part, errorCode: number, errorMessage: string | null): void {
  part.target = null;
  part.outcome = failedAppend(errorCode, errorMessage);
}

/** An error that holds for all partitions of the request. */
function requestError(request: ProduceRequest): number | null {
  for (const topic of request.topicData) {
    for (const { records } of topic.partitionData) {
      if (records === null || records.length < recordBatchOverheadBytes) continue;
      const batch = new RecordBatch(records);
      if (batch.magic < 2 || !batch.isTransactional) continue;
      // Kafka asks for the right to the id and finds none when there is no id.
      if (request.transactionalId === null) return ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    }
  }
  return request.acks === -1 || request.acks === 0 || request.acks === 1 ? null : ErrorCode.INVALID_REQUIRED_ACKS;
}

function findPartition(
  replicas: ReplicaManager,
  context: RequestContext,
  name: string,
  topicId: string,
  index: number,
): Partition | number {
  const found =
    context.apiVersion >= 13 ? replicas.find(toTopicId(topicId), '', index) : replicas.findByName(name, index);
  if (typeof found === 'number') return found;
  if (context.clientId !== adminClientId && isInternalTopic(found.topic)) return ErrorCode.INVALID_TOPIC_EXCEPTION;
  return found;
}

function toResponse(
  replicas: ReplicaManager,
  topics: readonly TopicParts[],
  { apiVersion, listenerName }: RequestContext,
): Writable<ProduceResponse> {
  let hints: LeaderHints | null = null;
  const responses = topics.map(({ name, topicId, parts }) => ({
    name,
    topicId,
    partitionResponses: parts.map(({ index, outcome }) => {
      const row = { index, ...outcome };
      if (apiVersion < leaderHintVersionMin || outcome.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) return row;
      hints ??= new LeaderHints(replicas, listenerName);
      const id = topicId === zeroTopicId ? zeroTopicId : toTopicId(topicId);
      return { ...row, currentLeader: hints.leaderOf(id, name, index) };
    }),
  }));
  return { responses, nodeEndpoints: endpointsOf(hints) };
}

function endpointsOf(hints: LeaderHints | null): LeaderHints['nodeEndpoints'] {
  return hints === null ? [] : hints.nodeEndpoints;
}
