// One replica's directory as it lies on the disk: files, segments, epochs, checkpoints. Opened read-only beside the
// broker that writes it, so everything may be a moment old and a file may vanish while it is looked at.

import type { LogFile, ReplicaLog, SegmentView } from '../api/endpoints/segments.ts';
import { readInt64 } from '../records/int64.ts';
import { RecordBatch, recordBatchOverheadBytes } from '../records/record-batch.ts';
import { DiskError, type Disk } from '../runtime/runtime.ts';
import { countIndexEntries, offsetEntryBytes, timeEntryBytes } from './index-entries.ts';

const segmentName = /^(\d{20})\.log$/;
const epochFile = 'leader-epoch-checkpoint';

export class PartitionFiles {
  readonly directory: string;
  readonly #disk: Disk;
  readonly #logDir: string;
  readonly #name: string;

  constructor(disk: Disk, logDir: string, topic: string, partition: number) {
    this.#disk = disk;
    this.#logDir = logDir;
    this.#name = `${topic}-${partition}`;
    this.directory = `${logDir}/${this.#name}`;
  }

  get exists(): boolean {
    return this.#disk.isDirectory(this.directory);
  }

  path(baseOffset: number, kind: 'log' | 'index' | 'timeindex' | 'txnindex'): string {
    return `${this.directory}/${String(baseOffset).padStart(20, '0')}.${kind}`;
  }

  files(): readonly LogFile[] {
    return this.#disk.list(this.directory).flatMap((name) => {
      const path = `${this.directory}/${name}`;
      try {
        return [{ name, bytes: this.#sizeOf(path), modifiedMs: this.#disk.modifiedMs(path) }];
      } catch (error) {
        // Retention may take a file between the listing and the look at it.
        if (error instanceof DiskError && error.code === 'not-found') return [];
        throw error;
      }
    });
  }

  baseOffsets(): readonly number[] {
    return this.#disk
      .list(this.directory)
      .flatMap((name) => segmentName.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  describe(brokerId: number): ReplicaLog {
    const files = this.files();
    const logs = files.filter((file) => segmentName.test(file.name));
    return {
      brokerId,
      directory: this.directory,
      problem: null,
      files,
      logBytes: logs.reduce((sum, file) => sum + file.bytes, 0),
      segmentCount: logs.length,
      epochs: this.epochs(),
      checkpoints: {
        logStartOffset: this.#checkpoint('log-start-offset-checkpoint'),
        recoveryPoint: this.#checkpoint('recovery-point-offset-checkpoint'),
        highWatermark: this.#checkpoint('replication-offset-checkpoint'),
      },
    };
  }

  segments(): readonly SegmentView[] {
    const files = new Map(this.files().map((file) => [file.name, file]));
    const bases = this.baseOffsets();
    return bases.map((baseOffset, index) => {
      const file = (kind: 'log' | 'index' | 'timeindex' | 'txnindex'): LogFile | undefined =>
        files.get(`${String(baseOffset).padStart(20, '0')}.${kind}`);
      const timeEntries = countIndexEntries(this.#disk, this.path(baseOffset, 'timeindex'), timeEntryBytes);
      return {
        baseOffset,
        logBytes: file('log')?.bytes ?? 0,
        indexBytes: file('index')?.bytes ?? 0,
        timeIndexBytes: file('timeindex')?.bytes ?? 0,
        transactionIndexBytes: file('txnindex')?.bytes ?? 0,
        indexEntries: countIndexEntries(this.#disk, this.path(baseOffset, 'index'), offsetEntryBytes),
        timeIndexEntries: timeEntries,
        firstTimestamp: this.#firstTimestamp(baseOffset),
        largestTimestamp: this.#largestTimestamp(baseOffset, timeEntries),
        modifiedMs: file('log')?.modifiedMs ?? 0,
        isActive: index === bases.length - 1,
        nextBaseOffset: bases[index + 1] ?? null,
      };
    });
  }

  /** Where compaction ended last; null when it never ran. */
  cleanedTo(): number | null {
    return this.#checkpoint('cleaner-offset-checkpoint');
  }

  epochs(): readonly { readonly epoch: number; readonly startOffset: number }[] {
    const lines = this.#lines(`${this.directory}/${epochFile}`) ?? [];
    return lines.map((line) => {
      const [epoch, startOffset] = line.split(' ').map(Number);
      return { epoch: epoch ?? -1, startOffset: startOffset ?? -1 };
    });
  }

  /** Lines of a checkpoint file behind its version and its count; null when it is missing. */
  #lines(path: string): readonly string[] | null {
    try {
      const text = Buffer.from(this.#disk.readFile(path)).toString('utf8');
      return text.split('\n').slice(2).filter(Boolean);
    } catch (error) {
      if (error instanceof DiskError && error.code === 'not-found') return null;
      throw error;
    }
  }

  #checkpoint(file: string): number | null {
    const own = `${this.#name.slice(0, this.#name.lastIndexOf('-'))} ${this.#name.slice(this.#name.lastIndexOf('-') + 1)} `;
    const line = this.#lines(`${this.#logDir}/${file}`)?.find((each) => each.startsWith(own));
    return line === undefined ? null : Number(line.slice(own.length));
  }

  #firstTimestamp(baseOffset: number): number | null {
    const header = this.#read(this.path(baseOffset, 'log'), 0, recordBatchOverheadBytes);
    return header.length < recordBatchOverheadBytes ? null : new RecordBatch(header).baseTimestamp;
  }

  #largestTimestamp(baseOffset: number, entries: number): number | null {
    if (entries === 0) return null;
    const entry = this.#read(this.path(baseOffset, 'timeindex'), (entries - 1) * timeEntryBytes, timeEntryBytes);
    return entry.length < timeEntryBytes ? null : readInt64(entry, 0);
  }

  #sizeOf(path: string): number {
    const file = this.#disk.open(path, 'read');
    try {
      return file.size();
    } finally {
      file.close();
    }
  }

  #read(path: string, position: number, length: number): Buffer {
    const file = this.#disk.open(path, 'read');
    try {
      const target = Buffer.alloc(length);
      return target.subarray(0, file.read(target, 0, length, position));
    } finally {
      file.close();
    }
  }
}
