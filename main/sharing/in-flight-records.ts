// The records of a partition that a share group is working on (KIP-932), as ranges of offsets. Pure: what a member is
// given, what it says of it, locks that run out. Ranges lie side by side from `startOffset` to `nextOffset` without
// gaps; what nobody was given yet below `nextOffset` is available with no delivery.
// State of a range: available → acquired (each time one delivery more) → available | acknowledged | archived.
// While a change is being written to the share coordinator the range remembers what it was (`before`), and nobody else
// may touch it.

import { assert } from '../core/assert.ts';

export type DeliveryState = 'available' | 'acquired' | 'acknowledged' | 'archived';

type Condition = {
  readonly state: DeliveryState;
  readonly deliveryCount: number;
  /** Who holds it; empty: nobody. */
  readonly memberId: string;
  /** Monotonic; when the hold ends. */
  readonly lockedUntilMs: number;
};

type Range = Condition & {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly change: Change | null;
  readonly before: Condition | null;
};

/** A change on its way to the share coordinator. Ranges name it; nothing else is known of it. */
export type Change = { readonly id: symbol };

export type DeliveredRange = {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly deliveryCount: number;
};

/** As it is stored; numbers as in Kafka's `RecordState`. */
export type StoredRange = DeliveredRange & { readonly deliveryState: number };

export type AcknowledgeType = 'gap' | 'accept' | 'release' | 'reject' | 'renew';

export type AcknowledgedBatch = {
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** One for all offsets, or one for each. */
  readonly types: readonly AcknowledgeType[];
};

/** Limits that hold for the group now. */
export type DeliveryLimits = { readonly deliveryCountLimit: number; readonly recordLocksMax: number };

export type Acquisition = {
  readonly memberId: string;
  readonly lockedUntilMs: number;
  /** Where the records below were asked for from. */
  readonly fetchOffset: number;
  /** Bounds of the batches that were read, in order. */
  readonly batches: readonly { readonly firstOffset: number; readonly lastOffset: number }[];
  readonly recordsMax: number;
  /** So many records make a row of the answer, as far as batches allow; as Kafka's optimization of it. */
  readonly rowRecords: number;
  /** Never more than `recordsMax`; otherwise whole batches may exceed it. */
  readonly isStrict: boolean;
};

export type Refused = 'not-acquired' | 'in-change' | 'not-owner' | 'unknown-offsets' | 'past-first' | 'past-last';

const stateCodes: Readonly<Record<DeliveryState, number>> = {
  available: 0,
  acquired: 1,
  acknowledged: 2,
  archived: 4,
};
const nobody = '';
/** From so many deliveries on fewer records are given out together, so that one that can't be handled is found. */
const throttledDeliveriesMin = 2;

export class InFlightRecords {
  /** Everything before is done with. */
  startOffset = 0;
  /** Nobody was given this offset or any beyond. */
  nextOffset = 0;
  #ranges: Range[] = [];

  /** From what the share coordinator keeps: ranges without gaps come of it. */
  load(startOffset: number, stored: readonly StoredRange[]): void {
    this.startOffset = startOffset;
    this.nextOffset = startOffset;
    this.#ranges = [];
    for (const { firstOffset, lastOffset, deliveryState, deliveryCount } of stored) {
      assert(
        firstOffset >= this.nextOffset && lastOffset >= firstOffset,
        `share state runs backwards at ${firstOffset}`,
      );
      if (firstOffset > this.nextOffset) this.#append(this.nextOffset, firstOffset - 1, fresh('available', 0));
      this.#append(firstOffset, lastOffset, fresh(stateOf(deliveryState), deliveryCount));
    }
    this.advance();
  }

  // ── questions ──

  /** Where a member's next records begin. */
  get nextFetchOffset(): number {
    const free = this.#ranges.find(isFree);
    return free === undefined ? this.nextOffset : free.firstOffset;
  }

  canAcquire({ recordLocksMax }: DeliveryLimits): boolean {
    return this.nextFetchOffset !== this.nextOffset || this.#inFlightCount < recordLocksMax;
  }

  get #inFlightCount(): number {
    return this.nextOffset - this.startOffset;
  }

  /** Records at or beyond the start that are done with. */
  get deliveryCompleteCount(): number {
    let count = 0;
    for (const range of this.#ranges) if (isTerminal(range)) count += range.lastOffset - range.firstOffset + 1;
    return count;
  }

  /** When the first hold ends; null: nobody holds anything. */
  get nextUnlockMs(): number | null {
    let first: number | null = null;
    for (const { state, change, lockedUntilMs } of this.#ranges) {
      if (state === 'acquired' && change === null) first = Math.min(first ?? lockedUntilMs, lockedUntilMs);
    }
    return first;
  }

  // ── delivery ──

  /** Gives a member what is free of the batches that were read. */
  acquire(wanted: Acquisition, limits: DeliveryLimits): DeliveredRange[] {
    const { batches, fetchOffset } = wanted;
    const firstRead = batches[0]?.firstOffset;
    const lastRead = batches.at(-1)?.lastOffset;
    if (firstRead === undefined || lastRead === undefined || lastRead < this.startOffset) return [];
    let room = Math.min(wanted.recordsMax, limits.recordLocksMax - this.#inFlightCount);
    let last = lastRead;
    if (room <= 0) {
      // There is no room for more, but for what lies before.
      if (fetchOffset >= this.nextOffset) return [];
      room = Math.min(wanted.recordsMax, this.nextOffset - fetchOffset);
      last = Math.min(lastRead, this.nextOffset - 1);
    }
    if (room <= 0) return [];
    // What is no longer in the log (compacted away) can't be delivered.
    this.#archiveFree(fetchOffset, firstRead - 1);
    const given: DeliveredRange[] = [];
    const isThrottled = this.#giveAgain(wanted, limits, { first: firstRead, last, room }, given);
    const taken = countOf(given);
    if (!isThrottled && taken < room && last >= this.nextOffset) {
      this.#giveNew(wanted, Math.max(firstRead, this.nextOffset), last, room - taken, given);
    }
    return given;
  }

  /** What was given before and came back, or lies between. True when further records must wait. */
  #giveAgain(
    { memberId, lockedUntilMs }: Acquisition,
    { deliveryCountLimit }: DeliveryLimits,
    { first, last, room }: { readonly first: number; readonly last: number; readonly room: number },
    given: DeliveredRange[],
  ): boolean {
    const throttledFrom = Math.max(throttledDeliveriesMin, Math.ceil(deliveryCountLimit / 2));
    const before = this.#ranges;
    const after: Range[] = [];
    let taken = 0;
    let isThrottled = false;
    for (const range of before) {
      const from = Math.max(first, range.firstOffset);
      let to = Math.min(last, range.lastOffset);
      if (!isFree(range) || from > to || taken >= room || isThrottled) {
        after.push(range);
        continue;
      }
      if (range.deliveryCount >= throttledFrom) {
        isThrottled = true;
        if (taken > 0) {
          after.push(range);
          continue;
        }
        to = Math.min(to, from + fewer(range, throttledFrom, deliveryCountLimit) - 1);
      }
      to = Math.min(to, from + (room - taken) - 1);
      const deliveryCount = range.deliveryCount + 1;
      const acquired = { state: 'acquired', deliveryCount, memberId, lockedUntilMs } as const;
      after.push(...split(range, from, to, (part) => ({ ...part, ...acquired })));
      taken += to - from + 1;
      addDelivered(given, { firstOffset: from, lastOffset: to, deliveryCount });
    }
    this.#ranges = after;
    return isThrottled;
  }

  #giveNew(wanted: Acquisition, first: number, lastRead: number, room: number, given: DeliveredRange[]): void {
    const { batches, memberId, lockedUntilMs, isStrict, rowRecords } = wanted;
    if (this.#ranges.length === 0) {
      // What was compacted away before the first record is nobody's.
      this.startOffset = Math.max(this.startOffset, first);
      this.nextOffset = Math.max(this.nextOffset, first);
    } else if (first > this.nextOffset) {
      this.#append(this.nextOffset, first - 1, fresh('archived', 0));
    }
    let last = Math.min(lastRead, first + room - 1);
    const cut = batches.find((batch) => last >= batch.firstOffset && last < batch.lastOffset);
    if (!isStrict && cut !== undefined) last = Math.min(lastRead, cut.lastOffset);
    this.#append(first, last, { state: 'acquired', deliveryCount: 1, memberId, lockedUntilMs });
    let rowFirst = first;
    for (const { firstOffset } of batches) {
      if (isStrict || firstOffset > last || firstOffset - rowFirst < rowRecords) continue;
      given.push({ firstOffset: rowFirst, lastOffset: firstOffset - 1, deliveryCount: 1 });
      rowFirst = firstOffset;
    }
    given.push({ firstOffset: rowFirst, lastOffset: last, deliveryCount: 1 });
  }

  /** Takes records that a member was just given out of delivery for good: those of aborted transactions. */
  archiveAcquired(first: number, last: number): void {
    this.#map(first, last, (part) =>
      part.state === 'acquired' ? { ...part, ...fresh('archived', part.deliveryCount) } : part,
    );
  }

  #archiveFree(first: number, last: number): void {
    this.#map(first, last, (part) => (isFree(part) ? { ...part, ...fresh('archived', part.deliveryCount) } : part));
  }

  // ── what becomes of it ──

  /** What a member says of records it holds. Nothing changes when any of it is refused. */
  acknowledge(
    memberId: string,
    batches: readonly AcknowledgedBatch[],
    change: Change,
    { deliveryCountLimit, renewedUntilMs }: { readonly deliveryCountLimit: number; readonly renewedUntilMs: number },
  ): Refused | StoredRange[] {
    const before = this.#ranges;
    const stored: StoredRange[] = [];
    for (const batch of batches) {
      if (batch.lastOffset < this.startOffset) continue;
      const refused = this.#refusal(memberId, batch);
      if (refused !== null) {
        this.#ranges = before;
        return refused;
      }
      for (const { first, last, type } of runsOf(batch, this.startOffset)) {
        this.#map(first, last, (part) => {
          if (type === 'renew') return { ...part, lockedUntilMs: renewedUntilMs };
          const next = changed(part, afterType(type, part, deliveryCountLimit), change);
          stored.push(storedOf(next));
          return next;
        });
      }
    }
    return stored;
  }

  #refusal(memberId: string, { firstOffset, lastOffset }: AcknowledgedBatch): Refused | null {
    if (this.#ranges.length === 0) return 'unknown-offsets';
    if (firstOffset >= this.nextOffset) return 'past-first';
    if (lastOffset >= this.nextOffset) return 'past-last';
    const first = Math.max(firstOffset, this.startOffset);
    for (const range of this.#ranges) {
      if (range.lastOffset < first || range.firstOffset > lastOffset) continue;
      if (range.change !== null) return 'in-change';
      if (range.state !== 'acquired') return 'not-acquired';
      if (range.memberId !== memberId) return 'not-owner';
    }
    return null;
  }

  /** A member is gone: all it holds is free again, or given up for good when it was given too often. */
  release(memberId: string, change: Change, deliveryCountLimit: number): StoredRange[] {
    return this.#giveBack(deliveryCountLimit, change, (range) => range.memberId === memberId);
  }

  /** Holds that have ended. They are free at once, whether or not that can be stored. */
  expire(nowMs: number, deliveryCountLimit: number): StoredRange[] {
    return this.#giveBack(deliveryCountLimit, null, ({ lockedUntilMs }) => lockedUntilMs <= nowMs);
  }

  #giveBack(limit: number, change: Change | null, isMeant: (range: Range) => boolean): StoredRange[] {
    const stored: StoredRange[] = [];
    this.#ranges = this.#ranges.map((range) => {
      if (range.state !== 'acquired' || range.change !== null || !isMeant(range)) return range;
      const condition = afterType('release', range, limit);
      const next = change === null ? { ...range, ...condition } : changed(range, condition, change);
      stored.push(storedOf(next));
      return next;
    });
    return stored;
  }

  /** The share coordinator has it (or not): the change stands, or all is as it was before. */
  complete(change: Change, isStored: boolean, nowMs: number, deliveryCountLimit: number): void {
    this.#ranges = this.#ranges.map((range) => {
      if (range.change !== change) return range;
      const { before } = range;
      const settled = { ...range, change: null, before: null };
      if (isStored || before === null) return settled;
      // The hold may have ended meanwhile.
      const isOver = before.state === 'acquired' && before.lockedUntilMs <= nowMs;
      return { ...settled, ...(isOver ? afterType('release', before, deliveryCountLimit) : before) };
    });
    if (isStored) this.advance();
  }

  /** The log begins later now: what stood before can't be delivered any more. */
  startAt(logStartOffset: number): void {
    if (logStartOffset <= this.startOffset) return;
    this.#dropBefore(logStartOffset);
    this.nextOffset = Math.max(this.nextOffset, logStartOffset);
  }

  /** Leaves behind what is done with. Call it once that is stored. */
  advance(): void {
    let start = this.startOffset;
    for (const range of this.#ranges) {
      if (!isTerminal(range) || range.change !== null) break;
      start = range.lastOffset + 1;
    }
    this.#dropBefore(start);
  }

  #dropBefore(offset: number): void {
    this.startOffset = offset;
    this.#ranges = this.#ranges.flatMap((range) => {
      if (range.lastOffset < offset) return [];
      return [range.firstOffset >= offset ? range : { ...range, firstOffset: offset }];
    });
  }

  #append(firstOffset: number, lastOffset: number, condition: Condition): void {
    this.#ranges.push({ firstOffset, lastOffset, ...condition, change: null, before: null });
    this.nextOffset = lastOffset + 1;
  }

  #map(first: number, last: number, change: (part: Range) => Range): void {
    if (first > last) return;
    this.#ranges = this.#ranges.flatMap((range) => {
      const from = Math.max(first, range.firstOffset);
      const to = Math.min(last, range.lastOffset);
      return from > to ? [range] : split(range, from, to, change);
    });
  }
}

function fresh(state: DeliveryState, deliveryCount: number): Condition {
  return { state, deliveryCount, memberId: nobody, lockedUntilMs: 0 };
}

function isFree({ state, change }: Range): boolean {
  return state === 'available' && change === null;
}

function isTerminal({ state }: Range): boolean {
  return state === 'acknowledged' || state === 'archived';
}

function changed(range: Range, condition: Condition, change: Change): Range {
  const { state, deliveryCount, memberId, lockedUntilMs } = range;
  return { ...range, ...condition, change, before: { state, deliveryCount, memberId, lockedUntilMs } };
}

function afterType(type: Exclude<AcknowledgeType, 'renew'>, { deliveryCount }: Condition, limit: number): Condition {
  switch (type) {
    case 'accept':
      return fresh('acknowledged', deliveryCount);
    case 'release':
      return fresh(deliveryCount >= limit ? 'archived' : 'available', deliveryCount);
    case 'gap':
    case 'reject':
      return fresh('archived', deliveryCount);
  }
}

/** A record that failed often is given out with ever fewer others, and alone before its last time. */
function fewer({ firstOffset, lastOffset, deliveryCount }: Range, throttledFrom: number, limit: number): number {
  if (deliveryCount === limit - 1 && limit > throttledDeliveriesMin) return 1;
  return Math.max(1, (lastOffset - firstOffset + 1) >> (deliveryCount - throttledFrom + 1));
}

function split(range: Range, from: number, to: number, change: (part: Range) => Range): Range[] {
  const parts: Range[] = [];
  if (range.firstOffset < from) parts.push({ ...range, lastOffset: from - 1 });
  parts.push(change({ ...range, firstOffset: from, lastOffset: to }));
  if (range.lastOffset > to) parts.push({ ...range, firstOffset: to + 1 });
  return parts;
}

/** Neighbouring offsets of the same type; what lies before the start is past. */
function runsOf({ firstOffset, lastOffset, types }: AcknowledgedBatch, startOffset: number) {
  const runs: { first: number; last: number; type: AcknowledgeType }[] = [];
  const [only = 'gap'] = types;
  if (types.length <= 1) return [{ first: Math.max(firstOffset, startOffset), last: lastOffset, type: only }];
  for (const [index, type] of types.entries()) {
    const offset = firstOffset + index;
    if (offset < startOffset) continue;
    const run = runs.at(-1);
    if (run !== undefined && run.type === type) run.last = offset;
    else runs.push({ first: offset, last: offset, type });
  }
  return runs;
}

function addDelivered(given: DeliveredRange[], added: DeliveredRange): void {
  const before = given.at(-1);
  const joins = before !== undefined && before.lastOffset + 1 === added.firstOffset;
  if (joins && before.deliveryCount === added.deliveryCount) {
    given[given.length - 1] = { ...before, lastOffset: added.lastOffset };
  } else given.push(added);
}

function countOf(given: readonly DeliveredRange[]): number {
  return given.reduce((sum, { firstOffset, lastOffset }) => sum + lastOffset - firstOffset + 1, 0);
}

function storedOf({ firstOffset, lastOffset, state, deliveryCount }: Range): StoredRange {
  return { firstOffset, lastOffset, deliveryState: stateCodes[state], deliveryCount };
}

/** Only what can be stored: nobody holds anything after a restart. */
function stateOf(code: number): DeliveryState {
  switch (code) {
    case stateCodes.acknowledged:
      return 'acknowledged';
    case stateCodes.archived:
      return 'archived';
    default:
      return 'available';
  }
}
