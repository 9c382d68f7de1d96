import { expect, test } from 'vitest';
import type { PartitionView, TopicView } from '../../main/api/views.ts';
import { TopicRows } from './topic-rows.ts';

const topic: TopicView = { topic: 'orders', topicId: 'x', internal: false, partitionCount: 2, replicationFactor: 2 };
const partition = (number: number, change: Partial<PartitionView>): PartitionView => ({
  topic: 'orders',
  partition: number,
  leader: 1,
  leaderEpoch: 0,
  partitionEpoch: 0,
  replicas: [
    { brokerId: 1, state: 'leader', logEndOffset: 10, highWatermark: 10, sizeBytes: 100 },
    { brokerId: 2, state: 'in-sync', logEndOffset: 10, highWatermark: 10, sizeBytes: 90 },
  ],
  inSyncReplicas: [1, 2],
  logStartOffset: 4,
  highWatermark: 10,
  logEndOffset: 10,
  messagesInPerSecond: 2,
  ...change,
});

test('a topic sums what its partitions report, and says what is not known', () => {
  const rows = new TopicRows();
  const list = [partition(0, {}), partition(1, { leader: -1, inSyncReplicas: [2], logEndOffset: null })];
  const partitions = new Map([['orders', list]]);
  const [row] = rows.of([topic], partitions);
  expect(row).toMatchObject({ records: 6, leaderBytes: 100, bytes: 380, underReplicated: 1, offline: 1, misplaced: 1 });
  expect(rows.of([topic], partitions)[0]).toBe(row);
  expect(rows.of([topic], new Map())[0]).toMatchObject({ records: null, bytes: null });
});
