// Snapshots of the metadata: files `NNN-EEE.checkpoint` beside the log. Written under another name and renamed when
// whole and synced, so a file with that name is always complete. Form: Kafka's, batches from offset 0, all at epoch
// EEE, header control batch first, footer control batch last.

import { assert } from '../core/assert.ts';
import { LogDirectoryError } from '../log/log-error.ts';
import { BatchBuilder, type NewRecord } from '../records/batch-builder.ts';
import { ControlRecordType, controlRecordTypeOf } from '../records/control-records.ts';
import { batchesIn, type RecordBatch } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';
import type { Disk } from '../runtime/runtime.ts';
import type { OffsetAndEpoch, RecordCodec, SnapshotReader } from './contract.ts';
import { readControlBatch, snapshotFooterBatch, snapshotHeaderBatch, type DynamicVoters } from './control-batches.ts';

const suffix = '.checkpoint';
const partSuffix = '.checkpoint.part';
const pattern = /^(\d{20})-(\d{10})\.checkpoint$/;
/** What Kafka leaves behind when it was stopped while writing or deleting one. */
const leftoverPattern = /\.checkpoint\.(part|deleted)$/;

export function snapshotName(id: OffsetAndEpoch): string {
  return `${String(id.offset).padStart(20, '0')}-${String(id.epoch).padStart(10, '0')}`;
}

export type SnapshotContents<R> = {
  readonly timestampMs: number;
  readonly lastContainedLogTimestampMs: number;
  readonly records: Iterable<R>;
  readonly dynamicVoters: DynamicVoters | null;
  readonly batchBytesMax: number;
};

/** All bytes of a snapshot file (`bootstrap.checkpoint` too). */
export function encodeSnapshot<R>(epoch: number, contents: SnapshotContents<R>, codec: RecordCodec<R>): Buffer {
  const { timestampMs, batchBytesMax } = contents;
  const place = (baseOffset: number): { baseOffset: number; epoch: number; timestampMs: number } => ({
    baseOffset,
    epoch,
    timestampMs,
  });
  const chunks = [snapshotHeaderBatch(place(0), contents.lastContainedLogTimestampMs, contents.dynamicVoters)];
  let nextOffset = contents.dynamicVoters === null ? 1 : 3;
  let builder: BatchBuilder | null = null;
  const closeBatch = (): void => {
    if (builder === null) return;
    chunks.push(builder.build());
    nextOffset = builder.nextOffset;
    builder = null;
  };
  for (const record of contents.records) {
    const row: NewRecord = { key: null, value: codec.encode(record), timestamp: timestampMs };
    const open: BatchBuilder | null = builder;
    if (open !== null && sizeWith(open, row) > batchBytesMax) closeBatch();
    builder ??= new BatchBuilder({ baseOffset: nextOffset, partitionLeaderEpoch: epoch });
    builder.append(row);
  }
  closeBatch();
  chunks.push(snapshotFooterBatch(place(nextOffset)));
  return Buffer.concat(chunks);
}

function sizeWith(builder: BatchBuilder, row: NewRecord): number {
  return builder.sizeInBytes + BatchBuilder.sizeOfRecordMax(row);
}

export class Snapshots {
  readonly #disk: Disk;
  readonly #directory: string;
  /** By rising offset. */
  #ids: OffsetAndEpoch[];

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
    const names = disk.list(directory);
    for (const name of names) if (leftoverPattern.test(name)) disk.remove(`${directory}/${name}`);
    this.#ids = names.flatMap((name) => {
      const match = pattern.exec(name);
      return match === null ? [] : [{ offset: Number(match[1]), epoch: Number(match[2]) }];
    });
  }

  get ids(): readonly OffsetAndEpoch[] {
    return this.#ids;
  }

  get latest(): OffsetAndEpoch | null {
    return this.#ids.at(-1) ?? null;
  }

  get earliest(): OffsetAndEpoch | null {
    return this.#ids[0] ?? null;
  }

  has(id: OffsetAndEpoch): boolean {
    return this.#ids.some(({ offset, epoch }) => offset === id.offset && epoch === id.epoch);
  }

  sizeBytes(id: OffsetAndEpoch): number {
    const file = this.#disk.open(this.#path(id), 'read');
    try {
      return file.size();
    } finally {
      file.close();
    }
  }

  write(id: OffsetAndEpoch, bytes: Buffer): void {
    this.#disk.writeFileAtomic(this.#path(id), bytes);
    this.#add(id);
  }

  /** A piece of a snapshot that comes from the leader; position 0 throws away what came before. */
  storeChunk(id: OffsetAndEpoch, position: number, chunk: Buffer): void {
    const file = this.#disk.open(this.#partPath(id), 'create');
    try {
      if (position === 0) file.truncate(0);
      assert(file.size() === position, `snapshot ${snapshotName(id)} is ${file.size()} bytes, not ${position}`);
      file.write(chunk, position);
    } finally {
      file.close();
    }
  }

  /** All pieces are there: checks them and gives the file its name. Throws LogDirectoryError when they are no snapshot. */
  finishFetched(id: OffsetAndEpoch): void {
    const part = this.#partPath(id);
    ensureWhole(Buffer.from(this.#disk.readFile(part)), part);
    const file = this.#disk.open(part, 'write');
    try {
      file.syncNow();
    } finally {
      file.close();
    }
    this.#disk.rename(part, this.#path(id));
    this.#disk.syncDirectory(this.#directory);
    this.#add(id);
  }

  removeBefore(id: OffsetAndEpoch): void {
    for (const old of this.#ids.filter(({ offset }) => offset < id.offset)) this.#disk.remove(this.#path(old));
    this.#ids = this.#ids.filter(({ offset }) => offset >= id.offset);
  }

  /** A piece of the file for FetchSnapshot; the piece may end inside a batch. */
  readChunk(id: OffsetAndEpoch, position: number, bytesMax: number): Buffer {
    const file = this.#disk.open(this.#path(id), 'read');
    try {
      const target = Buffer.allocUnsafe(Math.max(0, Math.min(bytesMax, file.size() - position)));
      const length = file.read(target, 0, target.length, position);
      return target.subarray(0, length);
    } finally {
      file.close();
    }
  }

  reader<R>(id: OffsetAndEpoch, codec: RecordCodec<R>): SnapshotReader<R> {
    const bytes = this.readAll(id);
    return {
      snapshotId: id,
      lastContainedLogTimestampMs: snapshotTimestampMs(bytes),
      sizeBytes: bytes.length,
      batches: () => decodedBatches(bytes, codec),
    };
  }

  /** Throws LogDirectoryError when the file is not what was written: half of it would be another state of the cluster. */
  readAll(id: OffsetAndEpoch): Buffer {
    const path = this.#path(id);
    const bytes = Buffer.from(this.#disk.readFile(path));
    ensureWhole(bytes, path);
    return bytes;
  }

  #add(id: OffsetAndEpoch): void {
    if (!this.has(id)) this.#ids = [...this.#ids, id].sort((a, b) => a.offset - b.offset || a.epoch - b.epoch);
  }

  #path(id: OffsetAndEpoch): string {
    return `${this.#directory}/${snapshotName(id)}${suffix}`;
  }

  #partPath(id: OffsetAndEpoch): string {
    return `${this.#directory}/${snapshotName(id)}${partSuffix}`;
  }
}

/** From the header; −1 when there is none. */
export function snapshotTimestampMs(bytes: Buffer): number {
  for (const batch of batchesIn(bytes)) {
    return batch.isControl ? (readControlBatch(batch).lastContainedLogTimestampMs ?? -1) : -1;
  }
  return -1;
}

/** Every batch as its checksum says, header first, footer last, nothing behind it. */
function ensureWhole(bytes: Buffer, path: string): void {
  const way =
    'With other controllers running, delete this node\u2019s log directory of the metadata: it is fetched anew.';
  let footerEnd = 0;
  let isFirst = true;
  try {
    for (const batch of batchesIn(bytes)) {
      batch.ensureValid();
      if (isFirst && !holds(batch, ControlRecordType.SNAPSHOT_HEADER)) throw new Error('it has no header');
      isFirst = false;
      if (holds(batch, ControlRecordType.SNAPSHOT_FOOTER)) footerEnd = batch.endPosition;
    }
    if (footerEnd === 0) throw new Error(`its end is missing, it stops at ${bytes.length} bytes`);
    if (footerEnd !== bytes.length) throw new Error(`it goes on behind its end at ${footerEnd} bytes`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LogDirectoryError(`the metadata snapshot ${path} is damaged: ${reason}. ${way}`, { cause: error });
  }
}

function holds(batch: RecordBatch, type: ControlRecordType): boolean {
  if (!batch.isControl) return false;
  for (const { key } of recordsOf(batch)) if (controlRecordTypeOf(key) === type) return true;
  return false;
}

function* decodedBatches<R>(bytes: Buffer, codec: RecordCodec<R>): Generator<readonly R[], void, undefined> {
  for (const batch of batchesIn(bytes)) {
    if (batch.isControl) continue;
    const records: R[] = [];
    for (const { value } of recordsOf(batch)) if (value !== null) records.push(codec.decode(value));
    yield records;
  }
}
