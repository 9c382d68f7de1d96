// The way to the active controller: finds it through raft, sends, and tries again while there is none or it moves,
// until the caller's deadline. The only place in a broker that knows how controllers are reached.

import { addressToBytes } from '../core/ip-address.ts';
import type { RequestContext } from '../net/handler.ts';
import type { NodeConnections } from '../net/node-connections.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { envelopeApi } from '../protocol/messages/envelope.ts';
import { defaultPrincipalData } from '../protocol/messages/embedded-messages.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import { NetworkError, type Clock, type Timer } from '../runtime/runtime.ts';

export type SendToController = {
  /** How long the whole attempt may take, retries included. */
  readonly timeoutMs: number;
};

/** No controller answered in time. Whether the request took effect is unknown. */
export class ControllerUnavailableError extends Error {
  override readonly name = 'ControllerUnavailableError';
}

export type ControllerChannel = {
  /** Rejects with ControllerUnavailableError. A response with NOT_CONTROLLER as its error never comes back. */
  send<Q, P>(api: Api<Q, P>, request: Writable<Q>, options: SendToController): Promise<P>;
  /** Passes a client's request on in an Envelope; resolves to the response as it goes on the wire, header first. */
  forward(context: RequestContext, options: SendToController): Promise<Buffer>;
};

export type ControllerChannelOptions = {
  readonly clock: Clock;
  /** Connections to controller listeners, by node id. */
  readonly connections: NodeConnections;
  /** The active controller as raft knows it; null while there is none. */
  readonly activeController: () => number | null;
  /** `controller.quorum.request.timeout.ms` or the like: how long one attempt may take. */
  readonly attemptTimeoutMs: number;
  readonly retryBackoffMs?: number;
};

const defaultRetryBackoffMs = 50;
/** How often a request that is not answered yet looks for a new controller. */
const movedCheckMs = 100;
const principalVersion = 0;

export function createControllerChannel(options: ControllerChannelOptions): ControllerChannel {
  const { clock, connections } = options;
  const backoffMs = options.retryBackoffMs ?? defaultRetryBackoffMs;

  async function attempt<Q, P>(api: Api<Q, P>, request: Writable<Q>, timeoutMs: number): Promise<P | null> {
    const controllerId = options.activeController();
    if (controllerId === null) return null;
    const answer = connections.send(controllerId, api, request, { timeoutMs }).then(
      (response) => (isNotController(response) ? null : response),
      (error: unknown) => {
        if (error instanceof NetworkError) return null;
        throw error;
      },
    );
    return unlessMoved(controllerId, answer);
  }

  /** A controller that was frozen or cut off answers nothing: once there is another one, waiting for it is in vain. */
  function unlessMoved<P>(controllerId: number, answer: Promise<P | null>): Promise<P | null> {
    return new Promise((resolve, reject) => {
      let timer: Timer | null = null;
      const look = (): void => {
        const now = options.activeController();
        if (now !== null && now !== controllerId) resolve(null);
        else timer = clock.at(clock.monotonicMs() + movedCheckMs, look);
      };
      timer = clock.at(clock.monotonicMs() + movedCheckMs, look);
      answer.then(resolve, reject).finally(() => timer?.cancel());
    });
  }

  async function send<Q, P>(api: Api<Q, P>, request: Writable<Q>, { timeoutMs }: SendToController): Promise<P> {
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs > 0) {
        const response = await attempt(api, request, Math.min(leftMs, options.attemptTimeoutMs));
        if (response !== null) return response;
      }
      if (clock.monotonicMs() + backoffMs >= deadlineMs) {
        throw new ControllerUnavailableError(`no controller answered ${api.name} within ${timeoutMs} ms`);
      }
      await sleep(clock, backoffMs);
    }
  }

  async function forward(context: RequestContext, sendOptions: SendToController): Promise<Buffer> {
    const response = await send(
      envelopeApi,
      {
        requestData: context.requestFrame,
        requestPrincipal: principalBytes(context.principal),
        clientHostAddress: addressToBytes(context.clientAddress),
      },
      sendOptions,
    );
    if (response.errorCode !== ErrorCode.NONE || response.responseData === null) {
      throw new ControllerUnavailableError(`the controller refused the envelope with error ${response.errorCode}`);
    }
    return response.responseData;
  }

  return { send, forward };
}

function isNotController(response: unknown): boolean {
  if (typeof response !== 'object' || response === null || !('errorCode' in response)) return false;
  return response.errorCode === ErrorCode.NOT_CONTROLLER;
}

function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.at(clock.monotonicMs() + ms, resolve);
  });
}

/** `User:name` as Kafka's default principal serialises it: version, then type and name. */
function principalBytes(principal: string): Buffer {
  const colon = principal.indexOf(':');
  const body = { type: principal.slice(0, colon), name: principal.slice(colon + 1), tokenAuthenticated: false };
  const version = Buffer.alloc(2);
  version.writeInt16BE(principalVersion);
  return Buffer.concat([version, defaultPrincipalData.encodeToBuffer(principalVersion, body)]);
}
