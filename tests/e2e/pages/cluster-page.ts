// The Cluster screen as a person finds it: by role and name. Stateless; every question asks the page.

import { expect, type Locator, type Page } from '@playwright/test';

export type ReplicaReading = { readonly brokerId: number; readonly word: string; readonly logEndOffset: number | null };

export class ClusterPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await expect(this.grid()).toBeVisible();
  }

  grid(): Locator {
    return this.page.getByRole('grid', { name: 'Partitions by broker' });
  }

  /** The matrix with its toolbar and what stands in its place while it is empty. */
  matrix(): Locator {
    return this.page.getByRole('region', { name: 'Brokers and partitions' });
  }

  header(): Locator {
    return this.page.getByRole('banner');
  }

  statusBar(): Locator {
    return this.page.getByRole('contentinfo');
  }

  brokerHead(brokerId: number): Locator {
    return this.grid().getByRole('columnheader', { name: `Broker ${brokerId}` });
  }

  partition(topic: string, number: number): Locator {
    return this.grid()
      .getByRole('row')
      .filter({ has: this.page.getByRole('rowheader', { name: `${topic}-${number}`, exact: true }) });
  }

  /** First row of the matrix that is a partition of the topic led by the broker. */
  partitionLedBy(topic: string, brokerId: number): Locator {
    return this.grid()
      .getByRole('row')
      .filter({ has: this.page.getByRole('rowheader', { name: new RegExp(`^${topic}-\\d+`) }) })
      .filter({ has: this.page.getByRole('gridcell', { name: new RegExp(`^Broker ${brokerId}: leader,`) }) })
      .first();
  }

  async nameOf(row: Locator): Promise<{ topic: string; number: number }> {
    const name = (await row.getByRole('rowheader').getAttribute('aria-label')) ?? '';
    const dash = name.lastIndexOf('-');
    return { topic: name.slice(0, dash), number: Number(name.slice(dash + 1)) };
  }

  replica(row: Locator, brokerId: number): Locator {
    return row.getByRole('gridcell', { name: new RegExp(`^Broker ${brokerId}: `) });
  }

  leader(row: Locator): Locator {
    return row.getByRole('gridcell', { name: /^Broker \d+: leader,/ });
  }

  async leaderEpoch(row: Locator): Promise<number> {
    return Number(await row.getByRole('gridcell', { name: /^Leader epoch/ }).textContent());
  }

  isr(row: Locator): Locator {
    return row.getByRole('gridcell', { name: /^In sync: / });
  }

  crown(): Locator {
    return this.page.getByRole('img', { name: /^Active controller/ });
  }

  /** Id of the broker that wears the crown, −1 when none does. */
  async controller(): Promise<number> {
    const head = this.grid().getByRole('columnheader').filter({ has: this.crown() });
    if ((await head.count()) === 0) return -1;
    return Number(/Broker (\d+)/.exec((await head.textContent()) ?? '')?.[1] ?? -1);
  }

  async controllerEpoch(): Promise<number> {
    return Number(/epoch (\d+)/.exec((await this.crown().getAttribute('aria-label')) ?? '')?.[1] ?? -1);
  }

  quorumNode(brokerId: number): Locator {
    return this.grid()
      .getByRole('row', { name: 'Metadata quorum' })
      .getByRole('gridcell', { name: new RegExp(`^Node ${brokerId}\\b`) });
  }

  async brokerAction(brokerId: number, action: string): Promise<void> {
    await this.page.getByRole('button', { name: `Actions for broker ${brokerId}`, exact: true }).click();
    await this.page.getByRole('menuitem', { name: new RegExp(`^${action} `) }).click();
  }

  narrator(): Locator {
    return this.page.locator('.narrator p');
  }

  events(): Locator {
    return this.page.getByRole('listbox', { name: 'Events, newest first' });
  }

  event(text: string | RegExp): Locator {
    return this.events().getByRole('option').filter({ hasText: text });
  }

  groups(): Locator {
    return this.page.getByRole('region', { name: 'Consumer groups' });
  }

  workload(): Locator {
    return this.page.getByRole('region', { name: 'Workload' });
  }

  filter(): Locator {
    return this.page.getByRole('textbox', { name: 'Filter partitions' });
  }

  dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  palette(): Locator {
    return this.dialog().getByRole('combobox');
  }

  /** Opens the palette and runs the action of that name. */
  async run(action: string): Promise<void> {
    await this.page.keyboard.press('Control+k');
    await this.palette().fill(action);
    await this.page.keyboard.press('Enter');
  }
}
