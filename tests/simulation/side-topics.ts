// Topics beside the plain ones, of which a seed has some: compacted, trimmed by DeleteRecords, and one that asks for
// unclean elections. What each is made with, and who writes it.

import type { Random } from '../../main/runtime/runtime.ts';

export type SideTopic = {
  readonly name: string;
  readonly configs: readonly { readonly name: string; readonly value: string }[];
  /** Of its producer. */
  readonly keyCount?: number;
  readonly isCompacted: boolean;
  readonly isTrimmed: boolean;
  readonly isUnclean: boolean;
};

const smallSegments = { name: 'internal.segment.bytes', value: '2048' };

const all: readonly SideTopic[] = [
  {
    name: 'table',
    configs: [
      smallSegments,
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'min.cleanable.dirty.ratio', value: '0.1' },
    ],
    keyCount: 7,
    isCompacted: true,
    isTrimmed: false,
    isUnclean: false,
  },
  { name: 'trimmed', configs: [smallSegments], isCompacted: false, isTrimmed: true, isUnclean: false },
  {
    name: 'loose',
    configs: [
      { name: 'unclean.leader.election.enable', value: 'true' },
      { name: 'min.insync.replicas', value: '1' },
    ],
    isCompacted: false,
    isTrimmed: false,
    isUnclean: true,
  },
];

/** One in three runs has each. */
export function drawSideTopics(random: Random): SideTopic[] {
  return all.filter(() => random.below(3) === 0);
}
