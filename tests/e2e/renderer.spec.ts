// The page against the fixture cluster: what it shows, what the keyboard does, what it says when things break.
// The drill on real brokers is in its own spec; here nothing of the engine runs.

import { AxeBuilder } from '@axe-core/playwright';
import { expect, test as base } from '@playwright/test';
import type { Scenario } from '../../renderer/dev/fixture-world.ts';
import { type FixtureServer, startFixtureServer } from '../../renderer/dev/fixture-server.ts';
import { ClusterPage } from './pages/cluster-page.ts';

type Fixtures = { start: (scenario: Scenario) => Promise<FixtureServer>; clusterPage: ClusterPage };

const test = base.extend<Fixtures>({
  start: async ({}, use) => {
    const servers: FixtureServer[] = [];
    await use(async (scenario) => {
      const server = await startFixtureServer(scenario, { staticDir: 'dist/renderer' });
      servers.push(server);
      return server;
    });
    for (const server of servers) await server.close();
  },
  clusterPage: async ({ page }, use) => {
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // That the host is out of reach is logged by the browser itself and can't be caught.
      const unreachable = /WebSocket|net::ERR_/.test(message.text());
      if (message.type() === 'error' && !unreachable) complaints.push(message.text());
    });
    await use(new ClusterPage(page));
    expect(complaints).toEqual([]);
  },
});

test('a healthy cluster is shown with its address, brokers, leaders and groups', async ({ start, clusterPage }) => {
  await clusterPage.open((await start('healthy')).url);
  await expect(clusterPage.header()).toContainText('Ready');
  await expect(clusterPage.header()).toContainText('127.0.0.1:19092,127.0.0.1:19093,127.0.0.1:19094');
  await expect(clusterPage.header()).toContainText('ready in 812 ms');
  await expect(clusterPage.statusBar()).toContainText('3 of 3 brokers up');
  await expect(clusterPage.brokerHead(1)).toContainText('pid');
  await expect(clusterPage.leader(clusterPage.partition('orders', 0))).toHaveCount(1);
  await expect(clusterPage.groups()).toContainText('demo-readers');
});

test('figures move without reloading', async ({ start, clusterPage }) => {
  await clusterPage.open((await start('healthy')).url);
  const cell = clusterPage.leader(clusterPage.partition('orders', 0));
  const before = await cell.textContent();
  await expect(cell).not.toHaveText(before ?? '');
});

test('killing a leader from its menu shows the loss, the election and the way back', async ({ start, clusterPage }) => {
  await clusterPage.open((await start('healthy')).url);
  const { topic, number } = await clusterPage.nameOf(clusterPage.partitionLedBy('orders', 2));
  const row = clusterPage.partition(topic, number);
  const epoch = await clusterPage.leaderEpoch(row);
  await clusterPage.brokerAction(2, 'Kill');

  await expect(clusterPage.brokerHead(2)).toContainText('Killed');
  // "leader down" first, and "offline" once another one leads: a slow browser may see only the second.
  await expect(clusterPage.replica(row, 2)).toHaveAccessibleName(/leader down|offline/);
  await expect(clusterPage.leader(row)).toHaveAccessibleName(/Broker [13]: leader/);
  await expect.poll(() => clusterPage.leaderEpoch(row)).toBe(epoch + 1);
  await expect(clusterPage.isr(row)).toHaveText(/^1 3/);
  await expect(clusterPage.event('Broker 2 left the ISR')).toBeVisible();
  await expect(clusterPage.workload()).toContainText('last gap');

  await clusterPage.page.getByRole('button', { name: 'Start broker 2' }).first().click();
  await expect(clusterPage.isr(row)).toHaveText('1 2 3', { timeout: 30_000 });
  await expect(clusterPage.replica(row, 2)).toHaveAccessibleName(/in sync/);
});

test('freezing the active controller moves the crown, and its event leads to its cause', async ({
  start,
  clusterPage,
}) => {
  await clusterPage.open((await start('healthy')).url);
  await clusterPage.brokerAction(1, 'Freeze');
  await expect(clusterPage.brokerHead(1)).toContainText('Frozen');
  await expect(clusterPage.brokerHead(2).getByRole('img', { name: /Active controller, epoch 5/ })).toBeVisible();
  await clusterPage.event('is now the active controller').click();
  const details = clusterPage.page.getByRole('complementary', { name: 'Chosen event' });
  await details.getByRole('button', { name: /Because: Node 2 won the quorum election/ }).click();
  await expect(details).toContainText('Node 2 won the quorum election of epoch 5.');
});

test('a topic is created, refused with Kafka’s own error, and deleted after one question', async ({
  start,
  clusterPage,
}) => {
  await clusterPage.open((await start('healthy')).url);
  await clusterPage.page.keyboard.press('c');
  const dialog = clusterPage.dialog();
  await dialog.getByLabel('Name', { exact: true }).fill('orders');
  await dialog.getByRole('button', { name: 'Create topic' }).click();
  await expect(dialog.getByRole('alert')).toContainText('TOPIC_ALREADY_EXISTS');
  await dialog.getByLabel('Name', { exact: true }).fill('audit');
  await dialog.getByLabel('Partitions').fill('2');
  await dialog.getByRole('button', { name: 'Create topic' }).click();
  await expect(dialog).toBeHidden();
  await expect(clusterPage.partition('audit', 1)).toBeVisible();

  await clusterPage.page.getByRole('button', { name: 'Actions for topic audit' }).click();
  await clusterPage.page.getByRole('menuitem', { name: 'Delete topic' }).click();
  await clusterPage.dialog().getByRole('button', { name: 'Delete topic' }).click();
  await expect(clusterPage.partition('audit', 1)).toBeHidden();
});

test('the filter finds partitions, says when there are none, and Escape clears it', async ({ start, clusterPage }) => {
  await clusterPage.open((await start('healthy')).url);
  await clusterPage.page.keyboard.press('/');
  await clusterPage.page.keyboard.type('pay 3');
  await expect(clusterPage.partition('payments', 3)).toBeVisible();
  await expect(clusterPage.partition('orders', 0)).toBeHidden();
  await clusterPage.filter().fill('nothing like it');
  await expect(clusterPage.matrix()).toContainText('No partition matches');
  await clusterPage.filter().press('Escape');
  await expect(clusterPage.partition('orders', 0)).toBeVisible();
});

test('the whole drill works by keyboard', async ({ start, clusterPage }) => {
  await clusterPage.open((await start('healthy')).url);
  await clusterPage.run('Kill broker 3');
  await expect(clusterPage.brokerHead(3)).toContainText('Killed');
  await clusterPage.page.keyboard.press('3');
  await expect(clusterPage.page.getByRole('menuitem', { name: /^Start/ })).toBeVisible();
  await clusterPage.page.keyboard.press('Escape');

  await clusterPage.grid().focus();
  for (const key of ['ArrowDown', 'ArrowRight', 'ArrowRight', 'Enter']) await clusterPage.page.keyboard.press(key);
  await expect(clusterPage.page.getByRole('menuitem', { name: /Kill broker 1/ })).toBeVisible();
  await clusterPage.page.keyboard.press('Escape');
  await expect(clusterPage.grid()).toBeFocused();
});

test('a paused view stands still while the cluster goes on, and catches up', async ({ start, clusterPage }) => {
  const server = await start('healthy');
  await clusterPage.open(server.url);
  await clusterPage.page.keyboard.press('Space');
  await expect(clusterPage.statusBar()).toContainText('Paused');
  const cell = clusterPage.leader(clusterPage.partition('orders', 0));
  const before = await cell.textContent();
  await expect(clusterPage.statusBar()).toContainText(/[1-9]\d changes held back/);
  await expect(cell).toHaveText(before ?? '');
  await clusterPage.page.keyboard.press('Space');
  await expect(clusterPage.statusBar()).toContainText('Live');
  await expect(cell).not.toHaveText(before ?? '');
});

test('a lost connection is said, counted down and mended', async ({ start, clusterPage }) => {
  const server = await start('healthy');
  await clusterPage.open(server.url);
  server.disconnect(true);
  await expect(clusterPage.page.getByRole('alert')).toContainText('Disconnected, reconnecting');
  await expect(clusterPage.statusBar()).toContainText('Disconnected');
  server.disconnect(false);
  await expect(clusterPage.statusBar()).toContainText('Live');
  await expect(clusterPage.page.getByRole('alert')).toBeHidden();
});

test('a missed delta is noticed and healed by a new snapshot', async ({ start, clusterPage }) => {
  const server = await start('empty');
  await clusterPage.open(server.url);
  await expect(clusterPage.matrix()).toContainText('No topics yet');
  server.skipDelta(() =>
    server.cluster.request('topic.create', { topic: 'missed', partitions: 1, replicationFactor: 3 }),
  );
  await expect(clusterPage.partition('missed', 0)).toBeVisible();
});

test('a wrong token is explained instead of tried for ever', async ({ start, clusterPage }) => {
  const server = await start('healthy');
  await clusterPage.page.goto(server.url.replace('token=fixture', 'token=old'));
  await expect(clusterPage.page.getByRole('alert')).toContainText('The engine refused this page');
});

test('ten thousand partitions: few rows exist, the grid says how many there are, End reaches the last', async ({
  start,
  clusterPage,
}) => {
  await clusterPage.open((await start('large')).url);
  expect(Number(await clusterPage.grid().getAttribute('aria-rowcount'))).toBeGreaterThan(10_000);
  expect(await clusterPage.grid().getByRole('row').count()).toBeLessThan(80);
  await clusterPage.grid().focus();
  await clusterPage.page.keyboard.press('End');
  await expect(clusterPage.partition('stream.199', 49)).toBeVisible();
});

for (const theme of ['dark', 'light'] as const) {
  test(`axe finds nothing in the ${theme} theme`, async ({ start, clusterPage, page }) => {
    // Two readings of a page of a thousand elements, and of what lies over it.
    test.setTimeout(240_000);
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    const server = await start('healthy');
    await clusterPage.open(server.url);
    const inspect = async (what: string, within = 'body'): Promise<void> => {
      const { violations } = await new AxeBuilder({ page }).include(within).analyze();
      expect(
        violations.map(
          (violation) =>
            `${what}: ${violation.id} at ${violation.nodes.map((node) => `${node.target.join(' ')} ${node.failureSummary ?? ''}`).join('; ')}`,
        ),
      ).toEqual([]);
    };
    await inspect('healthy');
    await clusterPage.brokerAction(2, 'Kill');
    await expect(clusterPage.event('Broker 2 left the ISR')).toBeVisible();
    await clusterPage
      .groups()
      .getByRole('button', { name: /billing/ })
      .click();
    await clusterPage.events().getByRole('option').first().click();
    await inspect('broker killed');
    await page.keyboard.press('c');
    await expect(clusterPage.dialog()).toBeVisible();
    await inspect('create topic', 'dialog, [role=dialog]');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await expect(clusterPage.palette()).toBeFocused();
    await inspect('palette', 'dialog, [role=dialog]');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Actions for broker 1', exact: true }).click();
    await expect(page.getByRole('menu')).toBeVisible();
    await inspect('broker menu', '[role=menu]');
    await page.keyboard.press('Escape');
    server.disconnect(true);
    await expect(page.getByRole('alert')).toBeVisible();
    await inspect('disconnected');
  });
}

for (const [scenario, words] of [
  ['empty', 'No topics yet'],
  ['starting', 'The cluster is starting'],
  ['failed', 'port 19093 is taken'],
  ['silent', 'Waiting for the first picture'],
] as const) {
  test(`the ${scenario} state says what is going on, and axe finds nothing`, async ({ start, clusterPage, page }) => {
    await clusterPage.page.goto((await start(scenario)).url);
    await expect(page.getByRole('main')).toContainText(words);
    expect((await new AxeBuilder({ page }).analyze()).violations.map((violation) => violation.id)).toEqual([]);
  });
}
