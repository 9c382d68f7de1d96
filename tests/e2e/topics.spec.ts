// Topics, partitions down to the byte, and messages, against the fixture cluster: what is shown, what can be changed,
// what Kafka would refuse, and that every screen passes axe.

import { AxeBuilder } from '@axe-core/playwright';
import { expect, test as base, type Page } from '@playwright/test';
import { type FixtureServer, startFixtureServer } from '../../renderer/dev/fixture-server.ts';

const test = base.extend<{ server: FixtureServer; open: (place: string) => Promise<void> }>({
  server: async ({}, use) => {
    const server = await startFixtureServer('healthy', { staticDir: 'dist/renderer' });
    await use(server);
    await server.close();
  },
  open: async ({ page, server }, use) => {
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    await use(async (place) => {
      await page.goto(`${server.url}${place}`);
      await expect(page.getByRole('contentinfo')).toBeVisible();
    });
    expect(complaints).toEqual([]);
  },
});

/** `within`: a reading of a whole page takes seconds; the frame around the screens is read once, with the first. */
async function axe(page: Page, what: string, within = 'main'): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).include(within).analyze();
  const words = violations.map(
    (one) => `${what}: ${one.id} at ${one.nodes.map((node) => node.target.join(' ')).join('; ')}`,
  );
  expect(words).toEqual([]);
}

test('the frame leads everywhere by rail, keys, palette and address, and back', async ({ page, open }) => {
  await open('#/topics?filter=pay');
  const topics = page.getByRole('grid', { name: 'Topics' });
  await expect(topics.getByRole('row', { name: /payments/ })).toBeVisible();
  await expect(topics.getByRole('row', { name: /orders/ })).toHaveCount(0);
  await page.keyboard.press('g');
  await page.keyboard.press('m');
  await expect(page.getByRole('grid', { name: /Messages of/ })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('textbox', { name: 'Filter topics' })).toHaveValue('pay');
  await page.keyboard.press('Control+k');
  await page.getByPlaceholder('What do you want to do?').fill('open topic inventory');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'inventory.changes' })).toBeVisible();
  await page.getByRole('link', { name: 'Cluster', exact: true }).click();
  await expect(page.getByRole('grid', { name: 'Partitions by broker' })).toBeVisible();
});

test('topics are sorted and opened by keyboard; a dead broker marks what it leaves short', async ({
  page,
  open,
  server,
}) => {
  await open('#/topics');
  const grid = page.getByRole('grid', { name: 'Topics' });
  await page.getByRole('button', { name: 'Partitions', exact: true }).click();
  await expect(grid.getByRole('columnheader', { name: /Partitions/ })).toHaveAttribute('aria-sort', 'descending');
  await axe(page, 'topics', 'body');
  await server.cluster.request('broker.kill', { brokerId: 3 });
  await expect(grid.getByRole('row', { name: /orders.*of 6 short/ })).toBeVisible();
  await grid.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('tab', { name: /Partitions/ })).toHaveAttribute('aria-selected', 'true');
  await expect(
    page
      .getByRole('grid', { name: /Partitions of/ })
      .getByRole('row')
      .nth(1),
  ).toBeVisible();
});

test('a config shows where it comes from, is refused in Kafka’s words while typing, and is overridden and given back', async ({
  page,
  open,
}) => {
  await open('#/topics/orders?tab=configs&config=min.insync.replicas');
  const grid = page.getByRole('grid', { name: 'Configs of orders' });
  await expect(page.getByRole('button', { name: /Overridden here 1/ })).toBeVisible();
  const value = page.getByLabel('Value', { exact: true });
  await expect(value).toHaveValue('2');
  await axe(page, 'configs');
  await value.fill('0');
  await expect(page.getByRole('alert')).toContainText('Value must be at least 1');
  await expect(page.getByRole('button', { name: 'Save' })).toBeDisabled();
  await value.fill('1');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(grid.getByRole('row', { name: /min\.insync\.replicas 1 this topic/ })).toBeVisible();
  await page.getByRole('button', { name: /Back to 2/ }).click();
  await expect(grid.getByRole('row', { name: /min\.insync\.replicas 2 server file/ })).toBeVisible();
});

test('a partition is taken apart: segments, index lookups, batches, and bytes beside their meaning', async ({
  page,
  open,
}) => {
  await open('#/topics/orders/1');
  const batches = page.getByRole('grid', { name: /Batches of segment/ });
  await batches.getByRole('row').nth(3).click();
  const header = page.getByRole('list', { name: 'Fields of the header' });
  await expect(header.getByRole('listitem').filter({ hasText: 'crc' })).toContainText('it holds');
  const hex = page.getByRole('region', { name: /Bytes of the batch/ });
  await header.getByRole('listitem').filter({ hasText: 'magic' }).hover();
  await expect(hex.locator('.byte.marked')).toHaveText(['02']);
  await hex.locator('[data-at="17"]').first().hover();
  await expect(header.locator('.pointed')).toContainText('crc');

  await page.getByRole('button', { name: /^Records/ }).click();
  await page.getByRole('grid', { name: 'Records of the batch' }).getByRole('row').nth(2).click();
  await expect(page.getByRole('list', { name: 'Fields of the record' })).toContainText('valueLength');
  await axe(page, 'segments');

  const base = Number(
    (
      await page
        .getByRole('group', { name: /^Segments of broker/ })
        .getByRole('button')
        .first()
        .textContent()
    )?.match(/\d+/)?.[0],
  );
  await page.getByRole('textbox', { name: 'Find offset' }).fill(String(base + 100));
  await page.keyboard.press('Enter');
  await expect(page.getByText(/index entry \d+: offset[\s\S]*scanned\s+[1-5]\s+batch/)).toBeVisible();

  await page.getByRole('tab', { name: /Replicas/ }).click();
  await expect(page.getByRole('region', { name: 'Logs of the replicas' })).toContainText('Broker 2');
  await axe(page, 'replicas');
  await page.getByRole('tab', { name: /Producers/ }).click();
  await expect(page.getByRole('grid', { name: /Producers of/ })).toContainText('1001');
});

test('replicas are moved by hand: weighed before, followed, done', async ({ page, open }) => {
  await open('#/topics/inventory.changes');
  await page.getByRole('button', { name: 'Actions for topic inventory.changes' }).click();
  await page.getByRole('menuitem', { name: 'Move replicas…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Replicas of inventory.changes' });
  const boxes = dialog.getByRole('checkbox', { name: /Partition 0 on broker/ });
  await expect(boxes).toHaveCount(3);
  const leaders = dialog.getByLabel('Preferred leader of partition 0');
  await dialog.getByLabel('Partition 0 on broker 3').check();
  await expect(dialog.getByRole('status').first()).toContainText('to broker 3');
  await axe(page, 'reassign', '[role=dialog]');
  const wanted = await leaders.getByRole('option').count();
  await dialog.getByRole('button', { name: 'Move' }).click();
  await expect(dialog.getByText('1 partition moving')).toBeVisible();
  await expect(dialog.getByText('All replicas are where they were asked to be.')).toBeVisible();
  await expect(leaders.getByRole('option')).toHaveCount(wanted);
});

test('a partition says what retention will take and what a cleaning would leave', async ({ page, open }) => {
  await open('#/topics/orders/0?tab=forecast');
  const segments = page.getByRole('grid', { name: 'Segments and retention' });
  await expect(segments.getByRole('row', { name: /in \d.*|at the next check/ }).first()).toBeVisible();
  await page.getByRole('button', { name: 'in 7 d' }).click();
  // All three segments are younger than two days, the retention that is set here.
  await expect(page.getByText(/Gone in 7 d/)).toBeVisible();
  await expect(page.getByText('3 segments', { exact: false }).first()).toBeVisible();
  const records = page.getByRole('grid', { name: 'Records and compaction' });
  await expect(records.getByRole('row', { name: /customer-\d+ .*(stays|is newer)/ }).first()).toBeVisible();
  await axe(page, 'forecast');
});

test('messages are searched by text and expression, read in full, and exported as shown', async ({ page, open }) => {
  await open('#/messages/orders');
  const grid = page.getByRole('grid', { name: 'Messages of orders' });
  await grid.getByRole('row').nth(2).click();
  const details = page.getByRole('complementary', { name: 'Chosen message' });
  await expect(details.getByRole('region', { name: 'Text of the value' })).toContainText('"customer"');
  await details.getByRole('tab', { name: 'Facts' }).click();
  await expect(details).toContainText('Leader epoch');
  await axe(page, 'messages');

  const where = page.getByRole('textbox', { name: /Expression/ });
  await where.fill('value.amount >');
  await where.press('Enter');
  await expect(page.getByRole('alert')).toContainText('something is missing at the end');
  await where.fill('value.amount > 850 and value.items == 3');
  await where.press('Enter');
  await expect(page.getByRole('status').filter({ hasText: 'searched' })).toBeVisible();
  const smallest = async (): Promise<number> => {
    const texts = await grid.getByRole('row').filter({ hasText: 'amount' }).allTextContents();
    if (texts.length === 0) return 0;
    return Math.min(...texts.map((text) => Number(/"amount":(\d+)/.exec(text)?.[1])));
  };
  // What was there before the filter goes when the first answer comes.
  await expect.poll(smallest).toBeGreaterThan(850);

  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  expect((await download).suggestedFilename()).toBe('orders.ndjson');
});

test('a live view follows, pauses while the log goes on, and shows what was produced here', async ({ page, open }) => {
  await open('#/messages/inventory.changes?from=live');
  const grid = page.getByRole('grid', { name: 'Messages of inventory.changes' });
  await expect(grid.getByRole('row').nth(3)).toBeVisible();
  await page.getByRole('button', { name: 'Pause' }).first().click();
  await expect(page.getByText(/paused, [1-9][\d,]* newer wait/)).toBeVisible();
  await page.getByRole('button', { name: 'Go on' }).click();

  await page
    .getByRole('searchbox')
    .or(page.getByRole('textbox', { name: /Text in key/ }))
    .fill('hello from the page');
  await page.getByRole('button', { name: 'Produce' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Key', { exact: true }).fill('greeting');
  await dialog.getByRole('textbox', { name: 'Value' }).fill('{"text":"hello from the page"}');
  await axe(page, 'produce', 'dialog, [role=dialog]');
  await dialog.getByRole('button', { name: 'Produce' }).click();
  await expect(dialog.getByRole('status')).toContainText(/Partition \d+, offset/);
  await dialog.getByRole('button', { name: 'Close' }).first().click();
  await expect(grid.getByRole('row', { name: /greeting/ })).toBeVisible();
});
