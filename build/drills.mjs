// `npm run drills [NAME…]`: runs the library (or some of it) from the command line, one drill after another on real
// processes, and prints a table. Ends with an error when a drill does not pass. Needs `npm run build`.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cli = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'cli', 'main.js');
const seed = '7';
const drill = (...args) => spawnSync(process.execPath, [cli, 'drill', ...args], { encoding: 'utf8' });

const listed = drill('list', '--json');
if (listed.status !== 0) {
  console.error(listed.stderr);
  process.exit(1);
}
const known = JSON.parse(listed.stdout).map(({ name }) => name);
const wanted = process.argv.length > 2 ? process.argv.slice(2) : known;

const columns = ['drill', 'outcome', 's', 'acked', 'lost', 'dup', 'no answer ms', 'election ms', 'max lag'];
const widths = [28, 8, 6, 8, 6, 6, 13, 12, 8];
const row = (cells) => cells.map((cell, index) => String(cell ?? '–').padEnd(widths[index])).join(' ');
console.log(row(columns));
let failures = 0;
for (const name of wanted) {
  const result = drill('run', name, '--seed', seed, '--json');
  let run = null;
  try {
    run = JSON.parse(result.stdout);
  } catch {
    // What it printed instead comes below.
  }
  const measures = run?.verdict?.measures ?? {};
  const outcome = run?.state ?? 'no run';
  const { acknowledged, lost, duplicated, writesUnavailableMs, electionMs, maxLag } = measures;
  const took = run === null ? null : (run.elapsedMs / 1000).toFixed(1);
  console.log(row([name, outcome, took, acknowledged, lost, duplicated, writesUnavailableMs, electionMs, maxLag]));
  if (outcome === 'passed') continue;
  failures += 1;
  console.log(`  ${run?.verdict?.summary ?? result.stderr}`);
}
console.log(`${wanted.length - failures} passed, ${failures} failed`);
process.exit(failures === 0 ? 0 : 1);
