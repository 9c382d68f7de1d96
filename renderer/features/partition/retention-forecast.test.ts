import { expect, test } from 'vitest';
import type { SegmentView } from '../../../main/api/endpoints/segments.ts';
import { dirtyRatio, goingBy, nextRoll, readConfigs, segmentFates } from './retention-forecast.ts';

const hour = 3_600_000;
const segment = (baseOffset: number, next: number | null, newest: number, logBytes = 100): SegmentView => ({
  baseOffset,
  logBytes,
  indexBytes: 0,
  timeIndexBytes: 0,
  transactionIndexBytes: 0,
  indexEntries: 0,
  timeIndexEntries: 1,
  firstTimestamp: newest - hour,
  largestTimestamp: newest,
  modifiedMs: newest,
  isActive: next === null,
  nextBaseOffset: next,
});
const configs = (change: Record<string, string>) =>
  readConfigs(
    Object.entries({
      'cleanup.policy': 'delete',
      'retention.ms': String(10 * hour),
      'retention.bytes': '-1',
      'segment.ms': String(2 * hour),
      'segment.bytes': '1000',
      ...change,
    }).map(([name, value]) => ({ name, value })),
  );
const segments = [segment(0, 10, 0), segment(10, 30, 2 * hour), segment(30, null, 9 * hour)];

test('what is older than retention.ms goes, oldest first, with its bytes and records', () => {
  const fates = segmentFates(segments, configs({}));
  expect(goingBy(fates, 10 * hour, 40)).toEqual({ segments: 0, bytes: 0, records: 0 });
  expect(goingBy(fates, 11 * hour, 40)).toEqual({ segments: 1, bytes: 100, records: 10 });
  expect(goingBy(fates, 30 * hour, 40)).toEqual({ segments: 3, bytes: 300, records: 40 });
  expect(goingBy(segmentFates(segments, configs({ 'retention.ms': '-1' })), 99 * hour, 40).segments).toBe(0);
  expect(goingBy(segmentFates(segments, configs({ 'cleanup.policy': 'compact' })), 99 * hour, 40).segments).toBe(0);
});

test('whole segments go while what is left is not less than retention.bytes', () => {
  const over = (bytes: string) =>
    segmentFates(segments, configs({ 'retention.bytes': bytes })).map((fate) => fate.isOverSize);
  expect(over('250')).toEqual([false, false, false]);
  expect(over('200')).toEqual([true, false, false]);
  expect(over('0')).toEqual([true, true, false]);
});

test('the active segment is closed by time or by size, whichever comes first', () => {
  const active = segments[2];
  expect(nextRoll(active, configs({}), 9 * hour, 0)).toEqual({ atMs: 10 * hour, reason: 'time' });
  expect(nextRoll(active, configs({}), 9 * hour, 1)).toEqual({ atMs: 9 * hour + 900_000, reason: 'size' });
  expect(nextRoll(undefined, configs({}), 0, 1)).toBeNull();
});

test('the dirty part is counted from where the last cleaning ended, without the active segment', () => {
  expect(dirtyRatio(segments, null)).toBe(1);
  expect(dirtyRatio(segments, 10)).toBe(0.5);
  expect(dirtyRatio(segments, 30)).toBeNull();
});
