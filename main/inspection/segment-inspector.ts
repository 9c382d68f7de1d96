// The door of this folder: answers the partition pages from the files of the brokers' log directories. It never
// writes, and it never asks a broker: what it shows is what lies on the disk.

import {
  batchBytesShownMax,
  batchRecordsShownMax,
  type SegmentOutputs,
  type StoredRecordView,
} from '../api/endpoints/segments.ts';
import { prepareCompression } from '../records/compression/compression.ts';
import { RecordCursor } from '../records/record.ts';
import type { RecordBatch } from '../records/record-batch.ts';
import { present } from '../core/assert.ts';
import { DiskError, type Disk } from '../runtime/runtime.ts';
import { batchFields, preview, recordFields } from './batch-fields.ts';
import { previewCompaction } from './compaction-preview.ts';
import { lookUp, readOffsetIndex, readTimeIndex } from './index-entries.ts';
import { PartitionFiles } from './partition-files.ts';
import { readBatch, readBatches, scanForOffset, viewOf } from './segment-batches.ts';

export type ReplicaPlace = { readonly topic: string; readonly partition: number; readonly brokerId: number };
type SegmentPlace = ReplicaPlace & { readonly baseOffset: number };
type BatchPlace = SegmentPlace & { readonly position: number };

export class InspectionError extends Error {
  override readonly name = 'InspectionError';
  readonly code: string;
  readonly advice: string | null;
  constructor(code: string, message: string, advice: string | null, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.advice = advice;
  }
}

export class SegmentInspector {
  readonly #disk: Disk;
  readonly #logDirsOf: (brokerId: number) => readonly string[];

  constructor(disk: Disk, logDirsOf: (brokerId: number) => readonly string[]) {
    this.#disk = disk;
    this.#logDirsOf = logDirsOf;
  }

  replica({ topic, partition, brokerId }: ReplicaPlace): SegmentOutputs['partition.replicas']['replicas'][number] {
    const files = this.#filesOf(brokerId, topic, partition);
    const nothing = {
      brokerId,
      directory: files.directory,
      files: [],
      logBytes: 0,
      segmentCount: 0,
      epochs: [],
      checkpoints: { logStartOffset: null, recoveryPoint: null, highWatermark: null },
    };
    if (!files.exists) return { ...nothing, problem: 'This replica has no directory yet.' };
    try {
      return files.describe(brokerId);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      return { ...nothing, problem: error.message };
    }
  }

  segments(place: ReplicaPlace): SegmentOutputs['partition.segments'] {
    const files = this.#files(place);
    return this.#reading(() => ({ directory: files.directory, segments: files.segments() }));
  }

  async compaction(place: ReplicaPlace): Promise<SegmentOutputs['partition.compaction']> {
    await prepareCompression();
    const files = this.#files(place);
    return this.#reading(() => previewCompaction(this.#disk, files, files.cleanedTo()));
  }

  batches(place: SegmentPlace, position: number, limit: number): SegmentOutputs['segment.batches'] {
    const path = this.#files(place).path(place.baseOffset, 'log');
    return this.#reading(() => readBatches(this.#disk, path, position, limit));
  }

  indexes(place: SegmentPlace): SegmentOutputs['segment.indexes'] {
    const files = this.#files(place);
    return this.#reading(() => {
      const offsets = readOffsetIndex(this.#disk, files.path(place.baseOffset, 'index'), place.baseOffset);
      const times = readTimeIndex(this.#disk, files.path(place.baseOffset, 'timeindex'), place.baseOffset);
      return {
        entries: offsets.entries,
        timeEntries: times.entries,
        entryCount: offsets.count,
        timeEntryCount: times.count,
      };
    });
  }

  find(place: ReplicaPlace, offset: number): SegmentOutputs['segment.find'] {
    const files = this.#files(place);
    return this.#reading(() => {
      const bases = files.baseOffsets();
      const baseOffset = bases.findLast((base) => base <= offset) ?? bases[0];
      if (baseOffset === undefined) {
        throw new InspectionError('NO_SEGMENT', 'this replica has no segment yet', null);
      }
      const { index, entry } = lookUp(this.#disk, files.path(baseOffset, 'index'), baseOffset, offset);
      const found = scanForOffset(this.#disk, files.path(baseOffset, 'log'), entry?.position ?? 0, offset);
      return { baseOffset, entry, entryIndex: index, ...found };
    });
  }

  async batch(place: BatchPlace): Promise<SegmentOutputs['segment.batch']> {
    const batch = await this.#batchAt(place);
    const size = batch.sizeInBytes;
    const listed = listRecords(batch);
    return {
      batch: viewOf(batch, place.position, batch.isValid),
      bytes: batch.bytes.subarray(0, batchBytesShownMax).toString('base64'),
      fields: batchFields(batch),
      records: batch.isCompressed ? listed.bytes.subarray(0, batchBytesShownMax).toString('base64') : null,
      uncompressedBytes: batch.isCompressed ? listed.bytes.length + (batch.recordsPosition - batch.position) : size,
      list: listed.list,
      listedAll: listed.all,
      problem: listed.problem,
    };
  }

  async record(place: BatchPlace, index: number): Promise<SegmentOutputs['segment.record']> {
    const batch = await this.#batchAt(place);
    const { list, bytes } = listRecords(batch);
    const record = list[index];
    if (record === undefined) {
      throw new InspectionError('NO_RECORD', `the batch at ${place.position} has no record ${index} to show`, null);
    }
    return { fields: recordFields(bytes, record.from, batch.baseOffset, batch.baseTimestamp) };
  }

  async #batchAt(place: BatchPlace): Promise<RecordBatch> {
    await prepareCompression();
    const path = this.#files(place).path(place.baseOffset, 'log');
    const batch = this.#reading(() => readBatch(this.#disk, path, place.position));
    if (typeof batch === 'string') throw new InspectionError('NO_BATCH', batch, 'load the batches again');
    return batch;
  }

  /** In the log directory that holds the replica; in the first where none does. */
  #filesOf(brokerId: number, topic: string, partition: number): PartitionFiles {
    const candidates = this.#logDirsOf(brokerId).map(
      (logDir) => new PartitionFiles(this.#disk, logDir, topic, partition),
    );
    return present(candidates.find((files) => files.exists) ?? candidates[0], `log directory of broker ${brokerId}`);
  }

  #files({ topic, partition, brokerId }: ReplicaPlace): PartitionFiles {
    // The name is a part of a path: Kafka's own rule for topics lets nothing through that leads elsewhere.
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic) || topic === '.' || topic === '..') {
      throw new InspectionError('INVALID_TOPIC_EXCEPTION', `there can be no topic ${topic}`, null);
    }
    const files = this.#filesOf(brokerId, topic, partition);
    if (!files.exists) {
      throw new InspectionError(
        'NO_REPLICA',
        `broker ${brokerId} has no directory for ${topic}-${partition}`,
        'it may have been deleted or moved',
      );
    }
    return files;
  }

  #reading<Result>(read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const advice = error.code === 'not-found' ? 'the broker may have deleted it just now: load the page again' : null;
      throw new InspectionError('DISK_ERROR', error.message, advice, error);
    }
  }
}

/** The records with the bytes they lie in: the batch itself, or what it decompresses to. */
function listRecords(batch: RecordBatch): {
  readonly list: readonly StoredRecordView[];
  readonly bytes: Buffer;
  readonly all: boolean;
  readonly problem: string | null;
} {
  const list: StoredRecordView[] = [];
  let bytes = batch.bytes;
  if (batch.isLegacy) {
    return { list, bytes, all: false, problem: `Records of message format ${batch.magic} are not taken apart here.` };
  }
  try {
    const cursor = new RecordCursor(batch);
    bytes = cursor.recordBytes;
    while (cursor.next()) {
      if (list.length >= batchRecordsShownMax) return { list, bytes, all: false, problem: null };
      const key = cursor.key();
      const value = cursor.value();
      list.push({
        index: list.length,
        offset: cursor.offset,
        timestamp: cursor.timestamp,
        from: cursor.position,
        to: cursor.endPosition,
        key: key === null ? null : preview(key),
        value: value === null ? null : preview(value),
        keyBytes: key?.length ?? null,
        valueBytes: value?.length ?? null,
        headerCount: cursor.headerCount,
      });
    }
    return { list, bytes, all: true, problem: null };
  } catch (error) {
    // Broken bytes are what this page is for: show what could be read.
    return { list, bytes, all: false, problem: error instanceof Error ? error.message : String(error) };
  }
}
