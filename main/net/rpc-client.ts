// One connection to a node, for requests of ours: pipelined, answered in order, each with a deadline. A request that
// times out ends the connection, as in Kafka: the answers behind it would be late too. Whoever uses it reconnects.

import { ErrorCode, errorName } from '../protocol/errors.ts';
import { FrameSplitter } from '../protocol/framing.ts';
import { encodeRequest, peekCorrelationId, readResponseHeader } from '../protocol/headers.ts';
import { latestStableVersion } from '../protocol/api-keys.ts';
import { apiVersionsApi } from '../protocol/messages/api-versions.ts';
import { ProtocolError, UnsupportedVersionError } from '../protocol/protocol-error.ts';
import type { Api, VersionRange, Writable } from '../protocol/schema.ts';
import { WireReader } from '../protocol/wire-reader.ts';
import { NetworkError, type Clock, type Connection, type Network, type Timer } from '../runtime/runtime.ts';

export type RpcClientOptions = {
  readonly clock: Clock;
  readonly network: Network;
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly connectTimeoutMs?: number;
  /** For requests that do not say otherwise; `request.timeout.ms`. */
  readonly requestTimeoutMs?: number;
  /** Requests without an answer; one more is refused with NetworkError 'overloaded'. */
  readonly inFlightMax?: number;
  readonly responseBytesMax?: number;
  /** Asks the node which versions it serves before anything else. Without it the newest of ours are sent. */
  readonly negotiate?: boolean;
  readonly software?: { readonly name: string; readonly version: string };
  readonly onClose?: (reason: Error | null) => void;
};

export type SendOptions = {
  readonly timeoutMs?: number;
  /** Default: the newest that both sides have. */
  readonly version?: number;
};

const defaults = {
  connectTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  inFlightMax: 1000,
  // A fetch answer holds at least one batch, however large, beyond the bytes that were asked for.
  responseBytesMax: 0x7fffffff,
  software: { name: 'highwater', version: '0.1.0' },
};

type PendingRequest = {
  readonly api: Api;
  readonly version: number;
  readonly correlationId: number;
  readonly deadlineMs: number;
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: Error) => void;
};

export class RpcClient {
  readonly #options: RpcClientOptions;
  readonly #connection: Connection;
  readonly #splitter: FrameSplitter;
  readonly #pending: PendingRequest[] = [];
  /** By API key, once asked for. */
  #served: Map<number, VersionRange> | null = null;
  #nextCorrelationId = 0;
  #isOpen = true;
  #deadlineTimer: Timer | null = null;
  #armedForMs = Infinity;

  private constructor(options: RpcClientOptions, connection: Connection) {
    this.#options = options;
    this.#connection = connection;
    this.#splitter = new FrameSplitter({ frameBytesMax: options.responseBytesMax ?? defaults.responseBytesMax });
    connection.handle({
      onData: (chunk) => this.#onData(chunk),
      onDrain: () => undefined,
      onClose: (reason) => this.#close(reason ?? new NetworkError('closed', `${this.#where} closed the connection`)),
    });
  }

  /** Throws NetworkError; with `negotiate` also ProtocolError when the node does not speak Kafka. */
  static async connect(options: RpcClientOptions): Promise<RpcClient> {
    const { host, port, network } = options;
    const timeoutMs = options.connectTimeoutMs ?? defaults.connectTimeoutMs;
    const client = new RpcClient(options, await network.connect({ host, port, timeoutMs }));
    if (options.negotiate === true) await client.#negotiate(timeoutMs);
    return client;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get inFlightCount(): number {
    return this.#pending.length;
  }

  /** The version that `send` takes for an API; throws UnsupportedVersionError where both sides have none in common. */
  versionOf(api: Api): number {
    const newest = latestStableVersion(api);
    if (this.#served === null) return newest;
    const served = this.#served.get(api.key);
    const version = Math.min(newest, served?.max ?? -1);
    if (served === undefined || version < Math.max(served.min, api.versions.min)) {
      throw new UnsupportedVersionError(`${this.#where} does not serve a version of ${api.name} that we speak`);
    }
    return version;
  }

  /** Sends at once and gives the decoded answer. Byte fields of `body` must not change until they are sent. */
  send<Q, P>(api: Api<Q, P>, body: Writable<Q>, options: SendOptions = {}): Promise<P> {
    return new Promise<P>((resolve, reject) => {
      if (!this.#isOpen) throw new NetworkError('closed', `the connection to ${this.#where} is closed`);
      if (this.#pending.length >= (this.#options.inFlightMax ?? defaults.inFlightMax)) {
        throw new NetworkError('overloaded', `${this.#pending.length} requests to ${this.#where} have no answer yet`);
      }
      const untyped = api as Api;
      const version = options.version ?? this.versionOf(untyped);
      const correlationId = this.#nextCorrelationId;
      const { chunks } = encodeRequest(api, version, { correlationId, clientId: this.#options.clientId }, body);
      this.#nextCorrelationId = (correlationId + 1) & 0x7fffffff;
      const timeoutMs = options.timeoutMs ?? this.#options.requestTimeoutMs ?? defaults.requestTimeoutMs;
      const deadlineMs = this.#options.clock.monotonicMs() + timeoutMs;
      const settle = resolve as (response: unknown) => void;
      this.#pending.push({ api: untyped, version, correlationId, deadlineMs, resolve: settle, reject });
      this.#connection.write(chunks);
      this.#armDeadline(deadlineMs);
    });
  }

  /** Sends a request that has no answer (Produce with acks=0). False when the connection is closed. */
  post<Q, P>(api: Api<Q, P>, body: Writable<Q>, version = this.versionOf(api as Api)): boolean {
    if (!this.#isOpen) return false;
    const correlationId = this.#nextCorrelationId;
    const { chunks } = encodeRequest(api, version, { correlationId, clientId: this.#options.clientId }, body);
    this.#nextCorrelationId = (correlationId + 1) & 0x7fffffff;
    this.#connection.write(chunks);
    return true;
  }

  /** Ends the connection; requests without an answer fail with NetworkError 'closed'. */
  close(): void {
    this.#close(new NetworkError('closed', `the connection to ${this.#where} was closed here`));
  }

  get #where(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  async #negotiate(timeoutMs: number): Promise<void> {
    try {
      const { name, version } = this.#options.software ?? defaults.software;
      const body = { clientSoftwareName: name, clientSoftwareVersion: version };
      const newest = latestStableVersion(apiVersionsApi as Api);
      let answer = await this.send(apiVersionsApi, body, { timeoutMs, version: newest });
      if (answer.errorCode === ErrorCode.UNSUPPORTED_VERSION) {
        const range = answer.apiKeys.find((each) => each.apiKey === apiVersionsApi.key);
        answer = await this.send(apiVersionsApi, body, {
          timeoutMs,
          version: Math.min(newest, range?.maxVersion ?? 0),
        });
      }
      if (answer.errorCode !== ErrorCode.NONE) {
        throw new ProtocolError(`${this.#where} answers ApiVersions with ${errorName(answer.errorCode)}`);
      }
      this.#served = new Map(
        answer.apiKeys.map((each) => [each.apiKey, { min: each.minVersion, max: each.maxVersion }]),
      );
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #onData(chunk: Buffer): void {
    try {
      this.#splitter.push(chunk, (frame) => {
        if (this.#isOpen) this.#onFrame(frame.buffer === chunk.buffer ? Buffer.from(frame) : frame);
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#close(error);
    }
  }

  #onFrame(frame: Buffer): void {
    const correlationId = peekCorrelationId(frame);
    const first = this.#pending[0];
    if (first?.correlationId !== correlationId) {
      throw new ProtocolError(
        `${this.#where} answers request ${correlationId}, expected is ${first?.correlationId ?? 'none'}`,
      );
    }
    const response = decodeResponse(first, frame);
    this.#pending.shift();
    first.resolve(response);
  }

  #armDeadline(deadlineMs: number): void {
    if (deadlineMs >= this.#armedForMs) return;
    this.#deadlineTimer?.cancel();
    this.#armedForMs = deadlineMs;
    this.#deadlineTimer = this.#options.clock.at(deadlineMs, () => this.#checkDeadlines());
  }

  /** One timer for all requests: answered ones leave it armed, and it looks for the next deadline when it fires. */
  #checkDeadlines(): void {
    this.#deadlineTimer = null;
    this.#armedForMs = Infinity;
    const nowMs = this.#options.clock.monotonicMs();
    const late = this.#pending.find((each) => each.deadlineMs <= nowMs);
    if (late !== undefined) {
      this.#close(new NetworkError('timeout', `${this.#where} did not answer ${late.api.name} in time`));
      return;
    }
    let nextMs = Infinity;
    for (const { deadlineMs } of this.#pending) nextMs = Math.min(nextMs, deadlineMs);
    if (nextMs < Infinity) this.#armDeadline(nextMs);
  }

  #close(reason: Error): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#deadlineTimer?.cancel();
    this.#connection.destroy();
    for (const request of this.#pending.splice(0)) request.reject(reason);
    this.#options.onClose?.(reason);
  }
}

/** An ApiVersions request that the node does not know in this version is answered in version 0 with error 35. */
function decodeResponse({ api, version }: PendingRequest, frame: Buffer): unknown {
  const reader = new WireReader(frame);
  readResponseHeader(reader, api, version);
  const start = reader.position;
  if (api.key !== apiVersionsApi.key || frame.readInt16BE(start) !== ErrorCode.UNSUPPORTED_VERSION) {
    return api.response.decode(reader, version);
  }
  return api.response.decode(reader, 0);
}
