// Bytes of a `.snapshot` file: every producer that the partition remembers, as of one offset. Pure.

import { crc32c } from '../records/crc32c.ts';
import { readInt64, writeInt64 } from '../records/int64.ts';
import { lastSequenceOf, type ProducerEntry } from './producer-entry.ts';

const currentVersion = 1;
const crcAt = 2;
const countAt = 6;
const entriesAt = 10;
const entryBytes = 46;

export class DamagedSnapshot extends Error {
  override readonly name = 'DamagedSnapshot';
}

export function encodeProducerSnapshot(entries: readonly ProducerEntry[]): Buffer {
  const buffer = Buffer.alloc(entriesAt + entries.length * entryBytes);
  buffer.writeInt16BE(currentVersion, 0);
  buffer.writeInt32BE(entries.length, countAt);
  let at = entriesAt;
  for (const entry of inHashOrder(entries)) {
    const last = entry.batches.at(-1);
    writeInt64(buffer, at, entry.producerId);
    buffer.writeInt16BE(entry.producerEpoch, at + 8);
    buffer.writeInt32BE(lastSequenceOf(entry), at + 10);
    writeInt64(buffer, at + 14, last?.lastOffset ?? -1);
    buffer.writeInt32BE(last === undefined ? 0 : last.lastOffset - last.firstOffset, at + 22);
    writeInt64(buffer, at + 26, entry.lastTimestamp);
    buffer.writeInt32BE(entry.coordinatorEpoch, at + 34);
    writeInt64(buffer, at + 38, entry.currentTxnFirstOffset);
    at += entryBytes;
  }
  buffer.writeUInt32BE(crc32c(buffer, countAt), crcAt);
  return buffer;
}

export function decodeProducerSnapshot(buffer: Buffer): ProducerEntry[] {
  if (buffer.length < entriesAt) throw new DamagedSnapshot(`a producer snapshot has ${buffer.length} bytes`);
  const version = buffer.readInt16BE(0);
  if (version !== currentVersion) throw new DamagedSnapshot(`a producer snapshot has version ${version}`);
  const crc = buffer.readUInt32BE(crcAt);
  const computed = crc32c(buffer, countAt);
  if (crc !== computed) throw new DamagedSnapshot(`a producer snapshot has crc ${crc}, computed ${computed}`);
  const count = buffer.readInt32BE(countAt);
  if (count < 0 || buffer.length < entriesAt + count * entryBytes) {
    throw new DamagedSnapshot(`a producer snapshot of ${buffer.length} bytes announces ${count} producers`);
  }
  return Array.from({ length: count }, (_, index) => decodeEntry(buffer, entriesAt + index * entryBytes));
}

function decodeEntry(buffer: Buffer, at: number): ProducerEntry {
  const lastSequence = buffer.readInt32BE(at + 10);
  const lastOffset = readInt64(buffer, at + 14);
  const offsetDelta = buffer.readInt32BE(at + 22);
  const timestamp = readInt64(buffer, at + 26);
  const batch = {
    firstSequence: decrementSequence(lastSequence, offsetDelta),
    lastSequence,
    firstOffset: lastOffset - offsetDelta,
    lastOffset,
    timestamp,
  };
  return {
    producerId: readInt64(buffer, at),
    producerEpoch: buffer.readInt16BE(at + 8),
    coordinatorEpoch: buffer.readInt32BE(at + 34),
    lastTimestamp: timestamp,
    currentTxnFirstOffset: readInt64(buffer, at + 38),
    batches: lastOffset >= 0 ? [batch] : [],
  };
}

/** Wraps from 0 to 2^31 − 1. */
function decrementSequence(sequence: number, by: number): number {
  return sequence < by ? 0x8000_0000 - (by - sequence) : sequence - by;
}

/**
 * Kafka writes producers in the order of its hash map. Readers don't care; the same order makes our files equal to
 * Kafka's byte for byte.
 */
function inHashOrder(entries: readonly ProducerEntry[]): ProducerEntry[] {
  let capacity = 16;
  while (entries.length > capacity * 0.75) capacity *= 2;
  return [...entries].sort((a, b) => bucketOf(a.producerId, capacity) - bucketOf(b.producerId, capacity));
}

function bucketOf(producerId: number, capacity: number): number {
  const hash = Math.floor(producerId / 2 ** 32) ^ (producerId | 0);
  return ((hash ^ (hash >>> 16)) & (capacity - 1)) >>> 0;
}
