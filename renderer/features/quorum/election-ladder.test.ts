import { expect, it } from 'vitest';
import type { JournalEntry, JournalEvent } from '../../../main/api/views.ts';
import { electionsOf } from './election-ladder.ts';

const journal = (...entries: [number, `broker-${number}`, JournalEntry][]): JournalEvent[] =>
  entries.map(([wallMs, source, entry], sequence) => ({
    id: `${source}:${sequence}`,
    source,
    sequence,
    wallMs,
    monotonicMs: wallMs,
    cause: null,
    entry,
  }));

it('an election holds its messages, its winner and how long it took; a later one stands alone', () => {
  const elections = electionsOf(
    journal(
      [100, 'broker-2', { kind: 'quorum.prospective', epoch: 4, reason: 'nothing heard' }],
      [101, 'broker-2', { kind: 'quorum.voteAsked', epoch: 5, from: 2, to: 3, preVote: false }],
      [
        110,
        'broker-3',
        {
          kind: 'quorum.voteAnswered',
          epoch: 5,
          candidate: 2,
          voter: 3,
          preVote: false,
          granted: false,
          reason: 'log is older',
        },
      ],
      [140, 'broker-2', { kind: 'quorum.leaderElected', epoch: 5, leader: 2 }],
      [141, 'broker-3', { kind: 'quorum.following', epoch: 5, leader: 2 }],
      [900, 'broker-3', { kind: 'quorum.prospective', epoch: 5, reason: 'nothing heard' }],
      [901, 'broker-3', { kind: 'quorum.candidate', epoch: 6 }],
    ),
  );
  expect(elections.map(({ epoch, winner, tookMs, steps }) => ({ epoch, winner, tookMs, steps: steps.length }))).toEqual(
    [
      { epoch: 6, winner: null, tookMs: null, steps: 2 },
      { epoch: 5, winner: 2, tookMs: 40, steps: 5 },
    ],
  );
});

it('quiet time parts two elections', () => {
  const elections = electionsOf(
    journal(
      [100, 'broker-1', { kind: 'quorum.leaderElected', epoch: 1, leader: 1 }],
      [9000, 'broker-2', { kind: 'quorum.candidate', epoch: 2 }],
      [9050, 'broker-2', { kind: 'quorum.leaderElected', epoch: 2, leader: 2 }],
    ),
  );
  expect(elections.map((election) => [election.epoch, election.winner, election.tookMs])).toEqual([
    [2, 2, 50],
    [1, 1, 0],
  ]);
});

it('a refusal keeps its reason', () => {
  const [election] = electionsOf(
    journal([
      5,
      'broker-3',
      {
        kind: 'quorum.voteAnswered',
        epoch: 5,
        candidate: 2,
        voter: 3,
        preVote: true,
        granted: false,
        reason: 'has a leader',
      },
    ]),
  );
  expect(election?.steps[0]).toMatchObject({ reason: 'has a leader', shape: { from: 3, to: 2, look: 'refuse' } });
});
