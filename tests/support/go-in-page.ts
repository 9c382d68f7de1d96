// Goes to a place of the app without loading the page again, as a link does.

import type { Page } from '@playwright/test';

export async function goInPage(page: Page, hash: string): Promise<void> {
  const to = new URL(page.url());
  to.hash = hash;
  await page.goto(to.href);
}
