import { describe, expect, test } from 'vitest';
import { toBrokerId } from '../core/ids.ts';
import { nextHighWatermark } from './high-watermark.ts';
import {
  expandWith,
  isCaughtUp,
  maximalInSync,
  outOfSyncReplicas,
  recordFetch,
  resetForNewLeader,
  settleBeforeAppend,
  shrinkBy,
  unknownFollower,
  type FollowerProgress,
  type InSyncState,
} from './in-sync-replicas.ts';

const [one, two, three] = [toBrokerId(1), toBrokerId(2), toBrokerId(3)];

function follower(id: number, logEndOffset: number, lastCaughtUpMs = 0): FollowerProgress {
  return { ...unknownFollower(toBrokerId(id)), logEndOffset, lastCaughtUpMs };
}

function committed(...ids: number[]): InSyncState {
  return { kind: 'committed', inSync: ids.map(toBrokerId) };
}

function highWatermark(
  inSync: InSyncState,
  followers: FollowerProgress[],
  more: { inSyncMin?: number; eligible?: boolean } = {},
): number {
  return nextHighWatermark({
    leaderLogEndOffset: 100,
    followers,
    inSync,
    inSyncMin: more.inSyncMin ?? 1,
    nowMs: 50_000,
    replicaLagTimeMaxMs: 1000,
    isEligible: () => more.eligible ?? true,
  });
}

describe('follower progress', () => {
  test('a fetch at the log end makes a follower caught up now', () => {
    const progress = follower(2, -1, -Infinity);
    recordFetch(progress, 10, 0, 10, 500, 7);
    expect(progress).toMatchObject({ logEndOffset: 10, lastCaughtUpMs: 500, brokerEpoch: 7 });
  });

  test('reaching what was the log end at the previous fetch counts as caught up then', () => {
    const progress = follower(2, -1, -Infinity);
    recordFetch(progress, 5, 0, 10, 500, 7);
    expect(progress.lastCaughtUpMs).toBe(-Infinity);
    recordFetch(progress, 10, 0, 30, 900, 7);
    expect(progress.lastCaughtUpMs).toBe(500);
  });

  test('a follower whose idle polls name no partition was caught up at its last poll', () => {
    const progress = follower(2, -1);
    recordFetch(progress, 10, 0, 10, 500, 7);
    progress.contact = { lastFetchMs: 60_000 };
    settleBeforeAppend(progress, 10);
    expect(isCaughtUp(progress, 11, 60_500, 1000)).toBe(true);
    expect(isCaughtUp(progress, 11, 61_001, 1000)).toBe(false);
  });

  test('a follower that lags gains nothing from polls of other partitions', () => {
    const progress = follower(2, -1);
    recordFetch(progress, 5, 0, 10, 500, 7);
    progress.contact = { lastFetchMs: 60_000 };
    settleBeforeAppend(progress, 10);
    expect(progress.lastFetchMs).toBe(500);
  });

  test('a new leader gives members of the ISR the whole lag time and others none', () => {
    const progress = follower(2, 50, 3);
    resetForNewLeader(progress, true, 1000);
    expect(progress).toMatchObject({ logEndOffset: -1, lastCaughtUpMs: 1000 });
    resetForNewLeader(progress, false, 1000);
    expect(isCaughtUp(progress, 100, 1000, 30_000)).toBe(false);
  });
});

describe('the in-sync set', () => {
  test('while expanding both sets count: committed for min.insync, maximal for the high watermark', () => {
    const state = expandWith(committed(1, 2), three);
    expect(state.inSync).toEqual([one, two]);
    expect(maximalInSync(state)).toEqual([one, two, three]);
  });

  test('while shrinking whoever leaves still counts', () => {
    const state = shrinkBy(committed(1, 2, 3), [three]);
    expect(state.proposed).toEqual([one, two]);
    expect(maximalInSync(state)).toEqual([one, two, three]);
  });

  test('only members that were behind for longer than allowed are out of sync', () => {
    const followers = [follower(2, 100, 0), follower(3, 90, 49_500), follower(4, 90, 48_999), follower(5, 90, 0)];
    expect(outOfSyncReplicas(committed(1, 2, 3, 4), followers, 100, 50_000, 1000)).toEqual([4]);
  });
});

describe('the high watermark', () => {
  test('is the lowest log end of the in-sync set', () => {
    expect(highWatermark(committed(1, 2, 3), [follower(2, 80), follower(3, 90)])).toBe(80);
  });

  test('does not wait for a replica out of sync', () => {
    expect(highWatermark(committed(1, 2), [follower(2, 95), follower(3, 10)])).toBe(95);
  });

  test('waits for a replica about to join, before and after the controller agrees', () => {
    expect(highWatermark(expandWith(committed(1, 2), three), [follower(2, 95), follower(3, 60)])).toBe(60);
    const caughtUp = follower(3, 60, 49_900);
    expect(highWatermark(committed(1, 2), [follower(2, 95), caughtUp])).toBe(60);
    expect(highWatermark(committed(1, 2), [follower(2, 95), caughtUp], { eligible: false })).toBe(95);
  });

  test('stands still below min.insync.replicas', () => {
    expect(highWatermark(committed(1), [follower(2, 10), follower(3, 10)], { inSyncMin: 2 })).toBe(-1);
  });

  test('a follower that has not fetched yet holds it back', () => {
    expect(highWatermark(committed(1, 2), [follower(2, -1)])).toBe(-1);
  });

  test('of a single replica is its log end', () => {
    expect(highWatermark(committed(1), [])).toBe(100);
  });
});
