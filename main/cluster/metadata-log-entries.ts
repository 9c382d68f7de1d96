// Records of the metadata log as readable entries. Keeps what it needs to say what a change changed: topic names by
// id, and each partition's last leader and ISR. Pure.

import type { MetadataLogEntry } from '../api/quorum-views.ts';
import { partitionName } from '../core/ids.ts';
import { decodeMetadataRecord, type MetadataRecord } from '../protocol/metadata-record-frame.ts';
import { RecordCursor } from '../records/record.ts';
import { forEachBatch, type RecordBatch } from '../records/record-batch.ts';
import { readControlRecord } from './metadata-control-records.ts';

type PartitionFacts = { readonly leader: number; readonly leaderEpoch: number; readonly isr: readonly number[] };

export class MetadataLogEntries {
  readonly #topicNames = new Map<string, string>();
  readonly #partitions = new Map<string, PartitionFacts>();
  #noOpCount = 0;

  get noOpCount(): number {
    return this.#noOpCount;
  }

  /** Names of topics whose records lie before what is read. */
  noteTopic(topicId: string, name: string): void {
    this.#topicNames.set(topicId, name);
  }

  /** Calls `visit` for each record below `endOffset` that says something; answers where to go on. */
  read(bytes: Buffer, fromOffset: number, endOffset: number, visit: (entry: MetadataLogEntry) => void): number {
    let next = fromOffset;
    forEachBatch(bytes, (batch) => {
      if (batch.lastOffset >= endOffset) return false;
      this.#readBatch(batch, fromOffset, visit);
      next = Math.max(next, batch.nextOffset);
      return true;
    });
    return next;
  }

  #readBatch(batch: RecordBatch, fromOffset: number, visit: (entry: MetadataLogEntry) => void): void {
    const cursor = new RecordCursor(batch);
    const epoch = batch.partitionLeaderEpoch;
    while (cursor.next()) {
      if (cursor.offset < fromOffset) continue;
      const facts = { offset: cursor.offset, epoch, timestampMs: cursor.timestamp };
      if (batch.isControl) {
        visit({ ...facts, ...readControlRecord(cursor.key(), cursor.value()), topic: null, before: null });
        continue;
      }
      const value = cursor.value();
      const record = value === null ? null : decodeMetadataRecord(value);
      if (record === null || record.name === 'NoOpRecord') this.#noOpCount += 1;
      else visit({ ...facts, type: record.name, fields: plainFields(record.value), ...this.#follow(record) });
    }
  }

  #follow(record: MetadataRecord): Pick<MetadataLogEntry, 'topic' | 'before'> {
    switch (record.name) {
      case 'TopicRecord':
        this.#topicNames.set(record.value.topicId, record.value.name);
        return { topic: record.value.name, before: null };
      case 'RemoveTopicRecord': {
        const topic = this.#topicNames.get(record.value.topicId) ?? null;
        return { topic, before: null };
      }
      case 'PartitionRecord':
      case 'PartitionChangeRecord': {
        const { topicId, partitionId } = record.value;
        const key = partitionName(topicId, partitionId);
        const before = this.#partitions.get(key) ?? null;
        this.#partitions.set(key, after(record, before));
        return { topic: this.#topicNames.get(topicId) ?? null, before };
      }
      default:
        return { topic: null, before: null };
    }
  }
}

const noLeaderChange = -2;

function after(
  record: Extract<MetadataRecord, { name: 'PartitionRecord' | 'PartitionChangeRecord' }>,
  before: PartitionFacts | null,
): PartitionFacts {
  if (record.name === 'PartitionRecord') {
    const { leader, leaderEpoch, isr } = record.value;
    return { leader, leaderEpoch, isr };
  }
  const { leader, isr } = record.value;
  const known = before ?? { leader: -1, leaderEpoch: -1, isr: [] };
  const isElection = leader !== noLeaderChange;
  return {
    leader: isElection ? leader : known.leader,
    // Each record that names a leader raises the epoch by one.
    leaderEpoch: isElection && known.leaderEpoch >= 0 ? known.leaderEpoch + 1 : known.leaderEpoch,
    isr: isr ?? known.isr,
  };
}

/** As JSON can carry it: 64-bit integers as text, bytes as hex, nothing that no one set. */
function plainFields(value: object): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (name === 'unknownTaggedFields') continue;
    fields[name] = plain(field);
  }
  return fields;
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'object' && value !== null ? plainFields(value) : value;
}
