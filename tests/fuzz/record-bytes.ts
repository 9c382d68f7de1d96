// Record batches in all formats and codecs, and what stands in them: spoilt bytes are a RecordsError or records that
// hold together, never another exception, and what decompresses without end stops at its bound.

import { prepareCompression, compress, decompress } from '../../main/records/compression/compression.ts';
import { buildBatch, type NewRecord } from '../../main/records/batch-builder.ts';
import { buildEndTransactionMarker, readControlRecord } from '../../main/records/control-records.ts';
import { RecordsError } from '../../main/records/errors.ts';
import { batchesIn, RecordBatch } from '../../main/records/record-batch.ts';
import { recordsOf } from '../../main/records/record.ts';
import { legacyChecksum } from '../../main/records/legacy.ts';
import {
  checkProduceRecords,
  compressionNeededBy,
  validateForFollower,
  validateForLeader,
} from '../../main/records/validation.ts';
import { batchFields } from '../../main/inspection/batch-fields.ts';
import { ProtocolError } from '../../main/protocol/protocol-error.ts';
import type { Random } from '../../main/runtime/runtime.ts';
import { cpuMs, Finding, oneOf, type FuzzTarget } from './fuzz-target.ts';
import { mutate } from './mutate.ts';

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const outputBytesMax = 1024 * 1024;
const takesMsMax = 2000;
const nowMs = 1_750_000_000_000;

const settings = {
  topicPartition: 'fuzz-0',
  nextOffset: 100,
  leaderEpoch: 3,
  nowMs,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: 2 ** 53,
  timestampAfterMaxMs: 2 ** 53,
  messageBytesMax: 1_048_588,
  segmentBytesMax: 1_073_741_824,
  isCompacted: false,
  decompressedBytesMax: outputBytesMax,
} as const;

function someRecords(random: Random): NewRecord[] {
  return Array.from({ length: random.below(6) }, () => ({
    key: random.below(3) === 0 ? null : Buffer.from(random.bytes(random.below(20))),
    value: random.below(5) === 0 ? null : Buffer.from('ab'.repeat(random.below(200))),
    timestamp: nowMs + random.below(5000) - 2500,
    headers: Array.from({ length: random.below(3) }, () => ({
      key: 'h',
      value: random.below(2) === 0 ? null : Buffer.from(random.bytes(3)),
    })),
  }));
}

/** Message formats 0 and 1, compressed or not. */
function legacyMessages(random: Random, magic: number): Buffer {
  const one = (value: Buffer, attributes: number, offset: number): Buffer => {
    const header = magic === 0 ? 18 : 26;
    const bytes = Buffer.alloc(header + 4 + 4 + value.length);
    bytes.writeInt32BE(offset, 4);
    bytes.writeInt32BE(bytes.length - 12, 8);
    bytes.writeInt8(magic, 16);
    bytes.writeInt8(attributes, 17);
    bytes.writeInt32BE(-1, header);
    bytes.writeInt32BE(value.length, header + 4);
    value.copy(bytes, header + 8);
    bytes.writeUInt32BE(legacyChecksum(bytes, 0), 12);
    return bytes;
  };
  const plain = Array.from({ length: 1 + random.below(4) }, (_, index) =>
    one(Buffer.from('v'.repeat(random.below(50))), 0, index),
  );
  const codec = random.below(4);
  if (codec === 0) return Buffer.concat(plain);
  return one(compress(oneOf(random, ['gzip', 'snappy', 'lz4']), Buffer.concat(plain)), codec, plain.length - 1);
}

function someBytes(random: Random): Buffer {
  if (random.below(4) === 0) return legacyMessages(random, random.below(2));
  if (random.below(8) === 0) {
    return buildEndTransactionMarker({
      baseOffset: 0,
      partitionLeaderEpoch: 0,
      producerId: 5,
      producerEpoch: 0,
      timestampMs: nowMs,
      type: 'ABORT',
      coordinatorEpoch: 1,
    });
  }
  return Buffer.from(buildBatch({ compression: oneOf(random, codecs) }, someRecords(random)));
}

/** Only a RecordsError (or ProtocolError in a control record's body) may come out, and soon. */
function holds(what: string, bytes: Buffer, action: () => void): void {
  const startMs = cpuMs();
  try {
    action();
  } catch (error) {
    if (!(error instanceof RecordsError) && !(error instanceof ProtocolError)) {
      throw new Finding(`${what}: ${String(error)} for ${bytes.toString('hex').slice(0, 600)}`, { cause: error });
    }
  }
  const tookMs = cpuMs() - startMs;
  if (tookMs > takesMsMax) throw new Finding(`${what}: ${bytes.length} bytes took ${Math.round(tookMs)} ms`);
}

/** Gives changed bytes their checksum, so that what is behind it is reached. */
function withChecksum(bytes: Buffer): Buffer {
  if (bytes.length < 61) return bytes;
  const copy = Buffer.from(bytes);
  copy.writeInt32BE(copy.length - 12, 8);
  copy.writeInt8(2, 16);
  new RecordBatch(copy).updateChecksum();
  return copy;
}

function readEverything(bytes: Buffer): void {
  holds('batches', bytes, () => {
    for (const batch of batchesIn(bytes)) {
      holds('records', bytes, () => {
        batch.ensureValid();
        for (const record of recordsOf(batch, { outputBytesMax })) if (batch.isControl) readControlRecord(record);
      });
      if (batch.sizeInBytes >= 61) holds('fields', bytes, () => void batchFields(batch));
    }
  });
  for (const version of [2, 3, 7, 13]) holds('produce check', bytes, () => void checkProduceRecords(bytes, version));
  holds('needed codec', bytes, () => void compressionNeededBy(bytes));
  holds('follower', bytes, () => {
    validateForFollower(Buffer.from(bytes), { topicPartition: 'fuzz-0', segmentBytesMax: 1 << 30 });
  });
}

/** What a leader takes in, everybody can read back, at the offsets that it answered. */
function appendAsLeader(bytes: Buffer, random: Random): void {
  holds('leader', bytes, () => {
    const result = validateForLeader(Buffer.from(bytes), {
      ...settings,
      origin: 'client',
      compressionType: oneOf(random, ['producer', ...codecs]),
      isCompacted: random.below(4) === 0,
      timestampType: oneOf(random, ['CreateTime', 'LogAppendTime']),
    });
    if (!result.ok || result.recordCount === 0) return;
    let count = 0;
    for (const batch of batchesIn(result.records)) {
      batch.ensureValid();
      // A client's odd offset deltas stay as they are, as in Kafka: the batch's own offsets count.
      if (batch.baseOffset !== settings.nextOffset) throw new Finding(`base offset ${batch.baseOffset}`);
      count += [...recordsOf(batch)].length;
    }
    if (count !== result.recordCount) throw new Finding(`${result.recordCount} records announced, ${count} are there`);
  });
}

const batches: FuzzTarget = {
  name: 'records:batches',
  run: async (random) => {
    await prepareCompression('zstd');
    for (let count = 0; count < 40; count++) {
      const whole = someBytes(random);
      const spoilt = count === 0 ? whole : mutate(whole, random, someBytes(random));
      for (const bytes of [spoilt, withChecksum(spoilt)]) {
        readEverything(bytes);
        appendAsLeader(bytes, random);
      }
    }
    return 80;
  },
};

/** Streams of every codec: whole ones come back, spoilt ones are refused or give something within the bound. */
const compression: FuzzTarget = {
  name: 'records:compression',
  run: async (random) => {
    await prepareCompression('zstd');
    const plain = Buffer.concat(
      Array.from({ length: random.below(40) }, () =>
        random.below(2) === 0
          ? Buffer.from(random.bytes(random.below(300)))
          : Buffer.alloc(random.below(5000), random.below(256)),
      ),
    );
    for (const codec of codecs) {
      const packed = compress(codec, plain);
      if (!decompress(codec, packed).equals(plain)) throw new Finding(`${codec} gives other bytes back`);
      for (let count = 0; count < 20; count++) {
        const spoilt = mutate(packed, random);
        holds(codec, spoilt, () => {
          const bound = oneOf(random, [100, 10_000, outputBytesMax]);
          const output = decompress(codec, spoilt, { outputBytesMax: bound, legacyLz4: random.below(2) === 0 });
          if (codec !== 'none' && output.length > bound)
            throw new Finding(`${codec}: ${output.length} bytes, ${bound} allowed`);
        });
      }
    }
    return codecs.length * 21;
  },
};

/** A megabyte that becomes a gigabyte, were it not stopped. */
const bombs: FuzzTarget = {
  name: 'records:bombs',
  run: async (random) => {
    await prepareCompression('zstd');
    const plain = Buffer.alloc(8 * 1024 * 1024, random.below(256));
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const packed = compress(codec, plain);
      const before = process.memoryUsage().arrayBuffers;
      let refused = false;
      holds(codec, packed, () => {
        try {
          decompress(codec, packed, { outputBytesMax: 64 * 1024 });
        } catch (error) {
          refused = true;
          throw error;
        }
      });
      if (!refused) throw new Finding(`${codec}: 8 MiB passed a bound of 64 KiB`);
      const grown = process.memoryUsage().arrayBuffers - before;
      if (grown > plain.length / 2) throw new Finding(`${codec}: ${grown} bytes were taken before it was refused`);
    }
    return 4;
  },
};

export const recordTargets: readonly FuzzTarget[] = [batches, compression, bombs];
