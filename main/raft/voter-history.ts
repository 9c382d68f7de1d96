// Which voters and which kraft.version hold from which offset on: the last snapshot's, and every change in the log
// after it, committed or not (Raft counts with a new set as soon as it is in the log). Kafka's
// KRaftControlRecordStateMachine and VoterSetHistory. Pure.

import { assert } from '../core/assert.ts';
import { toVotersRecord, type VoterSet } from './voter-set.ts';
import type { DynamicVoters } from './control-batches.ts';

type Entry<T> = { readonly offset: number; readonly value: T };

export type VotersEntry = Entry<VoterSet>;

export class VoterHistory {
  readonly #staticVoters: VoterSet;
  /** By rising offset; −1 for what the bootstrap checkpoint (a snapshot of nothing) says. */
  #voters: readonly Entry<VoterSet>[] = [];
  #versions: readonly Entry<number>[] = [];

  /** `staticVoters`: those of the configuration; they hold as long as the log says nothing. */
  constructor(staticVoters: VoterSet) {
    this.#staticVoters = staticVoters;
  }

  /** The voters that count now. The same object until they change. */
  get last(): VoterSet {
    return this.#voters.at(-1)?.value ?? this.#staticVoters;
  }

  /** Null as long as the voters come from the configuration. */
  get lastEntry(): VotersEntry | null {
    return this.#voters.at(-1) ?? null;
  }

  get kraftVersion(): number {
    return this.#versions.at(-1)?.value ?? 0;
  }

  /** Offsets only rise; the record at one offset says one thing. */
  addVoters(offset: number, voters: VoterSet): void {
    this.#voters = appended(this.#voters, offset, voters);
  }

  addKraftVersion(offset: number, version: number): void {
    this.#versions = appended(this.#versions, offset, version);
  }

  /** The log was cut: what stood at `endOffset` or behind never was. */
  truncateTo(endOffset: number): void {
    if ((this.#voters.at(-1)?.offset ?? -1) >= endOffset) this.#voters = before(this.#voters, endOffset);
    if ((this.#versions.at(-1)?.offset ?? -1) >= endOffset) this.#versions = before(this.#versions, endOffset);
  }

  /**
   * Nobody asks any more for what held before the records before `startOffset`, which are committed. One that stands
   * at `startOffset` may still be cut off: so what held just before it stays.
   */
  forgetBefore(startOffset: number): void {
    this.#voters = from(this.#voters, startOffset);
    this.#versions = from(this.#versions, startOffset);
  }

  clear(): void {
    this.#voters = [];
    this.#versions = [];
  }

  /** What the header of a snapshot of all before `endOffset` says; null at kraft.version 0. */
  dynamicVotersBefore(endOffset: number): DynamicVoters | null {
    const kraftVersion = before(this.#versions, endOffset).at(-1)?.value ?? 0;
    const voters = before(this.#voters, endOffset).at(-1)?.value ?? null;
    return kraftVersion === 0 || voters === null ? null : { kraftVersion, voters: toVotersRecord(voters) };
  }
}

function appended<T>(entries: readonly Entry<T>[], offset: number, value: T): readonly Entry<T>[] {
  const last = entries.at(-1);
  assert(last === undefined || offset > last.offset, `voters at ${offset}, after those at ${last?.offset ?? -1}`);
  return [...entries, { offset, value }];
}

function before<T>(entries: readonly Entry<T>[], endOffset: number): readonly Entry<T>[] {
  return entries.filter(({ offset }) => offset < endOffset);
}

function from<T>(entries: readonly Entry<T>[], startOffset: number): readonly Entry<T>[] {
  const holds = entries.findLastIndex(({ offset }) => offset < startOffset);
  return holds <= 0 ? entries : entries.slice(holds);
}
