// What the parts of group coordination share within one partition: settings, time, and the groups themselves.

import type { Journal } from '../../core/journal.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Clock, Random } from '../../runtime/runtime.ts';
import type { KeyedTimers } from '../runtime/keyed-timers.ts';
import type { GroupCoordinatorConfig } from './group-config.ts';
import type { GroupDecision } from './group-records.ts';
import type { GroupOwnership } from './group-ownership.ts';
import type { GroupRegistry } from './group-registry.ts';

export type GroupContext = {
  readonly config: GroupCoordinatorConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly image: () => MetadataImage;
  readonly timers: KeyedTimers;
  readonly groups: GroupRegistry;
  readonly ownership: GroupOwnership;
  /** Runs a decision that no client asked for. */
  readonly run: (operation: () => GroupDecision<null>) => void;
  /** Offset of the next record: from when on a new group counts. */
  readonly nextOffset: () => number;
  /** The group looks different to someone who watches. */
  readonly changed: (groupId: string) => void;
};

/** Who sent a request, as members remember it. */
export type ClientIdentity = {
  readonly clientId: string;
  readonly clientHost: string;
  readonly apiVersion: number;
  /** Topics that a regular expression of it may find; null: all. */
  readonly mayDescribe: ((topic: string) => boolean) | null;
};
