// The engine's end of the contract: validates what comes in, answers, pushes. One per connected screen. Pure: the
// shell gives it messages and takes messages from it.

import * as v from 'valibot';
import {
  channels,
  inputs,
  type Channel,
  type ClientMessage,
  type Endpoint,
  type HostMessage,
  type InputOf,
  type OutputOf,
  type Pushed,
  type Refusal,
} from './contract.ts';

/** One function an endpoint; a missing one is a compile error. */
export type EndpointHandlers = {
  readonly [Name in Endpoint]: (input: InputOf<Name>) => Promise<OutputOf<Name>> | OutputOf<Name>;
};

/** What the shells host: the handlers and the push channels. */
export type EngineApi = {
  readonly handlers: EndpointHandlers;
  /** Returns the function that ends the subscription. */
  subscribe<Name extends Channel>(channel: Name, receive: (payload: Pushed[Name]) => void): () => void;
};

export type HostSession = { receive(message: unknown): void; close(): void };

/** A page asks for a few things at once; what asks for so many and waits for none is held back. */
const requestsInFlightMax = 256;

const tooManyRequests: Refusal = {
  code: 'TOO_MANY_REQUESTS',
  message: `more than ${requestsInFlightMax} requests at once`,
  advice: 'wait for answers before asking more',
};

const requestSchema = v.object({
  type: v.literal('request'),
  id: v.number(),
  endpoint: v.string(),
  input: v.unknown(),
});
const channelSchema = v.object({ type: v.picklist(['subscribe', 'unsubscribe']), channel: v.picklist(channels) });
const messageSchema = v.union([requestSchema, channelSchema]);

/** Opens a session that answers through `send`. */
export function openSession(engine: EngineApi, send: (message: HostMessage) => void): HostSession {
  const subscriptions = new Map<string, () => void>();
  let inFlight = 0;
  let isClosed = false;
  return {
    receive(message) {
      if (isClosed) return;
      const parsed = v.safeParse(messageSchema, message);
      if (!parsed.success) return;
      const client = parsed.output satisfies ClientMessage;
      if (client.type === 'request') {
        const { id, endpoint, input } = client;
        if (inFlight >= requestsInFlightMax) {
          send({ type: 'refusal', id, refusal: tooManyRequests });
          return;
        }
        inFlight++;
        void answer(engine, endpoint, input).then((result) => {
          inFlight--;
          if (!isClosed) send({ ...result, id });
        });
        return;
      }
      const channel = client.channel;
      subscriptions.get(channel)?.();
      subscriptions.delete(channel);
      if (client.type === 'subscribe') {
        subscriptions.set(
          channel,
          engine.subscribe(channel, (payload) => send({ type: 'push', channel, payload })),
        );
      }
    },
    close() {
      isClosed = true;
      for (const end of subscriptions.values()) end();
      subscriptions.clear();
    },
  };
}

/** Answers one request; never throws. */
export async function answer(
  engine: EngineApi,
  endpoint: string,
  input: unknown,
): Promise<{ type: 'answer'; output: unknown } | { type: 'refusal'; refusal: Refusal }> {
  if (!isEndpoint(endpoint)) {
    return {
      type: 'refusal',
      refusal: { code: 'UNKNOWN_ENDPOINT', message: `there is no endpoint ${endpoint}`, advice: null },
    };
  }
  const parsed = v.safeParse<v.GenericSchema>(inputs[endpoint], input);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const message = `${endpoint}: ${v.getDotPath(issue) ?? 'input'}: ${issue.message}`;
    return { type: 'refusal', refusal: { code: 'BAD_INPUT', message, advice: null } };
  }
  try {
    const handler = engine.handlers[endpoint] as (value: unknown) => unknown;
    return { type: 'answer', output: (await handler(parsed.output)) ?? null };
  } catch (error) {
    return { type: 'refusal', refusal: refusalOf(error) };
  }
}

function isEndpoint(name: string): name is Endpoint {
  return Object.hasOwn(inputs, name);
}

function refusalOf(error: unknown): Refusal {
  if (!(error instanceof Error)) return { code: 'FAILED', message: String(error), advice: null };
  const { code, advice } = error as { code?: unknown; advice?: unknown };
  return {
    code: typeof code === 'string' ? code : 'FAILED',
    message: error.message,
    advice: typeof advice === 'string' ? advice : null,
  };
}
