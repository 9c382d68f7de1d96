// What the person is looking at: filters, folds, selections, open dialogs. Lives as long as the page.

import { families, type Family } from '../text/journal-sentences.ts';
import type { Condition } from './matrix-rows.ts';

export class Screen {
  filter = $state('');
  condition = $state<Condition>('all');
  /** Topics whose partitions are folded away. */
  folded = $state.raw<ReadonlySet<string>>(new Set());
  families = $state.raw<ReadonlySet<Family>>(new Set(families));
  /** Event whose details are open. */
  selectedEvent = $state<string | null>(null);
  /** Groups that the person opened or closed; the others stand as the room allows. */
  groupsOpen = $state.raw<ReadonlyMap<string, boolean>>(new Map());
  paletteOpen = $state(false);
  createTopicOpen = $state(false);
  /** Topic that is asked about before it is deleted. */
  topicToDelete = $state<string | null>(null);

  toggleFold(topic: string): void {
    this.folded = toggled(this.folded, topic);
  }

  foldAll(topics: readonly string[]): void {
    this.folded = new Set(topics);
  }

  setGroupOpen(groupId: string, open: boolean): void {
    this.groupsOpen = new Map(this.groupsOpen).set(groupId, open);
  }

  toggleFamily(family: Family): void {
    this.families = toggled(this.families, family);
  }

  showAllFamilies(): void {
    this.families = new Set(families);
  }

  /** Shows an event in the list, whatever was filtered. */
  revealEvent(id: string, family: Family): void {
    if (!this.families.has(family)) this.toggleFamily(family);
    this.selectedEvent = id;
  }
}

function toggled<Item>(set: ReadonlySet<Item>, item: Item): ReadonlySet<Item> {
  const next = new Set(set);
  if (!next.delete(item)) next.add(item);
  return next;
}
