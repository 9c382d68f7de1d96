// What the records hold: text that looks like events, so that lz4 finds about as much in it as in real ones.

import { buildBatch } from '../../../main/records/batch-builder.ts';
import type { CompressionType } from '../../../main/records/compression-type.ts';

export const recordBytes = 1024;
export const batchBytesMax = 64 * 1024;
/** What goes with a record of 1 KB: length, attributes, deltas, key and header count. */
const recordOverheadBytes = 16;

const names = 'order customer payment basket invoice region status created product quantity'.split(' ');
const choices = 'open paid shipped returned north south express standard card transfer gold silver'.split(' ');

/** A small generator with a seed: the same bytes in every run and for every product. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function createValue(seed: number): Buffer {
  const random = createRandom(seed);
  let text = '{';
  while (text.length < recordBytes) {
    const name = names[Math.floor(random() * names.length)] ?? '';
    const isNumber = random() < 0.4;
    const value = isNumber
      ? String(Math.floor(random() * 1_000_000))
      : `"${choices[Math.floor(random() * choices.length)]}"`;
    text += `"${name}":${value},`;
  }
  return Buffer.from(text.slice(0, recordBytes), 'latin1');
}

export type PreparedBatch = { readonly bytes: Buffer; readonly recordCount: number };

/** Batches as a producer with batch.size 64 KB would send them, made before the clock starts. */
export function prepareBatches(count: number, compression: CompressionType): PreparedBatch[] {
  const recordCount = Math.floor(batchBytesMax / (recordBytes + recordOverheadBytes));
  return Array.from({ length: count }, (_, batch) => {
    const timestamp = Date.now();
    const records = Array.from({ length: recordCount }, (_, index) => ({
      key: null,
      value: createValue(1 + batch * recordCount + index),
      timestamp,
    }));
    return { bytes: buildBatch({ compression }, records), recordCount };
  });
}
