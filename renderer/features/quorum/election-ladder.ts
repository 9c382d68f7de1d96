// The messages of the quorum's elections, as a ladder draws them: one step each, between two nodes. Pure.

import type { JournalEvent } from '../../../main/api/views.ts';
import { timeOf } from '../../state/bursts.ts';
import { sentenceOf } from '../../text/journal-sentences.ts';

export type LadderStep = {
  readonly id: string;
  readonly wallMs: number;
  readonly sentence: string;
  /** A message between two nodes, or something that one node does. */
  readonly shape:
    | {
        readonly type: 'message';
        readonly from: number;
        readonly to: number;
        readonly look: 'ask' | 'grant' | 'refuse';
        readonly preVote: boolean;
      }
    | {
        readonly type: 'state';
        readonly node: number;
        readonly look: 'stands' | 'wins' | 'follows' | 'resigns';
        readonly word: string;
      };
  /** Beside a refusal: why. */
  readonly reason: string | null;
};

export type Election = {
  /** The epoch it ended in. */
  readonly epoch: number;
  readonly steps: readonly LadderStep[];
  readonly winner: number | null;
  readonly beganMs: number;
  /** From the first message until a leader was known; null while there is none. */
  readonly tookMs: number | null;
};

/** Elections are apart when nothing of the kind happens for so long. */
const quietMs = 3000;

/** Newest first. */
export function electionsOf(events: readonly JournalEvent[]): readonly Election[] {
  const elections: {
    steps: LadderStep[];
    epoch: number;
    winner: number | null;
    wonMs: number | null;
    lastMs: number;
  }[] = [];
  for (const event of events) {
    const step = stepOf(event);
    if (step === null) continue;
    const atMs = timeOf(event);
    let current = elections.at(-1);
    const stands = step.shape.type === 'state' && step.shape.look === 'stands';
    const isOver = current !== undefined && current.winner !== null && (stands || !belongs(event, current.epoch));
    if (current === undefined || isOver || atMs - current.lastMs > quietMs) {
      current = { steps: [], epoch: 0, winner: null, wonMs: null, lastMs: atMs };
      elections.push(current);
    }
    current.steps.push(step);
    current.lastMs = atMs;
    const { entry } = event;
    if ('epoch' in entry) current.epoch = Math.max(current.epoch, entry.epoch);
    if (entry.kind === 'quorum.leaderElected') {
      current.winner = entry.leader;
      current.wonMs = atMs;
    }
  }
  return elections
    .map(({ steps, epoch, winner, wonMs }) => {
      const beganMs = steps[0]?.wallMs ?? 0;
      return { epoch, steps, winner, beganMs, tookMs: wonMs === null ? null : Math.max(0, wonMs - beganMs) };
    })
    .toReversed();
}

/** Answers that come after the decision still belong to it. */
function belongs({ entry }: JournalEvent, epoch: number): boolean {
  return 'epoch' in entry && entry.epoch <= epoch;
}

function stepOf(event: JournalEvent): LadderStep | null {
  const { id, entry } = event;
  const self = Number(event.source.replace('broker-', ''));
  const base = { id, wallMs: timeOf(event), sentence: sentenceOf(event), reason: null };
  switch (entry.kind) {
    case 'quorum.voteAsked':
      return {
        ...base,
        shape: { type: 'message', from: entry.from, to: entry.to, look: 'ask', preVote: entry.preVote },
      };
    case 'quorum.voteAnswered': {
      const look = entry.granted ? ('grant' as const) : ('refuse' as const);
      const shape = { type: 'message' as const, from: entry.voter, to: entry.candidate, look, preVote: entry.preVote };
      return { ...base, shape, reason: entry.granted ? null : entry.reason };
    }
    case 'quorum.prospective':
      return {
        ...base,
        shape: { type: 'state', node: self, look: 'stands', word: 'prospective' },
        reason: entry.reason,
      };
    case 'quorum.candidate':
      return { ...base, shape: { type: 'state', node: self, look: 'stands', word: `candidate in ${entry.epoch}` } };
    case 'quorum.leaderElected':
      return {
        ...base,
        shape: { type: 'state', node: entry.leader, look: 'wins', word: `leads epoch ${entry.epoch}` },
      };
    case 'quorum.following':
      return { ...base, shape: { type: 'state', node: self, look: 'follows', word: `follows ${entry.leader}` } };
    case 'quorum.resigned':
      return { ...base, shape: { type: 'state', node: self, look: 'resigns', word: 'resigns' }, reason: entry.reason };
    default:
      return null;
  }
}
