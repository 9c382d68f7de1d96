// Puts quotas around the handlers of the client listener: what a request uses is counted, the answer tells the time to
// wait, and the connection is left unread for as long (KIP-219). Without any quota a request passes as it is.

import type { RequestContext } from '../../net/handler.ts';
import type { Route } from '../../net/route.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { fetchApi, type FetchRequest, type FetchResponse } from '../../protocol/messages/fetch.ts';
import { produceApi } from '../../protocol/messages/produce.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { Clock } from '../../runtime/runtime.ts';
import type { ClientQuotas } from './client-quotas.ts';

type Answer = unknown;

/** Requests between nodes are never slowed down for their use of threads. */
const exemptApis: ReadonlySet<string> = new Set([
  'WriteTxnMarkers',
  'ApiVersions',
  'SaslHandshake',
  'SaslAuthenticate',
]);
const noReplica = -1;
/** A percentage of one thread, from milliseconds of it. */
const percentOfThread = 0.1;

export function throttledRoutes(routes: readonly Route[], quotas: ClientQuotas, clock: Clock): Route[] {
  return routes.map((route) => {
    if (exemptApis.has(route.api.name)) return route;
    const { handler } = route;
    return {
      ...route,
      handler: (context, request) =>
        quotas.isIdle ? handler(context, request) : throttled({ route, quotas, clock }, context, request),
    };
  });
}

type Surroundings = { readonly route: Route; readonly quotas: ClientQuotas; readonly clock: Clock };

function throttled(
  { route, quotas, clock }: Surroundings,
  context: RequestContext,
  asked: unknown,
): Answer | Promise<Answer> {
  const isFetch = route.api.key === fetchApi.key;
  if (isFetch && isFollower(asked as FetchRequest)) return route.handler(context, asked);
  const request = isFetch ? withinQuota(quotas, context, asked as FetchRequest) : asked;
  const startedMs = clock.monotonicMs();
  const answer = route.handler(context, request);
  // What runs later, on other events, is not this request's alone: Kafka counts the thread that serves it.
  const threadMs = clock.monotonicMs() - startedMs;
  const finish = (response: Answer): Answer => {
    // The controller may have said so already, for what it was asked to change.
    const saidMs = (response as { readonly throttleTimeMs?: number } | null)?.throttleTimeMs ?? 0;
    let throttleMs = Math.max(saidMs, quotas.use('request_percentage', context, threadMs * percentOfThread));
    let finished = response;
    if (route.api.key === produceApi.key) {
      throttleMs = Math.max(throttleMs, quotas.use('producer_byte_rate', context, context.requestFrame.length));
    } else if (isFetch && response !== null) {
      const bytes = recordBytes(response as Writable<FetchResponse>);
      const bandwidthMs = quotas.use('consumer_byte_rate', context, bytes);
      throttleMs = Math.max(throttleMs, bandwidthMs);
      if (throttleMs > 0) {
        // Nothing now: the client asks again when it is let.
        quotas.giveBack('consumer_byte_rate', context, bytes);
        finished = emptied(asked as FetchRequest, response as Writable<FetchResponse>);
      }
    }
    if (throttleMs <= 0) return finished;
    quotas.mute(context.connectionId, throttleMs);
    return finished === null ? null : { ...finished, throttleTimeMs: throttleMs };
  };
  return answer instanceof Promise ? answer.then(finish) : finish(answer);
}

function isFollower({ replicaId, replicaState }: FetchRequest): boolean {
  return replicaId > noReplica || replicaState.replicaId > noReplica;
}

function withinQuota(quotas: ClientQuotas, context: RequestContext, request: FetchRequest): FetchRequest {
  const most = quotas.mostAtOnce('consumer_byte_rate', context);
  if (most >= request.maxBytes) return request;
  return { ...request, maxBytes: Math.max(1, Math.floor(most)), minBytes: Math.min(request.minBytes, most) };
}

function recordBytes({ responses }: Writable<FetchResponse>): number {
  let bytes = 0;
  for (const { partitions } of responses ?? []) {
    for (const { records } of partitions ?? []) {
      if (records === null || records === undefined) continue;
      bytes += sizeOf(records);
    }
  }
  return bytes;
}

function sizeOf(records: unknown): number {
  if (Buffer.isBuffer(records)) return records.length;
  if (Array.isArray(records)) return records.reduce<number>((sum, chunk) => sum + sizeOf(chunk), 0);
  return 0;
}

/** Nothing but the wait, as Kafka answers: an incremental session goes on, a full fetch begins again. */
function emptied({ sessionEpoch }: FetchRequest, response: Writable<FetchResponse>): Writable<FetchResponse> {
  const isIncremental = sessionEpoch > 0;
  return { errorCode: ErrorCode.NONE, sessionId: isIncremental ? (response.sessionId ?? 0) : 0, responses: [] };
}
