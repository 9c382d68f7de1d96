import { describe, expect, test } from 'vitest';
import { toBrokerId, toLeaderEpoch, toOffset, toPartitionId } from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { batchOf, ReplicaCluster, testTopic, type ProducedRow } from '../../tests/support/replica-cluster.ts';
import { ReplicationError } from './contract.ts';

async function threeNodes(seed: number): Promise<ReplicaCluster> {
  const cluster = new ReplicaCluster({ seed });
  await cluster.createTopic();
  return cluster;
}

/** Settled or not yet, without waiting. */
function watch(promise: Promise<ProducedRow>): { row: ProducedRow | null; error: unknown } {
  const watched: { row: ProducedRow | null; error: unknown } = { row: null, error: null };
  promise.then(
    (row) => (watched.row = row),
    (error: unknown) => (watched.error = error),
  );
  return watched;
}

describe('replication', () => {
  test('what acks=all acknowledged is on all replicas, and the followers learn the high watermark', async () => {
    const cluster = await threeNodes(1);
    const row = await cluster.world.settle(cluster.produce(1, ['a', 'b']));
    expect(row).toMatchObject({ errorCode: 0, baseOffset: 0 });
    for (const id of [2, 3]) expect(cluster.values(id)).toEqual(['a', 'b']);
    await cluster.world.runFor(50);
    for (const id of [1, 2, 3]) expect(cluster.node(id).partition().log.highWatermark).toBe(2);
  });

  test('an acks=all write takes round trips, not poll intervals', async () => {
    const cluster = await threeNodes(2);
    await cluster.world.runFor(3000);
    const startMs = cluster.world.nowMs;
    await cluster.world.settle(cluster.produce(1, ['a']));
    expect(cluster.world.nowMs - startMs).toBeLessThan(5);
  });

  test('acks=1 is answered without the followers, and their loss does not matter to it', async () => {
    const cluster = await threeNodes(3);
    cluster.world.cutBoth(1, 2);
    cluster.world.cutBoth(1, 3);
    const row = await cluster.world.settle(cluster.produce(1, ['a'], { acks: 1 }), 100);
    expect(row.errorCode).toBe(0);
    expect(cluster.node(1).partition().log.highWatermark).toBe(0);
  });

  test('acks=all waits for the whole ISR, and goes on when the lagging member has been dropped', async () => {
    const cluster = await threeNodes(4);
    cluster.world.cutBoth(1, 3);
    const watched = watch(cluster.produce(1, ['a']));
    await cluster.world.runFor(900);
    expect(watched.row).toBeNull();
    expect(cluster.values(2)).toEqual(['a']);
    await cluster.world.runFor(1500);
    expect(watched.row?.errorCode).toBe(0);
    expect(cluster.controller.partitions.get(cluster.key)?.inSyncReplicas).toEqual([1, 2]);
  });

  test('a follower that catches up again joins the ISR', async () => {
    const cluster = await threeNodes(5);
    cluster.world.cutBoth(1, 3);
    await cluster.world.settle(cluster.produce(1, ['a']));
    expect(cluster.controller.partitions.get(cluster.key)?.inSyncReplicas).toEqual([1, 2]);
    cluster.world.healAll();
    await cluster.world.runUntil(
      () => cluster.controller.partitions.get(cluster.key)?.inSyncReplicas.length === 3,
      30_000,
    );
    expect(cluster.values(3)).toEqual(['a']);
  });

  test('a member that fell out is not brought back by what it polled before', async () => {
    const cluster = await threeNodes(6);
    await cluster.world.settle(cluster.produce(1, ['a']));
    await cluster.world.runFor(50);
    cluster.world.cutBoth(1, 2);
    cluster.world.cutBoth(1, 3);
    await cluster.world.settle(cluster.produce(1, ['b'], { acks: 1 }));
    // Both polled once more, from where they were: they hold all that is committed, and are gone.
    const leader = cluster.node(1).partition();
    await cluster.world.runFor(700);
    const { clock } = cluster.world.runtimeFor(1);
    const nowMs = clock.monotonicMs();
    for (const id of [2, 3]) {
      const follower = leader.follower(id);
      const contact = { lastFetchMs: nowMs };
      const fetch = { replicaId: id, brokerEpoch: -1, fetchOffset: 1, logStartOffset: 0, contact };
      if (follower !== null) leader.recordFollowerFetch(leader.leaderRole(), follower, fetch, nowMs);
    }
    const before = cluster.controller.partitions.get(cluster.key)?.partitionEpoch ?? 0;
    await cluster.world.runFor(5000);
    expect(cluster.controller.partitions.get(cluster.key)).toMatchObject({ inSyncReplicas: [1] });
    expect(cluster.controller.partitions.get(cluster.key)?.partitionEpoch).toBe(before + 1);
  });

  // The answer to the leader and the metadata with it come in either order, by the seed.
  test.each([7, 9, 10, 11])(
    'who caught up while its removal was on its way comes back unasked (seed %i)',
    async (seed) => {
      const cluster = await threeNodes(seed);
      await cluster.world.settle(cluster.produce(1, ['a']));
      const inSync = (): readonly number[] => cluster.controller.partitions.get(cluster.key)?.inSyncReplicas ?? [];
      cluster.controller.isReachable = false;
      cluster.world.cutBoth(1, 3);
      await cluster.world.settle(cluster.produce(1, ['b'], { acks: 1 }));
      await cluster.world.runFor(2000);
      cluster.world.healAll();
      await cluster.world.runUntil(() => cluster.values(3).length === 2);
      await cluster.world.runFor(1000);
      cluster.controller.isReachable = true;
      await cluster.world.runUntil(() => inSync().length === 2);
      await cluster.world.runUntil(() => inSync().length === 3, 1000);
    },
  );

  test('below min.insync.replicas acks=all is refused before anything is written', async () => {
    const cluster = await threeNodes(6);
    cluster.controller.fence(toBrokerId(2));
    cluster.controller.fence(toBrokerId(3));
    await cluster.world.runFor(50);
    const row = await cluster.world.settle(cluster.produce(1, ['a']));
    expect(row.errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(cluster.node(1).partition().log.logEndOffset).toBe(0);
  });

  test('a write whose time is up is answered REQUEST_TIMED_OUT and stays in the log', async () => {
    const cluster = await threeNodes(7);
    cluster.world.cutBoth(1, 3);
    const row = await cluster.world.settle(cluster.produce(1, ['a'], { timeoutMs: 200 }), 400);
    expect(row).toMatchObject({ errorCode: ErrorCode.REQUEST_TIMED_OUT, baseOffset: 0 });
    expect(cluster.values(1)).toEqual(['a']);
  });

  test('writes that wait fail at once when the lead moves away', async () => {
    const cluster = await threeNodes(8);
    cluster.world.cutBoth(1, 3);
    const watched = watch(cluster.produce(1, ['a']));
    await cluster.world.runFor(20);
    cluster.controller.elect(cluster.key, toBrokerId(2));
    await cluster.world.runFor(20);
    expect(watched.row?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });

  test('after the leader died the new one serves within moments and nothing acknowledged is missing', async () => {
    const cluster = await threeNodes(9);
    await cluster.world.settle(cluster.produce(1, ['a', 'b']));
    cluster.world.kill(1);
    cluster.controller.fence(toBrokerId(1));
    await cluster.world.runUntil(() => cluster.node(2).partition().isLeader, 100);
    const startMs = cluster.world.nowMs;
    const row = await cluster.world.settle(cluster.produce(2, ['c']));
    expect(row).toMatchObject({ errorCode: 0, baseOffset: 2 });
    expect(cluster.world.nowMs - startMs).toBeLessThan(60);
    expect(cluster.values(3)).toEqual(['a', 'b', 'c']);
  });

  test('a leader that comes back cuts off what it alone had', async () => {
    const cluster = await threeNodes(10);
    await cluster.world.settle(cluster.produce(1, ['a']));
    cluster.world.isolate(1);
    const lost = watch(cluster.produce(1, ['lost1', 'lost2'], { acks: 1 }));
    cluster.world.heal(900, 1);
    cluster.world.heal(1, 900);
    await cluster.world.runFor(50);
    expect(lost.row?.errorCode).toBe(0);
    cluster.world.kill(1);
    cluster.controller.fence(toBrokerId(1));
    await cluster.world.runUntil(() => cluster.node(2).partition().isLeader, 100);
    await cluster.world.settle(cluster.produce(2, ['b']));
    cluster.world.healAll();
    const back = cluster.start(1);
    await cluster.world.runUntil(
      () => cluster.controller.partitions.get(cluster.key)?.inSyncReplicas.length === 3,
      30_000,
    );
    expect(cluster.values(1)).toEqual(['a', 'b']);
    expect(back.journal.filter(({ kind }) => kind === 'replica.truncated')).toMatchObject([{ from: 3, to: 1 }]);
  });

  test('a leader that the cluster has replaced can acknowledge nothing any more', async () => {
    const cluster = await threeNodes(11);
    cluster.world.isolate(1);
    cluster.world.heal(900, 1);
    cluster.world.heal(1, 900);
    // The controller replaces it, and it hears nothing of that.
    const deaf = cluster.node(1);
    deaf.hearsController = false;
    cluster.controller.fence(toBrokerId(1));
    await cluster.world.runUntil(() => cluster.node(2).partition().isLeader, 100);
    const stale = watch(cluster.produce(1, ['stale'], { timeoutMs: 5000 }));
    const row = await cluster.world.settle(cluster.produce(2, ['new']));
    expect(row.errorCode).toBe(0);
    await cluster.world.runFor(4000);
    expect(stale.row).toBeNull();
    deaf.hearsController = true;
    cluster.world.healAll();
    cluster.controller.unfence(toBrokerId(1));
    await cluster.world.runFor(3000);
    expect(stale.row?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(cluster.values(1)).toEqual(['new']);
  });

  test('a partition added during a long poll is fetched at once', async () => {
    const cluster = new ReplicaCluster({ seed: 12 });
    await cluster.createTopic(3);
    await cluster.world.runFor(5000);
    // Node 1 takes over partition 1 from node 2 while both followers' polls at node 1 are idle.
    cluster.controller.elect(`${cluster.key.slice(0, -1)}1`, toBrokerId(1));
    await cluster.world.runUntil(() => cluster.node(1).partition(1).isLeader, 100);
    const startMs = cluster.world.nowMs;
    const row = await cluster.world.settle(cluster.produce(1, ['x'], { index: 1 }));
    expect(row.errorCode).toBe(0);
    expect(cluster.world.nowMs - startMs).toBeLessThan(60);
  });

  test('a replica that lost everything starts where the leader starts', async () => {
    const cluster = await threeNodes(13);
    for (const value of ['a', 'b', 'c']) await cluster.world.settle(cluster.produce(1, [value]));
    const leader = cluster.node(1).partition();
    leader.deleteRecordsBefore(2, () => {});
    cluster.world.kill(3);
    cluster.controller.fence(toBrokerId(3));
    cluster.world.disk(3).losePower(null);
    await cluster.world.runFor(50);
    cluster.start(3);
    await cluster.world.runUntil(
      () => cluster.controller.partitions.get(cluster.key)?.inSyncReplicas.length === 3,
      30_000,
    );
    expect(cluster.values(3).at(-1)).toBe('c');
    expect(cluster.node(3).partition().log.logStartOffset).toBe(2);
  });

  test('so it does where the leader starts inside a batch: it takes the whole batch', async () => {
    const cluster = await threeNodes(15);
    await cluster.world.settle(cluster.produce(1, ['a', 'b', 'c', 'd']));
    cluster
      .node(1)
      .partition()
      .deleteRecordsBefore(2, () => {});
    cluster.world.kill(3);
    cluster.controller.fence(toBrokerId(3));
    cluster.world.disk(3).losePower(null);
    await cluster.world.settle(cluster.produce(1, ['e']));
    cluster.start(3);
    await cluster.world.runUntil(
      () => cluster.controller.partitions.get(cluster.key)?.inSyncReplicas.length === 3,
      30_000,
    );
    const { log } = cluster.node(3).partition();
    expect([log.logStartOffset, log.logEndOffset]).toEqual([2, 5]);
    await cluster.world.settle(cluster.produce(1, ['f']));
    expect(cluster.values(3).at(-1)).toBe('f');
  });

  test('a deleted topic fails whoever waits for it and leaves no replica behind', async () => {
    const cluster = await threeNodes(14);
    cluster.world.cutBoth(1, 3);
    const watched = watch(cluster.produce(1, ['a']));
    await cluster.world.runFor(20);
    cluster.controller.remove(cluster.key);
    await cluster.world.runFor(100);
    expect(watched.row?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect([...cluster.node(1).replicas.partitions()]).toEqual([]);
  });

  test('idle followers poll twice a second and nothing more', async () => {
    const cluster = await threeNodes(15);
    await cluster.world.runFor(5000);
    const before = cluster.world.eventCount;
    await cluster.world.runFor(10_000);
    // Two followers, 20 polls each; a poll is a handful of events (bytes there, timer, bytes back).
    expect(cluster.world.eventCount - before).toBeLessThan(2 * 20 * 12);
  });

  test('a new leader notes where its epoch begins before it has written anything', async () => {
    const cluster = await threeNodes(16);
    await cluster.world.settle(cluster.produce(1, ['a']));
    cluster.controller.elect(cluster.key, toBrokerId(2));
    await cluster.world.runUntil(() => cluster.node(2).partition().isLeader, 100);
    expect(cluster.node(2).partition().log.epochEntries).toEqual([
      { epoch: 0, startOffset: 0 },
      { epoch: 1, startOffset: 1 },
    ]);
  });
});

describe('for coordinators', () => {
  test('a write is known at once and committed when the ISR holds it', async () => {
    const cluster = await threeNodes(20);
    const { replicas } = cluster.node(1);
    const seen: number[] = [];
    const stop = replicas.onHighWatermark(testTopic, toPartitionId(0), (highWatermark) => seen.push(highWatermark));
    const { firstOffset, lastOffset, committed } = replicas.append(
      testTopic,
      toPartitionId(0),
      batchOf(['a', 'b']),
      toLeaderEpoch(0),
    );
    expect([firstOffset, lastOffset]).toEqual([0, 1]);
    expect(seen).toEqual([]);
    await cluster.world.settle(committed);
    expect(seen).toEqual([2]);
    const read = replicas.read(testTopic, toPartitionId(0), toOffset(0), 1024);
    expect(read).toMatchObject({ logStartOffset: 0, logEndOffset: 2, highWatermark: 2 });
    expect(Buffer.concat(read.records).length).toBe(batchOf(['a', 'b']).length);
    expect(replicas.read(testTopic, toPartitionId(0), toOffset(2), 1024).records).toEqual([]);
    stop();
    await cluster.world.settle(cluster.produce(1, ['c']));
    expect(seen).toEqual([2]);
  });

  test('a write in another epoch, on another broker or below min.insync.replicas is refused', async () => {
    const cluster = await threeNodes(21);
    const append = (id: number, epoch: number): number => {
      try {
        cluster.node(id).replicas.append(testTopic, toPartitionId(0), batchOf(['a']), toLeaderEpoch(epoch));
        return 0;
      } catch (error) {
        if (error instanceof ReplicationError) return error.code;
        throw error;
      }
    };
    expect(append(1, 1)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(append(2, 0)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    cluster.controller.fence(toBrokerId(2));
    cluster.controller.fence(toBrokerId(3));
    await cluster.world.runFor(50);
    expect(append(1, 0)).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
  });

  test('a write that its leader can no longer commit is rejected', async () => {
    const cluster = await threeNodes(22);
    cluster.world.cutBoth(1, 3);
    const { committed } = cluster
      .node(1)
      .replicas.append(testTopic, toPartitionId(0), batchOf(['a']), toLeaderEpoch(0));
    const outcome = committed.then(
      () => 0,
      (error: unknown) => (error instanceof ReplicationError ? error.code : -1),
    );
    cluster.controller.elect(cluster.key, toBrokerId(2));
    expect(await cluster.world.settle(outcome)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });
});

describe('telemetry', () => {
  test('names only replicas that changed, and those that went', async () => {
    const cluster = new ReplicaCluster({ seed: 23 });
    await cluster.createTopic(2);
    const { replicas } = cluster.node(1);
    expect(replicas.takeReports().changed.map(({ partition, role }) => [partition, role])).toEqual([
      [0, 'leader'],
      [1, 'follower'],
    ]);
    expect(replicas.takeReports()).toEqual({ changed: [], removed: [] });
    await cluster.world.settle(cluster.produce(1, ['a']));
    await cluster.world.runFor(50);
    expect(replicas.takeReports().changed).toMatchObject([
      { topic: testTopic, partition: 0, logEndOffset: 1, highWatermark: 1, inSyncReplicas: [1, 2, 3] },
    ]);
    cluster.controller.remove(cluster.key);
    await cluster.world.runFor(50);
    expect(replicas.takeReports()).toEqual({ changed: [], removed: [`${testTopic}-0`] });
  });
});
