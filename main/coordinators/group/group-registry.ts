// The groups of one partition by id. Changes whose records can't be appended are taken back, so each is kept with
// its offset until that offset is committed.

import { assert } from '../../core/assert.ts';
import { ClassicGroup } from './classic-group.ts';
import { ConsumerGroup } from './consumer-group.ts';
import type { ShareGroup } from './share/share-group.ts';
import type { StreamsGroup } from './streams/streams-group.ts';

export type Group = ClassicGroup | ConsumerGroup | ShareGroup | StreamsGroup;

type Undo =
  | { readonly offset: number; readonly groupId: string; readonly before: Group | null }
  /** A change inside a group. */
  | { readonly offset: number; readonly groupId: string; readonly undo: () => void };

export class GroupRegistry {
  readonly #groups = new Map<string, Group>();
  /** By rising offset; as many as uncommitted records change which groups there are. */
  #undos: Undo[] = [];
  /** False while loading: what stands in the log is never taken back. */
  isTracking = false;

  get size(): number {
    return this.#groups.size;
  }

  get(groupId: string): Group | null {
    return this.#groups.get(groupId) ?? null;
  }

  classic(groupId: string): ClassicGroup | null {
    const group = this.get(groupId);
    return group instanceof ClassicGroup ? group : null;
  }

  consumer(groupId: string): ConsumerGroup | null {
    const group = this.get(groupId);
    return group instanceof ConsumerGroup ? group : null;
  }

  values(): IterableIterator<Group> {
    return this.#groups.values();
  }

  /** The group has changed inside by the record at `offset`. */
  changed(groupId: string, offset: number, undo: () => void): void {
    this.#remember({ offset, groupId, undo });
  }

  put(group: Group, offset: number): void {
    this.#remember({ offset, groupId: group.groupId, before: this.get(group.groupId) });
    this.#groups.set(group.groupId, group);
  }

  remove(groupId: string, offset: number): void {
    if (!this.#groups.has(groupId)) return;
    this.#remember({ offset, groupId, before: this.get(groupId) });
    this.#groups.delete(groupId);
  }

  commitUpTo(offset: number): void {
    if (this.#undos.length === 0) return;
    this.#undos = this.#undos.filter((undo) => undo.offset >= offset);
  }

  /** Returns the groups that are gone by this. */
  revertFrom(offset: number): Group[] {
    const gone = new Map<string, Group>();
    for (let undo = this.#undos.at(-1); undo !== undefined && undo.offset >= offset; undo = this.#undos.at(-1)) {
      this.#undos.pop();
      if ('undo' in undo) {
        undo.undo();
        continue;
      }
      const now = this.get(undo.groupId);
      if (undo.before === null) this.#groups.delete(undo.groupId);
      else this.#groups.set(undo.groupId, undo.before);
      if (now !== null && now !== undo.before) gone.set(undo.groupId, now);
    }
    return [...gone.values()];
  }

  #remember(undo: Undo): void {
    if (!this.isTracking) return;
    const { offset, groupId } = undo;
    assert(offset >= (this.#undos.at(-1)?.offset ?? 0), `group ${groupId} changes out of order at ${offset}`);
    this.#undos.push(undo);
  }
}
