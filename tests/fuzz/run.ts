// `npm run fuzz -- [--seeds A..B] [--target NAME] [--minutes N]`: every seed on every target (or those whose name
// begins with NAME). A finding prints its target and seed, which repeat it; the exit code is 1 when there was one.

import { parseArgs } from 'node:util';
import { seededRandom } from '../../main/runtime/simulated/seeded-random.ts';
import { targets } from './targets.ts';

const progressEveryMs = 10_000;
const findingsShownMax = 20;

const { values } = parseArgs({
  options: { seeds: { type: 'string' }, target: { type: 'string' }, minutes: { type: 'string' } },
});
const range = /^(\d+)(?:\.\.(\d+))?$/.exec(values.seeds ?? '1..200');
const chosen = targets.filter(({ name }) => name.startsWith(values.target ?? ''));
if (range === null || chosen.length === 0) {
  console.error('usage: npm run fuzz -- [--seeds A..B] [--target NAME] [--minutes N]');
  console.error(`targets: ${targets.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const first = Number(range[1]);
const minutes = Number(values.minutes ?? 'Infinity');
// Minutes without an end of the seeds: goes on until the time is over.
const last = values.seeds === undefined && Number.isFinite(minutes) ? Infinity : Number(range[2] ?? range[1]);
const startedMs = performance.now();
const endsMs = startedMs + minutes * 60_000;
const counts = new Map<string, number>();
const findings: string[] = [];
let nextProgressMs = startedMs + progressEveryMs;

function total(): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

for (let seed = first; seed <= last && performance.now() < endsMs; seed++) {
  for (const target of chosen) {
    try {
      const cases = await target.run(seededRandom(seed, target.name));
      counts.set(target.name, (counts.get(target.name) ?? 0) + cases);
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      findings.push(`${target.name} seed ${seed}`);
      if (findings.length <= findingsShownMax) console.log(`FINDING ${target.name} seed ${seed}: ${text}\n`);
    }
    if (performance.now() > nextProgressMs) {
      nextProgressMs = performance.now() + progressEveryMs;
      const seconds = Math.round((performance.now() - startedMs) / 1000);
      console.log(`seed ${seed}, ${total()} cases in ${seconds} s, ${findings.length} findings`);
    }
  }
}

for (const [name, count] of counts) console.log(`${name}: ${count} cases`);
console.log(`${total()} cases, ${findings.length} findings${findings.length > 0 ? `: ${findings.join(', ')}` : ''}`);
process.exitCode = findings.length === 0 ? 0 : 1;
