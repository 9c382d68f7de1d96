// One entry of the handler table: which versions of an API are served, on which listeners, by what. ApiVersions and
// the protocol table in the docs are computed from these.

import { assert } from '../core/assert.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import type { Handler, ListenerKind } from './handler.ts';

export type RouteOptions = {
  /** Default: what the API defines (its unstable newest version left out). */
  readonly minVersion?: number;
  readonly maxVersion?: number;
  /** Default: the listeners on which Kafka serves the API. */
  readonly listeners?: readonly ListenerKind[];
  /**
   * Starts before earlier pipelined requests of the same connection are answered. Only for handlers whose effect
   * happens synchronously when they are called (Produce: the append), because order is what Kafka promises. All
   * other requests start when everything before them is answered, as in Kafka. Answers keep their order either way.
   */
  readonly isPipelined?: boolean;
};

export type Route = {
  readonly api: Api;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly listeners: readonly ListenerKind[];
  readonly isPipelined: boolean;
  readonly handler: Handler<unknown, unknown>;
};

export function route<Request, Response>(
  api: Api<Request, Response>,
  options: RouteOptions,
  handler: Handler<Request, Writable<Response>>,
): Route {
  const newestVersion = api.latestVersionUnstable ? api.versions.max - 1 : api.versions.max;
  const minVersion = options.minVersion ?? api.versions.min;
  const maxVersion = options.maxVersion ?? newestVersion;
  assert(
    minVersion >= api.versions.min && maxVersion <= api.versions.max && minVersion <= maxVersion,
    `route ${api.name}: versions ${minVersion} to ${maxVersion} are not all defined`,
  );
  return {
    api: api as Api,
    minVersion,
    maxVersion,
    listeners: options.listeners ?? api.listeners.map((listener) => (listener === 'broker' ? 'client' : listener)),
    isPipelined: options.isPipelined ?? false,
    // The table holds handlers of all types; the router only ever gives a handler what its own API decoded.
    handler: handler as Handler<unknown, unknown>,
  };
}

export type AdvertisedVersions = { readonly apiKey: number; readonly minVersion: number; readonly maxVersion: number };

const produceKey = 0;

/** What ApiVersions says of a listener, by rising key. */
export function advertisedVersions(routes: readonly Route[], listener: ListenerKind): AdvertisedVersions[] {
  return routes
    .filter((each) => each.listeners.includes(listener))
    .map((each) => ({
      apiKey: each.api.key,
      // librdkafka takes a broker without Produce 0 for one that has no compression: advertised, never accepted.
      minVersion: each.api.key === produceKey ? 0 : each.minVersion,
      maxVersion: each.maxVersion,
    }))
    .sort((a, b) => a.apiKey - b.apiKey);
}
