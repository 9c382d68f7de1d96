// `highwater drill list | run | replay`: drills from the command line, on a cluster of their own. Exit code 0 when
// every expectation held, 1 when not, 2 for wrong usage.

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { DrillProgress, DrillRunRecord, DrillStepRecord } from '../../../main/api/drill-views.ts';
import { ClusterError } from '../../../main/cluster/cluster-error.ts';
import { DrillLibrary } from '../../../main/drills/drill-library.ts';
import type { DrillPlan } from '../../../main/drills/drill-plan.ts';
import { htmlReport } from '../../../main/drills/report-html.ts';
import { junitReport } from '../../../main/drills/report-junit.ts';
import { runFromText, runToText } from '../../../main/drills/run-file.ts';
import { storyText, verdictText } from '../../../main/drills/verdict-text.ts';
import { runDrillOnFreshCluster } from '../../../main/run-drill.ts';
import { nodeRuntime } from '../../../main/runtime/node/node-runtime.ts';
import { endSignal } from '../end-signal.ts';
import { brokerScript, drillDirectory, integer, parse, text, type Parsed } from '../options.ts';
import { table } from '../output/table.ts';
import { UsageError } from '../usage.ts';

const options = {
  seed: { type: 'string' },
  json: { type: 'boolean' },
  junit: { type: 'string' },
  report: { type: 'string' },
  journal: { type: 'string' },
} as const;

export async function run(args: string[]): Promise<number> {
  const parsed = parse(args, options, true);
  const [verb, subject, ...rest] = parsed.positionals;
  if (rest.length > 0) throw new UsageError(`drill ${verb ?? ''} takes one name or file, not also "${rest.join(' ')}"`);
  switch (verb) {
    case 'list':
      return list(parsed);
    case 'run':
      if (subject === undefined) throw new UsageError('drill run needs the name of a drill or a file');
      return runOne(subject, parsed);
    case 'replay':
      if (subject === undefined) throw new UsageError('drill replay needs the journal file of a run');
      return replay(subject, parsed);
    default:
      throw new UsageError('drill list | run NAME|FILE | replay FILE');
  }
}

function library(): DrillLibrary {
  return new DrillLibrary(nodeRuntime().disk, drillDirectory);
}

function list(parsed: Parsed): number {
  const plans = library().plans();
  if (parsed.values['json'] === true) {
    console.log(
      JSON.stringify(plans.map(({ name, title, teaches, level, tags }) => ({ name, title, teaches, level, tags }))),
    );
    return 0;
  }
  console.log(
    table(
      ['drill', 'teaches'],
      plans.map(({ name, teaches }) => [name, teaches]),
    ),
  );
  return 0;
}

async function runOne(subject: string, parsed: Parsed): Promise<number> {
  const plan = library().find(subject);
  const asJson = parsed.values['json'] === true;
  const seed = integer(parsed, 'seed') ?? nodeRuntime().random.below(1_000_000);
  const end = endSignal();
  const printer = asJson ? null : new StepPrinter(plan, seed);
  const record = await runDrillOnFreshCluster({
    plan,
    seed,
    dataDir: mkdtempSync(join(tmpdir(), 'highwater-drill-')),
    brokerScript,
    onProgress: (progress) => printer?.show(progress),
    onStart: (abort) => void end.whenAsked.then(abort),
  });
  end.release();
  writeReports(record, parsed);
  if (asJson) console.log(JSON.stringify(summaryOf(record)));
  else if (record.verdict !== null) console.log(`\n${verdictText(record.verdict)}`);
  return record.verdict?.passed === true ? 0 : 1;
}

function replay(path: string, parsed: Parsed): number {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ClusterError('UNREADABLE', `${path} can't be read`, 'drill run --journal FILE writes one', error);
  }
  const record = runFromText(content, path);
  writeReports(record, parsed);
  console.log(parsed.values['json'] === true ? JSON.stringify(summaryOf(record)) : storyText(record));
  return 0;
}

/** The form of `drill run --json`. */
function summaryOf(record: DrillRunRecord) {
  const { runId, drill, title, seed, state, startedWallMs, elapsedMs, profile, steps, verdict } = record;
  return { runId, drill, title, seed, state, startedWallMs, elapsedMs, profile, steps, verdict };
}

function writeReports(record: DrillRunRecord, parsed: Parsed): void {
  const files: [string, () => string][] = [
    ['report', () => htmlReport(record)],
    ['junit', () => junitReport([record])],
    ['journal', () => runToText(record)],
  ];
  for (const [option, content] of files) {
    const path = text(parsed, option);
    if (path === undefined) continue;
    mkdirSync(dirname(resolve(path)), { recursive: true });
    writeFileSync(path, content());
  }
}

/** Prints each step when it begins and what it came to when it ends. */
class StepPrinter {
  #ended = -1;
  #state: string | null = null;

  constructor(plan: DrillPlan, seed: number) {
    console.log(
      `${plan.title}  (${plan.name}, seed ${seed}, ${plan.brokers} brokers, profile ${plan.profile})\n${plan.teaches}\n`,
    );
  }

  show({ steps, state, narration }: DrillProgress): void {
    for (const step of steps) {
      if (step.outcome === 'running' || step.index <= this.#ended) continue;
      this.#ended = step.index;
      console.log(stepLine(step));
    }
    if (state !== this.#state && (state === 'preparing' || state === 'settling'))
      console.log(`           ${narration}`);
    this.#state = state;
  }
}

function stepLine({ startMs, endMs, text: what, outcome, detail }: DrillStepRecord): string {
  const at = `${(startMs / 1000).toFixed(2)} s`.padStart(9);
  const took = endMs === null ? '' : `  ${Math.round(endMs - startMs)} ms`;
  return `${at}  ${outcome === 'failed' ? '✗' : '✓'} ${what}${detail === '' ? '' : ` → ${detail}`}${took}`;
}
