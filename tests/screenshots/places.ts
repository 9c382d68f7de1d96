// The places of the app that have a picture, and how to get there. Each waits for what it is about.

import type { Page } from '@playwright/test';
import { goInPage } from '../support/go-in-page.ts';

export type Place = {
  readonly name: string;
  show(page: Page): Promise<void>;
  /** Puts back what `show` changed, when the picture is taken. */
  readonly after?: (page: Page) => Promise<void>;
};

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
/** From the menu of broker 1. */
async function ask(page: Page, action: string): Promise<void> {
  await page.getByRole('button', { name: 'Actions for broker 1', exact: true }).click();
  await page.getByRole('menuitem', { name: new RegExp(`^${action} `) }).click();
}

const text = (page: Page, words: string | RegExp): Promise<unknown> =>
  page.locator('main').getByText(words).first().waitFor();

export const places: readonly Place[] = [
  {
    name: 'cluster',
    show: async (page) => {
      await goInPage(page, '#/cluster');
      await ask(page, 'Kill');
      await page.locator('.narrator p').filter({ hasText: 'writes again' }).waitFor();
    },
    after: async (page) => {
      await ask(page, 'Start');
      await page.getByRole('banner').getByText('Ready', { exact: true }).waitFor();
    },
  },
  at('quorum', '#/quorum', (page) => page.getByRole('tab', { name: 'Metadata log' }).waitFor()),
  at('topics', '#/topics', (page) => row(page, /balances/)),
  at('topic-partitions', '#/topics/orders', (page) => row(page, /^0\b/)),
  at('topic-configs', '#/topics/balances?tab=configs', (page) => row(page, /cleanup\.policy/)),
  at('topic-groups', '#/topics/orders?tab=groups', (page) => text(page, /billing/)),
  {
    name: 'segments',
    show: async (page) => {
      await goInPage(page, '#/topics/balances/0');
      await page
        .locator('main')
        .getByRole('row', { name: /none|gzip/ })
        .nth(1)
        .click();
      await page.getByRole('list', { name: 'Fields of the header' }).waitFor();
    },
  },
  at('replicas', '#/topics/orders/0?tab=replicas', (page) => text(page, /Broker 1/i)),
  at('forecast', '#/topics/balances/0?tab=forecast', (page) => row(page, /account-/)),
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
  at('rebalances', '#/groups/shipping?tab=rebalances', (page) => text(page, 'Nobody')),
  at('producers', '#/producers', (page) => text(page, /durable/i)),
  at('drills', '#/drills', (page) => text(page, /leader/i)),
  {
    name: 'drill-run',
    show: async (page) => {
      await goInPage(page, '#/drills/leader-crash');
      await page.getByRole('radio').first().check();
      await page.getByRole('button', { name: 'Run it' }).click();
      await page.getByTestId('verdict').waitFor({ timeout: 90_000 });
      await page.getByRole('slider', { name: 'Moment of the run' }).waitFor();
    },
  },
  {
    name: 'drill-clients',
    show: async (page) => {
      await page.getByRole('heading', { name: 'How clients came through' }).evaluate((head) => head.scrollIntoView());
    },
  },
  {
    name: 'drill-transactions',
    show: async (page) => {
      await goInPage(page, '#/drills/zombie-fenced');
      await page.getByRole('button', { name: 'Run it' }).click();
      await page.getByTestId('verdict').waitFor({ timeout: 90_000 });
      await page.getByRole('slider', { name: 'Moment of the run' }).waitFor();
    },
  },
  at('brokers', '#/brokers', (page) => row(page, /127\.0\.0\.1/)),
  at('broker', '#/brokers/1', (page) => text(page, /Metrics/i)),
  at('clusters', '#/workspaces', (page) => row(page, /Ephemeral cluster/)),
  at('events', '#/events', (page) => row(page, /broker/i)),
  at('settings', '#/settings', (page) => text(page, /Theme/i)),
];
