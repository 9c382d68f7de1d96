// The Clusters screen as a person finds it: by role and name. Stateless; every question asks the page.

import { expect, type Locator, type Page } from '@playwright/test';

export class WorkspacesPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async open(url: string): Promise<void> {
    await this.page.goto(`${url}#/workspaces`);
    await expect(this.table()).toBeVisible();
  }

  table(): Locator {
    return this.page.getByRole('grid', { name: 'Clusters' });
  }

  row(name: string): Locator {
    return this.table()
      .getByRole('row')
      .filter({ has: this.page.getByText(name, { exact: true }) });
  }

  details(name: string): Locator {
    return this.page.getByRole('region', { name: `Workspace ${name}` });
  }

  dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  async choose(name: string, action: string): Promise<void> {
    await this.row(name).click();
    await this.details(name)
      .getByRole('button', { name: `More for ${name}` })
      .click();
    await this.page.getByRole('menuitem', { name: new RegExp(`^${action}`) }).click();
  }

  async bootstrapOf(name: string): Promise<string> {
    await this.row(name).click();
    return (await this.details(name).locator('.address .mono').textContent()) ?? '';
  }
}
