// Workspaces through the page, on real brokers: made, started, used by a client that nobody here wrote, stopped,
// duplicated with data, reset, deleted; and that nothing of one cluster is shown for another.

import { spawn } from 'node:child_process';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test as base } from '@playwright/test';
import { cliPath, eventually } from '../support/cluster.ts';
import { kafkaFor } from '../support/kafkajs.ts';
import { WorkspacesPage } from './pages/workspaces-page.ts';

const test = base.extend<{ url: string }>({
  url: async ({}, use) => {
    const options = ['app', '--no-open', '--no-demo', '--ephemeral', '--cluster-port', '0', '--brokers', '1'];
    const app = spawn(process.execPath, [cliPath, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    app.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await eventually('the app is ready', () => /UI\s+http/.test(output));
    await use(/UI\s+(http\S+)/.exec(output)?.[1] ?? '');
    const ended = new Promise((resolve) => app.on('exit', resolve));
    app.kill('SIGTERM');
    await ended;
  },
});

async function produce(bootstrap: string, topic: string, count: number): Promise<void> {
  const producer = kafkaFor(bootstrap).producer();
  await producer.connect();
  await producer.send({ topic, messages: Array.from({ length: count }, (_, index) => ({ value: `${index}` })) });
  await producer.disconnect();
}

async function endOf(bootstrap: string, topic: string): Promise<number> {
  const admin = kafkaFor(bootstrap).admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  return offsets.reduce((sum, { high }) => sum + Number(high), 0);
}

test('a cluster is made, used, stopped, duplicated with its data, reset and deleted', async ({ url, page }) => {
  const clusters = new WorkspacesPage(page);
  await clusters.open(url);

  // Kafka's validation while one types; then made and started.
  await page.getByRole('button', { name: 'Create cluster' }).click();
  const form = clusters.dialog();
  await form.getByLabel('Name').fill('Orders dev');
  await form.getByLabel('Brokers', { exact: true }).fill('1');
  await form.getByLabel('Broker configs').fill('num.partitions=0');
  await expect(form.getByRole('alert')).toContainText('Value must be at least 1');
  await expect(form.getByRole('button', { name: 'Create cluster' })).toBeDisabled();
  await form.getByLabel('Broker configs').fill('num.partitions=2');
  await form.getByRole('button', { name: 'Create cluster' }).click();
  await expect(clusters.row('Orders dev')).toContainText('Ready');
  await expect(clusters.row('Orders dev')).toContainText('1 of 1');

  const bootstrap = await clusters.bootstrapOf('Orders dev');
  await produce(bootstrap, 'invoices', 5);
  await clusters.details('Orders dev').getByRole('button', { name: 'Open' }).click();
  await expect(page).toHaveURL(/#\/@orders-dev\/cluster$/);
  await expect(page.getByRole('grid', { name: 'Partitions by broker' })).toContainText('invoices');

  // The other cluster does not know the topic.
  await page.getByRole('button', { name: /switch to another/ }).click();
  await page.getByRole('menuitem', { name: /^Ephemeral cluster/ }).click();
  await expect(page.getByRole('banner')).toContainText('local, ephemeral');
  await expect(page.getByRole('region', { name: 'Brokers and partitions' })).toBeVisible();
  await expect(page.getByText('invoices')).toHaveCount(0);

  await page.getByRole('link', { name: 'Clusters' }).click();
  await clusters.choose('Orders dev', 'Stop');
  await expect(clusters.row('Orders dev')).toContainText('Stopped');

  await clusters.choose('Orders dev', 'Duplicate…');
  await clusters
    .dialog()
    .getByRole('switch', { name: /With its data/ })
    .click();
  await clusters.dialog().getByRole('button', { name: 'Duplicate' }).click();
  await clusters.details('Orders dev copy').getByRole('button', { name: 'Start' }).click();
  await expect(clusters.row('Orders dev copy')).toContainText('Ready');
  const copy = await clusters.bootstrapOf('Orders dev copy');
  expect(copy).not.toBe(bootstrap);
  expect(await endOf(copy, 'invoices')).toBe(5);

  await clusters.choose('Orders dev', 'Reset…');
  await expect(clusters.dialog()).toContainText('can’t be undone');
  await clusters.dialog().getByRole('button', { name: 'Reset cluster' }).click();
  await expect(clusters.dialog()).toHaveCount(0);
  await clusters.details('Orders dev').getByRole('button', { name: 'Start' }).click();
  await expect(clusters.row('Orders dev')).toContainText('Ready');
  expect(await clusters.bootstrapOf('Orders dev')).toBe(bootstrap);
  await expect(clusters.details('Orders dev').locator('dl').first()).toContainText('Topics');
  await expect.poll(() => clusters.row('Orders dev').textContent()).toMatch(/1 of 1\s*0/);

  await clusters.choose('Orders dev copy', 'Stop');
  await expect(clusters.row('Orders dev copy')).toContainText('Stopped');
  await clusters.choose('Orders dev copy', 'Delete…');
  await clusters.dialog().getByRole('button', { name: 'Delete cluster' }).click();
  await expect(clusters.row('Orders dev copy')).toHaveCount(0);
});

test('settings travel as a file; a stopped cluster says so on its screens and starts from there', async ({
  url,
  page,
}) => {
  const clusters = new WorkspacesPage(page);
  await clusters.open(url);
  await page.getByRole('button', { name: 'Import' }).click();
  await clusters.dialog().getByLabel('Content').fill('{"format":"highwater-workspace","version":9}');
  await clusters.dialog().getByRole('button', { name: 'Import cluster' }).click();
  await expect(clusters.dialog().getByRole('alert')).toContainText('WORKSPACE_TOO_NEW');
  const settings = { kind: 'local', brokers: 1, racks: ['a'], profile: 'kafka', port: null, configs: {} };
  const file = JSON.stringify({ format: 'highwater-workspace', version: 1, name: 'Staging', settings });
  await clusters.dialog().getByLabel('Content').fill(file);
  await clusters.dialog().getByRole('button', { name: 'Import cluster' }).click();
  await expect(clusters.details('Staging')).toContainText('1: a');

  const download = page.waitForEvent('download');
  await clusters.choose('Staging', 'Export as a file');
  expect((await download).suggestedFilename()).toBe('staging.highwater.json');

  for (const theme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    const found = await new AxeBuilder({ page }).analyze();
    expect(found.violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
  }

  await page.goto(`${url}#/@staging/topics`);
  await expect(page.getByRole('heading', { name: 'Staging: stopped' })).toBeVisible();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(page.getByRole('banner')).toContainText('Ready');
  await expect(page.getByRole('grid', { name: 'Topics' })).toBeVisible();
});
