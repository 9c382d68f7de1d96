// Where a program's answer from Highwater is not the one that Apache Kafka gives: found line by line, each with the
// reason we know of. One without a reason is a bug of ours until it has been looked at.

import type { ProgramResult } from './program.ts';

export type Difference = {
  readonly program: string;
  readonly case: string;
  /** Lines that only ours has. */
  readonly ours: readonly string[];
  /** Lines that only Kafka's has. */
  readonly kafkas: readonly string[];
  readonly reason: string | null;
};

type Reason = { readonly of: RegExp; readonly because: string };

/** Lines that may differ, by what they say. */
const reasons: readonly Reason[] = [
  { of: /^Sasl(?:Handshake|Authenticate)\(/, because: 'No listener of ours asks who a client is: README, Not yet.' },
  { of: /^(?:Add|Remove)RaftVoter\(/, because: 'The voters of our clusters are fixed: README, Not yet.' },
  { of: /^listTopics: walk\.a_b$/, because: 'Brokers learn of a topic a moment after it was made.' },
  {
    of: /^describeConfigs of a broker's loggers:/,
    because: 'Our brokers have no log4j: levels of loggers are not there.',
  },
  {
    of: /^describeConfigs of a topic:.* (?:un)?documented /,
    because: 'Our brokers bring no documentation of settings.',
  },
];

/** Cases that both answered well, and answered differently; and cases that only one of them answered. */
export function differencesBetween(
  ours: readonly ProgramResult[],
  kafkas: readonly ProgramResult[],
): readonly Difference[] {
  return ours.flatMap((program) => {
    const other = kafkas.find(({ name }) => name === program.name);
    if (!('cases' in program) || other === undefined || !('cases' in other)) return [];
    return program.cases.flatMap((each): Difference[] => {
      const theirs = other.cases.find(({ name }) => name === each.name);
      if (theirs === undefined) return [];
      const ourText = each.is === 'ok' ? each.answer : `FAILED: ${each.why}`;
      const theirText = theirs.is === 'ok' ? theirs.answer : `FAILED: ${theirs.why}`;
      if (ourText === theirText) return [];
      const [onlyOurs, onlyTheirs] = apart(ourText.split('\n'), theirText.split('\n'));
      if (onlyOurs.length === 0 && onlyTheirs.length === 0) {
        const because = 'the same lines in another order';
        return [{ program: program.name, case: each.name, ours: [], kafkas: [], reason: because }];
      }
      const lines = [...onlyOurs, ...onlyTheirs];
      const known = lines.map((line) => reasons.find(({ of }) => of.test(line))?.because ?? null);
      const reason = known.includes(null) ? null : [...new Set(known)].join(' ');
      return [{ program: program.name, case: each.name, ours: onlyOurs, kafkas: onlyTheirs, reason }];
    });
  });
}

/** What each of two lists has more of than the other. */
function apart(a: readonly string[], b: readonly string[]): [string[], string[]] {
  const minus = (from: readonly string[], what: readonly string[]): string[] => {
    const left = [...what];
    return from.filter((line) => {
      const at = left.indexOf(line);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
  };
  return [minus(a, b), minus(b, a)];
}
