// Hashes, checksums, varints, uuids and primitive types against Kafka's own (partitioning.json).

import { crc32 } from '@node-rs/crc32';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  coordinatorPartition,
  javaStringHash,
  murmur2,
  partitionOfKey,
  shareCoordinatorKey,
} from '../../../main/protocol/partitioning.ts';
import { ProtocolError } from '../../../main/protocol/protocol-error.ts';
import { uuidFromBytes, uuidHash, uuidToBytes } from '../../../main/protocol/uuid.ts';
import { WireReader } from '../../../main/protocol/wire-reader.ts';
import { WireWriter } from '../../../main/protocol/wire-writer.ts';
import { crc32c, crc32cPortable } from '../../../main/records/crc32c.ts';
import { parseJson, sameJson, show, type Json, type JsonObject, type Suite } from '../suite.ts';

/** What we compute for one entry, to be equal to the fields of the same name in it. */
type Check = (entry: JsonObject) => JsonObject;

const coordinatorPartitions = 50;

function hexOf(write: (writer: WireWriter) => void): string {
  const writer = new WireWriter();
  write(writer);
  return writer.toBuffer().toString('hex');
}

function reader(entry: JsonObject): WireReader {
  return new WireReader(Buffer.from(entry['hex'] as string, 'hex'), { wide: true });
}

function partitionCounts(entry: JsonObject, partitionOf: (count: number) => number): JsonObject {
  const counts = Object.keys(entry['partition'] as JsonObject);
  return Object.fromEntries(counts.map((count) => [count, partitionOf(Number(count))]));
}

function checkCoordinator(entry: JsonObject): JsonObject {
  const id = entry['id'] as string;
  return { hashCode: javaStringHash(id), partitionOf50: coordinatorPartition(id, coordinatorPartitions) };
}

/** Kafka's IllegalArgumentException and BufferUnderflowException are both a ProtocolError here. */
function refusal(action: () => unknown): Json {
  try {
    return `${String(action())} was read`;
  } catch (error) {
    return error instanceof ProtocolError ? 'refused' : String(error);
  }
}

const badReads: Readonly<Record<string, (from: WireReader) => unknown>> = {
  readVarint: (from) => from.varint(),
  readUnsignedVarint: (from) => from.unsignedVarint(),
  readVarlong: (from) => from.varlong(),
};

function checkType(entry: JsonObject): JsonObject {
  const type = entry['type'] as string;
  const repeat = entry['repeatX'];
  const value = repeat === undefined ? (entry['value'] as string | null) : 'x'.repeat(Number(repeat));
  const isCompact = type.startsWith('COMPACT');
  const bytes = value === null ? null : Buffer.from(value, 'hex');
  const hex = hexOf((writer) => {
    if (type === 'FLOAT64') writer.float64(Number(value));
    else if (type.endsWith('BYTES')) writer[isCompact ? 'compactBytes' : 'bytes'](bytes);
    else writer[isCompact ? 'compactString' : 'string'](value);
  });
  const prefix = entry['hexPrefix'];
  if (prefix !== undefined) return { hexPrefix: hex.slice(0, (prefix as string).length) };
  const from = reader(entry);
  if (type === 'FLOAT64') return { hex, value: Object.is(from.float64(), Number(value)) ? value : 'another number' };
  if (type.endsWith('STRING')) return { hex, value: isCompact ? from.compactString() : from.string() };
  return { hex, value: (isCompact ? from.compactBytes() : from.bytes())?.toString('hex') ?? null };
}

const checks: Readonly<Record<string, Check>> = {
  murmur2: (entry) => {
    const key = Buffer.from(entry['key'] as string, 'hex');
    const hash = murmur2(key);
    const partition = partitionCounts(entry, (count) => partitionOfKey(key, count));
    return { hash, positive: hash & 0x7fffffff, partition };
  },
  groupCoordinator: checkCoordinator,
  transactionCoordinator: checkCoordinator,
  shareCoordinator: (entry) => {
    const key = shareCoordinatorKey(
      entry['groupId'] as string,
      entry['topicId'] as string,
      entry['partition'] as number,
    );
    return { key, coordinatorPartitionOf50: coordinatorPartition(key, coordinatorPartitions) };
  },
  crc32c: (entry) => {
    const bytes = Buffer.from(entry['bytes'] as string, 'hex');
    const portable = crc32cPortable(bytes);
    return { crc32c: crc32c(bytes), crc32: crc32(bytes), ...(portable === entry['crc32c'] ? {} : { portable }) };
  },
  varint: (entry) => ({
    value: reader(entry).varint(),
    zigzag: String(reader(entry).unsignedVarint()),
    hex: hexOf((writer) => writer.varint(entry['value'] as number)),
  }),
  unsignedVarint: (entry) => ({
    unsigned: String(reader(entry).unsignedVarint()),
    value: reader(entry).unsignedVarint() | 0,
    hex: hexOf((writer) => writer.unsignedVarint(entry['value'] as number)),
  }),
  varlong: (entry) => ({
    value: String(reader(entry).varlong()),
    zigzag: String(reader(entry).unsignedVarlong()),
    hex: hexOf((writer) => writer.varlong(BigInt(entry['value'] as string))),
  }),
  unsignedVarlong: (entry) => ({
    unsigned: String(reader(entry).unsignedVarlong()),
    hex: hexOf((writer) => writer.unsignedVarlong(BigInt(entry['unsigned'] as string))),
  }),
  badVarints: (entry) => {
    const names = Object.keys(entry).filter((name) => name !== 'hex');
    return Object.fromEntries(names.map((name) => [name, refusal(() => badReads[name]?.(reader(entry)))]));
  },
  uuid: (entry) => {
    const text = entry['text'] as string;
    const printed = uuidFromBytes(Buffer.from(entry['hex'] as string, 'hex'));
    return { text: printed, hex: uuidToBytes(text).toString('hex'), javaHashCode: uuidHash(text) };
  },
  types: checkType,
};

function expectedOf(section: string, entry: JsonObject, actual: JsonObject): JsonObject {
  const names = Object.keys(actual);
  const isBad = section === 'badVarints';
  return Object.fromEntries(names.map((name) => [name, isBad ? 'refused' : (entry[name] ?? null)]));
}

export const partitioningSuite: Suite = {
  name: 'partitioning',
  run(directory, report) {
    const path = join(directory, 'partitioning.json');
    if (!existsSync(path)) return;
    for (const [section, entries] of Object.entries(parseJson(readFileSync(path, 'utf8')) as JsonObject)) {
      const check = checks[section];
      (entries as readonly JsonObject[]).forEach((entry, index) => {
        const name = `partitioning.json ${section}[${index}]`;
        if (check === undefined) {
          report(false, name, 'there is no check for this section');
          return;
        }
        const actual = check(entry);
        const expected = expectedOf(section, entry, actual);
        report(sameJson(actual, expected), name, `${show(actual)} instead of ${show(expected)}`);
      });
    }
  },
};
