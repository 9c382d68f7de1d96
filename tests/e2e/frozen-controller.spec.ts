// The other drill on real brokers: the active controller is frozen, another node takes its place, and the sleeper
// follows when it wakes up. All through the page, without reloading.

import { expect, test as base } from '@playwright/test';
import { TestCluster } from '../support/cluster.ts';
import { ClusterPage } from './pages/cluster-page.ts';

const test = base.extend<{ cluster: TestCluster }>({
  cluster: async ({}, use) => {
    const cluster = await TestCluster.up('--ui', '--ephemeral');
    await use(cluster);
    await cluster.down();
  },
});

test.setTimeout(120_000);

/** Elections take a second; on a busy machine much longer. */
const eventually = { timeout: 30_000 };

test('a frozen controller loses its crown to another node, and follows when it wakes up', async ({ cluster, page }) => {
  const clusterPage = new ClusterPage(page);
  await clusterPage.open(cluster.ready.uiUrl ?? '');
  await expect(clusterPage.crown()).toBeVisible();
  const frozen = await clusterPage.controller();
  const before = await clusterPage.controllerEpoch();

  await clusterPage.brokerAction(frozen, 'Freeze');
  await expect(clusterPage.brokerHead(frozen)).toContainText('Frozen', eventually);
  await expect(clusterPage.quorumNode(frozen)).toContainText('unreachable', eventually);
  await expect.poll(async () => [-1, frozen].includes(await clusterPage.controller()), eventually).toBe(false);
  expect(await clusterPage.controllerEpoch()).toBeGreaterThan(before);
  await expect(clusterPage.event(/won the quorum election/).first()).toBeVisible();
  await expect(clusterPage.header()).toContainText('Degraded');
  const { quorum } = await cluster.status();
  expect(quorum).toMatchObject({ leader: await clusterPage.controller(), epoch: await clusterPage.controllerEpoch() });

  await clusterPage.page
    .getByRole('button', { name: `Resume broker ${frozen}` })
    .first()
    .click();
  await expect(clusterPage.statusBar()).toContainText('3 of 3 brokers up', eventually);
  await expect(clusterPage.quorumNode(frozen)).toContainText('follower', eventually);
  await expect(clusterPage.header()).toContainText('Ready', eventually);
});
