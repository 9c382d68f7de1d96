// The engine's end of the contract: validates what comes in, answers, pushes. One per connected screen. Pure: the
// shell gives it messages and takes messages from it.

import * as v from 'valibot';
import {
  channelKey,
  channels,
  inputs,
  type AppEndpoint,
  type Channel,
  type ClusterChannel,
  type ClusterEndpoint,
  type Endpoint,
  type HostMessage,
  type InputOf,
  type OutputOf,
  type Pushed,
  type Refusal,
} from './contract.ts';
import { workspaceInputs } from './endpoints/workspaces.ts';

/** One function an endpoint; a missing one is a compile error. */
export type EndpointHandlers = {
  readonly [Name in ClusterEndpoint]: (input: InputOf<Name>) => Promise<OutputOf<Name>> | OutputOf<Name>;
};
export type AppHandlers = {
  readonly [Name in AppEndpoint]: (input: InputOf<Name>) => Promise<OutputOf<Name>> | OutputOf<Name>;
};

/** What one cluster gives: its handlers and its push channels. */
export type EngineApi = {
  readonly handlers: EndpointHandlers;
  /** Returns the function that ends the subscription. */
  subscribe<Name extends ClusterChannel>(channel: Name, receive: (payload: Pushed[Name]) => void): () => void;
};

/** What the shells host: the app, and through it each of its clusters. */
export type AppApi = {
  readonly handlers: AppHandlers;
  /** The cluster of a workspace (null: the one the app was started with); throws a refusal when it does not run. */
  cluster(workspace: string | null): EngineApi;
  /** Outlives the runs of a cluster: what is started again is heard again. Returns the function that ends it. */
  subscribe<Name extends Channel>(
    channel: Name,
    workspace: string | null,
    receive: (payload: Pushed[Name]) => void,
  ): () => void;
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
  workspace: v.optional(v.string()),
});
const channelSchema = v.object({
  type: v.picklist(['subscribe', 'unsubscribe']),
  channel: v.picklist(channels),
  workspace: v.optional(v.string()),
});
/** Channels that one page may hold; a page follows one cluster. */
const subscriptionsMax = 64;
const messageSchema = v.union([requestSchema, channelSchema]);

/** Opens a session that answers through `send`. */
export function openSession(app: AppApi, send: (message: HostMessage) => void): HostSession {
  const subscriptions = new Map<string, () => void>();
  let inFlight = 0;
  let isClosed = false;
  return {
    receive(message) {
      if (isClosed) return;
      const parsed = v.safeParse(messageSchema, message);
      if (!parsed.success) return;
      const client = parsed.output;
      if (client.type === 'request') {
        const { id } = client;
        if (inFlight >= requestsInFlightMax) {
          send({ type: 'refusal', id, refusal: tooManyRequests });
          return;
        }
        inFlight++;
        void answer(app, client).then((result) => {
          inFlight--;
          if (!isClosed) send({ ...result, id });
        });
        return;
      }
      const { channel, workspace } = client;
      const key = channelKey(channel, workspace);
      subscriptions.get(key)?.();
      subscriptions.delete(key);
      if (client.type === 'unsubscribe' || subscriptions.size >= subscriptionsMax) return;
      const scope = workspace === undefined ? {} : { workspace };
      subscriptions.set(
        key,
        app.subscribe(channel, workspace ?? null, (payload) => send({ type: 'push', channel, payload, ...scope })),
      );
    },
    close() {
      isClosed = true;
      for (const end of subscriptions.values()) end();
      subscriptions.clear();
    },
  };
}

/** Answers one request; never throws. */
async function answer(
  app: AppApi,
  { endpoint, input, workspace }: { endpoint: string; input: unknown; workspace?: string | undefined },
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
    const handlers = isAppEndpoint(endpoint) ? app.handlers : app.cluster(workspace ?? null).handlers;
    const handler = (handlers as Record<string, (value: unknown) => unknown>)[endpoint];
    return { type: 'answer', output: (await handler?.(parsed.output)) ?? null };
  } catch (error) {
    return { type: 'refusal', refusal: refusalOf(error) };
  }
}

function isAppEndpoint(name: Endpoint): name is AppEndpoint {
  return Object.hasOwn(workspaceInputs, name);
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
