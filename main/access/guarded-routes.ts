// Puts the guards in front of the handlers of a listener. Without an authorizer a route stays as it is, and nothing is
// asked. An API that has neither a guard nor a reason to be open is not served at all.

import { assert } from '../core/assert.ts';
import type { ListenerKind } from '../net/handler.ts';
import type { Route } from '../net/route.ts';
import type { Access } from './access.ts';
import { controllerGuards } from './guards/controller.ts';
import { groupGuards } from './guards/groups.ts';
import type { Answer, Asking, Guard, GuardEntry } from './guards/guard.ts';
import { describingGuards, metadataGuards } from './guards/metadata.ts';
import { offsetGuards } from './guards/offsets.ts';
import { recordGuards } from './guards/records.ts';
import { shareGuards } from './guards/shares.ts';
import { streamsGuards } from './guards/streams.ts';
import { topicGuards } from './guards/topics.ts';
import { transactionGuards } from './guards/transactions.ts';

type GuardTable = ReadonlyMap<number, Guard<unknown, unknown>>;

function table(...entries: readonly (readonly GuardEntry[])[]): GuardTable {
  return new Map(entries.flat().map(({ api, guard }) => [api.key, guard]));
}

const guards: Readonly<Record<ListenerKind, GuardTable>> = {
  client: table(
    recordGuards,
    metadataGuards,
    describingGuards,
    groupGuards,
    offsetGuards,
    transactionGuards,
    shareGuards,
    streamsGuards,
  ),
  controller: table(describingGuards, topicGuards, controllerGuards),
};

/** Open to everybody, as in Kafka. */
const openApis: ReadonlySet<string> = new Set([
  'ApiVersions',
  'SaslHandshake',
  'SaslAuthenticate',
  'GetTelemetrySubscriptions',
  'PushTelemetry',
  // A token belongs to whoever asks; there are none on plaintext listeners.
  'CreateDelegationToken',
  'RenewDelegationToken',
  'ExpireDelegationToken',
  'DescribeDelegationToken',
]);

/** On the client listener: the handler asks for each partition, which its sessions keep. */
const askedInside: ReadonlySet<string> = new Set(['Fetch']);

export type AccessRule = 'guarded' | 'open' | 'forwarded' | 'asked-inside';

/** How access to an API is decided on a listener; null: nobody has thought of it. */
export function accessRule(
  listener: ListenerKind,
  api: { readonly key: number; readonly name: string },
): AccessRule | null {
  if (guards[listener].has(api.key)) return 'guarded';
  if (openApis.has(api.name)) return 'open';
  if (listener === 'controller') return null;
  if (askedInside.has(api.name)) return 'asked-inside';
  // Passed on in the client's name: the controller asks.
  return guards.controller.has(api.key) ? 'forwarded' : null;
}

export function guardedRoutes(routes: readonly Route[], access: Access | null, listener: ListenerKind): Route[] {
  return access === null ? [...routes] : routes.map((route) => guardedRoute(route, access, listener));
}

function guardedRoute(route: Route, access: Access, listener: ListenerKind): Route {
  assert(accessRule(listener, route.api) !== null, `nothing decides who may use ${route.api.name} (${listener})`);
  const { handler } = route;
  return {
    ...route,
    handler: (context, request) =>
      guarded(access, listener, route.api.key, context, request, (allowed) => handler(context, allowed)),
  };
}

/** Serves a request, or what of it is allowed. One that comes before the entries are known waits for them. */
export function guarded(
  access: Access,
  listener: ListenerKind,
  apiKey: number,
  asking: Asking,
  request: unknown,
  serve: (request: unknown) => Answer<unknown>,
): Answer<unknown> {
  const guard = guards[listener].get(apiKey);
  const run = (): Answer<unknown> =>
    guard === undefined || access.mayAnything(asking) ? serve(request) : guard(access, asking, request, serve);
  return access.canDecide(asking) ? run() : access.whenReady.then(run);
}
