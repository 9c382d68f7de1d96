// `npm run onboarding`: a new user with a clock, from `npm start` to "I killed a leader and understood what happened".
// Walks as the page leads: the first drill with its questions and its verdict, then a leader killed by hand. Prints each
// step with its time; ends with an error when the way is longer than it may be. Needs a Chromium.

import { spawn } from 'node:child_process';
import { chromium, type Page } from '@playwright/test';
import { chromiumArguments, chromiumPath } from '../e2e/chromium.ts';
import { eventually } from '../support/cluster.ts';

const understoodMsMax = 120_000;
const drillMsMax = 60_000;
/** What a person takes to read and decide, beside what the app takes: a glance, a sentence, a question. */
const readingMs = 2_500;

const beganMs = performance.now();
const steps: { readonly what: string; readonly atMs: number; readonly readingMs: number }[] = [];
let read = 0;

function reached(what: string, sentences = 0): void {
  read += sentences * readingMs;
  const atMs = performance.now() - beganMs;
  steps.push({ what, atMs, readingMs: read });
  console.log(`| ${steps.length} | ${what} | ${seconds(atMs)} | ${seconds(atMs + read)} |`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

console.log('| | step | machine | with reading |');
console.log('| - | - | -: | -: |');
const app = spawn('npm', ['start', '--', '--no-open', '--ephemeral', '--cluster-port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  detached: true,
});
let output = '';
app.stdout.on('data', (part: Buffer) => (output += part.toString()));
const executablePath = chromiumPath();
const browser = await chromium.launch({
  args: chromiumArguments(),
  ...(executablePath === undefined ? {} : { executablePath }),
});
try {
  await eventually('the address is printed', () => /Highwater is at http\S+/.test(output), 60_000);
  reached('`npm start` has built and prints the address');
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await page.goto(/Highwater is at (http\S+)/.exec(output)?.[1] ?? '');
  await page.getByRole('banner').getByText('Ready', { exact: true }).waitFor();
  reached('the page shows three brokers, ready', 1);
  await firstDrill(page);
  const drillMs = steps.at(-1)?.atMs ?? 0;
  await byHand(page);
  const last = steps.at(-1);
  if (last === undefined || last.atMs + last.readingMs > understoodMsMax) throw new Error('it took too long');
  const ready = steps[1]?.atMs ?? 0;
  if (drillMs - ready > drillMsMax) throw new Error('the first drill does not end within a minute of the first page');
} finally {
  await browser.close();
  const ended = new Promise((resolve) => app.on('exit', resolve));
  // npm, the start script and the app are one group of ours.
  if (app.pid !== undefined) process.kill(-app.pid, 'SIGTERM');
  await ended;
}

async function firstDrill(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start the first drill' }).click();
  await page.getByRole('heading', { name: 'A leader dies' }).first().waitFor();
  reached('“Start the first drill” is pressed; the story is there', 2);
  const questions = page.getByRole('group').filter({ has: page.getByRole('radio') });
  for (let index = 0; index < (await questions.count()); index++) {
    await questions.nth(index).getByRole('radio').first().check();
  }
  reached('what is expected is answered', 2);
  await page.getByRole('button', { name: 'Run it' }).click();
  await page.getByRole('button', { name: 'Stop and heal' }).waitFor();
  reached('the drill runs');
  await page
    .getByText(/was killed/i)
    .first()
    .waitFor();
  reached('the leader is killed, and the page says so', 1);
  await page.getByTestId('verdict').waitFor({ timeout: 90_000 });
  reached('the verdict: nothing lost, how long nobody could write, why', 3);
}

async function byHand(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Cluster' }).click();
  await page.getByRole('button', { name: 'Actions for broker 1', exact: true }).click();
  await page.getByRole('menuitem', { name: /^Kill / }).click();
  reached('by hand: broker 1 is killed from its menu', 1);
  await page.getByRole('columnheader', { name: 'Broker 1' }).getByText('Killed', { exact: true }).waitFor();
  await page
    .locator('.narrator p')
    .filter({ hasText: /Broker 1|leads|leader|writes again/ })
    .first()
    .waitFor();
  reached('the line on top says what follows from it', 1);
}
