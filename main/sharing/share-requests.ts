// ShareFetch and ShareAcknowledge (KIP-932, 1222 renewing, 1206 strict numbers of records): what a request may say,
// the acknowledgements that come with it, and its answer put together. Kafka's KafkaApis.

import type { MetadataImage } from '../metadata/metadata-image.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import type { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '../protocol/messages/share-acknowledge.ts';
import type { ShareFetchRequest, ShareFetchResponse } from '../protocol/messages/share-fetch.ts';
import type { Writable } from '../protocol/schema.ts';
import type { Clock } from '../runtime/runtime.ts';
import type { AcknowledgedBatch, AcknowledgeType } from './in-flight-records.ts';
import type { ShareLeader } from './share-leader.ts';
import type { ShareError } from './share-partition.ts';
import { finalEpoch, type SessionPartition } from './share-sessions.ts';

type FetchRow = NonNullable<NonNullable<Writable<ShareFetchResponse>['responses']>[number]['partitions']>[number];
type AcknowledgeRow = NonNullable<
  NonNullable<Writable<ShareAcknowledgeResponse>['responses']>[number]['partitions']
>[number];

type RequestedBatches = ShareAcknowledgeRequest['topics'][number]['partitions'][number]['acknowledgementBatches'];

export type ShareRequestsOptions = {
  readonly clock: Clock;
  readonly image: () => MetadataImage;
  readonly leader: ShareLeader;
  /** `fetch.max.bytes`. */
  readonly fetchBytesMax: () => number;
};

/** Who asks, over which connection, in which version of the request. */
export type ShareRequestSource = { readonly connectionId: string; readonly apiVersion: number };

/** Partitions that a request may touch; the rest is answered with the code. */
export type ShareAccess = (topicName: string) => number;

const renewFrom = 2;
const memberIdLengthMax = 36;
const strictMode = 1;
const types: readonly AcknowledgeType[] = ['gap', 'accept', 'release', 'reject', 'renew'];

export class ShareRequests {
  readonly #options: ShareRequestsOptions;

  constructor(options: ShareRequestsOptions) {
    this.#options = options;
  }

  async fetch(
    request: ShareFetchRequest,
    source: ShareRequestSource,
    access: ShareAccess,
  ): Promise<Writable<ShareFetchResponse>> {
    const { groupId, memberId, shareSessionEpoch, isRenewAck, topics } = request;
    const mistake = identityMistake(groupId, memberId) ?? (isRenewAck ? renewMistake(request) : null);
    if (mistake !== null || groupId === null || memberId === null) {
      return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: mistake };
    }
    const { leader, clock } = this.#options;
    const asked = topics.flatMap(({ topicId, partitions }) =>
      partitions.map((each) => ({ topicId, partition: each.partitionIndex, batches: each.acknowledgementBatches })),
    );
    const acknowledged = asked.filter(({ batches }) => batches.length > 0);
    const session = leader.openSession({
      groupId,
      memberId,
      epoch: shareSessionEpoch,
      connectionId: source.connectionId,
      added: asked.map(({ topicId, partition }) => ({ topicId, partition })),
      forgotten: request.forgottenTopicsData.flatMap(({ topicId, partitions }) =>
        partitions.map((partition) => ({ topicId, partition })),
      ),
      hasAcknowledgements: acknowledged.length > 0,
    });
    if (typeof session === 'number') {
      // Whoever is turned away for want of room would come again at once.
      if (session === ErrorCode.SHARE_SESSION_LIMIT_REACHED) await pause(clock, request.maxWaitMs);
      return { errorCode: session, errorMessage: errorName(session) };
    }
    const terms = { groupId, memberId, source, isRenewAck, access };
    const outcomes = this.#acknowledgeAll(acknowledged, terms);
    const rows = isRenewAck ? new Map<string, Placed>() : await this.#read(request, groupId, memberId, session, access);
    for (const { topicId, partition, outcome } of await outcomes) {
      const key = `${topicId}:${partition}`;
      const row = rows.get(key)?.row ?? { partitionIndex: partition, records: [] };
      const { errorCode: acknowledgeErrorCode, errorMessage } = outcome;
      const acknowledgeErrorMessage = acknowledgeErrorCode === ErrorCode.NONE ? null : errorMessage;
      rows.set(key, { topicId, row: { ...row, acknowledgeErrorCode, acknowledgeErrorMessage } });
    }
    if (shareSessionEpoch === finalEpoch) void leader.closeSession(groupId, memberId);
    const acquisitionLockTimeoutMs = leader.settings(groupId).recordLockDurationMs;
    return { acquisitionLockTimeoutMs, responses: byTopic([...rows.values()]) };
  }

  async acknowledge(
    request: ShareAcknowledgeRequest,
    source: ShareRequestSource,
    access: ShareAccess,
  ): Promise<Writable<ShareAcknowledgeResponse>> {
    const { groupId, memberId, shareSessionEpoch, isRenewAck, topics } = request;
    const mistake = identityMistake(groupId, memberId);
    if (mistake !== null || groupId === null || memberId === null) {
      return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: mistake };
    }
    const { leader } = this.#options;
    const errorCode = leader.sessions.acknowledge(groupId, memberId, shareSessionEpoch);
    if (errorCode !== ErrorCode.NONE) return { errorCode, errorMessage: errorName(errorCode) };
    const asked = topics.flatMap(({ topicId, partitions }) =>
      partitions.map((each) => ({ topicId, partition: each.partitionIndex, batches: each.acknowledgementBatches })),
    );
    const outcomes = await this.#acknowledgeAll(asked, { groupId, memberId, source, isRenewAck, access });
    if (shareSessionEpoch === finalEpoch) void leader.closeSession(groupId, memberId);
    const rows = outcomes.map(({ topicId, partition, outcome }): { topicId: string; row: AcknowledgeRow } => {
      const isFine = outcome.errorCode === ErrorCode.NONE;
      const { errorCode: code } = outcome;
      return {
        topicId,
        row: { partitionIndex: partition, errorCode: code, errorMessage: isFine ? null : outcome.errorMessage },
      };
    });
    const acquisitionLockTimeoutMs = leader.settings(groupId).recordLockDurationMs;
    return { acquisitionLockTimeoutMs, responses: byTopic(rows) };
  }

  // ── parts ──

  async #read(
    { maxWaitMs, minBytes, maxBytes, maxRecords, batchSize, shareAcquireMode }: ShareFetchRequest,
    groupId: string,
    memberId: string,
    session: readonly SessionPartition[],
    access: ShareAccess,
  ): Promise<Map<string, Placed>> {
    const rows = new Map<string, Placed>();
    const put = ({ topicId, partition }: SessionPartition, row: Omit<FetchRow, 'partitionIndex'>): void =>
      void rows.set(`${topicId}:${partition}`, { topicId, row: { partitionIndex: partition, ...row } });
    const readable: SessionPartition[] = [];
    for (const each of session) {
      const errorCode = this.#refusal(each, access);
      if (errorCode === ErrorCode.NONE) readable.push(each);
      else put(each, { errorCode, errorMessage: errorName(errorCode), records: [] });
    }
    if (readable.length === 0) return rows;
    const bytes = Math.min(maxBytes, this.#options.fetchBytesMax());
    const found = await this.#options.leader.read({
      groupId,
      memberId,
      partitions: readable,
      maxWaitMs: rows.size > 0 ? 0 : maxWaitMs,
      minBytes: Math.min(minBytes, bytes),
      maxBytes: bytes,
      recordsMax: maxRecords,
      rowRecords: batchSize,
      isStrict: shareAcquireMode === strictMode,
    });
    for (const { errorCode, errorMessage, ...each } of found.unreadable) {
      put(each, { errorCode, errorMessage, records: [] });
    }
    for (const { partition, errorCode, errorMessage, records, acquired } of found.rows) {
      const message = errorCode === ErrorCode.NONE ? null : (errorMessage ?? errorName(errorCode));
      put(partition, { errorCode, errorMessage: message, records: [...records], acquiredRecords: acquired });
    }
    return rows;
  }

  #acknowledgeAll(
    asked: readonly (SessionPartition & { readonly batches: RequestedBatches })[],
    terms: {
      readonly groupId: string;
      readonly memberId: string;
      readonly source: ShareRequestSource;
      readonly isRenewAck: boolean;
      readonly access: ShareAccess;
    },
  ): Promise<(SessionPartition & { readonly outcome: ShareError })[]> {
    const { groupId, memberId, source, isRenewAck, access } = terms;
    return Promise.all(
      asked.map(async ({ topicId, partition, batches }) => {
        const each = { topicId, partition };
        const refusal = this.#refusal(each, access);
        if (refusal !== ErrorCode.NONE) return { ...each, outcome: errorOf(refusal) };
        const parsed = parsedBatches(batches, source.apiVersion >= renewFrom, isRenewAck);
        if (parsed === null) return { ...each, outcome: errorOf(ErrorCode.INVALID_REQUEST) };
        if (parsed.length === 0) return { ...each, outcome: errorOf(ErrorCode.NONE) };
        return { ...each, outcome: await this.#options.leader.acknowledge(groupId, memberId, each, parsed) };
      }),
    );
  }

  #refusal({ topicId, partition }: SessionPartition, access: ShareAccess): number {
    const topic = this.#options.image().topics.byId.get(topicId);
    if (topic === undefined) return ErrorCode.UNKNOWN_TOPIC_ID;
    const denied = access(topic.name);
    if (denied !== ErrorCode.NONE) return denied;
    return topic.partitions.has(partition) ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }
}

type Placed = { readonly topicId: string; readonly row: FetchRow };

function byTopic<Row>(
  rows: readonly { readonly topicId: string; readonly row: Row }[],
): { topicId: string; partitions: Row[] }[] {
  const topics = new Map<string, Row[]>();
  for (const { topicId, row } of rows) {
    const known = topics.get(topicId);
    if (known === undefined) topics.set(topicId, [row]);
    else known.push(row);
  }
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions }));
}

function identityMistake(groupId: string | null, memberId: string | null): string | null {
  if (groupId === null) return 'Invalid group id in the request.';
  const isValid = memberId !== null && memberId !== '' && memberId.length <= memberIdLengthMax;
  return isValid ? null : 'Invalid member id in the request.';
}

/** Renewing must not wait: by the time records came along the holds might be over. */
function renewMistake({ maxBytes, minBytes, maxRecords, maxWaitMs }: ShareFetchRequest): string | null {
  const wrong = Object.entries({ maxBytes, minBytes, maxRecords, maxWaitMs }).filter(([, value]) => value !== 0);
  if (wrong.length === 0) return null;
  return `${wrong.map(([name]) => `${name} must be set to 0, `).join('')}if isRenewAck is true.`;
}

/** Null when they make no sense. */
function parsedBatches(
  batches: RequestedBatches,
  isRenewKnown: boolean,
  isRenewAck: boolean,
): AcknowledgedBatch[] | null {
  const parsed: AcknowledgedBatch[] = [];
  let before = -1;
  for (const { firstOffset, lastOffset, acknowledgeTypes } of batches) {
    const isOrdered = firstOffset <= lastOffset && firstOffset >= before;
    const count = acknowledgeTypes.length;
    if (!isOrdered || count === 0 || (count > 1 && lastOffset - firstOffset !== count - 1)) return null;
    const named: AcknowledgeType[] = [];
    for (const code of acknowledgeTypes) {
      const type = types[code];
      if (type === undefined || (type === 'renew' && !(isRenewKnown && isRenewAck))) return null;
      named.push(type);
    }
    parsed.push({ firstOffset, lastOffset, types: named });
    before = lastOffset;
  }
  return parsed;
}

function errorOf(errorCode: number): ShareError {
  return { errorCode, errorMessage: errorName(errorCode) };
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.at(clock.monotonicMs() + Math.max(0, ms), resolve));
}
