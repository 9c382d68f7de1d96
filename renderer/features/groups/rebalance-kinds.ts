// How partitions change hands, in words.

import type { RebalanceKind } from './rebalances.ts';

type KindWords = { readonly word: string; readonly meaning: string; readonly sentence: string };

export const rebalanceKinds: Readonly<Record<NonNullable<RebalanceKind>, KindWords>> = {
  eager: {
    word: 'eager',
    meaning: 'Seen: members that joined again had given up everything first.',
    sentence: 'Eager: every member gave up all it had before anything was handed out.',
  },
  cooperative: {
    word: 'cooperative',
    meaning: 'Seen: members kept partitions while they joined again (KIP-429).',
    sentence: 'Cooperative: what stays with its member is read all the while.',
  },
  'KIP-848': {
    word: 'KIP-848',
    meaning: 'The coordinator assigns and moves partitions one by one, heartbeat by heartbeat.',
    sentence: 'KIP-848: the coordinator moves single partitions, nobody waits for the others.',
  },
  share: {
    word: 'share',
    meaning: 'Members of a share group read the same partitions side by side (KIP-932).',
    sentence: 'Share group: partitions belong to nobody, so nothing is taken away.',
  },
  streams: {
    word: 'streams',
    meaning: 'The coordinator moves tasks of the topology one by one (KIP-1071).',
    sentence: 'Streams group: the coordinator moves single tasks.',
  },
};
