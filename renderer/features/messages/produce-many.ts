// Writes many records one portion after another, not faster than asked, until all are written or it is ended by hand.
// What became of each is told as it is known.

import type { Bridge, InputOf } from '../../../main/api/contract.ts';
import type { ProducedRecord } from '../../../main/api/endpoints/messages.ts';
import { toRefusal } from '../../engine/engine-link.ts';

type ManyInput = InputOf<'messages.produceMany'>;

export type Writing = {
  readonly topic: string;
  readonly compression: ManyInput['compression'];
  /** Records a second; 0 is as fast as it goes. */
  readonly rate: number;
  readonly signal: AbortSignal;
  /** Called after each portion with its results, in order. */
  readonly told: (results: readonly ProducedRecord[]) => void;
};

const portionMax = 500;
const portionsPerSecond = 5;
/** Base64 and JSON make a request larger than its records; the host takes a megabyte. */
const portionBytesMax = 500_000;

export async function produceMany(bridge: Bridge, records: ManyInput['records'], writing: Writing): Promise<void> {
  const { topic, compression, rate, signal, told } = writing;
  const largest = rate === 0 ? portionMax : Math.max(1, Math.min(portionMax, Math.round(rate / portionsPerSecond)));
  const begin = performance.now();
  for (let done = 0; done < records.length && !signal.aborted;) {
    const portion = portionOf(records, done, largest);
    told(await write(bridge, { topic, compression, acks: -1, records: portion }));
    done += portion.length;
    const dueMs = rate === 0 ? 0 : begin + (done * 1000) / rate - performance.now();
    if (dueMs > 0 && done < records.length) await pause(dueMs, signal);
  }
}

function portionOf(records: ManyInput['records'], from: number, largest: number): ManyInput['records'] {
  let bytes = 0;
  let end = from;
  while (end < records.length && end - from < largest) {
    const { key, value } = records[end] ?? { key: null, value: null };
    bytes += (key?.length ?? 0) + (value?.length ?? 0);
    if (bytes > portionBytesMax && end > from) break;
    end += 1;
  }
  return records.slice(from, end);
}

async function write(bridge: Bridge, input: ManyInput): Promise<readonly ProducedRecord[]> {
  try {
    return (await bridge.request('messages.produceMany', input)).results;
  } catch (error) {
    const { code, message } = toRefusal(error);
    return input.records.map(({ partition }) => ({ partition, code, message }));
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
