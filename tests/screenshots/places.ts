// The places of the app that have a picture, and how to get there. Each waits for what it is about.

import type { Page } from '@playwright/test';
import { goInPage } from '../support/go-in-page.ts';

export type Place = { readonly name: string; show(page: Page): Promise<void> };

/** The address and what must be there. */
function at(name: string, hash: string, ready: (page: Page) => Promise<unknown>): Place {
  return {
    name,
    show: async (page) => {
      await goInPage(page, hash);
      await ready(page);
    },
  };
}

const row = (page: Page, text: RegExp): Promise<unknown> =>
  page.locator('main').getByRole('row', { name: text }).first().waitFor();
const text = (page: Page, words: string | RegExp): Promise<unknown> =>
  page.locator('main').getByText(words).first().waitFor();

export const places: readonly Place[] = [
  at('cluster', '#/cluster', (page) => page.getByRole('grid', { name: 'Partitions by broker' }).waitFor()),
  at('quorum', '#/quorum', (page) => text(page, /Metadata log/i)),
  at('topics', '#/topics', (page) => row(page, /balances/)),
  at('topic-partitions', '#/topics/orders', (page) => row(page, /^0\b/)),
  at('topic-configs', '#/topics/balances?tab=configs', (page) => row(page, /cleanup\.policy/)),
  at('topic-groups', '#/topics/orders?tab=groups', (page) => text(page, /billing/)),
  at('segments', '#/topics/balances/0', (page) => row(page, /gzip/)),
  at('replicas', '#/topics/orders/0?tab=replicas', (page) => text(page, /Broker 1/i)),
  at('partition-producers', '#/topics/orders/0?tab=producers', (page) => row(page, /\d/)),
  {
    name: 'messages',
    show: async (page) => {
      await goInPage(page, '#/messages/transfers');
      await row(page, /debit/);
      await page.locator('main').getByRole('row', { name: /debit/ }).first().click();
      await page.getByRole('complementary', { name: 'Chosen message' }).waitFor();
    },
  },
  at('messages-live', '#/messages/orders?from=live', (page) => row(page, /\{/)),
  at('groups', '#/groups', (page) => row(page, /billing/)),
  at('group', '#/groups/billing', (page) => text(page, /Lag/)),
  at('producers', '#/producers', (page) => text(page, /durable/i)),
  at('drills', '#/drills', (page) => text(page, /leader/i)),
  at('brokers', '#/brokers', (page) => row(page, /127\.0\.0\.1/)),
  at('broker', '#/brokers/1', (page) => text(page, /Metrics/i)),
  at('events', '#/events', (page) => row(page, /broker/i)),
  at('settings', '#/settings', (page) => text(page, /Theme/i)),
];
