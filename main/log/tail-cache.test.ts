import { describe, expect, test } from 'vitest';
import { buildBatch } from '../records/batch-builder.ts';
import { TailCache } from './tail-cache.ts';

function batch(baseOffset: number): Buffer {
  return buildBatch({ baseOffset }, [{ key: null, value: Buffer.from(`value ${baseOffset}`), timestamp: 1 }]);
}

describe('the tail of a log in memory', () => {
  test('a cut inside what was appended at once leaves no hole in what is held', () => {
    const tail = new TailCache(1024 * 1024).newTail();
    tail.append(batch(0), 0, 1);
    tail.append(Buffer.concat([batch(1), batch(2), batch(3)]), 1, 4);
    tail.truncateTo(3);
    tail.append(batch(3), 3, 4);
    expect(tail.read(1, 4, 1024, true, [])).toBe(-1);
    const held: Buffer[] = [];
    tail.read(3, 4, 1024, true, held);
    expect(Buffer.concat(held)).toEqual(batch(3));
  });

  test('a cut between appends keeps what lies before it', () => {
    const tail = new TailCache(1024 * 1024).newTail();
    tail.append(batch(0), 0, 1);
    tail.append(batch(1), 1, 2);
    tail.truncateTo(1);
    const held: Buffer[] = [];
    tail.read(0, 1, 1024, true, held);
    expect(Buffer.concat(held)).toEqual(batch(0));
  });

  test('small batches of large frames keep hardly more memory alive than they are counted for', () => {
    const budget = 1024 * 1024;
    const tail = new TailCache(budget).newTail();
    const count = 20_000;
    for (let offset = 0; offset < count; offset++) {
      // As they come: a slice of a frame that holds other partitions too, or of the pool that everything shares.
      const small = batch(offset);
      const frame = Buffer.alloc(offset % 2 === 0 ? 12_000 : 4000);
      small.copy(frame, 100);
      tail.append(frame.subarray(100, 100 + small.length), offset, offset + 1);
    }
    const held: Buffer[] = [];
    let start = count - 1;
    while (tail.read(start - 1, start, 1024, true, []) > 0) start--;
    tail.read(start, count, budget, true, held);
    const kept = new Set(held.map((each) => each.buffer));
    const keptBytes = [...kept].reduce((sum, each) => sum + each.byteLength, 0);
    expect(held.length).toBeGreaterThan(1000);
    expect(keptBytes).toBeLessThan(budget * 1.2);
  });
});
