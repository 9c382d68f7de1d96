// What `highwater` promises to programs: the ready line, resuming, refusals that name cause and way out, no orphans.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { eventually, highwater, isAlive, temporaryDirectory, TestCluster } from '../support/cluster.ts';
import { createTopic, durableProducer, kafkaFor, readAll } from '../support/kafkajs.ts';

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function up(...args: string[]): Promise<TestCluster> {
  const cluster = await TestCluster.up(...args);
  cleanUps.push(() => cluster.end('SIGKILL'));
  return cluster;
}

function directory(): string {
  const temporary = temporaryDirectory();
  cleanUps.push(temporary.remove);
  return temporary.path;
}

test('up --json prints one line when ready, shuts down in order on SIGTERM and resumes the same data', async () => {
  const data = directory();
  const cluster = await up('--data', data);
  expect(cluster.ready).toMatchObject({
    dataDir: data,
    uiUrl: null,
    readyMs: expect.any(Number),
    clusterId: expect.stringMatching(/^[\w-]{22}$/),
  });
  expect(cluster.ready.brokers.map((broker) => broker.id)).toEqual([1, 2, 3]);
  for (const broker of cluster.ready.brokers) {
    expect(isAlive(broker.pid)).toBe(true);
    const metrics = await fetch(broker.metricsUrl ?? '');
    expect(await metrics.text()).toContain('kafka_controller_kafkacontroller_activebrokercount 3\n');
    expect(broker.logDir).toBe(join(data, `node-${broker.id}`));
    expect(readFileSync(join(broker.logDir, 'meta.properties'), 'utf8')).toContain(
      `cluster.id=${cluster.ready.clusterId}`,
    );
  }
  const kafka = kafkaFor(cluster.ready.bootstrap);
  await createTopic(kafka, 'kept', 2);
  const producer = await durableProducer(kafka);
  await producer.send({ topic: 'kept', acks: -1, messages: [{ key: 'a', value: '1', partition: 1 }] });
  await producer.disconnect();
  expect(await cluster.down()).toBe(0);
  for (const broker of cluster.ready.brokers) {
    expect(isAlive(broker.pid)).toBe(false);
    expect(existsSync(join(broker.logDir, '.kafka_cleanshutdown'))).toBe(true);
  }

  const resumed = await up('--data', data);
  expect(resumed.ready.clusterId).toBe(cluster.ready.clusterId);
  const records = await readAll(kafkaFor(resumed.ready.bootstrap), 'kept');
  expect(records).toEqual([{ partition: 1, offset: 0, key: 'a', value: '1' }]);
  const status = await resumed.status();
  expect(status.brokers.map((broker) => [broker.alive, broker.registration])).toEqual([
    [true, 'active'],
    [true, 'active'],
    [true, 'active'],
  ]);
  expect(await resumed.down()).toBe(0);
});

test('brokers with several log directories keep them: resumed without a word, refused with fewer', async () => {
  const data = directory();
  const cluster = await up('--data', data, '--brokers', '1', '--log-dirs', '2');
  const paths = ['node-1', 'node-1-disk-2'].map((name) => join(data, name));
  const ids = paths.map((path) => /directory\.id=(\S+)/.exec(readFileSync(join(path, 'meta.properties'), 'utf8'))?.[1]);
  expect(ids[0]).toMatch(/^[\w-]{22}$/);
  expect(ids[1]).toMatch(/^[\w-]{22}$/);
  expect(ids[0]).not.toBe(ids[1]);
  const kafka = kafkaFor(cluster.ready.bootstrap);
  await createTopic(kafka, 'spread', 4, 1);
  for (const path of paths) {
    expect(
      ['spread-0', 'spread-1', 'spread-2', 'spread-3'].filter((name) => existsSync(join(path, name))),
    ).toHaveLength(2);
  }
  expect(await cluster.down()).toBe(0);
  const fewer = await highwater('up', '--json', '--data', data, '--log-dirs', '1');
  expect(fewer.code).toBe(1);
  expect(fewer.stderr).toContain('2 log directories each');
  const resumed = await up('--data', data);
  // Each is locked, as Kafka does it: both are in use.
  for (const path of paths) expect(existsSync(join(path, '.lock'))).toBe(true);
  expect(await resumed.down()).toBe(0);
});

test('a directory in use is refused, naming the process that holds it', async () => {
  const data = directory();
  const cluster = await up('--data', data, '--brokers', '1');
  const second = await highwater('up', '--json', '--data', data);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`in use by highwater with pid ${cluster.supervisor.pid}`);
  expect(second.stderr).toContain('--data');
});

test('a killed supervisor leaves no brokers behind, and its directory can be taken over', async () => {
  const data = directory();
  const cluster = await up('--data', data);
  await cluster.end('SIGKILL');
  await eventually('the brokers are gone', () => cluster.ready.brokers.every((broker) => !isAlive(broker.pid)));
  const next = await up('--data', data);
  expect(next.ready.clusterId).toBe(cluster.ready.clusterId);
});

test('a broker that was frozen when its supervisor was killed does not outlive the next start', async () => {
  const data = directory();
  const cluster = await up('--data', data);
  await cluster.broker('pause', 2);
  await cluster.end('SIGKILL');
  await up('--data', data);
  await eventually('the frozen broker is gone', () => !isAlive(cluster.ready.brokers[1]?.pid ?? 0));
});

test('an ephemeral cluster leaves nothing behind', async () => {
  const cluster = await up('--ephemeral', '--brokers', '1');
  expect(existsSync(cluster.ready.dataDir)).toBe(true);
  expect(await cluster.down()).toBe(0);
  expect(existsSync(cluster.ready.dataDir)).toBe(false);
});

test('a taken port is refused, naming the port and the option', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const result = await highwater('up', '--json', '--data', directory(), '--port', String(port));
  expect(result.code).toBe(1);
  expect(result.stdout).toBe('');
  expect(result.stderr).toContain(`port ${port}`);
  expect(result.stderr).toContain('--port');
});

test('a directory of another cluster is refused, naming both ids, and nothing in it is touched', async () => {
  const data = directory();
  const first = await up('--data', data, '--brokers', '1');
  await first.down();
  const meta = join(data, 'node-1', 'meta.properties');
  const foreign = readFileSync(meta, 'utf8').replace(first.ready.clusterId, 'AAAAAAAAAAAAAAAAAAAAAB');
  writeFileSync(meta, foreign);
  const result = await highwater('up', '--json', '--data', data);
  expect(result.code).toBe(1);
  expect(result.stderr).toContain('AAAAAAAAAAAAAAAAAAAAAB');
  expect(result.stderr).toContain(first.ready.clusterId);
  expect(readFileSync(meta, 'utf8')).toBe(foreign);
});

test('a path that is not a directory is refused', async () => {
  const data = directory();
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'file'), 'x');
  const result = await highwater('up', '--json', '--data', join(data, 'file'));
  expect(result.code).toBe(1);
  expect(result.stderr).toContain("can't be written");
});

test.each([
  [['up', '--config', 'log.retention.bytes=many'], 'log.retention.bytes'],
  [['up', '--brokers', '0'], '--brokers'],
  [['up', '--profile', 'fast'], '--profile'],
  [['up', '--nonsense'], '--nonsense'],
  [['broker', 'explode', '1'], 'broker start|stop|kill|pause|resume'],
  [['fly'], 'fly'],
])('%j is refused, naming what is wrong', async (args, named) => {
  const result = await highwater(...args, ...(args[0] === 'up' ? ['--data', directory(), '--port', '0'] : []));
  expect(result.code).toBeGreaterThan(0);
  expect(result.stderr).toContain(named);
});

test('broker stop, start, pause and resume show in status', async () => {
  const cluster = await up('--ephemeral');
  const process = (id: number) =>
    cluster.status().then((status) => status.brokers.find((broker) => broker.id === id)?.process);
  await cluster.broker('stop', 2);
  expect(await process(2)).toBe('stopped');
  expect((await cluster.status()).state).toBe('degraded');
  await cluster.broker('start', 2);
  expect(await process(2)).toBe('running');
  expect((await cluster.status()).state).toBe('ready');
  await cluster.broker('pause', 3);
  expect(await process(3)).toBe('paused');
  await cluster.until('the frozen broker is fenced', (status) => status.brokers[2]?.registration === 'fenced');
  await cluster.broker('resume', 3);
  await cluster.until('it is back', (status) => status.brokers[2]?.registration === 'active');
  await cluster.broker('kill', 1);
  expect(await process(1)).toBe('killed');
});
