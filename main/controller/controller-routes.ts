// The controller listener's handlers for what the active controller decides, and Envelope, in which brokers pass on
// their clients' requests. Versions: all that Kafka 4.3.1 serves. Not here: raft's own APIs, ACLs, SASL, tokens.

import type { RequestContext } from '../net/handler.ts';
import { route, type Route } from '../net/route.ts';
import { encodeResponse, readRequestHeader } from '../protocol/headers.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { envelopeApi, type EnvelopeRequest, type EnvelopeResponse } from '../protocol/messages/envelope.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';
import type { Writable } from '../protocol/schema.ts';
import { includesVersion } from '../protocol/versions.ts';
import { WireReader } from '../protocol/wire-reader.ts';
import { controllerApis, type ControllerApi } from './controller-apis.ts';
import { ApiError, type PartError } from './decision.ts';
import type { QuorumController } from './quorum-controller.ts';

export function controllerRoutes(controller: QuorumController): Route[] {
  const routes = controllerApis.map((served) =>
    route(served.api, { listeners: ['controller'] }, (context, request) =>
      answer(controller, served, request, context.apiVersion),
    ),
  );
  const envelope = route(envelopeApi, { listeners: ['controller'] }, (_context: RequestContext, request) =>
    unwrap(controller, request),
  );
  return [...routes, envelope];
}

/** What a client reads of a failure; what is no refusal is a bug, and the process may still stop on it. */
function errorOf(error: unknown): PartError {
  if (error instanceof ApiError) return { errorCode: error.code, errorMessage: error.message };
  const errorMessage = error instanceof Error ? error.message : String(error);
  return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage };
}

async function answer(
  controller: QuorumController,
  served: ControllerApi,
  request: unknown,
  apiVersion: number,
): Promise<Writable<unknown>> {
  try {
    return await served.serve(controller, request, apiVersion);
  } catch (error) {
    return served.failed(request, errorOf(error));
  }
}

function envelopeError(errorCode: number): Writable<EnvelopeResponse> {
  return { responseData: null, errorCode };
}

/** Serves the request inside. NOT_CONTROLLER is told to the broker, which looks for the right one and tries again. */
async function unwrap(controller: QuorumController, envelope: EnvelopeRequest): Promise<Writable<EnvelopeResponse>> {
  const reader = new WireReader(envelope.requestData);
  let opened: { served: ControllerApi; request: unknown; apiVersion: number; correlationId: number };
  try {
    const { api, apiVersion, correlationId } = readRequestHeader(reader);
    const served = controllerApis.find((each) => each.api.key === api.key && each.isForwarded);
    if (served === undefined) return envelopeError(ErrorCode.INVALID_REQUEST);
    if (!includesVersion(api.versions, apiVersion)) return envelopeError(ErrorCode.UNSUPPORTED_VERSION);
    opened = { served, request: api.request.decode(reader, apiVersion), apiVersion, correlationId };
  } catch (error) {
    if (error instanceof ProtocolError) return envelopeError(ErrorCode.INVALID_REQUEST);
    throw error;
  }
  const { served, request, apiVersion, correlationId } = opened;
  let response: Writable<unknown>;
  try {
    response = await served.serve(controller, request, apiVersion);
  } catch (error) {
    const failure = errorOf(error);
    if (failure.errorCode === ErrorCode.NOT_CONTROLLER) return envelopeError(ErrorCode.NOT_CONTROLLER);
    response = served.failed(request, failure);
  }
  const { chunks } = encodeResponse(served.api, apiVersion, correlationId, response);
  // Without the length that stands in front of a frame.
  return { responseData: Buffer.concat(chunks).subarray(4), errorCode: ErrorCode.NONE };
}
