import { expect, it } from 'vitest';
import type { TrialResult } from '../../../main/api/producer-views.ts';
import { bestOf, killRows, measuredRows, settingText, verdictOf } from './comparison.ts';

const result = (preset: string, recordsPerSecond: number, lost = 0): TrialResult => ({
  preset,
  recordBytes: 200,
  recordsPerSecond,
  bytesPerSecond: 1,
  uncompressedBytes: 100,
  compressedBytes: 10,
  requests: 1,
  recordsPerBatch: 1,
  latencyP50Ms: 1,
  latencyP95Ms: 1,
  latencyP99Ms: 1,
  latencyMaxMs: 1,
  kill: {
    brokerId: 1,
    sent: 10,
    acknowledged: 10,
    failed: 0,
    inLog: 10,
    lost,
    duplicated: 0,
    reordered: 0,
    failedButInLog: 0,
    lostExamples: [],
    longestSilenceMs: 900,
  },
});

it('the best of a row is marked only where the presets differ', () => {
  const [rate, p50] = measuredRows;
  const results = [result('a', 10), result('b', 20)];
  expect(rate && bestOf(rate, results)).toEqual(new Set(['b']));
  expect(p50 && bestOf(p50, results)).toEqual(new Set());
  const lost = killRows.find((row) => row.id === 'lost');
  expect(lost && bestOf(lost, [result('a', 1, 3), result('b', 1)])).toEqual(new Set());
});

it('one lost record is a loss, whatever else went well', () => {
  expect(verdictOf(result('a', 1, 1))).toEqual({ tone: 'lost', text: '1 lost' });
  expect(verdictOf(result('a', 1))?.tone).toBe('ok');
});

it('settings read as people say them', () => {
  expect(settingText('retries', '2147483647')).toBe('max');
  expect(settingText('batch.size', '65536')).toBe('64 KiB');
  expect(settingText('linger.ms', '5')).toBe('5 ms');
});
