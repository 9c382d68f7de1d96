import { describe, expect, test } from 'vitest';
import { toLeaderEpoch, toOffset, type LeaderEpoch, type Offset } from '../core/ids.ts';
import { truncationOffset } from './truncation.ts';

/** Epochs with their start offsets, as a leader-epoch cache holds them. */
function log(
  entries: readonly (readonly [number, number])[],
  end: number,
  highWatermark = 0,
): Parameters<typeof truncationOffset>[0] {
  return {
    logEndOffset: toOffset(end),
    highWatermark: toOffset(highWatermark),
    endOffsetForEpoch: (epoch: number): { epoch: LeaderEpoch; endOffset: Offset } | null => {
      const at = entries.findLastIndex(([each]) => each <= epoch);
      const entry = entries[at];
      if (entry === undefined) return null;
      return { epoch: toLeaderEpoch(entry[0]), endOffset: toOffset(entries[at + 1]?.[1] ?? end) };
    },
  };
}

describe('truncation', () => {
  test('within an epoch that both know, the shorter end wins', () => {
    expect(truncationOffset(log([[1, 0]], 120), { epoch: 1, endOffset: 100 })).toBe(100);
    expect(
      truncationOffset(
        log(
          [
            [1, 0],
            [3, 80],
          ],
          120,
        ),
        { epoch: 1, endOffset: 100 },
      ),
    ).toBe(80);
  });

  test('where ours lacks the epoch of the leader, the older epoch is cut back and asked about next', () => {
    expect(
      truncationOffset(
        log(
          [
            [1, 0],
            [4, 60],
          ],
          120,
        ),
        { epoch: 3, endOffset: 90 },
      ),
    ).toBe(60);
  });

  test('where ours has nothing that old, the end of the leader decides', () => {
    expect(truncationOffset(log([[4, 60]], 120), { epoch: 2, endOffset: 90 })).toBe(90);
  });

  test('a leader that knows no such epoch leaves only what is committed', () => {
    expect(truncationOffset(log([[4, 60]], 120, 70), { epoch: -1, endOffset: -1 })).toBe(70);
  });
});
