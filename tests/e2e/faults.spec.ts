// Faults on the Cluster screen: laid from a broker's menu, listed while they are on, cleared one by one or all at once.

import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { startFixtureServer } from '../../renderer/dev/fixture-server.ts';
import { ClusterPage } from './pages/cluster-page.ts';

test('a cut laid from the menu is listed until it is cleared, and told in the journal', async ({ page }) => {
  const server = await startFixtureServer('healthy', { staticDir: 'dist/renderer' });
  const clusterPage = new ClusterPage(page);
  await clusterPage.open(server.url);
  const faults = page.getByRole('region', { name: 'Active faults' });
  await expect(faults).toHaveCount(0);

  await clusterPage.brokerAction(2, 'Cut off');
  await expect(faults.getByRole('listitem')).toHaveText(['broker 2 ↔ other brokers cut']);
  await clusterPage.brokerAction(1, 'Slow down');
  await expect(faults.getByRole('listitem')).toHaveCount(2);
  expect((await new AxeBuilder({ page }).include('section[aria-label="Active faults"]').analyze()).violations).toEqual(
    [],
  );
  await faults.getByRole('button', { name: 'Clear broker 2 ↔ other brokers cut' }).click();
  await expect(faults.getByRole('listitem')).toHaveText(['broker 1 ↔ everyone delayed by 200 ms ± 50 ms']);
  await faults.getByRole('button', { name: 'Clear all faults' }).click();
  await expect(faults).toHaveCount(0);
  await expect(page.getByText('Fault over: broker 2 ↔ other brokers cut.').first()).toBeVisible();
  await server.close();
});
