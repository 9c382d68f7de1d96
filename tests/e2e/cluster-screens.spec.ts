// Groups, Quorum, Brokers, Events, Producers and Settings on a real cluster, through the page, by keyboard where that
// is shorter; what the page says is held against what a client that nobody here wrote is told.

import { AxeBuilder } from '@axe-core/playwright';
import { expect, test as base, type Page } from '@playwright/test';
import { TestCluster } from '../support/cluster.ts';
import { kafkaFor } from '../support/kafkajs.ts';
import { ShareMember } from '../support/share-member.ts';

/** One cluster for all: each test looks at another side of it. */
const test = base.extend<{ app: Page }, { cluster: TestCluster }>({
  cluster: [
    async ({}, use) => {
      const cluster = await TestCluster.up('--ui', '--ephemeral');
      const admin = kafkaFor(cluster.ready.bootstrap).admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 6, replicationFactor: 3 }] });
      await admin.disconnect();
      await use(cluster);
      await cluster.down();
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  app: async ({ page, cluster }, use) => {
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(cluster.ready.uiUrl ?? '');
    await expect(page.getByRole('contentinfo')).toContainText('of 3 brokers up');
    await use(page);
    expect(complaints).toEqual([]);
  },
});

test.describe.configure({ mode: 'serial' });
test.setTimeout(150_000);

async function go(page: Page, screen: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen }).click();
}

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).include('main').analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
}

test('a group is watched, refuses a reset while it is active, and is reset and deleted when it is not', async ({
  app,
  cluster,
}) => {
  await go(app, 'Groups');
  await app.getByRole('button', { name: 'Start the demo workload' }).click();
  await app.getByRole('link', { name: 'billing' }).click();
  await expect(app.getByRole('figure', { name: /Lag of the last/ })).toContainText('Lag');
  const committed = app.getByRole('grid', { name: 'Partitions of the group' }).getByRole('row').nth(1);
  await expect(committed).toContainText('highwater-demo');
  await expectAccessible(app);
  await app.getByRole('tab', { name: 'Members' }).click();
  await expect(app.getByRole('grid', { name: 'Members' })).toContainText('orders: 0–5');
  await app.getByRole('tab', { name: 'Rebalances' }).click();
  await expect(app.getByRole('grid', { name: /Rebalances/ })).toContainText('RoundRobinAssigner');

  await app.getByRole('button', { name: 'Reset offsets…' }).click();
  const dialog = app.getByRole('dialog');
  await expect(dialog).toContainText('Assignments can only be reset if the group');
  await expect(dialog.getByRole('button', { name: /^Reset 6/ })).toBeDisabled();
  await app.keyboard.press('Escape');

  await app.keyboard.press('Control+k');
  await app.keyboard.type('stop workload');
  await app.keyboard.press('Enter');
  await expect(app.getByText('Empty', { exact: true })).toBeVisible();
  await app.getByRole('button', { name: 'Reset offsets…' }).click();
  await expect(dialog).toContainText(/Will read [\d,]+ again and skip 0/);
  await dialog.getByRole('button', { name: 'Reset 6 partitions' }).click();
  await expect(dialog).toBeHidden();
  const admin = kafkaFor(cluster.ready.bootstrap).admin();
  await admin.connect();
  const [offsets] = await admin.fetchOffsets({ groupId: 'billing', topics: ['orders'] });
  expect(offsets?.partitions.map(({ offset }) => offset)).toEqual(['0', '0', '0', '0', '0', '0']);

  await app.getByRole('button', { name: 'Delete…' }).click();
  await app.getByRole('menuitem', { name: 'Delete group' }).click();
  await dialog.getByRole('button', { name: 'Delete group' }).click();
  await expect(app.getByRole('heading', { name: 'No consumer group yet' })).toBeVisible();
  expect((await admin.listGroups()).groups).toEqual([]);
  await admin.disconnect();
});

test('a share group is named as one, and no rate is made up for it', async ({ app, cluster }) => {
  const member = await ShareMember.join(cluster.ready.bootstrap, 'couriers', 'orders');
  await go(app, 'Groups');
  const row = app.getByRole('grid', { name: 'Consumer groups' }).getByRole('row', { name: /couriers/ });
  await expect(row).toContainText('share');
  await expect(row).toContainText('1');
  // Lag, consumed, produced, time to drain: those after state, members and partitions.
  for (const column of [3, 4, 5, 6]) await expect(row.getByRole('gridcell').nth(column)).toHaveText('—');
  await app.getByRole('link', { name: 'couriers' }).click();
  await expect(app.getByRole('button', { name: 'Reset offsets…' })).toBeDisabled();
  await app.getByRole('tab', { name: 'Members' }).click();
  await expect(app.getByText('share (KIP-932)')).toBeVisible();
  await expect(app.getByRole('grid', { name: 'Members' })).toContainText('orders: 0–5');
  await expectAccessible(app);
  await member.leave();
});

test('a rebalance is drawn: who came, which partitions moved from whom to whom, how long they were nobody’s', async ({
  app,
  cluster,
}) => {
  const join = async (clientId: string) => {
    const consumer = kafkaFor(cluster.ready.bootstrap, clientId).consumer({ groupId: 'shipping' });
    const assigned = new Promise<readonly number[]>((resolve) =>
      consumer.on('consumer.group_join', ({ payload }) => resolve(payload.memberAssignment['orders'] ?? [])),
    );
    await consumer.connect();
    await consumer.subscribe({ topics: ['orders'] });
    await consumer.run({ eachMessage: () => Promise.resolve() });
    return { consumer, partitions: await assigned };
  };
  const first = await join('packer');
  const second = await join('sorter');
  await go(app, 'Groups');
  await app.getByRole('link', { name: 'shipping' }).click();
  await app.getByRole('tab', { name: 'Rebalances' }).click();
  const newest = app
    .getByRole('grid', { name: /Rebalances/ })
    .getByRole('row')
    .nth(1);
  await expect(newest).toContainText('eager');
  await expect(newest).toContainText('+1');
  const lanes = app.getByRole('group', { name: 'Members over time' });
  await expect(lanes).toContainText('packer');
  await expect(lanes).toContainText('6 partitions');
  // What the page says moved is what the new member was given.
  const moves = app.getByRole('grid', { name: 'Partitions that changed hands' });
  for (const partition of second.partitions) {
    await expect(moves.getByRole('row', { name: `orders-${partition}` })).toContainText(/packer.*sorter.*m?s/);
  }
  await expect(moves.getByRole('row', { name: /the same again/ })).toHaveCount(6 - second.partitions.length);
  await expectAccessible(app);

  await second.consumer.disconnect();
  await expect(newest).toContainText('−1');
  await expect(moves.getByRole('row', { name: /sorter.*packer/ })).toHaveCount(second.partitions.length);
  await first.consumer.disconnect();
});

test('a broker’s config is refused and set in Kafka’s words; its log file is there', async ({ app, cluster }) => {
  await go(app, 'Brokers');
  await app.getByRole('link', { name: 'Broker 1' }).click();
  await expect(app.getByRole('figure', { name: 'Resident memory' })).toContainText('MB');
  await expectAccessible(app);
  await app.getByRole('tab', { name: 'Configs' }).click();
  await app.keyboard.press('/');
  await app.keyboard.type('log.cleaner.threads');
  await app.getByRole('button', { name: 'Change log.cleaner.threads' }).click();
  const dialog = app.getByRole('dialog');
  await dialog.getByLabel('Value').fill('many');
  await dialog.getByRole('button', { name: 'Set', exact: true }).click();
  await expect(dialog.getByRole('alert')).toContainText('Not a number of type INT');
  await dialog.getByLabel('Value').fill('2');
  await dialog.getByRole('button', { name: 'Set', exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(app.getByRole('grid', { name: /Configs/ })).toContainText('this broker');
  const admin = kafkaFor(cluster.ready.bootstrap).admin();
  await admin.connect();
  const told = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 4, name: '1', configNames: ['log.cleaner.threads'] }],
  });
  expect(told.resources[0]?.configEntries[0]?.configValue).toBe('2');
  await admin.disconnect();

  await app.getByRole('tab', { name: 'Log directories' }).click();
  await expect(app.getByRole('grid', { name: /Replicas in/ })).toContainText('orders-0');
  await app.getByRole('tab', { name: 'Log file' }).click();
  await expect(app.getByRole('log')).toContainText('phase running');
});

test('the controller is killed: the election’s messages, the new leader in the metadata log, and why', async ({
  app,
}) => {
  await go(app, 'Quorum');
  const nodes = app.getByRole('table');
  const leading = nodes.getByRole('row').filter({ hasText: 'leader' });
  await expect(leading).toHaveCount(1);
  const leader = Number(/Node (\d)/.exec((await leading.textContent()) ?? '')?.[1]);
  await app.keyboard.press('Control+k');
  await app.keyboard.type(`kill broker ${leader}`);
  await app.keyboard.press('Enter');
  const row = nodes
    .getByRole('row')
    .filter({ has: app.getByRole('rowheader', { name: `Node ${leader}`, exact: true }) });
  await expect(row).toContainText('unreachable');
  await expect(leading).toHaveCount(1);
  const winner = /Node (\d)/.exec((await leading.textContent()) ?? '')?.[1] ?? '';
  await expect(
    app.getByRole('navigation', { name: 'Elections, newest first' }).getByRole('button').first(),
  ).toContainText(`Node ${winner} won`);
  const ladder = app.getByRole('region', { name: /Messages of the election/ });
  await expect(ladder.getByText('vote granted').first()).toBeVisible();
  await expectAccessible(app);

  await app.getByRole('tab', { name: 'Metadata log' }).click();
  const log = app.getByRole('grid', { name: /Metadata log/ });
  await app.keyboard.press('/');
  await app.keyboard.type(`leader ${leader} →`);
  await expect(log.getByRole('row').nth(1)).toContainText(/\w-\d+: leader \d → \d, epoch \d → \d, ISR/);
  await log.getByRole('row').nth(1).click();
  await expect(app.getByRole('complementary', { name: 'Chosen record' })).toContainText('"leader"');

  await go(app, 'Events');
  await app.getByLabel('Words, orders-3, kind, id').fill('leader elected');
  const events = app.getByRole('grid', { name: 'Events, newest first' });
  await events.getByRole('row').nth(1).click();
  const chosen = app.getByRole('complementary', { name: 'Chosen event' });
  await expect(chosen).toContainText('partition.leaderElected');
  await expectAccessible(app);
  const download = app.waitForEvent('download');
  await app.getByRole('button', { name: /^Export/ }).click();
  await app.getByRole('menuitem', { name: /JSON lines/ }).click();
  expect((await download).suggestedFilename()).toBe('highwater-events.jsonl');

  await app.keyboard.press('Control+k');
  await app.keyboard.type(`start broker ${leader}`);
  await app.keyboard.press('Enter');
  await expect(app.getByRole('contentinfo')).toContainText('3 of 3 brokers up');
});

test('a preset is measured here, and code for it can be copied', async ({ app, cluster }) => {
  await go(app, 'Producers');
  const presets = app.getByRole('region', { name: 'Presets side by side' });
  await expect(presets.getByRole('checkbox')).toHaveCount(8);
  for (const box of (await presets.getByRole('checkbox').all()).slice(1)) await box.uncheck();
  await app.getByLabel('Seconds a phase').fill('0.5');
  await app.getByRole('button', { name: 'Measure 1 preset' }).click();
  await expect(app.getByRole('status').filter({ hasText: 'Measuring Durable' })).toBeVisible();
  const rate = presets
    .getByRole('row', { name: /^Records \/s/ })
    .getByRole('cell')
    .first();
  await expect(rate).toHaveText(/^[\d,]{2,}|\d+ k/, { timeout: 60_000 });
  await expectAccessible(app);

  await go(app, 'Settings');
  await app.getByRole('button', { name: 'Go', exact: true }).click();
  const code = app.getByLabel('Code for Go');
  await expect(code).toContainText('kgo.AllISRAcks()');
  await expect(code).toContainText(`"${cluster.ready.bootstrap.split(',')[0] ?? ''}"`);
  await app.getByRole('button', { name: 'Light', exact: true }).click();
  await expect(app.locator('html')).toHaveAttribute('data-theme', 'light');
  await expectAccessible(app);
});
