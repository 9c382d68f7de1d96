// The deadlines of members of consumer groups, by their keys.

import type { KeyedTimers } from '../runtime/keyed-timers.ts';

type Act = () => void;

export function consumerTimers(timers: KeyedTimers) {
  // A group id may hold any character but not this one's place in a member id.
  const key = (kind: string, groupId: string, memberId: string): string => `${kind}\0${groupId}\0${memberId}`;
  return {
    session: (groupId: string, memberId: string, ms: number, act: Act): void =>
      timers.schedule(key('session', groupId, memberId), ms, act),
    rebalance: (groupId: string, memberId: string, ms: number, act: Act): void =>
      timers.schedule(key('rebalance', groupId, memberId), ms, act),
    cancelRebalance: (groupId: string, memberId: string): void => timers.cancel(key('rebalance', groupId, memberId)),
    joinUnlessSet: (groupId: string, memberId: string, ms: number, act: Act): void => {
      if (!timers.has(key('rejoin', groupId, memberId))) timers.schedule(key('rejoin', groupId, memberId), ms, act);
    },
    cancelJoin: (groupId: string, memberId: string): void => timers.cancel(key('rejoin', groupId, memberId)),
    sync: (groupId: string, memberId: string, ms: number, act: Act): void =>
      timers.schedule(key('resync', groupId, memberId), ms, act),
    cancelSync: (groupId: string, memberId: string): void => timers.cancel(key('resync', groupId, memberId)),
    cancelAll: (groupId: string, memberId: string): void => {
      for (const kind of ['session', 'rebalance', 'rejoin', 'resync']) timers.cancel(key(kind, groupId, memberId));
    },
  };
}
