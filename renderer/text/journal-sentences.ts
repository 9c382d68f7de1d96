// One sentence for every kind of journal entry, and how the kinds are grouped and weighed on the screen.

import { describeFault } from '../../main/api/fault-text.ts';
import type { JournalEntry, JournalEvent, JournalKind } from '../../main/api/views.ts';
import { partitionsText } from './partitions-text.ts';
import { transactionSentence } from './transaction-sentences.ts';
import { formatBytes, formatDuration, isrText, listed, plural } from './format.ts';

export type Family =
  'process' | 'fault' | 'quorum' | 'broker' | 'leader' | 'isr' | 'group' | 'transaction' | 'client' | 'data';
export const families: readonly Family[] = [
  'process',
  'fault',
  'quorum',
  'broker',
  'leader',
  'isr',
  'group',
  'transaction',
  'client',
  'data',
];

export const familyNames: Readonly<Record<Family, string>> = {
  process: 'Processes',
  fault: 'Faults',
  quorum: 'Quorum',
  broker: 'Brokers',
  leader: 'Leaders',
  isr: 'ISR',
  group: 'Groups',
  transaction: 'Transactions',
  client: 'Clients',
  data: 'Topics and logs',
};

/** bad: something was lost or broke · warn: less safe than before · good: recovered · plain: the rest. */
export type Tone = 'bad' | 'warn' | 'good' | 'plain';

type Reading = {
  readonly family: Family;
  readonly label: string;
  readonly tone: Tone;
  /** 0: detail, never narrated · 1: narrated when nothing else happened · 2: narrated. */
  readonly weight: 0 | 1 | 2;
};

const readings: Readonly<Record<JournalKind, Reading>> = {
  'quorum.prospective': { family: 'quorum', label: 'Prospective', tone: 'warn', weight: 2 },
  'quorum.candidate': { family: 'quorum', label: 'Candidate', tone: 'warn', weight: 1 },
  'quorum.voteAsked': { family: 'quorum', label: 'Vote asked', tone: 'plain', weight: 0 },
  'quorum.voteAnswered': { family: 'quorum', label: 'Vote', tone: 'plain', weight: 0 },
  'quorum.leaderElected': { family: 'quorum', label: 'Quorum leader', tone: 'good', weight: 2 },
  'quorum.following': { family: 'quorum', label: 'Following', tone: 'plain', weight: 0 },
  'quorum.resigned': { family: 'quorum', label: 'Resigned', tone: 'warn', weight: 1 },
  'controller.active': { family: 'quorum', label: 'Controller active', tone: 'good', weight: 2 },
  'controller.inactive': { family: 'quorum', label: 'Controller inactive', tone: 'warn', weight: 1 },
  'broker.registered': { family: 'broker', label: 'Registered', tone: 'plain', weight: 1 },
  'broker.fenced': { family: 'broker', label: 'Fenced', tone: 'bad', weight: 2 },
  'broker.unfenced': { family: 'broker', label: 'Unfenced', tone: 'good', weight: 2 },
  'broker.controlledShutdown': { family: 'broker', label: 'Controlled shutdown', tone: 'plain', weight: 1 },
  'topic.created': { family: 'data', label: 'Topic created', tone: 'plain', weight: 2 },
  'topic.deleted': { family: 'data', label: 'Topic deleted', tone: 'warn', weight: 2 },
  'config.changed': { family: 'data', label: 'Config', tone: 'plain', weight: 1 },
  'partition.leaderElected': { family: 'leader', label: 'Leader elected', tone: 'good', weight: 2 },
  'partition.isrShrunk': { family: 'isr', label: 'ISR shrunk', tone: 'warn', weight: 2 },
  'partition.isrExpanded': { family: 'isr', label: 'ISR expanded', tone: 'good', weight: 2 },
  'replica.leading': { family: 'leader', label: 'Leading', tone: 'plain', weight: 0 },
  'replica.following': { family: 'leader', label: 'Following', tone: 'plain', weight: 0 },
  'replica.truncated': { family: 'data', label: 'Truncated', tone: 'warn', weight: 2 },
  'log.recovered': { family: 'data', label: 'Log recovered', tone: 'plain', weight: 1 },
  'log.directoryFailed': { family: 'data', label: 'Log directory failed', tone: 'bad', weight: 2 },
  'group.rebalancing': { family: 'group', label: 'Rebalancing', tone: 'warn', weight: 1 },
  'group.stable': { family: 'group', label: 'Group stable', tone: 'good', weight: 1 },
  'group.empty': { family: 'group', label: 'Group empty', tone: 'plain', weight: 1 },
  'group.memberJoined': { family: 'group', label: 'Member joined', tone: 'plain', weight: 1 },
  'group.memberHolds': { family: 'group', label: 'Member holds', tone: 'plain', weight: 0 },
  'group.memberRemoved': { family: 'group', label: 'Member removed', tone: 'warn', weight: 1 },
  'transaction.began': { family: 'transaction', label: 'Transaction began', tone: 'plain', weight: 0 },
  'transaction.partitionsAdded': { family: 'transaction', label: 'Partitions added', tone: 'plain', weight: 0 },
  'transaction.prepared': { family: 'transaction', label: 'Transaction decided', tone: 'plain', weight: 0 },
  'transaction.completed': { family: 'transaction', label: 'Transaction ended', tone: 'plain', weight: 1 },
  'transaction.fenced': { family: 'transaction', label: 'Producer fenced', tone: 'warn', weight: 2 },
  'coordinator.loaded': { family: 'group', label: 'Coordinator loaded', tone: 'plain', weight: 0 },
  'process.started': { family: 'process', label: 'Started', tone: 'plain', weight: 2 },
  'process.exited': { family: 'process', label: 'Exited', tone: 'bad', weight: 1 },
  'process.paused': { family: 'process', label: 'Frozen', tone: 'bad', weight: 2 },
  'process.resumed': { family: 'process', label: 'Resumed', tone: 'good', weight: 2 },
  'process.killed': { family: 'process', label: 'Killed', tone: 'bad', weight: 2 },
  'process.powerLost': { family: 'process', label: 'Power lost', tone: 'bad', weight: 2 },
  'fault.added': { family: 'fault', label: 'Fault', tone: 'bad', weight: 2 },
  'fault.cleared': { family: 'fault', label: 'Fault cleared', tone: 'good', weight: 2 },
  'process.stopping': { family: 'process', label: 'Stopping', tone: 'plain', weight: 2 },
  'cluster.ready': { family: 'process', label: 'Cluster ready', tone: 'good', weight: 2 },
  'client.error': { family: 'client', label: 'Client error', tone: 'bad', weight: 1 },
  'drill.step': { family: 'fault', label: 'Drill', tone: 'plain', weight: 2 },
  'client.recovered': { family: 'client', label: 'Client recovered', tone: 'good', weight: 2 },
};

const unknownReading: Reading = { family: 'data', label: 'Event', tone: 'plain', weight: 0 };

export function readingOf(entry: JournalEntry): Reading {
  // A newer engine may know kinds that this page does not.
  const reading: Reading | undefined = readings[entry.kind];
  if (reading === undefined) return unknownReading;
  if (entry.kind === 'process.exited')
    return entry.wanted ? { ...reading, tone: 'plain', weight: 0 } : { ...reading, label: 'Crashed', weight: 2 };
  if (entry.kind === 'partition.leaderElected' && (entry.leader < 0 || entry.unclean))
    return { ...reading, label: entry.leader < 0 ? 'Leader lost' : 'Unclean election', tone: 'bad' };
  return reading;
}

export function familyOf(event: JournalEvent): Family {
  return readingOf(event.entry).family;
}

/** Past-tense clause without a full stop, to stand after "412 ms after". */
export function faultClause(entry: JournalEntry): string {
  if (entry.kind === 'process.killed') return `broker ${entry.brokerId} was killed`;
  if (entry.kind === 'process.paused') return `broker ${entry.brokerId} was frozen`;
  if (entry.kind === 'process.stopping') return `broker ${entry.brokerId} was told to stop`;
  if (entry.kind === 'process.exited') return `broker ${entry.brokerId} died`;
  if (entry.kind === 'process.powerLost') return `broker ${entry.brokerId} lost power`;
  if (entry.kind === 'fault.added') return describeFault(entry.fault);
  return readingOf(entry).label.toLowerCase();
}

export function sentenceOf(event: JournalEvent): string {
  return sentence(event.entry, nodeOf(event));
}

/** `Node 2` for what a broker says about itself. */
function nodeOf(event: JournalEvent): string {
  return event.source.startsWith('broker-')
    ? `Node ${event.source.slice('broker-'.length)}`
    : event.source === 'supervisor'
      ? 'The supervisor'
      : 'The workload';
}

function sentence(entry: JournalEntry, self: string): string {
  switch (entry.kind) {
    case 'quorum.prospective':
      return `${self} lost touch with the quorum leader in epoch ${entry.epoch} and asks for pre-votes: ${entry.reason}.`;
    case 'quorum.candidate':
      return `${self} stands for election in epoch ${entry.epoch}.`;
    case 'quorum.voteAsked':
      return `Node ${entry.from} asks node ${entry.to} for its ${entry.preVote ? 'pre-vote' : 'vote'} in epoch ${entry.epoch}.`;
    case 'quorum.voteAnswered':
      return entry.granted
        ? `Node ${entry.voter} grants node ${entry.candidate} its ${entry.preVote ? 'pre-vote' : 'vote'} in epoch ${entry.epoch}.`
        : `Node ${entry.voter} refuses node ${entry.candidate} in epoch ${entry.epoch}: ${entry.reason}.`;
    case 'quorum.leaderElected':
      return `Node ${entry.leader} won the quorum election of epoch ${entry.epoch}.`;
    case 'quorum.following':
      return `${self} follows node ${entry.leader} in epoch ${entry.epoch}.`;
    case 'quorum.resigned':
      return `${self} gave up leading the quorum in epoch ${entry.epoch}: ${entry.reason}.`;
    case 'controller.active':
      return `${self} is now the active controller, epoch ${entry.epoch}.`;
    case 'controller.inactive':
      return `${self} is no longer the active controller (epoch ${entry.epoch}).`;
    case 'broker.registered':
      return `Broker ${entry.brokerId} registered with broker epoch ${entry.brokerEpoch}; it stays fenced until it has caught up.`;
    case 'broker.fenced':
      return `The controller fenced broker ${entry.brokerId}: ${entry.reason}.`;
    case 'broker.unfenced':
      return `Broker ${entry.brokerId} is unfenced and may lead again.`;
    case 'broker.controlledShutdown':
      return `Broker ${entry.brokerId} asked for a controlled shutdown; its leaders move away first.`;
    default:
      return otherSentence(entry);
  }
}

function otherSentence(entry: JournalEntry): string {
  switch (entry.kind) {
    case 'topic.created':
      return `Topic ${entry.topic} was created: ${plural(entry.partitions, 'partition')}, replication factor ${entry.replicationFactor}.`;
    case 'topic.deleted':
      return `Topic ${entry.topic} was deleted.`;
    case 'config.changed':
      return entry.value === null
        ? `${entry.name} of ${entry.resource} went back to its default.`
        : `${entry.name} of ${entry.resource} is now ${entry.value}.`;
    case 'partition.leaderElected':
      return leaderSentence(entry);
    case 'partition.isrShrunk':
      return `${brokers(entry.changed)} left the ISR of ${entry.topic}-${entry.partition}; in sync: ${isrText(entry.inSyncReplicas)}.`;
    case 'partition.isrExpanded':
      return `${brokers(entry.changed)} caught up and rejoined the ISR of ${entry.topic}-${entry.partition}: ${isrText(entry.inSyncReplicas)}.`;
    case 'replica.leading':
      return `Leads ${entry.topic}-${entry.partition} from offset ${entry.logEndOffset} in epoch ${entry.leaderEpoch}.`;
    case 'replica.following':
      return `Follows broker ${entry.leader} for ${entry.topic}-${entry.partition} in epoch ${entry.leaderEpoch}.`;
    case 'replica.truncated':
      return `${entry.topic}-${entry.partition} was cut back from ${entry.from} to ${entry.to}: the log had diverged before epoch ${entry.leaderEpoch}.`;
    case 'log.recovered':
      return `${entry.topic}-${entry.partition} was recovered${entry.truncatedBytes > 0 ? `, ${formatBytes(entry.truncatedBytes)} cut` : ''}: ${entry.detail}.`;
    case 'log.directoryFailed':
      return `Log directory ${entry.directory} failed: ${entry.reason}.`;
    case 'group.rebalancing':
      return `Group ${entry.groupId} rebalances into generation ${entry.generation}: ${entry.reason}.`;
    case 'group.stable':
      return `Group ${entry.groupId} is stable: generation ${entry.generation}, ${plural(entry.members, 'member')}, ${entry.protocol}.`;
    case 'group.empty':
      return `Group ${entry.groupId} has no members any more; its offsets are kept.`;
    case 'group.memberJoined':
      return entry.replaces === null
        ? `${entry.clientId} joined group ${entry.groupId} as ${entry.memberId}.`
        : `${entry.clientId} is back in group ${entry.groupId} as ${entry.memberId} and takes the place of ${entry.replaces}.`;
    case 'group.memberHolds':
      return holdsSentence(entry);
    case 'group.memberRemoved':
      return `Group ${entry.groupId} lost member ${entry.memberId}: ${entry.reason}.`;
    case 'transaction.began':
    case 'transaction.partitionsAdded':
    case 'transaction.prepared':
    case 'transaction.completed':
    case 'transaction.fenced':
      return transactionSentence(entry);
    case 'coordinator.loaded':
      return `Coordinator loaded ${entry.topic}-${entry.partition}: ${plural(entry.records, 'record')} in ${formatDuration(entry.tookMs)}.`;
    default:
      return processSentence(entry);
  }
}

function processSentence(entry: JournalEntry): string {
  switch (entry.kind) {
    case 'process.started':
      return `Broker ${entry.brokerId} was started as process ${entry.pid}.`;
    case 'process.exited':
      return entry.wanted
        ? `The process of broker ${entry.brokerId} is gone${entry.signal === null ? ', as asked' : ` (${entry.signal})`}.`
        : `Broker ${entry.brokerId} died: ${entry.signal ?? `exit code ${entry.code ?? 'unknown'}`}.`;
    case 'process.paused':
      return `Broker ${entry.brokerId} was frozen (SIGSTOP): alive, but it neither answers nor notices.`;
    case 'process.resumed':
      return `Broker ${entry.brokerId} goes on; it may have missed an election.`;
    case 'process.killed':
      return `Broker ${entry.brokerId} was killed (SIGKILL). The cluster finds out when its session ends.`;
    case 'process.powerLost':
      return `Broker ${entry.brokerId} lost power${lostText(entry)}.`;
    case 'fault.added':
      return `Fault: ${describeFault(entry.fault)}.`;
    case 'fault.cleared':
      return `Fault over: ${describeFault(entry.fault)}.`;
    case 'process.stopping':
      return `Broker ${entry.brokerId} is shutting down in order.`;
    case 'cluster.ready':
      return `The cluster was ready after ${formatDuration(entry.readyMs)}.`;
    case 'client.error':
      return `The ${entry.client} got ${entry.error}: ${entry.detail}`;
    case 'drill.step':
      return `Drill ${entry.drill}, step ${entry.step}: ${entry.text}.`;
    case 'client.recovered':
      return `The ${entry.client} writes again after ${formatDuration(entry.unavailableMs)} without an acknowledgement.`;
    default:
      return readingOf(entry).label;
  }
}

function lostText(entry: Extract<JournalEntry, { kind: 'process.powerLost' }>): string {
  if (entry.lostBytes === null || entry.lostFiles === null) return '';
  return `, and with it ${formatBytes(entry.lostBytes)} in ${plural(entry.lostFiles, 'file')} that were not synced`;
}

function leaderSentence(entry: Extract<JournalEntry, { kind: 'partition.leaderElected' }>): string {
  const name = `${entry.topic}-${entry.partition}`;
  if (entry.leader < 0) return `${name} has no leader: nobody in its ISR ${isrText(entry.inSyncReplicas)} is alive.`;
  const before = entry.previousLeader >= 0 ? ` after broker ${entry.previousLeader}` : '';
  const how = entry.unclean ? ' It was outside the ISR: records may be lost.' : '';
  return `Broker ${entry.leader} leads ${name}${before}, leader epoch ${entry.leaderEpoch}, ISR ${isrText(entry.inSyncReplicas)}.${how}`;
}

export function brokers(ids: readonly number[]): string {
  return ids.length === 1 ? `Broker ${ids[0] ?? ''}` : `Brokers ${listed(ids)}`;
}

function holdsSentence({
  clientId,
  groupId,
  told,
  partitions,
}: Extract<JournalEntry, { kind: 'group.memberHolds' }>): string {
  const held = partitionsText(partitions);
  switch (told) {
    case 'rejoined':
      return partitions.length === 0
        ? `${clientId} gave up all its partitions of group ${groupId} and joined again.`
        : `${clientId} joined group ${groupId} again and kept ${held}.`;
    case 'assigned':
      return `${clientId} was assigned ${held} in group ${groupId}.`;
    case 'reconciled':
      return `${clientId} holds ${held} in group ${groupId}.`;
  }
}
