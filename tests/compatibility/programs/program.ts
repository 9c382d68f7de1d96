// A program of somebody else's at work on a cluster, case by case: each case asserts what it must find, and gives an
// answer without what differs between any two clusters (ports, ids, times), so that the answers of two can be compared.

import type { Cluster } from '../../benchmarks/clusters/cluster.ts';
import { Observer } from '../../benchmarks/observer.ts';
import type { Setting } from '../clients.ts';

export type Around = {
  readonly cluster: Cluster;
  readonly bootstrap: string;
  /** A directory for this run's files, removed after it. */
  readonly directory: string;
};

export type Case = {
  /** Unique within its program. */
  readonly name: string;
  /** Gives the answer; throws what is not as it must be. */
  run(): Promise<string>;
};

export type Program = {
  readonly name: string;
  /** Throws NotHere when this machine lacks what can't be installed into the cache. */
  prepare(setting: Setting): Promise<Prepared>;
};

export type Prepared = {
  readonly version: string;
  cases(around: Around): readonly Case[];
};

export type CaseResult = { readonly name: string; readonly ms: number } & (
  { readonly is: 'ok'; readonly answer: string } | { readonly is: 'failed'; readonly why: string }
);

export type ProgramResult = { readonly name: string } & (
  | { readonly version: string; readonly cases: readonly CaseResult[] }
  | { readonly version: null; readonly missing: string }
);

/** Runs all cases in their order, also those behind a failed one: most stand alone. */
export async function runCases(
  cases: readonly Case[],
  onResult: (result: CaseResult) => void,
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  for (const each of cases) {
    const startedMs = performance.now();
    const ms = (): number => Math.round(performance.now() - startedMs);
    let result: CaseResult;
    try {
      const answer = await each.run();
      result = { name: each.name, is: 'ok', answer, ms: ms() };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      result = { name: each.name, is: 'failed', why, ms: ms() };
    }
    results.push(result);
    onResult(result);
  }
  return results;
}

/** What a case must find. */
export function expectThat(isSo: boolean, what: string, found: string): void {
  if (!isSo) throw new Error(`expected ${what}; found: ${found}`);
}

export function expectMatch(text: string, ...patterns: readonly RegExp[]): void {
  for (const pattern of patterns) expectThat(pattern.test(text), String(pattern), text);
}

export function expectEqual(found: string, expected: string, what: string): void {
  expectThat(found === expected, `${what}: ${expected}`, found);
}

/** A client of ours beside the program: makes topics, looks where logs end. */
export async function observing<T>({ cluster }: Around, action: (observer: Observer) => Promise<T>): Promise<T> {
  const observer = new Observer(cluster.nodes);
  try {
    return await action(observer);
  } finally {
    observer.close();
  }
}
