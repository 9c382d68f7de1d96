// Images, deltas and publishers.

import { describe, expect, it } from 'vitest';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { MetadataDelta } from './metadata-delta.ts';
import { emptyMetadataImage, imageToRecords } from './metadata-image.ts';
import { MetadataLoader, type MetadataPublisher } from './metadata-loader.ts';
import { featureRecord } from './settings-image.ts';

const topicId = 'abcdefghijklmnopqrstug';
const otherId = 'bbcdefghijklmnopqrstug';

function topic(name: string, id: string): MetadataRecord {
  return { name: 'TopicRecord', version: 0, value: { name, topicId: id } };
}

function partition(id: string, partitionId: number, replicas: number[], leader = replicas[0] ?? -1): MetadataRecord {
  return {
    name: 'PartitionRecord',
    version: 2,
    value: {
      partitionId,
      topicId: id,
      replicas,
      isr: replicas,
      removingReplicas: [],
      addingReplicas: [],
      leader,
      leaderRecoveryState: 0,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: replicas.map(() => otherId),
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    },
  };
}

function change(
  id: string,
  partitionId: number,
  fields: { leader?: number; isr?: number[]; replicas?: number[] },
): MetadataRecord {
  return {
    name: 'PartitionChangeRecord',
    version: 2,
    value: {
      partitionId,
      topicId: id,
      isr: fields.isr ?? null,
      leader: fields.leader ?? -2,
      replicas: fields.replicas ?? null,
      removingReplicas: null,
      addingReplicas: null,
      leaderRecoveryState: -1,
      directories: null,
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    },
  };
}

function remove(id: string): MetadataRecord {
  return { name: 'RemoveTopicRecord', version: 0, value: { topicId: id } };
}

class Log {
  readonly loader = new MetadataLoader();
  #offset = 0;

  commit(...records: MetadataRecord[]): void {
    const baseOffset = this.#offset;
    this.#offset += records.length;
    this.loader.onCommit({ baseOffset, lastOffset: this.#offset - 1, epoch: 1, appendTimeMs: 0, records });
  }
}

function watcher(): MetadataPublisher & { readonly seen: string[][] } {
  const seen: string[][] = [];
  return { name: 'watcher', seen, onUpdate: (_delta, image) => seen.push([...image.topics.byName.keys()]) };
}

describe('a loader', () => {
  it('shows each committed batch to the publishers, and the present to a new one', () => {
    const log = new Log();
    log.commit(topic('a', topicId), partition(topicId, 0, [1]));
    const publisher = watcher();
    log.loader.install(publisher);
    log.commit(topic('b', otherId), partition(otherId, 0, [1]));
    expect(publisher.seen).toEqual([['a'], ['a', 'b']]);
  });

  it('shows a transaction only when it has ended, and an aborted one never', () => {
    const log = new Log();
    const publisher = watcher();
    log.loader.install(publisher);
    log.commit({ name: 'BeginTransactionRecord', version: 0, value: { name: null } }, topic('a', topicId));
    expect(log.loader.isInTransaction).toBe(true);
    log.commit(partition(topicId, 0, [1]));
    expect(log.loader.image.topics.byName.size).toBe(0);
    expect(log.loader.lastOffset).toBe(2);
    log.commit({ name: 'EndTransactionRecord', version: 0, value: {} });
    expect(log.loader.image.topics.byName.get('a')?.partitions.size).toBe(1);
    log.commit({ name: 'BeginTransactionRecord', version: 0, value: { name: null } }, topic('b', otherId));
    log.commit({ name: 'AbortTransactionRecord', version: 0, value: { reason: null } }, topic('c', otherId));
    expect([...log.loader.image.topics.byName.keys()]).toEqual(['a', 'c']);
  });

  it('replaces everything by a snapshot, and tells what is gone', () => {
    const log = new Log();
    log.commit(topic('a', topicId), partition(topicId, 0, [1]), featureRecord('group.version', 1));
    const deltas: MetadataDelta[] = [];
    log.loader.install({ name: 'deltas', onUpdate: (delta) => deltas.push(delta) });
    const records = [topic('b', otherId), partition(otherId, 0, [1, 2])];
    log.loader.onSnapshot({
      snapshotId: { offset: 10, epoch: 2 },
      lastContainedLogTimestampMs: 5,
      batches: () => [records],
    });
    expect([...imageToRecords(log.loader.image)]).toEqual(records);
    expect(deltas.at(-1)?.topics?.localChanges(1)).toMatchObject({
      leading: [{ topic: 'b' }],
      removed: [{ topic: 'a', partition: 0 }],
    });
    expect(log.loader.image.provenance).toEqual({
      lastContainedOffset: 9,
      lastContainedEpoch: 2,
      lastContainedLogTimeMs: 5,
    });
  });
});

describe('a delta', () => {
  const base = new MetadataDelta(emptyMetadataImage)
    .replayAll([topic('a', topicId), partition(topicId, 0, [1, 2]), partition(topicId, 1, [2, 1])])
    .apply(emptyMetadataImage.provenance);

  it('leaves the image before it as it was', () => {
    const after = new MetadataDelta(base)
      .replayAll([change(topicId, 0, { leader: 2, isr: [2] })])
      .apply(base.provenance);
    expect(base.topics.byName.get('a')?.partitions.get(0)).toMatchObject({
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
    });
    expect(after.topics.byName.get('a')?.partitions.get(0)).toMatchObject({
      leader: 2,
      leaderEpoch: 1,
      partitionEpoch: 1,
    });
    expect(after.topics.byName.get('a')?.partitions.get(1)).toBe(base.topics.byName.get('a')?.partitions.get(1));
    expect(after.cluster).toBe(base.cluster);
  });

  it('raises the leader epoch with the leader only, the partition epoch with every change', () => {
    const after = new MetadataDelta(base)
      .replayAll([
        change(topicId, 0, { isr: [1] }),
        change(topicId, 0, { leader: 1 }),
        change(topicId, 0, { isr: [1, 2] }),
      ])
      .apply(base.provenance);
    expect(after.topics.byName.get('a')?.partitions.get(0)).toMatchObject({ leaderEpoch: 1, partitionEpoch: 3 });
  });

  it('says what a broker leads, follows and drops', () => {
    const delta = new MetadataDelta(base).replayAll([
      change(topicId, 0, { leader: 2, isr: [2] }),
      change(topicId, 1, { replicas: [2, 3] }),
    ]);
    const names = (list: readonly { partition: number }[] | undefined) => list?.map((each) => each.partition);
    const one = delta.topics?.localChanges(1);
    expect([names(one?.leading), names(one?.following), names(one?.removed)]).toEqual([[], [0], [1]]);
    const two = delta.topics?.localChanges(2);
    expect([names(two?.leading), names(two?.following), names(two?.removed)]).toEqual([[0, 1], [], []]);
    expect(delta.topics?.localChanges(3).following).toMatchObject([{ partition: 1, before: null }]);
  });

  it('tells a topic that was deleted and made again from the old one', () => {
    const delta = new MetadataDelta(base).replayAll([remove(topicId), topic('a', otherId), partition(otherId, 0, [1])]);
    const changes = delta.topics?.localChanges(1);
    expect(changes?.removed.map((each) => each.topicId)).toEqual([topicId, topicId]);
    expect(changes?.leading).toMatchObject([{ topicId: otherId, before: null }]);
    expect(delta.apply(base.provenance).topics.byName.get('a')?.id).toBe(otherId);
  });

  it('fails on a change of a partition that nobody made', () => {
    expect(() => new MetadataDelta(base).replay(change(topicId, 7, { leader: 1 }))).toThrow(/partition 7/);
  });
});
