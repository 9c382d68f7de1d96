// Message bodies and frames against the bytes that Kafka's own classes wrote (wire/*.jsonl.gz): decode, encode
// again, encode from JSON, frames of stored records, whole requests and responses.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { apis, apiOf } from '../../../main/protocol/api-keys.ts';
import {
  encodeRequest,
  encodeResponse,
  readRequestHeader,
  readResponseHeader,
} from '../../../main/protocol/headers.ts';
import * as controlRecords from '../../../main/protocol/messages/control-records.ts';
import * as embedded from '../../../main/protocol/messages/embedded-messages.ts';
import { groupCoordinatorRecords } from '../../../main/protocol/messages/group-coordinator-records.ts';
import { requestHeaderMessage, responseHeaderMessage } from '../../../main/protocol/messages/headers.ts';
import { metadataRecords } from '../../../main/protocol/messages/metadata-records.ts';
import { shareCoordinatorRecords } from '../../../main/protocol/messages/share-coordinator-records.ts';
import * as storageRecords from '../../../main/protocol/messages/storage-records.ts';
import { transactionCoordinatorRecords } from '../../../main/protocol/messages/transaction-coordinator-records.ts';
import { decodeMetadataRecord, encodeMetadataRecord } from '../../../main/protocol/metadata-record-frame.ts';
import type { WritableMetadataRecord } from '../../../main/protocol/metadata-record-frame.ts';
import { Message } from '../../../main/protocol/schema.ts';
import { WireReader } from '../../../main/protocol/wire-reader.ts';
import { WireWriter } from '../../../main/protocol/wire-writer.ts';
import { readLines, sameJson, show, type Json, type JsonObject, type Report, type Suite } from '../suite.ts';
import { fromJson, toJson } from './json-form.ts';

type Values = Readonly<Record<string, unknown>>;

const coordinatorFamilies = [groupCoordinatorRecords, transactionCoordinatorRecords, shareCoordinatorRecords];

function allMessages(): ReadonlyMap<string, Message<unknown>> {
  const messages = new Map<string, Message<unknown>>();
  for (const api of apis) {
    messages.set(`request ${api.name}`, api.request);
    messages.set(`response ${api.name}`, api.response);
  }
  const records: unknown[] = [...metadataRecords, requestHeaderMessage, responseHeaderMessage];
  for (const family of coordinatorFamilies) records.push(...family.types.flatMap((type) => [type.key, type.value]));
  for (const module of [controlRecords, embedded, storageRecords]) records.push(...Object.values(module));
  for (const record of records) if (record instanceof Message) messages.set(record.name, record);
  return messages;
}

/** Where the engine's own number for 2^63−1 stands in a case that must keep 2^53−1 apart from it. */
function holdsEngineDefault(line: JsonObject): boolean {
  return line['api'] === 'Fetch' && show(line['json'], Infinity).includes(`"highWatermark":${Number.MAX_SAFE_INTEGER}`);
}

function checkBody(line: JsonObject, message: Message<unknown>): string | null {
  const version = line['version'] as number;
  const bytes = Buffer.from(line['hex'] as string, 'hex');
  const isNarrow = line['big'] !== true && !holdsEngineDefault(line);
  for (const wide of isNarrow ? [true, false] : [true]) {
    const reader = new WireReader(bytes, { wide });
    const values = message.decode(reader, version) as Values;
    if (reader.remaining !== 0) return `${reader.remaining} bytes are left after decoding`;
    const json = toJson(message.fields, version, values);
    if (!sameJson(json, line['json'])) return `decoded to ${show(json)} instead of ${show(line['json'])}`;
    const tagProblem = checkUnknownTags(line, values);
    if (tagProblem !== null) return tagProblem;
    const again = message.encodeToBuffer(version, values).toString('hex');
    if (again !== line['hex']) return `encoded again to ${again}`;
  }
  if (line['unknownTags'] === undefined) {
    const fresh = message.encodeToBuffer(version, fromJson(message.fields, line['json'] as JsonObject)).toString('hex');
    if (fresh !== line['hex']) return `encoded from JSON to ${fresh} instead of ${line['hex'] as string}`;
  }
  return null;
}

function checkUnknownTags(line: JsonObject, values: Values): string | null {
  for (const unknown of (line['unknownTags'] ?? []) as readonly JsonObject[]) {
    let at: unknown = values;
    for (const step of (unknown['path'] as string).split('/').filter((part) => part !== '')) at = (at as Values)[step];
    const found = (at as { unknownTaggedFields?: { tag: number; data: Buffer }[] }).unknownTaggedFields?.find(
      (field) => field.tag === unknown['tag'],
    );
    if (found?.data.toString('hex') !== unknown['hex']) return `unknown tag ${show(unknown)} was not kept`;
  }
  return null;
}

/** The record as it is stored, through the doors that the engine uses. */
function checkFrame(line: JsonObject, message: Message<unknown>): string | null {
  const expected = line['frame'] as string;
  const version = line['version'] as number;
  const stored = Buffer.from(expected, 'hex');
  const wide = { wide: line['big'] === true };
  const isMetadata = metadataRecords.some((schema) => schema === (message as unknown));
  if (isMetadata) {
    const record = decodeMetadataRecord(stored, wide);
    if (record.name !== message.name || record.version !== version)
      return `decoded as ${record.name} ${record.version}`;
    return differs(encodeMetadataRecord(record as WritableMetadataRecord), expected);
  }
  for (const family of coordinatorFamilies) {
    const type = family.types.find((candidate) => candidate.key === message || candidate.value === message);
    if (type === undefined) continue;
    const isKey = type.key === message;
    const key = isKey ? stored : frameOf(type.key.key, type.key.encodeToBuffer(0, {}));
    const record = family.decode(key, isKey ? null : stored, wide);
    if (record === null || record.name !== type.name) return `decoded as ${record?.name}`;
    const again = (family as { encode(record: unknown): { key: Buffer; value: Buffer | null } }).encode(record);
    return differs(isKey ? again.key : (again.value ?? Buffer.alloc(0)), expected);
  }
  const body = Buffer.from(line['hex'] as string, 'hex');
  return differs(frameOf(version, body), expected);
}

function frameOf(number: number, body: Buffer): Buffer {
  const writer = new WireWriter();
  writer.int16(number);
  writer.raw(body);
  return writer.toBuffer();
}

function differs(actual: Buffer, expectedHex: string): string | null {
  const hex = actual.toString('hex');
  return hex === expectedHex ? null : `framed as ${hex} instead of ${expectedHex}`;
}

function checkWholeFrame(line: JsonObject): string | null {
  const api = apiOf(line['key'] as number);
  const version = line['version'] as number;
  const correlationId = line['correlationId'] as number;
  const frame = Buffer.from(line['frame'] as string, 'hex');
  const reader = new WireReader(frame.subarray(4), { wide: line['big'] === true });
  if (frame.readInt32BE(0) !== frame.length - 4) return 'length does not match';
  let encoded: { readonly chunks: readonly Buffer[] };
  if (line['type'] === 'request') {
    const header = readRequestHeader(reader);
    const clientId = (line['clientId'] ?? '') as string;
    if (header.api !== api || header.apiVersion !== version)
      return `header names ${header.api.name} ${header.apiVersion}`;
    if (header.correlationId !== correlationId) return `correlation id ${header.correlationId}`;
    if (header.clientId !== clientId) return `client id ${header.clientId}`;
    if (reader.position + 4 !== line['bodyOffset']) return `body begins at ${reader.position + 4}`;
    const body = api.request.decode(reader, version);
    encoded = encodeRequest(api, version, { correlationId, clientId: line['clientId'] as string | null }, body);
  } else {
    const header = readResponseHeader(reader, api, version);
    if (header.correlationId !== correlationId) return `correlation id ${header.correlationId}`;
    if (reader.position + 4 !== line['bodyOffset']) return `body begins at ${reader.position + 4}`;
    encoded = encodeResponse(api, version, correlationId, api.response.decode(reader, version));
  }
  if (reader.remaining !== 0) return `${reader.remaining} bytes are left`;
  return differs(Buffer.concat(encoded.chunks), line['frame'] as string);
}

function attempt(report: Report, name: string, check: () => string | null): void {
  try {
    const problem = check();
    report(problem === null, name, problem ?? undefined);
  } catch (error) {
    report(false, name, String(error));
  }
}

function text(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export const wireSuite: Suite = {
  name: 'wire',
  run(directory, report) {
    const folder = join(directory, 'wire');
    if (!existsSync(folder)) return;
    const messages = allMessages();
    for (const file of readdirSync(folder).sort()) {
      if (!file.endsWith('.jsonl.gz')) continue;
      readLines(join(folder, file)).forEach((line, index) => {
        const label = [line['api'], line['type'], line['version'], line['case']].map(text).join(' ');
        const name = `wire/${file}:${index + 1} ${label}`;
        if (file === 'frames.jsonl.gz') {
          attempt(report, name, () => checkWholeFrame(line));
          return;
        }
        const type = line['type'];
        const prefix = type === 'request' || type === 'response' ? `${type} ` : '';
        const message = messages.get(prefix + text(line['api']));
        if (message === undefined) {
          report(false, name, 'there is no such message');
          return;
        }
        attempt(report, name, () => checkBody(line, message));
        if (line['frame'] !== undefined) attempt(report, `${name} frame`, () => checkFrame(line, message));
      });
    }
  },
};
