// What of a topic was looked at, and what was not: a search that says less is read as one over everything. Pure.

import type { PartitionBounds, Position } from '../../main/api/endpoints/messages.ts';
import { formatCount } from './format.ts';

export function searchedRange(
  started: readonly Position[],
  positions: readonly Position[],
  bounds: readonly PartitionBounds[],
): string {
  const from = new Map(started.map(({ partition, offset }) => [partition, offset]));
  const to = new Map(positions.map(({ partition, offset }) => [partition, offset]));
  const [only] = bounds;
  if (only !== undefined && bounds.length === 1) {
    const begin = from.get(only.partition) ?? only.logStartOffset;
    const end = Math.max(begin, to.get(only.partition) ?? begin);
    return `offsets ${formatCount(begin)} to ${formatCount(end)} of ${formatCount(only.logStartOffset)} to ${formatCount(only.endOffset)}`;
  }
  let covered = 0;
  let before = 0;
  let after = 0;
  for (const { partition, logStartOffset, endOffset } of bounds) {
    const begin = from.get(partition) ?? logStartOffset;
    const end = Math.max(begin, to.get(partition) ?? begin);
    covered += end - begin;
    before += Math.max(0, begin - logStartOffset);
    after += Math.max(0, endOffset - end);
  }
  const missing = [
    ...(before > 0 ? [`${formatCount(before)} before`] : []),
    ...(after > 0 ? [`${formatCount(after)} behind`] : []),
  ];
  return `${formatCount(covered)} of ${formatCount(covered + before + after)} offsets${missing.length > 0 ? `, not ${missing.join(' and ')}` : ''}`;
}
