// Whether what a step waits for has come, and what is seen instead. Pure: looks at the facts that the runner hands in.

import type { ClusterView, JournalEvent, PartitionView } from '../api/views.ts';
import type { PartitionName, Wait } from './drill-plan.ts';
import { resolveRole, type Role, type RoleContext } from './roles.ts';

/** What the drill's clients have seen so far. */
export type ProducerFacts = {
  readonly acknowledged: number;
  readonly failed: number;
  readonly refusals: ReadonlyMap<string, number>;
  unansweredMs(nowMs: number): number;
  acknowledgedSince(sinceMs: number): boolean;
};

export type GroupFacts = { readonly consumed: number; lag(): number };

export type CopierFacts = { readonly copied: number; readonly fenced: number };

export type Facts = {
  readonly nowMs: number;
  readonly view: ClusterView;
  readonly roles: RoleContext;
  producer(name: string): ProducerFacts | null;
  group(name: string): GroupFacts | null;
  copier(name: string): CopierFacts | null;
  /** When the last fault (or repair) was given, and how things stood just before. */
  readonly turn: Turn;
  /** Counts at the moment when the wait began. */
  readonly baseline: Baseline;
  /** Journal events since the turn, oldest first. */
  readonly events: readonly JournalEvent[];
};

export type Turn = {
  readonly atMs: number;
  /** Leaders by `topic-partition`. */
  readonly leaders: ReadonlyMap<string, number>;
  readonly quorumEpoch: number;
};

export type Baseline = {
  readonly acknowledged: number;
  readonly failed: number;
  readonly refused: number;
  readonly consumed: number;
  readonly copied: number;
};

export type Seen = { readonly isMet: boolean; readonly seen: string };

export function turnOf(view: ClusterView, atMs: number): Turn {
  const leaders = new Map(view.partitions.map((each) => [`${each.topic}-${each.partition}`, each.leader]));
  return { atMs, leaders, quorumEpoch: view.quorum.epoch };
}

export function baselineOf(wait: Wait, facts: Pick<Facts, 'producer' | 'group' | 'copier'>): Baseline {
  const none = { acknowledged: 0, failed: 0, refused: 0, consumed: 0, copied: 0 };
  if (!('by' in wait)) return none;
  const producer = facts.producer(wait.by);
  const group = facts.group(wait.by);
  return {
    acknowledged: producer?.acknowledged ?? 0,
    failed: producer?.failed ?? 0,
    refused: wait.kind === 'refused' && producer !== null ? refusedCount(producer, wait.error) : 0,
    consumed: group?.consumed ?? 0,
    copied: facts.copier(wait.by)?.copied ?? 0,
  };
}

export function checkWait(wait: Wait, facts: Facts): Seen {
  switch (wait.kind) {
    case 'acknowledged':
    case 'failed': {
      const more = (facts.producer(wait.by)?.[wait.kind] ?? 0) - facts.baseline[wait.kind];
      return { isMet: more >= wait.more, seen: `${more} of ${wait.more} records ${wait.kind}` };
    }
    case 'consumed': {
      const more = (facts.group(wait.by)?.consumed ?? 0) - facts.baseline.consumed;
      return { isMet: more >= wait.more, seen: `${more} of ${wait.more} records read` };
    }
    case 'copied': {
      const more = (facts.copier(wait.by)?.copied ?? 0) - facts.baseline.copied;
      return { isMet: more >= wait.more, seen: `${more} of ${wait.more} records copied` };
    }
    case 'copierFenced': {
      const count = facts.copier(wait.by)?.fenced ?? 0;
      return { isMet: count > 0, seen: count > 0 ? 'fenced' : 'nobody is fenced' };
    }
    case 'refused': {
      const producer = facts.producer(wait.by);
      const count = producer === null ? 0 : refusedCount(producer, wait.error) - facts.baseline.refused;
      return { isMet: count >= wait.more, seen: `${count} refusals` };
    }
    case 'writesResume': {
      const isMet = facts.producer(wait.by)?.acknowledgedSince(facts.turn.atMs) === true;
      return { isMet, seen: isMet ? 'acknowledged again' : 'nothing sent since the fault is acknowledged' };
    }
    case 'writesStall': {
      const forMs = facts.producer(wait.by)?.unansweredMs(facts.nowMs) ?? 0;
      return { isMet: forMs >= wait.forMs, seen: `the oldest record waits for ${Math.round(forMs)} ms` };
    }
    case 'lag': {
      const lag = facts.group(wait.of)?.lag() ?? 0;
      return {
        isMet: (wait.atLeast === null || lag >= wait.atLeast) && (wait.atMost === null || lag <= wait.atMost),
        seen: `lag ${lag}`,
      };
    }
    default:
      return checkState(wait, facts);
  }
}

type StateWait = Exclude<
  Wait,
  {
    kind:
      | 'acknowledged'
      | 'failed'
      | 'consumed'
      | 'copied'
      | 'copierFenced'
      | 'refused'
      | 'writesResume'
      | 'writesStall'
      | 'lag';
  }
>;

function checkState(wait: StateWait, facts: Facts): Seen {
  const { view, turn } = facts;
  switch (wait.kind) {
    case 'newLeader': {
      const partition = partitionOf(facts, wait.of);
      const before = partition === undefined ? -1 : turn.leaders.get(`${partition.topic}-${partition.partition}`);
      const leader = partition?.leader ?? -1;
      return { isMet: leader >= 0 && leader !== before, seen: leader < 0 ? 'no leader' : `broker ${leader} leads` };
    }
    case 'offline': {
      const leader = partitionOf(facts, wait.of)?.leader ?? -1;
      return { isMet: leader < 0, seen: leader < 0 ? 'no leader' : `broker ${leader} leads` };
    }
    case 'leader': {
      const leader = partitionOf(facts, wait.of)?.leader ?? -1;
      const wanted = resolveRole(wait.is, facts.roles);
      return { isMet: leader === wanted, seen: leader < 0 ? 'no leader' : `broker ${leader} leads` };
    }
    case 'newController': {
      const { leaderId, epoch } = view.quorum;
      const isMet = leaderId !== null && epoch > turn.quorumEpoch;
      return {
        isMet,
        seen: leaderId === null ? `no controller in epoch ${epoch}` : `node ${leaderId}, epoch ${epoch}`,
      };
    }
    case 'inSync':
      return checkInSync(wait, facts);
    case 'fenced':
    case 'unfenced':
    case 'ended':
      return checkBroker(wait, facts);
    case 'groupStable': {
      const group = view.groups.find((each) => each.groupId === facts.roles.groupName(wait.of));
      const members = group?.members.length ?? 0;
      const state = group?.state ?? 'not there yet';
      return { isMet: state === 'Stable' && members === wait.members, seen: `${state}, ${members} members` };
    }
    case 'event': {
      const found = facts.events.find((event) =>
        Object.entries(wait.fields).every(([name, value]) => {
          const actual = (event.entry as Readonly<Record<string, unknown>>)[name];
          const wanted = name === 'topic' ? facts.roles.topicName(String(value)) : value;
          return actual === wanted;
        }),
      );
      return { isMet: found !== undefined, seen: found === undefined ? 'no such event yet' : found.id };
    }
  }
}

function checkInSync(wait: Extract<Wait, { kind: 'inSync' }>, { view, roles }: Facts): Seen {
  const topic = roles.topicName(wait.topic);
  const partitions = view.partitions.filter(
    (each) => each.topic === topic && (wait.partition === null || each.partition === wait.partition),
  );
  const off = partitions.find((each) => each.inSyncReplicas.length !== wait.size);
  if (partitions.length === 0) return { isMet: false, seen: `${topic} is not known yet` };
  return {
    isMet: off === undefined,
    seen:
      off === undefined
        ? `ISR ${wait.size}`
        : `ISR of ${off.topic}-${off.partition} is ${off.inSyncReplicas.join(', ')}`,
  };
}

function checkBroker(wait: { kind: 'fenced' | 'unfenced' | 'ended'; who: Role }, { view, roles }: Facts): Seen {
  const id = resolveRole(wait.who, roles);
  const broker = view.brokers.find((each) => each.id === id);
  if (broker === undefined) return { isMet: false, seen: String(id) };
  const { registration, process } = broker;
  if (wait.kind === 'ended') {
    return { isMet: process === 'stopped' || process === 'killed' || process === 'crashed', seen: `it is ${process}` };
  }
  const isFenced = registration === 'fenced';
  const isMet = wait.kind === 'fenced' ? isFenced : registration === 'active';
  return { isMet, seen: `broker ${broker.id} is ${registration ?? 'not registered'}` };
}

function partitionOf({ view, roles }: Facts, name: PartitionName): PartitionView | undefined {
  const topic = roles.topicName(name.topic);
  return view.partitions.find((each) => each.topic === topic && each.partition === name.partition);
}

function refusedCount(producer: ProducerFacts, error: string | null): number {
  if (error !== null) return producer.refusals.get(error) ?? 0;
  let count = 0;
  for (const each of producer.refusals.values()) count += each;
  return count;
}
