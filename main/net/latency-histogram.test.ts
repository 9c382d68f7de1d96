import { describe, expect, it } from 'vitest';
import { LatencyHistogram, quantilesOf } from './latency-histogram.ts';

const minuteMs = 60_000;

describe('latencies', () => {
  it('gives quantiles within six per cent, from microseconds to minutes', () => {
    const histogram = new LatencyHistogram();
    for (let each = 1; each <= 1000; each++) histogram.record(each);
    const [half = 0, most = 0] = quantilesOf([histogram.counts(0)], [0.5, 0.999]);
    expect(Math.abs(half / 500 - 1)).toBeLessThan(0.06);
    expect(Math.abs(most / 999 - 1)).toBeLessThan(0.06);
    const small = new LatencyHistogram();
    small.record(0.02);
    expect(quantilesOf([small.counts(0)], [0.5])[0]).toBeCloseTo(0.02, 2);
    small.record(1e12);
    expect(quantilesOf([small.counts(0)], [1])[0]).toBeGreaterThan(1_000_000);
  });

  it('is zero while nothing was answered, and adds up histograms', () => {
    const [one, other] = [new LatencyHistogram(), new LatencyHistogram()];
    expect(quantilesOf([one.counts(0), other.counts(0)], [0.5, 0.99])).toEqual([0, 0]);
    for (let each = 0; each < 9; each++) one.record(1);
    other.record(100);
    const [half = 0, most = 0] = quantilesOf([one.counts(0), other.counts(0)], [0.5, 0.99]);
    expect([Math.round(half), Math.round(most / 10)]).toEqual([1, 10]);
  });

  it('forgets what is older than ten minutes for a reader that comes by', () => {
    const histogram = new LatencyHistogram();
    histogram.record(1000);
    const worst = (nowMs: number): number => Math.round((quantilesOf([histogram.counts(nowMs)], [1])[0] ?? 0) / 100);
    expect(worst(0)).toBe(10);
    histogram.record(1);
    expect(worst(4 * minuteMs)).toBe(10);
    expect(worst(6 * minuteMs)).toBe(0);
    expect(worst(12 * minuteMs)).toBe(0);
  });
});
