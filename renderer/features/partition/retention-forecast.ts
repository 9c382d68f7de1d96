// What retention will take of a replica's log, and when: by Kafka's own rules, from segments and configs. Pure.

import type { SegmentView } from '../../../main/api/endpoints/segments.ts';

export type RetentionConfigs = {
  readonly deletes: boolean;
  readonly compacts: boolean;
  /** −1: no limit. */
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly segmentMs: number;
  readonly segmentBytes: number;
};

export type SegmentFate = {
  readonly segment: SegmentView;
  /** When its newest record will be older than retention.ms; null: never. */
  readonly expiresAtMs: number | null;
  /** Over retention.bytes already: the next check takes it. */
  readonly isOverSize: boolean;
};

export function readConfigs(
  configs: readonly { readonly name: string; readonly value: string | null }[],
): RetentionConfigs {
  const value = (name: string): string => configs.find((config) => config.name === name)?.value ?? '';
  const number = (name: string): number => (value(name) === '' ? -1 : Number(value(name)));
  const policies = value('cleanup.policy').split(',');
  return {
    deletes: policies.includes('delete'),
    compacts: policies.includes('compact'),
    retentionMs: number('retention.ms'),
    retentionBytes: number('retention.bytes'),
    segmentMs: number('segment.ms'),
    segmentBytes: number('segment.bytes'),
  };
}

/** The newest timestamp of a segment: what its time index says, else when its file was last written. */
export function newestMs(segment: SegmentView): number {
  return segment.largestTimestamp ?? segment.modifiedMs;
}

export function segmentFates(segments: readonly SegmentView[], configs: RetentionConfigs): readonly SegmentFate[] {
  const total = segments.reduce((sum, segment) => sum + segment.logBytes, 0);
  // Whole segments go as long as what is left is not less than the limit; the active one stays.
  let over = configs.deletes && configs.retentionBytes >= 0 ? total - configs.retentionBytes : 0;
  return segments.map((segment): SegmentFate => {
    const isOverSize = over > 0 && over >= segment.logBytes && !segment.isActive;
    over = isOverSize ? over - segment.logBytes : 0;
    const expires = configs.deletes && configs.retentionMs >= 0 && segment.logBytes > 0;
    return { segment, expiresAtMs: expires ? newestMs(segment) + configs.retentionMs : null, isOverSize };
  });
}

export type Going = { readonly segments: number; readonly bytes: number; readonly records: number };

/** What goes until a moment, if nothing is written any more; a gap in front of a later segment stops it. */
export function goingBy(fates: readonly SegmentFate[], atMs: number, endOffset: number): Going {
  let going: Going = { segments: 0, bytes: 0, records: 0 };
  for (const { segment, expiresAtMs, isOverSize } of fates) {
    if (!isOverSize && (expiresAtMs === null || expiresAtMs >= atMs)) break;
    going = {
      segments: going.segments + 1,
      bytes: going.bytes + segment.logBytes,
      records: going.records + Math.max(0, (segment.nextBaseOffset ?? endOffset) - segment.baseOffset),
    };
  }
  return going;
}

export type NextRoll = { readonly atMs: number; readonly reason: 'time' | 'size' } | null;

/** When the active segment is closed: segment.ms after its first record, or when it is full at today's speed. */
export function nextRoll(
  active: SegmentView | undefined,
  configs: RetentionConfigs,
  nowMs: number,
  bytesPerSecond: number,
): NextRoll {
  if (active === undefined || active.firstTimestamp === null) return null;
  // Time alone closes nothing: the next record after it does.
  const byTime = configs.segmentMs < 0 ? Infinity : Math.max(nowMs, active.firstTimestamp + configs.segmentMs);
  const left = Math.max(0, configs.segmentBytes - active.logBytes);
  const bySize = bytesPerSecond > 0 ? nowMs + (left / bytesPerSecond) * 1000 : Infinity;
  if (!Number.isFinite(Math.min(byTime, bySize))) return null;
  return byTime <= bySize ? { atMs: byTime, reason: 'time' } : { atMs: bySize, reason: 'size' };
}

/** Of what is clean or may be cleaned, the dirty part; null when there is nothing to clean. */
export function dirtyRatio(segments: readonly SegmentView[], cleanedTo: number | null): number | null {
  const closed = segments.filter((segment) => !segment.isActive);
  const from = cleanedTo ?? closed[0]?.baseOffset ?? 0;
  const dirty = closed.filter((segment) => segment.baseOffset >= from).reduce((sum, one) => sum + one.logBytes, 0);
  const clean = closed.filter((segment) => segment.baseOffset < from).reduce((sum, one) => sum + one.logBytes, 0);
  return dirty === 0 ? null : dirty / (dirty + clean);
}
