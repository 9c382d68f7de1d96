// `npm run simulate -- --seeds 1..200`: runs many seeds, prints the failing ones with the fewest faults that still make
// them fail. `--seed 7 --trace` tells one seed's story.

import { parseArgs } from 'node:util';
import { NodeStopped } from '../../main/runtime/simulated/node-life.ts';
import { describeFault, planFaults, type Plan } from './fault-plan.ts';
import { runSeed, type SeedOutcome } from './run-seed.ts';
import { shrink } from './shrink.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1..100' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    'stop-at-first': { type: 'boolean', default: false },
  },
});

const strayErrors: string[] = [];
process.on('unhandledRejection', (error) => {
  // Code of a node that has ended meets its end wherever it goes on.
  if (error instanceof NodeStopped) return;
  strayErrors.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
});

function withStrayErrors(outcome: SeedOutcome): SeedOutcome {
  const stray = strayErrors.splice(0).map((message) => ({ rule: 'unhandled-rejection', message }));
  return stray.length === 0 ? outcome : { ...outcome, violations: [...outcome.violations, ...stray] };
}

const run = async (seed: number, plan?: Plan, isTraced = false): Promise<SeedOutcome> =>
  withStrayErrors(await runSeed({ seed, isTraced, ...(plan === undefined ? {} : { plan }) }));

function printPlan(plan: Plan): void {
  plan.episodes.forEach((episode, index) => {
    console.log(`  episode ${index + 1}`);
    for (const fault of episode) console.log(`    ${describeFault(fault)}`);
  });
}

async function tellOne(seed: number): Promise<number> {
  const full = planFaults(seed);
  let plan = full;
  if (values.shrink) {
    const first = await run(seed);
    const rules = new Set(first.violations.map((violation) => violation.rule));
    if (rules.size > 0) plan = await shrink(full, async (each) => failsAlike(await run(seed, each), rules));
  }
  const outcome = await run(seed, plan, values.trace);
  for (const line of outcome.journal.lines) console.log(line);
  console.log(`seed ${seed}: ${plan.brokerCount} brokers`);
  printPlan(plan);
  console.log(JSON.stringify(outcome.counts));
  console.log(`journal ${outcome.journal.hash}, ${outcome.journal.lineCount} lines; ${outcome.eventCount} events`);
  for (const { rule, message } of outcome.violations) console.log(`VIOLATION ${rule}: ${message}`);
  return outcome.violations.length;
}

function failsAlike(outcome: SeedOutcome, rules: ReadonlySet<string>): boolean {
  return outcome.violations.some((violation) => rules.has(violation.rule));
}

async function runMany(first: number, last: number): Promise<number> {
  const startMs = performance.now();
  const totals = {
    ...{ seeds: 0, acknowledged: 0, read: 0, commits: 0, faults: 0, events: 0, virtualMs: 0, batches: 0 },
    ...{ transactions: 0, noDiskLeft: 0, givenUp: 0, toUnclean: 0, seedsWithLoss: 0 },
  };
  const failed: number[] = [];
  for (let seed = first; seed <= last; seed++) {
    const outcome = await run(seed);
    totals.seeds++;
    totals.acknowledged += outcome.counts.acknowledged;
    totals.read += outcome.counts.read;
    totals.commits += outcome.counts.commits;
    totals.faults += outcome.faultCount;
    totals.events += outcome.eventCount;
    totals.virtualMs += outcome.virtualMs;
    totals.batches += outcome.comparedBatches;
    totals.transactions += outcome.counts.transactions.committed;
    const { lostExcused, lostGivenUp, lostToUnclean } = outcome.counts;
    totals.noDiskLeft += lostExcused;
    totals.givenUp += lostGivenUp;
    totals.toUnclean += lostToUnclean;
    if (lostExcused + lostGivenUp + lostToUnclean > 0) totals.seedsWithLoss++;
    if (outcome.violations.length > 0) {
      failed.push(seed);
      const rules = [...new Set(outcome.violations.map((violation) => violation.rule))].join(', ');
      console.log(`\nseed ${seed} FAILED: ${rules}`);
      for (const { rule, message } of outcome.violations.slice(0, 5))
        console.log(`  ${rule}: ${message.slice(0, 600)}`);
      if (values['stop-at-first']) break;
    }
    if (process.stdout.isTTY || totals.seeds % 25 === 0) progress(totals, failed.length, startMs);
  }
  progress(totals, failed.length, startMs);
  console.log(
    `\nlost and told, not blamed, in ${totals.seedsWithLoss} seeds: ${totals.noDiskLeft} no disk held any more, ` +
      `${totals.givenUp} Kafka gives up (KIP-966), ${totals.toUnclean} by an unclean election that a topic asks for`,
  );
  console.log(`failing seeds: ${failed.length === 0 ? 'none' : failed.join(' ')}`);
  return failed.length;
}

function progress(
  totals: Readonly<
    Record<'seeds' | 'acknowledged' | 'read' | 'transactions' | 'faults' | 'virtualMs' | 'events', number>
  >,
  failedCount: number,
  startMs: number,
): void {
  const realMs = performance.now() - startMs;
  const perMinute = (totals.seeds / realMs) * 60_000;
  const line =
    `${totals.seeds} seeds (${perMinute.toFixed(0)}/min), ${failedCount} failed; ${totals.acknowledged} acknowledged, ` +
    `${totals.read} read, ${totals.transactions} transactions, ${totals.faults} faults, ${(totals.virtualMs / 1000).toFixed(0)} s in ` +
    `${(realMs / 1000).toFixed(0)} s (${(totals.virtualMs / realMs).toFixed(0)}×), ${totals.events} events`;
  process.stdout.write(process.stdout.isTTY ? `\r${line}` : `${line}\n`);
}

const [first = 1, last = first] = values.seeds.split('..').map(Number);
const failures = values.seed === undefined ? await runMany(first, last) : await tellOne(Number(values.seed));
process.exit(failures === 0 ? 0 : 1);
