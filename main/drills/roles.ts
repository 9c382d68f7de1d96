// Who a step means: by role, not only by id, so that a drill fits any cluster. Resolved against the cluster's view at
// the moment when the step begins. Pure.

import type { Random } from '../runtime/runtime.ts';
import type { ClusterView, PartitionView } from '../api/views.ts';

type OfPartition = { readonly topic: string; readonly partition: number };

export type Role =
  | ({ readonly kind: 'leader' | 'follower' | 'otherFollower' | 'isrFollower' | 'plainFollower' } & OfPartition)
  | { readonly kind: 'controller' }
  | { readonly kind: 'otherVoter' }
  | { readonly kind: 'coordinator'; readonly group: string }
  | { readonly kind: 'id'; readonly id: number }
  | { readonly kind: 'named'; readonly name: string };

const partitionRole =
  /^(?:the |a |an )?(leader|follower|other follower|plain follower|follower in ISR|in-sync follower) of (.+)-(\d+)$/;
const kinds = {
  leader: 'leader',
  follower: 'follower',
  'other follower': 'otherFollower',
  'plain follower': 'plainFollower',
  'follower in ISR': 'isrFollower',
  'in-sync follower': 'isrFollower',
} as const;

/** A role, or what is wrong with the text. Single words are names given with `as`. */
export function parseRole(text: string): Role | string {
  const words = text.trim();
  const ofPartition = partitionRole.exec(words);
  if (ofPartition !== null) {
    const [, who = '', topic = '', partition = ''] = ofPartition;
    return { kind: kinds[who as keyof typeof kinds], topic, partition: Number(partition) };
  }
  if (/^(the )?(active )?controller$/.test(words)) return { kind: 'controller' };
  if (/^(an |the )?other voter$/.test(words)) return { kind: 'otherVoter' };
  const coordinator = /^(?:the )?coordinator of (\S+)$/.exec(words);
  if (coordinator !== null) return { kind: 'coordinator', group: coordinator[1] ?? '' };
  const byId = /^broker (\d+)$/.exec(words);
  if (byId !== null) return { kind: 'id', id: Number(byId[1]) };
  if (/^[a-z0-9][a-z0-9-]*$/.test(words)) return { kind: 'named', name: words };
  return (
    `"${text}" is no role; write leader of TOPIC-N, follower of TOPIC-N, other follower of TOPIC-N, ` +
    'plain follower of TOPIC-N, follower in ISR of TOPIC-N, active controller, other voter, coordinator of GROUP, broker N, or a name given with `as`'
  );
}

export function roleText(role: Role): string {
  switch (role.kind) {
    case 'leader':
      return `the leader of ${role.topic}-${role.partition}`;
    case 'follower':
      return `a follower of ${role.topic}-${role.partition}`;
    case 'otherFollower':
      return `the other follower of ${role.topic}-${role.partition}`;
    case 'plainFollower':
      return `a follower of ${role.topic}-${role.partition} that is not the controller`;
    case 'isrFollower':
      return `a follower in the ISR of ${role.topic}-${role.partition}`;
    case 'controller':
      return 'the active controller';
    case 'otherVoter':
      return 'a voter that is not the controller';
    case 'coordinator':
      return `the coordinator of group ${role.group}`;
    case 'id':
      return `broker ${role.id}`;
    case 'named':
      return `“${role.name}”`;
  }
}

export type RoleContext = {
  readonly view: ClusterView;
  /** Brokers that were given a name with `as`. */
  readonly remembered: ReadonlyMap<string, number>;
  readonly random: Random;
  /** The name in the cluster of a topic in the file. */
  topicName(name: string): string;
  groupName(name: string): string;
};

/** The broker, or why there is none just now. */
export function resolveRole(role: Role, context: RoleContext): number | string {
  const { view, remembered } = context;
  switch (role.kind) {
    case 'leader':
    case 'follower':
    case 'otherFollower':
    case 'isrFollower':
    case 'plainFollower':
      return resolveReplica(role, context);
    case 'controller':
      return view.quorum.leaderId ?? 'there is no active controller just now';
    case 'otherVoter': {
      const others = runningBrokers(view).filter((id) => id !== view.quorum.leaderId);
      return chooseFrom(others, context) ?? 'no other voter runs';
    }
    case 'coordinator': {
      const group = view.groups.find((each) => each.groupId === context.groupName(role.group));
      return group?.coordinator ?? `nobody coordinates group ${role.group} yet`;
    }
    case 'id':
      return view.brokers.some((each) => each.id === role.id) ? role.id : `there is no broker ${role.id}`;
    case 'named':
      return remembered.get(role.name) ?? `no step named a broker "${role.name}" yet`;
  }
}

function resolveReplica(role: Extract<Role, OfPartition>, context: RoleContext): number | string {
  const { view, remembered } = context;
  const topic = context.topicName(role.topic);
  const partition = view.partitions.find((each) => each.topic === topic && each.partition === role.partition);
  const name = `${role.topic}-${role.partition}`;
  if (partition === undefined) return `${name} is not known yet`;
  if (role.kind === 'leader') return partition.leader >= 0 ? partition.leader : `${name} has no leader just now`;
  const followers = followersOf(partition, view);
  if (role.kind === 'isrFollower') {
    const inSync = followers.filter((id) => partition.inSyncReplicas.includes(id));
    return chooseFrom(inSync, context) ?? `${name} has no follower in its ISR`;
  }
  if (role.kind === 'plainFollower') {
    const plain = followers.filter((id) => id !== view.quorum.leaderId);
    return chooseFrom(plain, context) ?? `${name} has no follower that is not the controller`;
  }
  if (role.kind === 'follower') return chooseFrom(followers, context) ?? `no follower of ${name} runs`;
  const named = new Set(remembered.values());
  return followers.find((id) => !named.has(id)) ?? `${name} has no other follower that runs`;
}

function followersOf(partition: PartitionView, view: ClusterView): number[] {
  const running = runningBrokers(view);
  return partition.replicas
    .map((replica) => replica.brokerId)
    .filter((id) => id !== partition.leader && running.includes(id));
}

function runningBrokers(view: ClusterView): number[] {
  return view.brokers.filter((broker) => broker.process === 'running').map((broker) => broker.id);
}

/** Which of several is meant is the seed's choice. */
function chooseFrom(ids: readonly number[], { random }: RoleContext): number | null {
  return ids.length === 0 ? null : (ids[random.below(ids.length)] ?? null);
}
