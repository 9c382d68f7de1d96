// One sentence for each record of the metadata log: what it changed.

import type { MetadataLogEntry } from '../../main/api/quorum-views.ts';
import { isrText, listed, plural } from './format.ts';

type Fields = Readonly<Record<string, unknown>>;

const noLeaderChange = -2;

export function metadataSentence(entry: MetadataLogEntry): string {
  const { fields, topic } = entry;
  const name = topic ?? shortId(fields['topicId']);
  switch (entry.type) {
    case 'LeaderChangeMessage':
      return `Node ${text(fields['leaderId'])} leads the quorum from epoch ${entry.epoch} on, with the votes of ${votes(fields)}.`;
    case 'TopicRecord':
      return `Topic ${text(fields['name'])} is created (${text(fields['topicId'])}).`;
    case 'RemoveTopicRecord':
      return `Topic ${name} is deleted.`;
    case 'PartitionRecord':
      return `${name}-${text(fields['partitionId'])}: leader ${text(fields['leader'])}, replicas ${isrText(numbers(fields['replicas']))}.`;
    case 'PartitionChangeRecord':
      return `${name}-${text(fields['partitionId'])}: ${partitionChange(entry)}.`;
    case 'RegisterBrokerRecord':
      return `Broker ${text(fields['brokerId'])} registers with broker epoch ${text(fields['brokerEpoch'])}${fields['fenced'] === true ? ', fenced' : ''}.`;
    case 'UnregisterBrokerRecord':
      return `Broker ${text(fields['brokerId'])} is unregistered.`;
    case 'BrokerRegistrationChangeRecord':
      return `Broker ${text(fields['brokerId'])}: ${registrationChange(fields)}.`;
    case 'FenceBrokerRecord':
      return `Broker ${text(fields['id'])} is fenced.`;
    case 'UnfenceBrokerRecord':
      return `Broker ${text(fields['id'])} is unfenced.`;
    case 'RegisterControllerRecord':
      return `Controller ${text(fields['controllerId'])} registers.`;
    case 'ConfigRecord':
      return configChange(fields);
    case 'FeatureLevelRecord':
      return `Feature ${text(fields['name'])} is at level ${text(fields['featureLevel'])}.`;
    case 'ProducerIdsRecord':
      return `Broker ${text(fields['brokerId'])} takes a block of producer ids; the next one begins at ${text(fields['nextProducerId'])}.`;
    case 'BeginTransactionRecord':
      return `A metadata transaction begins${fields['name'] === null ? '' : `: ${text(fields['name'])}`}.`;
    case 'EndTransactionRecord':
      return 'The metadata transaction ends.';
    case 'AbortTransactionRecord':
      return 'The metadata transaction is aborted.';
    default:
      return entry.type;
  }
}

function partitionChange({ fields, before }: MetadataLogEntry): string {
  const parts: string[] = [];
  const leader = Number(fields['leader'] ?? noLeaderChange);
  if (leader !== noLeaderChange) {
    const to = leader < 0 ? 'none' : String(leader);
    parts.push(before === null ? `leader ${to}` : `leader ${before.leader < 0 ? 'none' : before.leader} → ${to}`);
    if (before !== null && before.leaderEpoch >= 0)
      parts.push(`epoch ${before.leaderEpoch} → ${before.leaderEpoch + 1}`);
  }
  if (Array.isArray(fields['isr'])) {
    const isr = isrText(numbers(fields['isr']));
    parts.push(before === null ? `ISR ${isr}` : `ISR ${isrText(before.isr)} → ${isr}`);
  }
  if (Array.isArray(fields['replicas'])) parts.push(`replicas ${isrText(numbers(fields['replicas']))}`);
  if (numbers(fields['eligibleLeaderReplicas']).length > 0)
    parts.push(`eligible leaders ${isrText(numbers(fields['eligibleLeaderReplicas']))}`);
  return parts.join(', ') || 'changed';
}

function registrationChange(fields: Fields): string {
  const parts: string[] = [];
  if (fields['fenced'] === 1) parts.push('is fenced');
  if (fields['fenced'] === -1) parts.push('is unfenced');
  if (fields['inControlledShutdown'] === 1) parts.push('shuts down in order');
  return parts.join(', ') || 'its registration changes';
}

function configChange(fields: Fields): string {
  const kind = fields['resourceType'] === 2 ? 'Topic' : fields['resourceType'] === 4 ? 'Broker' : 'Resource';
  const of = text(fields['resourceName']);
  const where = kind === 'Broker' && of === '' ? 'All brokers' : `${kind} ${of}`;
  return fields['value'] === null
    ? `${where}: ${text(fields['name'])} goes back to its default.`
    : `${where}: ${text(fields['name'])} = ${text(fields['value'])}.`;
}

function votes(fields: Fields): string {
  const granting = fields['grantingVoters'];
  if (!Array.isArray(granting)) return plural(0, 'node');
  return `nodes ${listed(granting.map((each: { voterId?: unknown }) => text(each.voterId)))}`;
}

function numbers(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.map(Number) : [];
}

function shortId(topicId: unknown): string {
  return typeof topicId === 'string' ? topicId.slice(0, 8) : '?';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
