// One walk through topics, configs, messages and segments on real brokers, held against what a client that nobody
// here wrote is told.

import { expect, test as base } from '@playwright/test';
import { TestCluster } from '../support/cluster.ts';
import { kafkaFor } from '../support/kafkajs.ts';

const test = base.extend<{ cluster: TestCluster }>({
  cluster: async ({}, use) => {
    const cluster = await TestCluster.up('--ui', '--ephemeral');
    await use(cluster);
    await cluster.down();
  },
});

test.setTimeout(150_000);

test('a replica that the page moves is where any client is told', async ({ cluster, page }) => {
  const admin = kafkaFor(cluster.ready.bootstrap).admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic: 'moving', replicaAssignment: [{ partition: 0, replicas: [1, 2] }] }],
  });
  await page.goto(`${cluster.ready.uiUrl ?? ''}#/topics/moving`);
  await page.getByRole('button', { name: 'Actions for topic moving' }).click();
  await page.getByRole('menuitem', { name: 'Move replicas…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Partition 0 on broker 3').check();
  await dialog.getByLabel('Partition 0 on broker 1').uncheck();
  await dialog.getByLabel('Preferred leader of partition 0').selectOption('broker 3');
  await dialog.getByLabel('Throttle, MB/s').fill('5');
  await dialog.getByRole('button', { name: 'Move' }).click();
  const told = async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: ['moving'] });
    const [partition] = topics[0]?.partitions ?? [];
    return { replicas: partition?.replicas, isr: partition?.isr.toSorted() };
  };
  await expect.poll(told).toEqual({ replicas: [3, 2], isr: [2, 3] });
  await expect(dialog.getByRole('alert')).toHaveCount(0);
  // The throttle goes with the move, whether or not anybody looks on.
  await page.goto('about:blank');
  const throttled = async () => {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [
        { type: 2, name: 'moving', configNames: ['follower.replication.throttled.replicas'] },
        { type: 4, name: '3', configNames: ['follower.replication.throttled.rate'] },
      ],
    });
    return resources.map(({ configEntries }) => configEntries[0]?.configValue ?? '');
  };
  const unlimited = String(2n ** 63n - 1n);
  await expect.poll(async () => (await throttled()).map((value) => value.replace(unlimited, ''))).toEqual(['', '']);
  await admin.disconnect();
});

test('what the page creates, configures and writes, any client finds; and its bytes lie in a segment', async ({
  cluster,
  page,
}) => {
  await page.goto(`${cluster.ready.uiUrl ?? ''}#/topics`);
  await page.getByRole('button', { name: 'Create topic' }).first().click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('group', { name: /by default/ })).toContainText('retention.ms');
  await dialog.getByLabel('Name', { exact: true }).fill('shipments');
  await dialog.getByLabel('Replication factor').fill('4');
  // Kafka's own words, before anything was sent for good.
  await expect(dialog.getByRole('alert')).toContainText('INVALID_REPLICATION_FACTOR');
  await dialog.getByLabel('Replication factor').fill('3');
  await dialog.getByRole('button', { name: 'Create topic' }).click();
  await page
    .getByRole('grid', { name: 'Topics' })
    .getByRole('row', { name: /shipments/ })
    .click();

  await page.getByRole('tab', { name: 'Configs' }).click();
  await page.getByRole('textbox', { name: 'Filter configs' }).fill('retention.ms');
  await page.getByRole('row', { name: /^retention\.ms/ }).click();
  await page.getByLabel('Value', { exact: true }).fill('7200000');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('row', { name: /^retention\.ms 7200000 2 h this topic/ })).toBeVisible();
  const kafka = kafkaFor(cluster.ready.bootstrap);
  const admin = kafka.admin();
  await admin.connect();
  const described = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 2, name: 'shipments', configNames: ['retention.ms'] }],
  });
  expect(described.resources[0]?.configEntries[0]?.configValue).toBe('7200000');

  await page.getByRole('button', { name: 'Messages', exact: true }).click();
  await page.getByRole('button', { name: 'Produce' }).click();
  await dialog.getByLabel('Key', { exact: true }).fill('box-7');
  await dialog.getByRole('textbox', { name: 'Value' }).fill('{"weight":12}');
  await dialog.getByLabel('Compression').selectOption('gzip');
  await dialog.getByRole('button', { name: 'Produce' }).click();
  await expect(dialog.getByRole('status')).toContainText(/Partition \d+, offset 0/);
  const partition = Number(/Partition (\d+)/.exec((await dialog.getByRole('status').textContent()) ?? '')?.[1]);
  await dialog.getByRole('button', { name: 'Close' }).first().click();

  const consumer = kafka.consumer({ groupId: 'outside' });
  await consumer.connect();
  await consumer.subscribe({ topic: 'shipments', fromBeginning: true });
  const read = await new Promise<{ partition: number; key: string; value: string }>((resolve) => {
    void consumer.run({
      eachMessage: async ({ partition: from, message }) =>
        resolve({ partition: from, key: String(message.key), value: String(message.value) }),
    });
  });
  expect(read).toEqual({ partition, key: 'box-7', value: '{"weight":12}' });
  await consumer.disconnect();
  await admin.disconnect();

  const where = page.getByRole('textbox', { name: /Expression/ });
  await where.fill('value.weight >= 12 and key == "box-7"');
  await where.press('Enter');
  await page.getByRole('grid', { name: 'Messages of shipments' }).getByRole('row', { name: /box-7/ }).click();
  await page.getByRole('button', { name: 'In segment' }).click();
  const fields = page.getByRole('list', { name: 'Fields of the header' });
  await expect(fields.getByRole('listitem').filter({ hasText: 'crc' })).toContainText('it holds');
  await page.getByRole('button', { name: /^Records/ }).click();
  await expect(page.getByRole('grid', { name: 'Records of the batch' })).toContainText('{"weight":12}');
});
