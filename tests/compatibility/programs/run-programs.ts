// Runs the programs against a cluster of its own, and compares what two clusters answered.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from '../../benchmarks/clusters/cluster.ts';
import { NotHere, type Setting } from '../clients.ts';
import { compaction } from './compaction/program.ts';
import { connect } from './connect/program.ts';
import { runCases, type CaseResult, type Program, type ProgramResult } from './program.ts';
import { javaPrograms } from './java/program.ts';
import { kafkaTools } from './tools/program.ts';

export const programs: readonly Program[] = [kafkaTools, javaPrograms, connect, compaction];

/** The same for both products: who may do what is decided, and nothing waits for seconds that need not. */
export const programSettings: Readonly<Record<string, string>> = {
  'num.partitions': '4',
  'log.cleaner.backoff.ms': '1000',
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.num.partitions': '4',
  'share.coordinator.state.topic.num.partitions': '4',
  'share.coordinator.state.topic.replication.factor': '3',
  'share.coordinator.state.topic.min.isr': '2',
  'group.initial.rebalance.delay.ms': '200',
  'group.consumer.min.heartbeat.interval.ms': '500',
  'group.consumer.heartbeat.interval.ms': '500',
  'group.share.min.heartbeat.interval.ms': '500',
  'group.share.heartbeat.interval.ms': '500',
  'group.streams.min.heartbeat.interval.ms': '500',
  'group.streams.heartbeat.interval.ms': '500',
  'group.streams.initial.rebalance.delay.ms': '200',
};

export async function runPrograms(
  wanted: readonly Program[],
  cluster: Cluster,
  setting: Setting,
  options: { readonly cases: RegExp; readonly log: (line: string) => void },
): Promise<ProgramResult[]> {
  const directory = mkdtempSync(join(tmpdir(), 'highwater-programs-'));
  const results: ProgramResult[] = [];
  try {
    for (const { name, prepare } of wanted) {
      try {
        const prepared = await prepare(setting);
        const around = { cluster, bootstrap: cluster.bootstrap, directory };
        const all = prepared.cases(around).filter((each) => options.cases.test(each.name));
        const onResult = (result: CaseResult): void => options.log(`${name}, ${lineOf(result)}`);
        results.push({ name, version: prepared.version, cases: await runCases(all, onResult) });
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const missing = error instanceof NotHere ? why : `could not be prepared: ${why}`;
        options.log(`${name} is not here: ${missing}`);
        results.push({ name, version: null, missing });
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return results;
}

function lineOf(result: CaseResult): string {
  const seconds = (result.ms / 1000).toFixed(1);
  return `${result.name}: ${result.is === 'ok' ? 'ok' : `FAILED: ${result.why}`} (${seconds} s)`;
}

export const isWholeProgram = (result: ProgramResult): boolean =>
  'cases' in result && result.cases.every(({ is }) => is === 'ok');

/** The results of several runs as those of one: of each case the last. */
export function merged(results: readonly ProgramResult[]): readonly ProgramResult[] {
  const byName = new Map<string, ProgramResult>();
  for (const result of results) {
    const before = byName.get(result.name);
    if (before === undefined || !('cases' in before) || !('cases' in result)) {
      byName.set(result.name, result);
      continue;
    }
    const cases = new Map([...before.cases, ...result.cases].map((each) => [each.name, each]));
    byName.set(result.name, { ...result, cases: [...cases.values()] });
  }
  return [...byName.values()];
}
