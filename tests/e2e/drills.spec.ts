// Three drills through the page, on real brokers: predict, watch, read the verdict, scrub back, set two runs side by
// side, take the report along. Each state of the screen passes axe.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test as base, type Page } from '@playwright/test';
import { cliPath, eventually } from '../support/cluster.ts';
import { kafkaFor, readAll } from '../support/kafkajs.ts';

type App = { readonly url: string; readonly bootstrap: string };

const test = base.extend<{ app: App }>({
  app: async ({}, use) => {
    const options = ['app', '--no-open', '--ephemeral', '--cluster-port', '0', '--no-demo'];
    const child = spawn(process.execPath, [cliPath, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await eventually('the app is ready', () => /bootstrap\s+\S+/.test(output) && /UI\s+http/.test(output));
    const found = (pattern: RegExp) => pattern.exec(output)?.[1] ?? '';
    await use({ url: found(/UI\s+(http\S+)/), bootstrap: found(/bootstrap\s+(\S+)/) });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  },
});

async function axe(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).include('main').analyze();
  expect(
    violations.map((each) => `${what}: ${each.id}: ${each.nodes.map((node) => node.target.join(' ')).join(', ')}`),
  ).toEqual([]);
}

async function run(page: Page, title: string, answers: readonly string[] = []): Promise<void> {
  await page.getByRole('link', { name: new RegExp(`^${title}`) }).click();
  for (const answer of answers) await page.getByRole('radio', { name: answer, exact: true }).first().check();
  await page.getByRole('button', { name: 'Run it' }).click();
  await expect(page.getByRole('button', { name: 'Stop and heal' })).toBeVisible();
}

test('predict, run, verdict, replay, comparison and report', async ({ app, page }) => {
  await page.goto(app.url);
  await page.getByRole('link', { name: 'Drills' }).click();
  await expect(page.getByRole('heading', { name: 'A leader dies' })).toBeVisible();
  await axe(page, 'library');

  // The first: what was predicted stands beside what happened.
  await run(page, 'A leader dies', ['No']);
  const steps = page.getByRole('list', { name: 'Steps' });
  await expect(steps).toContainText('Kill the leader of payments-0');
  await axe(page, 'live');
  const verdict = page.getByTestId('verdict');
  await expect(verdict).toContainText('Passed', { timeout: 60_000 });
  await expect(verdict).toContainText('You said “No”. No');
  await expect(verdict).toContainText('drill-payments-0');
  await axe(page, 'run');

  // Back to before the fault, when nobody was out of the ISR, and to after the election.
  await steps.getByRole('button', { name: 'Kill the leader of payments-0' }).click();
  await page.getByRole('button', { name: 'Previous event' }).click();
  const matrix = page.getByRole('table', { name: 'Partitions of the drill by broker' });
  await expect(matrix).toContainText('3 of 3');
  await steps.getByRole('button', { name: 'Start “victim”' }).click();
  await expect(page).toHaveURL(/at=\d+/);
  await expect(matrix).toContainText('2 of 3');
  await expect(matrix).toContainText('offline');

  // From a client's error to the election that it waited for, and the phases between.
  await page
    .getByRole('row', { name: /drill-payments-0/ })
    .getByRole('button', { name: /^election of broker/ })
    .first()
    .click();
  const decidedAt = new URL(page.url().replace('#', '')).searchParams.get('at');
  const clients = page.getByRole('table').filter({ has: page.getByRole('columnheader', { name: 'Waited for' }) });
  await clients
    .getByRole('button', { name: /^\d+\.\d\d s$/ })
    .first()
    .click();
  await expect(page).not.toHaveURL(new RegExp(`at=${decidedAt}\\b`));
  await page.getByRole('button', { name: /^To the election that drill-payments-\d waited for/ }).click();
  const elections = verdict.getByRole('row', { name: /drill-payments-\d Broker/ });
  const decided = (await elections.getByRole('button').allTextContents()).map((each) => Number(each.replace(' s', '')));
  const shown = Number((await page.locator('output').textContent())?.replace(' s', ''));
  expect(decided.map((each) => Math.abs(each - shown) < 0.06)).toContain(true);
  await expect(clients.getByRole('img').first()).toHaveAccessibleName(/no new leader decided for .*until acknowledged/);
  await axe(page, 'waterfall');

  // The second: what the verdict counts is what a foreign client reads.
  await page.getByRole('link', { name: 'Drills' }).first().click();
  await run(page, 'acks=1 loses what acks=all keeps');
  await expect(verdict).toContainText('Passed', { timeout: 60_000 });
  const quick = verdict.getByRole('row', { name: /^quick/ }).getByRole('cell');
  const [acknowledged, , lost] = (await quick.allTextContents())
    .slice(1)
    .map((cell) => Number(cell.replace(/\D/g, '')));
  const records = await readAll(kafkaFor(app.bootstrap), 'drill-payments');
  const names = records
    .map(({ value }) => value.slice(0, value.indexOf(';')))
    .filter((name) => name.startsWith('quick'));
  expect(lost).toBeGreaterThan(0);
  expect((acknowledged ?? 0) - (lost ?? 0)).toBe(new Set(names).size);

  // Beside the first run, and as a file.
  await page.getByLabel('Beside').selectOption({ index: 1 });
  await expect(page.getByRole('heading', { name: 'What differs' })).toBeVisible();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Report' }).click();
  const report = readFileSync(await (await download).path(), 'utf8');
  expect(report).toContain('acks=1 loses what acks=all keeps');
  expect(report).not.toMatch(/<script|(src|href)="/);

  // The third is stopped by hand: the cluster is healed, and the run is kept.
  await page.getByRole('link', { name: 'Drills' }).first().click();
  await run(page, 'min.insync.replicas refuses writes');
  await expect(steps).toContainText('Kill a follower of payments-0');
  await page.getByRole('button', { name: 'Stop and heal' }).click();
  await expect(page.getByText('Stopped by hand')).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText('3 of 3 brokers up')).toBeVisible();
  await page.getByRole('link', { name: 'Runs' }).click();
  await expect(page.getByRole('grid', { name: 'Runs' }).getByRole('row')).toHaveCount(4);
  await axe(page, 'runs');
});

test('transactions have a lane: decided, ended, and the zombie fenced', async ({ app, page }) => {
  await page.goto(app.url);
  await page.getByRole('link', { name: 'Drills' }).click();
  await run(page, 'A zombie is fenced');
  await expect(page.getByTestId('verdict')).toContainText('Passed', { timeout: 90_000 });
  const timeline = page.getByRole('img', { name: 'Timeline' });
  await expect(timeline).toContainText('txn exact');
  const told = page.getByRole('list', { name: 'Timeline as a list' });
  await expect(told).toContainText('aborted for its successor');
  await expect(told).toContainText('A new process has drill-exact');
  await axe(page, 'transactions');
});
