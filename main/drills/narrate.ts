// One sentence for a journal event that matters to somebody who watches a drill; null for the others. Pure.

import type { JournalEntry } from '../core/journal.ts';

export function narrate(entry: JournalEntry): string | null {
  switch (entry.kind) {
    case 'process.killed':
      return `Broker ${entry.brokerId} was killed; the cluster finds out when its session ends.`;
    case 'process.paused':
      return `Broker ${entry.brokerId} is frozen: alive, and silent.`;
    case 'process.resumed':
      return `Broker ${entry.brokerId} goes on and learns what it missed.`;
    case 'process.stopping':
      return `Broker ${entry.brokerId} shuts down in order: its leaders move away first.`;
    case 'process.powerLost':
      return `Broker ${entry.brokerId} lost its power, and with it what was not synced.`;
    case 'process.started':
      return `Broker ${entry.brokerId} was started.`;
    case 'broker.fenced':
      return `The controller fenced broker ${entry.brokerId}: ${entry.reason}.`;
    case 'broker.unfenced':
      return `Broker ${entry.brokerId} is unfenced and may lead again.`;
    case 'quorum.prospective':
      return `A voter lost touch with the active controller (epoch ${entry.epoch}) and asks whether it may stand for election.`;
    case 'quorum.leaderElected':
      return `Node ${entry.leader} won the quorum election of epoch ${entry.epoch}.`;
    case 'controller.active':
      return `There is an active controller again, epoch ${entry.epoch}.`;
    case 'log.directoryFailed':
      return `A log directory failed: ${entry.reason}.`;
    case 'group.rebalancing':
      return `Group ${entry.groupId} rebalances: ${entry.reason}.`;
    case 'group.stable':
      return `Group ${entry.groupId} is stable again with ${entry.members} members.`;
    case 'transaction.fenced':
      return `${entry.transactionalId} has a new process with epoch ${entry.producerEpoch}: the one before is fenced.`;
    case 'transaction.prepared':
      return entry.by === 'client'
        ? null
        : `The open transaction of ${entry.transactionalId} is aborted: ${entry.by === 'timeout' ? 'it was open for too long' : 'another process has taken over'}.`;
    case 'group.empty':
      return `Group ${entry.groupId} has no members any more.`;
    case 'group.memberJoined':
      return `${entry.clientId} joins group ${entry.groupId}.`;
    case 'group.memberRemoved':
      return `Group ${entry.groupId} lost ${entry.memberId}: ${entry.reason}.`;
    default:
      return narratePartition(entry);
  }
}

function narratePartition(entry: JournalEntry): string | null {
  switch (entry.kind) {
    case 'partition.leaderElected': {
      const name = `${entry.topic}-${entry.partition}`;
      if (entry.topic.startsWith('__')) return null;
      if (entry.leader < 0) return `${name} has no leader: nobody in its ISR is alive.`;
      const how = entry.unclean ? ' It was outside the ISR: acknowledged records may be lost.' : '';
      return `Broker ${entry.leader} leads ${name}, leader epoch ${entry.leaderEpoch}.${how}`;
    }
    case 'partition.isrShrunk':
      if (entry.topic.startsWith('__')) return null;
      return `Broker ${entry.changed.join(', ')} left the ISR of ${entry.topic}-${entry.partition}; in sync: ${entry.inSyncReplicas.join(', ')}.`;
    case 'partition.isrExpanded':
      if (entry.topic.startsWith('__')) return null;
      return `Broker ${entry.changed.join(', ')} caught up and is back in the ISR of ${entry.topic}-${entry.partition}.`;
    case 'replica.truncated':
      return `A replica of ${entry.topic}-${entry.partition} cut its log back from ${entry.from} to ${entry.to}: it had diverged.`;
    default:
      return null;
  }
}
