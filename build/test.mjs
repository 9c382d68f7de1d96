// `npm test`: everything that must hold, in the order in which it is cheapest to fail. Every stage runs even when an
// earlier one failed, so that one run tells all. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const results = join(root, 'test-results');
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
const bin = (name) => join(root, 'node_modules/.bin', process.platform === 'win32' ? `${name}.cmd` : name);

let passed = 0;
let failed = 0;
const failures = [];

function run(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
      shell: process.platform === 'win32',
    });
    child.on('error', () => resolve(127));
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

function note(ok, name) {
  if (ok) passed += 1;
  else {
    failed += 1;
    failures.push(name);
  }
}

/** A stage that either holds or not: counts as one test. */
async function check(name, command, args) {
  console.log(`\n── ${name}`);
  note((await run(command, args)) === 0, name);
}

/** A stage with a report of its own tests; a crash without a report is one failure. */
async function suite(name, command, args, reportFile, count, env) {
  console.log(`\n── ${name}`);
  const code = await run(command, args, env);
  if (!existsSync(reportFile)) return note(false, `${name}: no report`);
  const report = JSON.parse(readFileSync(reportFile, 'utf8'));
  const counted = count(report);
  passed += counted.passed;
  failed += counted.failed;
  if (counted.failed > 0) failures.push(`${name}: ${counted.failed} failed`);
  if (counted.failed === 0 && code !== 0) note(false, `${name}: exit code ${code}`);
  if (counted.passed + counted.failed === 0) note(false, `${name}: no test ran`);
}

const vitest = async (name, project) => {
  const report = join(results, `${project}.json`);
  await suite(
    name,
    bin('vitest'),
    ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    report,
    (json) => ({ passed: json.numPassedTests, failed: json.numTotalTests - json.numPassedTests }),
  );
};

const only = process.argv.slice(2);
const stages = {
  format: () => check('formatting (prettier)', bin('prettier'), ['--check', '--log-level=warn', '.']),
  types: () => check('types (tsc)', bin('tsc'), ['-p', '.']),
  'renderer-types': () =>
    check('types of the renderer (svelte-check)', bin('svelte-check'), [
      '--tsconfig',
      'renderer/tsconfig.json',
      '--fail-on-warnings',
    ]),
  lint: () =>
    check('lint (eslint)', bin('eslint'), ['--cache', '--cache-location', 'node_modules/.cache/eslint/', '.']),
  imports: () =>
    check('who may import whom (dependency-cruiser)', bin('depcruise'), [
      '--config',
      'build/dependency-rules.cjs',
      'main',
      'app',
      'renderer',
    ]),
  unused: () => check('dead code (knip)', bin('knip'), []),
  build: () => check('build', process.execPath, ['build/build.mjs']),
  unit: () => vitest('unit and data-driven tests', 'unit'),
  renderer: () => vitest('renderer tests', 'renderer'),
  processes: () => vitest('real processes', 'processes'),
  browser: () => {
    const report = join(results, 'browser.json');
    return suite(
      'browser tests (playwright)',
      bin('playwright'),
      ['test', '--reporter=line,json'],
      report,
      (json) => ({
        passed: json.stats.expected,
        failed: json.stats.unexpected + json.stats.flaky + json.stats.skipped,
      }),
      { PLAYWRIGHT_JSON_OUTPUT_NAME: report },
    );
  },
};

for (const [name, stage] of Object.entries(stages)) if (only.length === 0 || only.includes(name)) await stage();
if (failures.length > 0) console.log(`\nfailed:\n${failures.map((line) => `  ${line}`).join('\n')}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
