// Request and response headers, and whole frames (length, header, body). Which header version goes with which API
// version: 2 and 1 from the flexible versions on, else 1 and 0; an ApiVersions response always has 0, since its
// sender may not know the version yet.

import { ApiKey, findApi } from './api-keys.ts';
import { requestHeaderMessage, responseHeaderMessage } from './messages/headers.ts';
import { ProtocolError } from './protocol-error.ts';
import type { Api, EncodedChunks, Writable } from './schema.ts';
import type { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

export type RequestHeader = {
  readonly api: Api;
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Null on the wire is read as the empty string, as Kafka does. */
  readonly clientId: string;
};

/** Also right beyond the newest version: an ApiVersions request from the future must stay readable. */
export function requestHeaderVersion(api: Api, apiVersion: number): number {
  return api.request.isFlexible(apiVersion) ? 2 : 1;
}

export function responseHeaderVersion(api: Api, apiVersion: number): number {
  return api.key !== ApiKey.ApiVersions && api.response.isFlexible(apiVersion) ? 1 : 0;
}

/** Reads the header and leaves the reader at the body. The version may still be one that nobody serves. */
export function readRequestHeader(reader: WireReader): RequestHeader {
  const start = reader.position;
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const api = findApi(apiKey);
  if (api === null) throw new ProtocolError(`there is no API with key ${apiKey}`).within('requestApiKey');
  reader.position = start;
  const header = requestHeaderMessage.decode(reader, requestHeaderVersion(api, apiVersion));
  return { api, apiVersion, correlationId: header.correlationId, clientId: header.clientId ?? '' };
}

/** The correlation id alone, from a frame of any response: it comes first in both header versions. */
export function peekCorrelationId(frame: Buffer): number {
  if (frame.length < 4) throw new ProtocolError(`response of ${frame.length} bytes has no correlation id`);
  return frame.readInt32BE(0);
}

/** Reads the header and leaves the reader at the body. */
export function readResponseHeader(reader: WireReader, api: Api, apiVersion: number): { correlationId: number } {
  const header = responseHeaderMessage.decode(reader, responseHeaderVersion(api, apiVersion));
  return { correlationId: header.correlationId };
}

function finish(writer: WireWriter): EncodedChunks {
  const size = writer.size;
  writer.patchFirstInt32(size - 4);
  return { chunks: writer.chunks(), size };
}

/** A whole request frame, length first. Byte fields in `body` are sent by reference: leave them alone until sent. */
export function encodeRequest<Q, P>(
  api: Api<Q, P>,
  apiVersion: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  body: Writable<Q>,
): EncodedChunks {
  const writer = new WireWriter();
  writer.int32(0);
  requestHeaderMessage.encode(writer, requestHeaderVersion(api, apiVersion), {
    requestApiKey: api.key,
    requestApiVersion: apiVersion,
    correlationId: header.correlationId,
    clientId: header.clientId,
  });
  api.request.encode(writer, apiVersion, body);
  return finish(writer);
}

/** A whole response frame, length first. Byte fields in `body` are sent by reference: leave them alone until sent. */
export function encodeResponse<Q, P>(
  api: Api<Q, P>,
  apiVersion: number,
  correlationId: number,
  body: Writable<P>,
): EncodedChunks {
  const writer = new WireWriter();
  writer.int32(0);
  responseHeaderMessage.encode(writer, responseHeaderVersion(api, apiVersion), { correlationId });
  api.response.encode(writer, apiVersion, body);
  return finish(writer);
}
