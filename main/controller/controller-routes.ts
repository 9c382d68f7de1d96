// The controller listener's handlers for what the active controller decides, and Envelope, in which brokers pass on
// their clients' requests. Versions: all that Kafka 4.3.1 serves. Not here: raft's own APIs, SASL, tokens.

import type { Access } from '../access/access.ts';
import { guarded, guardedRoutes } from '../access/guarded-routes.ts';
import { addressFromBytes } from '../core/ip-address.ts';
import { anonymousPrincipal, type RequestContext } from '../net/handler.ts';
import { route, type Route } from '../net/route.ts';
import { encodeResponse, readRequestHeader } from '../protocol/headers.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { defaultPrincipalData } from '../protocol/messages/embedded-messages.ts';
import { envelopeApi, type EnvelopeRequest, type EnvelopeResponse } from '../protocol/messages/envelope.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import { includesVersion } from '../protocol/versions.ts';
import { WireReader } from '../protocol/wire-reader.ts';
import { controllerApis, type ControllerApi } from './controller-apis.ts';
import { ApiError, type PartError } from './decision.ts';
import type { QuorumController } from './quorum-controller.ts';

const principalVersionBytes = 2;

/**
 * `access`: null without an authorizer. `alsoForwarded`: routes, guarded, that brokers may pass on too though the
 * controller does not decide them (DescribeQuorum).
 */
export function controllerRoutes(
  controller: QuorumController,
  access: Access | null = null,
  alsoForwarded: readonly Route[] = [],
): Route[] {
  const routes = controllerApis.map((served) =>
    route(served.api, { listeners: ['controller'] }, (context, request) =>
      answer(controller, served, request, context),
    ),
  );
  const envelope = route(envelopeApi, { listeners: ['controller'] }, (context: RequestContext, request) =>
    unwrap({ controller, access, alsoForwarded }, context, request),
  );
  return guardedRoutes([...routes, envelope], access, 'controller');
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
  context: RequestContext,
): Promise<Writable<unknown>> {
  try {
    return await served.serve(controller, request, context.apiVersion, context);
  } catch (error) {
    return served.failed(request, errorOf(error), context.apiVersion);
  }
}

function envelopeError(errorCode: number): Writable<EnvelopeResponse> {
  return { responseData: null, errorCode };
}

type Opened = {
  readonly api: Api;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  readonly request: unknown;
};

/** Null when the bytes are no request that we know. */
function open(envelope: EnvelopeRequest): Opened | null {
  const reader = new WireReader(envelope.requestData);
  try {
    const { api, apiVersion, correlationId, clientId } = readRequestHeader(reader);
    if (!includesVersion(api.versions, apiVersion)) return null;
    return { api, apiVersion, correlationId, clientId, request: api.request.decode(reader, apiVersion) };
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

/** `User:name`, of the client whose request a broker passes on. */
function principalOf({ requestPrincipal }: EnvelopeRequest): string {
  const bytes = requestPrincipal ?? Buffer.alloc(0);
  if (bytes.length < principalVersionBytes) return anonymousPrincipal;
  try {
    const { type, name } = defaultPrincipalData.decodeFrom(bytes.subarray(principalVersionBytes), 0);
    return `${type}:${name}`;
  } catch (error) {
    if (error instanceof ProtocolError) return anonymousPrincipal;
    throw error;
  }
}

type Surroundings = {
  readonly controller: QuorumController;
  readonly access: Access | null;
  readonly alsoForwarded: readonly Route[];
};

/** Serves the request inside, with the rights of the client that sent it. NOT_CONTROLLER is told to the broker, which looks for the right one and tries again. */
async function unwrap(
  { controller, access, alsoForwarded }: Surroundings,
  context: RequestContext,
  envelope: EnvelopeRequest,
): Promise<Writable<EnvelopeResponse>> {
  const opened = open(envelope);
  if (opened === null) return envelopeError(ErrorCode.INVALID_REQUEST);
  const { api, apiVersion, correlationId, clientId, request } = opened;
  const clientAddress = addressFromBytes(envelope.clientHostAddress);
  if (clientAddress === null) return envelopeError(ErrorCode.INVALID_REQUEST);
  const client = { principal: principalOf(envelope), clientAddress, clientId };
  const served = controllerApis.find((each) => each.api.key === api.key && each.isForwarded);
  const other = alsoForwarded.find((each) => each.api.key === api.key);
  let response: unknown;
  if (served !== undefined) {
    try {
      const serve = (allowed: unknown): Promise<Writable<unknown>> =>
        served.serve(controller, allowed, apiVersion, client) as Promise<Writable<unknown>>;
      const asking = { ...client, apiVersion };
      response = await (access === null
        ? serve(request)
        : guarded(access, 'controller', api.key, asking, request, serve));
    } catch (error) {
      const failure = errorOf(error);
      if (failure.errorCode === ErrorCode.NOT_CONTROLLER) return envelopeError(ErrorCode.NOT_CONTROLLER);
      response = served.failed(request, failure, apiVersion);
    }
  } else if (other !== undefined) {
    if (!controller.isActive) return envelopeError(ErrorCode.NOT_CONTROLLER);
    response = await other.handler({ ...context, ...client, apiKey: api.key, apiVersion, correlationId }, request);
  } else {
    return envelopeError(ErrorCode.INVALID_REQUEST);
  }
  const { chunks } = encodeResponse(api, apiVersion, correlationId, response as Writable<unknown>);
  // Without the length that stands in front of a frame.
  return { responseData: Buffer.concat(chunks).subarray(4), errorCode: ErrorCode.NONE };
}
