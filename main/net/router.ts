// From a request frame to the handler that serves it, and from what the handler says to the bytes of the answer.
// What Kafka refuses by closing the connection leaves here as RequestRefused.

import { assert } from '../core/assert.ts';
import { ApiKey } from '../protocol/api-keys.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { encodeResponse, readRequestHeader } from '../protocol/headers.ts';
import { apiVersionsApi, type ApiVersionsRequest } from '../protocol/messages/api-versions.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';
import type { EncodedChunks } from '../protocol/schema.ts';
import { WireReader } from '../protocol/wire-reader.ts';
import type { ClientSoftware, ListenerKind, RequestContext } from './handler.ts';
import { advertisedVersions, type AdvertisedVersions, type Route } from './route.ts';

export type RefusalKind = 'unknown-api' | 'unsupported-version' | 'undecodable';

/** The request can't be answered: Kafka closes the connection. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly kind: RefusalKind;
  constructor(kind: RefusalKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** Thrown by a handler where Kafka answers by closing (Produce with acks=0 that failed); closes without an outcry. */
export class CloseConnection extends Error {
  override readonly name = 'CloseConnection';
}

/** Where requests come from: a connection, or an Envelope that carries one from another node. */
export type RequestSource = {
  readonly connectionId: string;
  readonly clientAddress: string;
  /** Changes when the client authenticates: holds for the requests that are opened from then on. */
  principal: string;
  clientSoftware: ClientSoftware | null;
  readonly isOpen: () => boolean;
};

export type OpenedRequest = {
  readonly route: Route;
  readonly context: RequestContext;
  readonly body: unknown;
};

const headerBytesMin = 8;

export class Router {
  readonly listener: ListenerKind;
  readonly listenerName: string;
  /** What ApiVersions answers on this listener. */
  readonly advertised: readonly AdvertisedVersions[];
  readonly #routesByKey: (Route | undefined)[] = [];

  constructor(routes: readonly Route[], listener: ListenerKind, listenerName: string) {
    this.listener = listener;
    this.listenerName = listenerName;
    this.advertised = advertisedVersions(routes, listener);
    for (const each of routes) {
      if (!each.listeners.includes(listener)) continue;
      assert(
        this.#routesByKey[each.api.key] === undefined,
        `two routes for ${each.api.name} on the ${listener} listener`,
      );
      this.#routesByKey[each.api.key] = each;
    }
  }

  /** Whether the request in this frame may start before those ahead of it are answered. */
  isPipelined(frame: Buffer): boolean {
    return frame.length >= headerBytesMin && this.#routesByKey[frame.readInt16BE(0)]?.isPipelined === true;
  }

  /**
   * Finds the route and decodes the request. Gives finished bytes instead for an ApiVersions from the future, the one
   * request that is answered in a version it did not ask for. Throws RequestRefused for all else that is not served.
   */
  open(frame: Buffer, source: RequestSource, receivedMs: number): OpenedRequest | EncodedChunks {
    if (frame.length < headerBytesMin) {
      throw new RequestRefused('undecodable', `request of ${frame.length} bytes is too short for a header`);
    }
    const apiKey = frame.readInt16BE(0);
    const apiVersion = frame.readInt16BE(2);
    const found = this.#routesByKey[apiKey];
    if (found === undefined) {
      throw new RequestRefused(
        'unknown-api',
        `API key ${apiKey} (version ${apiVersion}) is not served on the ${this.listener} listener`,
      );
    }
    if (apiVersion < found.minVersion || apiVersion > found.maxVersion) {
      if (apiKey === ApiKey.ApiVersions) return unsupportedApiVersions(frame, found);
      throw new RequestRefused(
        'unsupported-version',
        `${found.api.name} version ${apiVersion} is not served, only ${found.minVersion} to ${found.maxVersion}`,
      );
    }
    try {
      return this.#decode(frame, source, receivedMs, found);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new RequestRefused('undecodable', `${found.api.name} version ${apiVersion}: ${error.message}`, error);
    }
  }

  /** The whole response frame, length first. */
  encode(opened: OpenedRequest, response: unknown): EncodedChunks {
    const { context, route } = opened;
    return encodeResponse(route.api, context.apiVersion, context.correlationId, response as object);
  }

  /** Serves one frame outside a connection (Envelope) and gives the response with header, without length. */
  async answer(frame: Buffer, source: RequestSource, receivedMs: number): Promise<Buffer | null> {
    const opened = this.open(frame, source, receivedMs);
    let encoded: EncodedChunks;
    if (isOpened(opened)) {
      const response = await opened.route.handler(opened.context, opened.body);
      if (response === null) return null;
      encoded = this.encode(opened, response);
    } else {
      encoded = opened;
    }
    return Buffer.concat(encoded.chunks, encoded.size).subarray(4);
  }

  #decode(frame: Buffer, source: RequestSource, receivedMs: number, found: Route): OpenedRequest {
    const reader = new WireReader(frame);
    const header = readRequestHeader(reader);
    const body = found.api.request.decode(reader, header.apiVersion);
    if (found.api.key === ApiKey.ApiVersions && header.apiVersion >= 3) {
      const { clientSoftwareName, clientSoftwareVersion } = body as ApiVersionsRequest;
      source.clientSoftware = { name: clientSoftwareName, version: clientSoftwareVersion };
    }
    const context: RequestContext = {
      apiKey: found.api.key,
      apiVersion: header.apiVersion,
      correlationId: header.correlationId,
      clientId: header.clientId,
      listener: this.listener,
      listenerName: this.listenerName,
      connectionId: source.connectionId,
      clientAddress: source.clientAddress,
      principal: source.principal,
      clientSoftware: source.clientSoftware,
      receivedMs,
      isOpen: source.isOpen,
      requestFrame: frame,
    };
    return { route: found, context, body };
  }
}

export function isOpened(request: OpenedRequest | EncodedChunks): request is OpenedRequest {
  return 'route' in request;
}

/** Version 0, error 35 and the one range that the client must know to ask again. */
function unsupportedApiVersions(frame: Buffer, found: Route): EncodedChunks {
  return encodeResponse(apiVersionsApi, 0, frame.readInt32BE(4), {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: ApiKey.ApiVersions, minVersion: found.minVersion, maxVersion: found.maxVersion }],
  });
}
