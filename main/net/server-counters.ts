// What a server counts: totals since it began to listen, read by telemetry, which computes rates.

import { LatencyHistogram } from './latency-histogram.ts';

export type ApiCounters = {
  requestCount: number;
  /** By API version. */
  readonly requestCountOfVersion: number[];
  responseCount: number;
  /** Frames in and out, with their length prefixes. */
  bytesIn: number;
  bytesOut: number;
  /** From the whole frame being there to the response being handed to the connection. */
  latencyMsTotal: number;
  latencyMsMax: number;
  readonly latencies: LatencyHistogram;
};

export class ServerCounters {
  connectionsOpen = 0;
  connectionsAccepted = 0;
  /** Accepted by the operating system and not yet served: there are too many, or they come too fast. */
  connectionsWaiting = 0;
  /** Closed because their address has too many, or makes them too fast. */
  connectionsRefused = 0;
  connectionsIdleClosed = 0;
  /** Requests that were answered by closing the connection. */
  requestsRefused = 0;
  handlersFailed = 0;
  /** Connections whose client could not say who it is. */
  authenticationsFailed = 0;
  requestCount = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** By API key; only keys that were served are there, so a client can't make it grow. */
  readonly byApi = new Map<number, ApiCounters>();

  countRequest(apiKey: number, apiVersion: number, bytesIn: number): void {
    const counters = this.#of(apiKey);
    this.requestCount++;
    counters.requestCount++;
    counters.requestCountOfVersion[apiVersion] = (counters.requestCountOfVersion[apiVersion] ?? 0) + 1;
    counters.bytesIn += bytesIn;
  }

  countResponse(apiKey: number, bytesOut: number, latencyMs: number): void {
    const counters = this.#of(apiKey);
    counters.responseCount++;
    counters.bytesOut += bytesOut;
    counters.latencyMsTotal += latencyMs;
    if (latencyMs > counters.latencyMsMax) counters.latencyMsMax = latencyMs;
    counters.latencies.record(latencyMs);
  }

  #of(apiKey: number): ApiCounters {
    const known = this.byApi.get(apiKey);
    if (known !== undefined) return known;
    const counters: ApiCounters = {
      requestCount: 0,
      requestCountOfVersion: [],
      responseCount: 0,
      bytesIn: 0,
      bytesOut: 0,
      latencyMsTotal: 0,
      latencyMsMax: 0,
      latencies: new LatencyHistogram(),
    };
    this.byApi.set(apiKey, counters);
    return counters;
  }
}
