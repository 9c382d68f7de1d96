// What a server counts: totals since it began to listen, read by telemetry, which computes rates.

export type ApiCounters = {
  requestCount: number;
  /** Frames in and out, with their length prefixes. */
  bytesIn: number;
  bytesOut: number;
  /** From the whole frame being there to the response being handed to the connection. */
  latencyMsTotal: number;
  latencyMsMax: number;
};

export class ServerCounters {
  connectionsOpen = 0;
  connectionsAccepted = 0;
  /** Closed at once because there were too many. */
  connectionsRefused = 0;
  connectionsIdleClosed = 0;
  /** Requests that were answered by closing the connection. */
  requestsRefused = 0;
  handlersFailed = 0;
  requestCount = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** By API key; only keys that were served are there, so a client can't make it grow. */
  readonly byApi = new Map<number, ApiCounters>();

  countRequest(apiKey: number, bytesIn: number): void {
    const counters = this.#of(apiKey);
    this.requestCount++;
    counters.requestCount++;
    counters.bytesIn += bytesIn;
  }

  countResponse(apiKey: number, bytesOut: number, latencyMs: number): void {
    const counters = this.#of(apiKey);
    counters.bytesOut += bytesOut;
    counters.latencyMsTotal += latencyMs;
    if (latencyMs > counters.latencyMsMax) counters.latencyMsMax = latencyMs;
  }

  #of(apiKey: number): ApiCounters {
    const known = this.byApi.get(apiKey);
    if (known !== undefined) return known;
    const counters = { requestCount: 0, bytesIn: 0, bytesOut: 0, latencyMsTotal: 0, latencyMsMax: 0 };
    this.byApi.set(apiKey, counters);
    return counters;
  }
}
