// What steps and conditions say of themselves, in sentences. Pure.

import type { Action, TimedWait, Wait } from './drill-plan.ts';
import { roleText, type Role } from './roles.ts';

/** No wait of a drill is longer than this unless it says so. */
export const withinMsDefault = 30_000;

export function stepText(action: Action): string {
  switch (action.kind) {
    case 'wait':
      return `Wait until ${waitText(action)}`;
    case 'hold':
      return `Keep it so for ${timeText(action.forMs)}`;
    case 'broker':
      return `${brokerVerbs[action.verb]} ${roleText(action.who)}`;
    case 'rollingRestart':
      return 'Restart the brokers one after another';
    case 'cut': {
      const whom = action.from.length === 0 ? 'the other brokers' : action.from.map(peerText).join(' and ');
      if (action.direction === 'both') return `Cut ${roleText(action.of)} off from ${whom}`;
      return action.direction === 'out'
        ? `Drop what ${roleText(action.of)} sends to ${whom}`
        : `Drop what ${whom} send to ${roleText(action.of)}`;
    }
    case 'delay':
      return `Delay what ${roleText(action.of)} sends and receives by ${timeText(action.byMs)}`;
    case 'slowDisk':
      return `Slow the disk of ${roleText(action.of)}: each sync takes ${timeText(action.byMs)} more`;
    case 'skewClock':
      return `Set the clock of ${roleText(action.of)} ${action.byMs < 0 ? 'back' : 'forward'} by ${timeText(Math.abs(action.byMs))}`;
    case 'heal':
      return action.who === null ? 'End all faults' : `End the faults of ${roleText(action.who)}`;
    default:
      return loadText(action);
  }
}

function peerText(peer: Role | 'clients' | 'brokers'): string {
  return peer === 'clients' ? 'its clients' : peer === 'brokers' ? 'the other brokers' : roleText(peer);
}

function loadText(action: Exclude<Action, { kind: 'wait' | 'hold' | 'broker' | 'heal' | 'cut' }>): string {
  switch (action.kind) {
    case 'startProducer':
      return `Producer ${action.producer} begins`;
    case 'stopProducer':
      return `Producer ${action.producer} stops`;
    case 'rate':
      return `Producer ${action.producer} sends ${action.perSecond} records/s`;
    case 'keys':
      return `Producer ${action.producer} changes its keys`;
    case 'addMember':
      return `A member joins group ${action.group}`;
    case 'stopMember':
      return `A member of group ${action.group} leaves in order`;
    case 'crashMember':
      return `A member of group ${action.group} crashes`;
    case 'startCopier':
      return `A process of ${action.copier} begins`;
    case 'crashCopier':
      return `The process of ${action.copier} crashes between its two writes`;
    case 'freezeCopier':
      return `The process of ${action.copier} freezes between its two writes`;
    case 'thawCopier':
      return `The frozen process of ${action.copier} goes on`;
    case 'config':
      return `Set ${Object.entries(action.set)
        .map(([name, value]) => `${name}=${value}`)
        .join(', ')} on ${action.topic}`;
    case 'elect':
      return `${action.isUnclean ? 'Force an unclean election' : 'Elect the preferred leader'} of ${action.of.topic}-${action.of.partition}`;
    default:
      return action.kind;
  }
}

const brokerVerbs = {
  kill: 'Kill',
  stop: 'Shut down',
  start: 'Start',
  restart: 'Restart',
  pause: 'Freeze',
  resume: 'Thaw',
  powerLoss: 'Cut the power of',
  fullDisk: 'Fill the disk of',
} as const;

export function waitText({ wait, withinMs }: TimedWait): string {
  return `${conditionText(wait)}${withinMs === withinMsDefault ? '' : ` (within ${timeText(withinMs)})`}`;
}

function conditionText(wait: Wait): string {
  switch (wait.kind) {
    case 'acknowledged':
      return `${wait.more} more records of ${wait.by} are acknowledged`;
    case 'consumed':
      return `group ${wait.by} has read ${wait.more} more records`;
    case 'copied':
      return `${wait.by} has copied ${wait.more} more records`;
    case 'copierFenced':
      return `a process of ${wait.by} is fenced`;
    case 'failed':
      return `${wait.more} records of ${wait.by} have failed for good`;
    case 'refused':
      return `${wait.by} is refused${wait.error === null ? '' : ` with ${wait.error}`}`;
    case 'writesResume':
      return `${wait.by} can write again`;
    case 'writesStall':
      return `${wait.by} has had no answer for ${timeText(wait.forMs)}`;
    case 'newLeader':
      return `${wait.of.topic}-${wait.of.partition} has a new leader`;
    case 'offline':
      return `${wait.of.topic}-${wait.of.partition} has no leader`;
    case 'leader':
      return `${roleText(wait.is)} leads ${wait.of.topic}-${wait.of.partition}`;
    case 'newController':
      return 'there is a new active controller';
    case 'inSync':
      return `${wait.topic}${wait.partition === null ? '' : `-${wait.partition}`} has ${wait.size} in-sync replica${wait.size === 1 ? '' : 's'}`;
    case 'fenced':
      return `${roleText(wait.who)} is fenced`;
    case 'unfenced':
      return `${roleText(wait.who)} is unfenced`;
    case 'ended':
      return `the process of ${roleText(wait.who)} is gone`;
    case 'lag':
      return wait.atLeast !== null
        ? `the lag of ${wait.of} is ${wait.atLeast} or more`
        : `the lag of ${wait.of} is ${wait.atMost ?? 0} or less`;
    case 'groupStable':
      return `group ${wait.of} is stable with ${wait.members} member${wait.members === 1 ? '' : 's'}`;
    case 'event':
      return `the journal says ${Object.values(wait.fields).join(' ')}`;
  }
}

function timeText(ms: number): string {
  return ms >= 1000 ? `${Number((ms / 1000).toFixed(1))} s` : `${ms} ms`;
}
