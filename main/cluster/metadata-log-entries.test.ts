import { expect, it } from 'vitest';
import type { MetadataLogEntry } from '../api/quorum-views.ts';
import { encodeMetadataRecord, type WritableMetadataRecord } from '../protocol/metadata-record-frame.ts';
import { buildBatch } from '../records/batch-builder.ts';
import { MetadataLogEntries } from './metadata-log-entries.ts';

const topicId = 'JK3_VuqyQ_6fC4IthG0mmw';
const partition = (leader: number, isr: number[]) => ({ topicId, partitionId: 0, leader, isr });
const records: WritableMetadataRecord[] = [
  { name: 'TopicRecord', version: 0, value: { name: 'orders', topicId } },
  { name: 'PartitionRecord', version: 1, value: { ...partition(1, [1, 2, 3]), replicas: [1, 2, 3], leaderEpoch: 4 } },
  { name: 'NoOpRecord', version: 0, value: {} },
  { name: 'PartitionChangeRecord', version: 0, value: partition(2, [2, 3]) },
  { name: 'PartitionChangeRecord', version: 0, value: { topicId, partitionId: 0, isr: [2] } },
];
const log = buildBatch(
  { baseOffset: 10, partitionLeaderEpoch: 7 },
  records.map((record) => ({ key: null, value: encodeMetadataRecord(record), timestamp: 1 })),
);

function read(endOffset: number): { entries: MetadataLogEntry[]; next: number; noOps: number } {
  const decoder = new MetadataLogEntries();
  const entries: MetadataLogEntry[] = [];
  const next = decoder.read(log, 10, endOffset, (entry) => entries.push(entry));
  return { entries, next, noOps: decoder.noOpCount };
}

it('a change says what was true before it, under the topic’s name', () => {
  const { entries, next, noOps } = read(15);
  expect(entries.map(({ offset, type, topic }) => [offset, type, topic])).toEqual([
    [10, 'TopicRecord', 'orders'],
    [11, 'PartitionRecord', 'orders'],
    [13, 'PartitionChangeRecord', 'orders'],
    [14, 'PartitionChangeRecord', 'orders'],
  ]);
  expect(entries[2]?.before).toEqual({ leader: 1, leaderEpoch: 4, isr: [1, 2, 3] });
  // The election raised the epoch by one; the second change has no leader in it.
  expect(entries[3]?.before).toEqual({ leader: 2, leaderEpoch: 5, isr: [2, 3] });
  expect([next, noOps, entries[0]?.epoch]).toEqual([15, 1, 7]);
});

it('what is not committed yet is not shown', () => {
  expect(read(14)).toMatchObject({ entries: [], next: 10 });
});
