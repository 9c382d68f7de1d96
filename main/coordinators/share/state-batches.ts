// Ranges of offsets of a share partition with how far their delivery has come (KIP-932), as its state keeps them.
// Pure. Where ranges overlap the further one counts: more deliveries, then the later state.

export type StateBatch = {
  readonly firstOffset: number;
  /** Inclusive. */
  readonly lastOffset: number;
  readonly deliveryState: number;
  readonly deliveryCount: number;
};

/** `added` over `soFar`, which is sorted and without overlaps; so is the result. −1 as `startOffset`: nothing is cut. */
export function combineStateBatches(
  soFar: readonly StateBatch[],
  added: readonly StateBatch[],
  startOffset: number,
): readonly StateBatch[] {
  let batches: readonly StateBatch[] = soFar;
  for (const batch of added) batches = overlay(batches, batch);
  return joined(startOffset === -1 ? batches : batches.flatMap((batch) => from(batch, startOffset)));
}

function from(batch: StateBatch, startOffset: number): StateBatch[] {
  if (batch.lastOffset < startOffset) return [];
  return [batch.firstOffset >= startOffset ? batch : part(batch, startOffset, batch.lastOffset)];
}

function overlay(batches: readonly StateBatch[], added: StateBatch): readonly StateBatch[] {
  const result: StateBatch[] = [];
  let rest: StateBatch | null = added;
  for (const batch of batches) {
    if (rest === null || batch.lastOffset < rest.firstOffset) {
      result.push(batch);
      continue;
    }
    if (batch.firstOffset > rest.lastOffset) {
      result.push(rest, batch);
      rest = null;
      continue;
    }
    const first = Math.max(batch.firstOffset, rest.firstOffset);
    const last = Math.min(batch.lastOffset, rest.lastOffset);
    if (batch.firstOffset < first) result.push(part(batch, batch.firstOffset, first - 1));
    if (rest.firstOffset < first) result.push(part(rest, rest.firstOffset, first - 1));
    result.push(part(isFurther(batch, rest) ? batch : rest, first, last));
    if (batch.lastOffset > last) result.push(part(batch, last + 1, batch.lastOffset));
    rest = rest.lastOffset > last ? part(rest, last + 1, rest.lastOffset) : null;
  }
  if (rest !== null) result.push(rest);
  return result;
}

function isFurther(a: StateBatch, b: StateBatch): boolean {
  if (a.deliveryCount !== b.deliveryCount) return a.deliveryCount > b.deliveryCount;
  return a.deliveryState > b.deliveryState;
}

/** Neighbours of the same state become one. */
function joined(batches: readonly StateBatch[]): readonly StateBatch[] {
  const result: StateBatch[] = [];
  for (const batch of batches) {
    const before = result.at(-1);
    if (
      before !== undefined &&
      before.lastOffset + 1 === batch.firstOffset &&
      before.deliveryState === batch.deliveryState &&
      before.deliveryCount === batch.deliveryCount
    ) {
      result[result.length - 1] = part(before, before.firstOffset, batch.lastOffset);
    } else result.push(batch);
  }
  return result;
}

function part({ deliveryState, deliveryCount }: StateBatch, firstOffset: number, lastOffset: number): StateBatch {
  return { firstOffset, lastOffset, deliveryState, deliveryCount };
}
