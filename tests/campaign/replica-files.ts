// After a clean stop: all replicas of a partition hold the same bytes, whatever befell them.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { batchesIn } from '../../main/records/record-batch.ts';

/** One line for each partition whose replicas differ. */
export function differingReplicas(logDirs: readonly string[], topics: ReadonlySet<string>): string[] {
  const byPartition = new Map<string, { logDir: string; batches: Map<number, string> }[]>();
  for (const logDir of logDirs) {
    for (const name of readdirSync(logDir)) {
      const topic = /^(.+)-\d+$/.exec(name)?.[1];
      if (topic === undefined || !topics.has(topic)) continue;
      const replicas = byPartition.get(name) ?? [];
      byPartition.set(name, replicas);
      replicas.push({ logDir, batches: readBatches(join(logDir, name)) });
    }
  }
  const lines: string[] = [];
  for (const [name, [first, ...others]] of byPartition) {
    for (const other of others) {
      const difference = first === undefined ? null : differenceOf(first.batches, other.batches);
      if (difference !== null) lines.push(`${name}: ${first?.logDir ?? ''} and ${other.logDir} differ: ${difference}`);
    }
  }
  return lines;
}

/** Bytes of each batch by its base offset. */
function readBatches(directory: string): Map<number, string> {
  const batches = new Map<number, string>();
  const names = readdirSync(directory).filter((name) => name.endsWith('.log'));
  for (const name of names.sort()) {
    for (const batch of batchesIn(readFileSync(join(directory, name)))) {
      batches.set(batch.baseOffset, batch.bytes.toString('latin1'));
    }
  }
  return batches;
}

function differenceOf(a: ReadonlyMap<number, string>, b: ReadonlyMap<number, string>): string | null {
  for (const [offset, bytes] of a) if (b.get(offset) !== bytes) return `batch at offset ${offset}`;
  for (const offset of b.keys()) if (!a.has(offset)) return `batch at offset ${offset}`;
  return null;
}
