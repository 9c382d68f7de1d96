// What a broker passes on to the active controller: topics, partitions, elections, reassignments, settings, features.
// Versions: all that Kafka 4.3.1 serves on this listener. The controller decides; nothing is checked here.

import type { RequestContext } from '../../net/handler.ts';
import { route, type Route } from '../../net/route.ts';
import { readResponseHeader } from '../../protocol/headers.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { addRaftVoterApi } from '../../protocol/messages/add-raft-voter.ts';
import { describeQuorumApi } from '../../protocol/messages/describe-quorum.ts';
import { removeRaftVoterApi } from '../../protocol/messages/remove-raft-voter.ts';
import type { Api, Writable } from '../../protocol/schema.ts';
import { WireReader } from '../../protocol/wire-reader.ts';
import { controllerApis, type ControllerApi } from '../../controller/controller-apis.ts';
import { ControllerUnavailableError, type ControllerChannel } from '../controller-channel.ts';

type Forwarded = Pick<ControllerApi, 'api' | 'failed'>;

/** A client's own limit where it gives none, or an unreasonable one. */
const forwardTimeoutMsMax = 60_000;
const defaultForwardTimeoutMs = 30_000;

/** Passed on too, though the controller does not decide it: raft answers. */
const quorumApis: readonly Forwarded[] = [
  { api: describeQuorumApi as Api, failed: (_request, { errorCode }) => ({ errorCode }) },
  { api: addRaftVoterApi as Api, failed: (_request, failure) => failure },
  { api: removeRaftVoterApi as Api, failed: (_request, failure) => failure },
];

export function forwardingRoutes(channel: ControllerChannel): Route[] {
  const forwarded: readonly Forwarded[] = [...controllerApis.filter((served) => served.isForwarded), ...quorumApis];
  return forwarded.map((served) =>
    route(served.api, { listeners: ['client'] }, (context, request) => forward(channel, served, context, request)),
  );
}

async function forward(
  channel: ControllerChannel,
  served: Forwarded,
  context: RequestContext,
  request: unknown,
): Promise<Writable<unknown>> {
  try {
    const frame = await channel.forward(context, { timeoutMs: timeoutOf(request) });
    const reader = new WireReader(frame);
    readResponseHeader(reader, served.api, context.apiVersion);
    return served.api.response.decode(reader, context.apiVersion) as Writable<unknown>;
  } catch (error) {
    if (!(error instanceof ControllerUnavailableError)) throw error;
    return served.failed(
      request,
      { errorCode: ErrorCode.REQUEST_TIMED_OUT, errorMessage: error.message },
      context.apiVersion,
    );
  }
}

function timeoutOf(request: unknown): number {
  const given = typeof request === 'object' && request !== null && 'timeoutMs' in request ? request.timeoutMs : null;
  if (typeof given !== 'number' || given <= 0) return defaultForwardTimeoutMs;
  return Math.min(given, forwardTimeoutMsMax);
}
