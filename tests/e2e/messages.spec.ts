// Messages beyond browsing, against the fixture cluster: import, picking, sending on, comparing, exporting a range,
// schemas of one's own.

import { AxeBuilder } from '@axe-core/playwright';
import { expect, test as base, type Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { type FixtureServer, startFixtureServer } from '../../renderer/dev/fixture-server.ts';

const test = base.extend<{ server: FixtureServer }>({
  server: async ({ page }, use) => {
    const server = await startFixtureServer('healthy', { staticDir: 'dist/renderer' });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    await use(server);
    await server.close();
    expect(complaints).toEqual([]);
  },
});

async function axe(page: Page, within: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).include(within).analyze();
  expect(violations.map((one) => `${one.id} at ${one.nodes.map((node) => node.target.join(' ')).join('; ')}`)).toEqual(
    [],
  );
}

const messages = (page: Page) => page.getByRole('grid', { name: /Messages of/ });

test('lines are imported as the preview shows them, each with what became of it', async ({ page, server }) => {
  await page.goto(`${server.url}#/messages/payments`);
  await page.getByRole('button', { name: 'Import' }).click();
  const dialog = page.getByRole('dialog', { name: 'Import into payments' });
  await dialog
    .getByLabel('Records', { exact: true })
    .fill('{"key":"imported-1","value":{"total":1}}\n{"key":\n{"key":"imported-2","value":null}');
  const preview = dialog.getByRole('grid', { name: 'Lines to import' });
  await expect(preview.getByRole('row', { name: /imported-1.*\{"total":1\}/ })).toBeVisible();
  await expect(preview.getByRole('row', { name: /2.*left out: .*JSON/ })).toBeVisible();
  await expect(dialog.getByLabel('Value', { exact: true })).toHaveValue('value');
  await axe(page, '[role="dialog"]');
  await dialog.getByRole('button', { name: 'Import 2' }).click();
  await expect(dialog.getByText('2 records written')).toBeVisible();
  await expect(preview.getByRole('row', { name: /imported-2.*0 @/ })).toBeVisible();
  await dialog.getByRole('button', { name: 'Close' }).first().click();
  await page.getByRole('textbox', { name: /Text in key/ }).fill('imported-');
  await expect(messages(page).getByRole('row', { name: /imported-1/ })).toBeVisible();
});

test('picked messages are compared and sent to another topic with their origin', async ({ page, server }) => {
  await page.goto(`${server.url}#/messages/orders?partition=0`);
  const rows = messages(page)
    .getByRole('row')
    .filter({ has: page.getByRole('checkbox') });
  await rows.nth(0).getByRole('checkbox').check();
  // By keyboard: the arrow moves, x picks.
  await messages(page).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('x');
  await expect(page.getByText('2 messages picked')).toBeVisible();
  await page.getByRole('button', { name: 'Compare' }).click();
  await expect(page.getByRole('row', { name: /Offset differs/ })).toBeVisible();
  await axe(page, '[role="dialog"]');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Send to…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Send 2 messages to another topic' });
  await dialog.getByLabel('Topic', { exact: true }).selectOption('payments');
  await axe(page, '[role="dialog"]');
  await dialog.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(dialog.getByText('2 messages written to payments')).toBeVisible();
});

test('all that matches is exported, and the searched range is said', async ({ page, server }) => {
  await page.goto(`${server.url}#/messages/orders?partition=1&text=customer-1`);
  await expect(page.getByText(/searched offsets [\d,]+ to [\d,]+ of [\d,]+ to [\d,]+/)).toBeVisible();
  await page.getByRole('button', { name: 'Export' }).click();
  const dialog = page.getByRole('dialog', { name: 'Export messages' });
  await dialog.getByLabel(/All that match/).check();
  await dialog.getByLabel('Format').selectOption('csv');
  await axe(page, '[role="dialog"]');
  const download = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const lines = readFileSync(await (await download).path(), 'utf8')
    .trim()
    .split('\r\n');
  expect(lines[0]).toBe('partition,offset,timestamp,key,value,headers');
  await expect(dialog.getByText(`${lines.length - 1} messages of`)).toBeVisible();
  expect(lines.slice(1).every((line) => line.startsWith('1,') && line.includes('customer-1'))).toBe(true);
});

test('a schema is checked while it is pasted, and reads the values', async ({ page, server }) => {
  await page.goto(`${server.url}#/messages/orders?partition=0`);
  await page.getByLabel('Read values as').selectOption('Schemas…');
  const dialog = page.getByRole('dialog', { name: 'Schemas for decoding' });
  await dialog.getByLabel('Name').fill('order');
  const editor = dialog.getByRole('textbox', { name: 'Schema' });
  await editor.fill('{"type":"record","name":"Order","fields":[{"name":"id","type":"Id"}]}');
  await expect(dialog.getByText('there is no type "Id" in this schema')).toBeVisible();
  await editor.fill('{"type":"record","name":"Order","fields":[{"name":"id","type":"double"}]}');
  await expect(dialog.getByRole('alert')).toHaveCount(0);
  await dialog.getByLabel('Name').focus();
  await axe(page, '[role="dialog"]');
  await dialog.getByRole('button', { name: 'Save and use' }).click();
  await expect(page.getByLabel('Read values as')).toHaveValue('schema:order');
  // The fixture's values are JSON: the schema does not fit, and the message says why.
  await messages(page)
    .getByRole('row', { name: /customer-/ })
    .first()
    .click();
  await expect(page.getByText(/Not readable as chosen: at byte 8: \d+ bytes are left over/)).toBeVisible();
});
