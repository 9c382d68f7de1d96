// Every message of every API and version, and the records of every log and file: what was encoded decodes to the
// same; spoilt or random bytes decode to a value that can be written again, or to a ProtocolError, soon and cheaply.

import { isDeepStrictEqual } from 'node:util';
import { apis } from '../../main/protocol/api-keys.ts';
import { FrameSplitter } from '../../main/protocol/framing.ts';
import { readRequestHeader, readResponseHeader } from '../../main/protocol/headers.ts';
import { decodeMetadataRecord } from '../../main/protocol/metadata-record-frame.ts';
import * as controlRecords from '../../main/protocol/messages/control-records.ts';
import * as embedded from '../../main/protocol/messages/embedded-messages.ts';
import * as groupRecords from '../../main/protocol/messages/group-coordinator-records.ts';
import * as metadataRecords from '../../main/protocol/messages/metadata-records.ts';
import * as shareCoordinator from '../../main/protocol/messages/share-coordinator-records.ts';
import * as shareGroups from '../../main/protocol/messages/share-group-records.ts';
import * as storageRecords from '../../main/protocol/messages/storage-records.ts';
import * as streamsGroups from '../../main/protocol/messages/streams-group-records.ts';
import * as transactions from '../../main/protocol/messages/transaction-coordinator-records.ts';
import { ProtocolError } from '../../main/protocol/protocol-error.ts';
import { Message } from '../../main/protocol/schema.ts';
import { WireReader } from '../../main/protocol/wire-reader.ts';
import type { Random } from '../../main/runtime/runtime.ts';
import { cpuMs, Finding, oneOf, type FuzzTarget } from './fuzz-target.ts';
import { mutate } from './mutate.ts';
import { randomStruct } from './schema-values.ts';

const recordModules = [
  controlRecords,
  embedded,
  groupRecords,
  metadataRecords,
  shareCoordinator,
  shareGroups,
  storageRecords,
  streamsGroups,
  transactions,
];

const messages: readonly Message<unknown>[] = [
  ...apis.flatMap(({ request, response }) => [request, response]),
  ...recordModules.flatMap((module) => Object.values<unknown>(module).filter((value) => value instanceof Message)),
];
const families = [
  groupRecords.groupCoordinatorRecords,
  transactions.transactionCoordinatorRecords,
  shareCoordinator.shareCoordinatorRecords,
];

/** Decoding costs some fixed work a byte; these are far above it and far below what a length field could ask for. */
const decodeMsMax = 500;
const spoiltPerMessage = 12;

/** Null after a ProtocolError; anything else that is thrown is a finding. */
export function decodes<T>(what: string, bytes: Buffer, decode: () => T): T | null {
  const startMs = cpuMs();
  try {
    return decode();
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw new Finding(`${what}: ${String(error)} for ${bytes.toString('hex').slice(0, 400)}`, { cause: error });
  } finally {
    const tookMs = cpuMs() - startMs;
    if (tookMs > decodeMsMax) throw new Finding(`${what}: ${bytes.length} bytes took ${Math.round(tookMs)} ms`);
  }
}

function roundTrip(message: Message<unknown>, version: number, random: Random): Buffer {
  const value = randomStruct(message.fields, version, random);
  const bytes = message.encodeToBuffer(version, value);
  const decoded = message.decodeFrom(bytes, version);
  const what = `${message.name} version ${version}`;
  if (!isDeepStrictEqual(plain(decoded), plain(value))) {
    throw new Finding(`${what}: ${show(value)} decodes to ${show(decoded)}`);
  }
  if (!message.encodeToBuffer(version, decoded as object).equals(bytes)) {
    throw new Finding(`${what}: encodes differently after decoding: ${bytes.toString('hex')}`);
  }
  return bytes;
}

/** Buffers and frozen defaults compared by what they hold; unknown tags in the order in which they are written. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, plain(key === 'unknownTaggedFields' ? inOrder(each) : each)]),
  );
}

function inOrder(tags: unknown): unknown {
  return Array.isArray(tags) ? (tags as { tag: number }[]).toSorted((a, b) => a.tag - b.tag) : tags;
}

function show(value: unknown): string {
  return JSON.stringify(plain(value), (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)).slice(
    0,
    600,
  );
}

function decodeSpoilt(message: Message<unknown>, version: number, bytes: Buffer): void {
  const what = `${message.name} version ${version}`;
  const value = decodes(what, bytes, () => message.decodeFrom(bytes, version));
  if (value === null) return;
  // What a client made us understand we can say again, and then it is the same.
  const again = decodes(what, bytes, () => message.encodeToBuffer(version, value));
  if (again === null) throw new Finding(`${what}: what was decoded can't be encoded: ${bytes.toString('hex')}`);
  const second = message.decodeFrom(again, version);
  if (!isDeepStrictEqual(plain(second), plain(value))) {
    throw new Finding(`${what}: ${show(value)} becomes ${show(second)}`);
  }
}

function versionOf(message: Message<unknown>, random: Random): number {
  return message.versions.min + random.below(message.versions.max - message.versions.min + 1);
}

const wireMessages: FuzzTarget = {
  name: 'decode:messages',
  run: (random) => {
    let cases = 0;
    for (const message of messages) {
      if (message.versions.max < message.versions.min) continue;
      const version = versionOf(message, random);
      const bytes = roundTrip(message, version, random);
      const donor = roundTrip(message, versionOf(message, random), random);
      for (let count = 0; count < spoiltPerMessage; count++) {
        decodeSpoilt(message, version, count === 0 ? donor : mutate(bytes, random, donor));
      }
      cases += 2 + spoiltPerMessage;
    }
    return cases;
  },
};

const everyVersion: FuzzTarget = {
  name: 'decode:every-version',
  run: (random) => {
    const message = oneOf(random, messages);
    let cases = 0;
    for (let version = message.versions.min; version <= message.versions.max; version++) {
      const bytes = roundTrip(message, version, random);
      for (let length = 0; length < Math.min(bytes.length, 300); length++) {
        decodeSpoilt(message, version, bytes.subarray(0, length));
      }
      cases += 1 + Math.min(bytes.length, 300);
    }
    return cases;
  },
};

const rawBytes: FuzzTarget = {
  name: 'decode:raw-bytes',
  run: (random) => {
    const bytes = Buffer.from(random.bytes(random.below(200)));
    for (const message of messages) decodeSpoilt(message, versionOf(message, random), bytes);
    for (const api of apis) {
      decodes('request header', bytes, () => readRequestHeader(new WireReader(bytes)));
      decodes('response header', bytes, () => readResponseHeader(new WireReader(bytes), api, api.versions.max));
    }
    return messages.length + 2 * apis.length;
  },
};

/** Records as the metadata log and the coordinators' topics hold them, with their frames. */
const recordFrames: FuzzTarget = {
  name: 'decode:record-frames',
  run: (random) => {
    let cases = 0;
    for (const schema of metadataRecords.metadataRecords) {
      const version = versionOf(schema as Message<unknown>, random);
      const body = (schema as Message<unknown>).encodeToBuffer(version, randomStruct(schema.fields, version, random));
      const frame = Buffer.concat([Buffer.from([1, schema.key, version]), body]);
      for (const bytes of [frame, mutate(frame, random), mutate(frame, random)]) {
        decodes('metadata record', bytes, () => decodeMetadataRecord(bytes));
        cases++;
      }
    }
    for (const family of families) {
      const type = oneOf(random, family.types);
      const version = versionOf(type.value, random);
      const key = Buffer.concat([
        Buffer.from([0, type.key.key]),
        type.key.encodeToBuffer(0, randomStruct(type.key.fields, 0, random)),
      ]);
      const value = Buffer.concat([
        Buffer.from([0, version]),
        type.value.encodeToBuffer(version, randomStruct(type.value.fields, version, random)),
      ]);
      for (const [first, second] of [
        [key, value],
        [mutate(key, random), value],
        [key, mutate(value, random)],
      ] as const) {
        decodes(type.name, second, () => family.decode(first, second));
        cases++;
      }
    }
    return cases;
  },
};

/** A stream of frames cut anywhere gives the same frames; a hostile length costs no memory. */
const framing: FuzzTarget = {
  name: 'decode:framing',
  run: (random) => {
    const sent = Array.from({ length: 1 + random.below(6) }, () => Buffer.from(random.bytes(random.below(300))));
    const stream = Buffer.concat(
      sent.flatMap((frame) => {
        const length = Buffer.alloc(4);
        length.writeInt32BE(frame.length);
        return [length, frame];
      }),
    );
    const splitter = new FrameSplitter({ frameBytesMax: 1000 });
    const received: Buffer[] = [];
    for (let at = 0; at < stream.length;) {
      const end = at + 1 + random.below(90);
      splitter.push(Buffer.from(stream.subarray(at, end)), (frame) => received.push(Buffer.from(frame)));
      at = end;
    }
    if (!isDeepStrictEqual(received, sent)) throw new Finding('frames differ after having been cut');
    const hostile = mutate(stream, random);
    const before = process.memoryUsage().arrayBuffers;
    decodes('framing', hostile, () => new FrameSplitter({ frameBytesMax: 0x7fffffff }).push(hostile, () => undefined));
    const grown = process.memoryUsage().arrayBuffers - before;
    if (grown > 16 * 1024 * 1024) throw new Finding(`framing took ${grown} bytes for ${hostile.toString('hex')}`);
    return 2;
  },
};

export const decoderTargets: readonly FuzzTarget[] = [wireMessages, everyVersion, rawBytes, recordFrames, framing];
