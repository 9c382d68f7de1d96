// Which key the next record has: uniform over many, some hot ones with a share of the traffic, or hot ones spread by
// a composite key. Pure but for the random numbers it is given.

import type { Random } from '../../runtime/runtime.ts';
import type { KeysSetting } from '../drill-file.ts';

export type KeySource = () => Buffer | null;

export function keySource(keys: KeysSetting, random: Random): KeySource {
  if (keys === 'none') return () => null;
  const { count, hot = [], suffixes } = typeof keys === 'number' ? { count: keys } : keys;
  return () => {
    let point = random.next();
    for (const { key, share } of hot) {
      if (point < share) return Buffer.from(suffixes === undefined ? key : `${key}|${random.below(suffixes)}`);
      point -= share;
    }
    return Buffer.from(`customer-${random.below(count)}`);
  };
}
