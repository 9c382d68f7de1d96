import { describe, expect, test } from 'vitest';
import { CommitWaits, type CommitWait } from './commit-waits.ts';

class Wait implements CommitWait {
  readonly requiredOffset: number;
  isSettled = false;
  code: number | null = null;
  constructor(requiredOffset: number) {
    this.requiredOffset = requiredOffset;
  }
  settle(code: number): void {
    this.isSettled = true;
    this.code = code;
  }
}

describe('CommitWaits', () => {
  test('a rise releases exactly those at or below it', () => {
    const waits = new CommitWaits();
    const [a, b, c] = [new Wait(5), new Wait(10), new Wait(11)];
    for (const wait of [a, b, c]) waits.add(wait);
    waits.release(10, 0);
    expect([a.code, b.code, c.code]).toEqual([0, 0, null]);
    expect(waits.size).toBe(1);
  });

  test('a wait that gave up is not settled again', () => {
    const waits = new CommitWaits();
    const wait = new Wait(5);
    waits.add(wait);
    wait.settle(7);
    waits.release(5, 0);
    expect(wait.code).toBe(7);
  });

  test('losing the lead fails everyone who still waits', () => {
    const waits = new CommitWaits();
    const [a, b] = [new Wait(5), new Wait(6)];
    waits.add(a);
    waits.add(b);
    a.settle(7);
    waits.failAll(6);
    expect([a.code, b.code]).toEqual([7, 6]);
    expect(waits.size).toBe(0);
  });

  test('waits that gave up while nothing moves do not pile up', () => {
    const waits = new CommitWaits();
    for (let i = 0; i < 100_000; i++) {
      const wait = new Wait(i);
      waits.add(wait);
      wait.settle(7);
    }
    expect(waits.size).toBe(1);
  });
});
