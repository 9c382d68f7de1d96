// The drill through the page, on real brokers: kill the leader, see the election, the ISR and the way back, without
// reloading. What the page says is held against what a client that nobody here wrote is told.

import { spawn, type ChildProcess } from 'node:child_process';
import { expect, test as base } from '@playwright/test';
import { cliPath, eventually, isAlive } from '../support/cluster.ts';
import { kafkaFor } from '../support/kafkajs.ts';
import { ClusterPage } from './pages/cluster-page.ts';

type App = { readonly url: string; readonly bootstrap: string };

async function startApp(): Promise<App & { process: ChildProcess }> {
  const app = spawn(process.execPath, [cliPath, 'app', '--no-open', '--ephemeral', '--cluster-port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  app.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await eventually('the app is ready', () => /bootstrap\s+\S+/.test(output) && /UI\s+http/.test(output));
  return {
    process: app,
    url: /UI\s+(http\S+)/.exec(output)?.[1] ?? '',
    bootstrap: /bootstrap\s+(\S+)/.exec(output)?.[1] ?? '',
  };
}

const test = base.extend<{ app: App }>({
  app: async ({}, use) => {
    const { process: child, ...app } = await startApp();
    await use(app);
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  },
});

test.setTimeout(120_000);

test('killing a leader through the page: new leader, higher epoch, smaller ISR, and the way back', async ({
  app,
  page,
}) => {
  const cluster = new ClusterPage(page);
  await cluster.open(app.url);
  await expect(cluster.header()).toContainText('Ready');
  const row = cluster.partition('orders', 0);
  await expect(cluster.leader(row)).toHaveCount(1);
  await expect(cluster.workload()).toContainText('acknowledged');
  await expect(cluster.groups()).toContainText('billing');

  const leaderName = (await cluster.leader(row).getAttribute('aria-label')) ?? '';
  const leader = Number(/^Broker (\d+)/.exec(leaderName)?.[1]);
  const epoch = await cluster.leaderEpoch(row);
  const pid = Number(/pid (\d+)/.exec((await cluster.brokerHead(leader).textContent()) ?? '')?.[1]);
  expect(isAlive(pid)).toBe(true);

  await cluster.brokerAction(leader, 'Kill');
  await expect(cluster.brokerHead(leader)).toContainText('Killed');
  await eventually('the process is gone', () => !isAlive(pid));
  await expect(cluster.leader(row)).not.toHaveAttribute('aria-label', new RegExp(`^Broker ${leader}:`));
  await expect.poll(() => cluster.leaderEpoch(row)).toBeGreaterThan(epoch);
  await expect(cluster.event(/ISR|in sync/i).first()).toBeVisible();

  // A foreign client is told the same leader.
  const shown = Number(/^Broker (\d+)/.exec((await cluster.leader(row).getAttribute('aria-label')) ?? '')?.[1]);
  const admin = kafkaFor(app.bootstrap).admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: ['orders'] });
  const told = topics[0]?.partitions.find((each) => each.partitionId === 0);
  expect(told?.leader).toBe(shown);
  expect(told?.isr).not.toContain(leader);

  await cluster.brokerAction(leader, 'Start');
  await expect(cluster.replica(row, leader)).toHaveAccessibleName(/in sync/, { timeout: 30_000 });
  await expect(cluster.brokerHead(leader)).not.toContainText(`pid ${pid}`);
  await expect(cluster.workload()).toContainText('0 failed');
  await admin.disconnect();
});

test('a topic made on the page is there for any client, with Kafka’s own words when it can’t be', async ({
  app,
  page,
}) => {
  const cluster = new ClusterPage(page);
  await cluster.open(app.url);
  await page.getByRole('button', { name: 'Create topic' }).click();
  const dialog = cluster.dialog();
  await dialog.getByLabel('Name', { exact: true }).fill('from-the-page');
  await dialog.getByRole('button', { name: 'Create topic' }).click();
  await expect(cluster.partition('from-the-page', 0)).toBeVisible();
  await expect(dialog).toBeHidden();
  const admin = kafkaFor(app.bootstrap).admin();
  await admin.connect();
  // The broker that is asked may be a moment behind the one that the page looks through.
  await expect.poll(() => admin.listTopics()).toContain('from-the-page');
  await admin.disconnect();

  await page.getByRole('button', { name: 'Create topic' }).click();
  await dialog.getByLabel('Name', { exact: true }).fill('from-the-page');
  await dialog.getByRole('button', { name: 'Create topic' }).click();
  await expect(dialog).toContainText("Topic 'from-the-page' already exists.");
});
