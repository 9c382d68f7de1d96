// `npm run ui-scale`: the app on a large cluster, measured. Prints a table for docs/UI-SCALE.md. Options:
//   --topics 200 --partitions 50 --replication 1 --records 10000000 --members 50 --rate 2000 (records a second)
// Linux only (CPU from /proc); needs `npm run build`, a Chromium, and open files for all segments (`ulimit -n`).

import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type CDPSession, type Page } from '@playwright/test';
import { pause } from '../benchmarks/clusters/cluster.ts';
import { cpuSeconds, machineCpuPercent } from '../benchmarks/processes.ts';
import { chromiumArguments, chromiumPath } from '../e2e/chromium.ts';
import { eventually } from '../support/cluster.ts';
import { goInPage } from '../support/go-in-page.ts';
import { ContractClient } from './contract-client.ts';
import {
  createTopics,
  fillLongTopic,
  groupId,
  groupTopic,
  longTopic,
  type Size,
  startMembers,
  startTraffic,
} from './large-cluster.ts';
import { countPushes, type Frames, framesWhileScrolling, openingMs, pageCost } from './measure-page.ts';

const cliPath = resolve('dist/cli/main.js');
const overMs = 10_000;
const scrollMs = 5_000;
const openingRounds = 7;

const { values } = parseArgs({
  options: {
    topics: { type: 'string', default: '200' },
    partitions: { type: 'string', default: '50' },
    replication: { type: 'string', default: '1' },
    records: { type: 'string', default: '10000000' },
    members: { type: 'string', default: '50' },
    rate: { type: 'string', default: '2000' },
  },
});
const size: Size = {
  topics: Number(values.topics),
  partitions: Number(values.partitions),
  replication: Number(values.replication),
  records: Number(values.records),
  members: Number(values.members),
  rate: Number(values.rate),
};

/** `ready` names what stands on that screen alone, so that the one before can't be taken for it. */
const places: readonly { readonly name: string; readonly hash: string; readonly ready: string }[] = [
  { name: 'Topics', hash: '#/topics', ready: row1('Topics') },
  { name: 'A topic of 50 partitions', hash: `#/topics/${groupTopic}`, ready: row1(`Partitions of ${groupTopic}`) },
  { name: 'A partition', hash: `#/topics/${longTopic}/0`, ready: '[aria-label^="Batches"] .body .row' },
  { name: 'Messages of ten million', hash: `#/messages/${longTopic}`, ready: row1(`Messages of ${longTopic}`) },
  { name: 'Groups', hash: '#/groups', ready: row1('Consumer groups') },
  { name: 'A group of 50 members', hash: `#/groups/${groupId}`, ready: row1('Partitions of the group') },
  { name: 'Quorum', hash: '#/quorum', ready: 'main [aria-label="Views of the quorum"]' },
  { name: 'Producers', hash: '#/producers', ready: '[aria-label="Presets side by side"]' },
  { name: 'Drills', hash: '#/drills', ready: 'nav[aria-label="Drills"]' },
  { name: 'Brokers', hash: '#/brokers', ready: row1('Brokers') },
  { name: 'Events', hash: '#/events', ready: row1('Events, newest first') },
  { name: 'Settings', hash: '#/settings', ready: '[aria-label="Settings"]' },
  { name: 'Cluster', hash: '#/cluster', ready: '[aria-label="Partitions by broker"] [role="rowheader"][aria-label]' },
];

const others = await machineCpuPercent(3_000);
const app = await startApp();
const client = await ContractClient.connect(app.url);
const executablePath = chromiumPath();
const browser = await chromium.launch({
  args: chromiumArguments(),
  ...(executablePath === undefined ? {} : { executablePath }),
});
try {
  await timed(`${size.topics} topics of ${size.partitions} partitions, RF ${size.replication}`, () =>
    createTopics(client, size),
  );
  await timed(`${size.records} records in "${longTopic}"`, () => fillLongTopic(client, size.records));
  const consumers = await timed(`${size.members} members`, () => startMembers(app.bootstrap, size.members));
  const endTraffic = await startTraffic(app.bootstrap, size);
  const { view } = await client.request('cluster.snapshot', {});
  const brokers = view.brokers.flatMap(({ pid }) => (pid === null ? [] : [pid]));
  const supervisor = app.process.pid ?? 0;
  await pause(5_000);

  row('Others used, before the start', `${others.toFixed(0)} % of a core`);
  const closed = await cpuOver(brokers, supervisor);
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Performance.enable');
  const pushes = countPushes(session);
  const first = performance.now();
  await page.goto(app.url);
  await page.getByRole('grid', { name: 'Partitions by broker' }).getByRole('rowheader').nth(1).waitFor();
  row('First page, from the address to the matrix', `${(performance.now() - first).toFixed(0)} ms`);

  await pause(2_000);
  const before = { ...(await pageCost(session)), bytes: pushes.bytes(), messages: pushes.messages() };
  const open = await cpuOver(brokers, supervisor);
  const after = { ...(await pageCost(session)), bytes: pushes.bytes(), messages: pushes.messages() };
  const seconds = overMs / 1000;
  row('Brokers, UI closed → open', `${closed.brokers.toFixed(1)} → ${open.brokers.toFixed(1)} % of a core`);
  row('Supervisor, UI closed → open', `${closed.supervisor.toFixed(1)} → ${open.supervisor.toFixed(1)} % of a core`);
  row('Pushed to the page', `${((after.bytes - before.bytes) / 1024 / seconds).toFixed(0)} KB/s`);
  row('Pushes', `${((after.messages - before.messages) / seconds).toFixed(1)} a second`);
  row('Page, main thread', `${((100 * (after.taskSeconds - before.taskSeconds)) / seconds).toFixed(1)} % of a core`);
  row('Page, heap', `${(after.heapBytes / 1024 / 1024).toFixed(0)} MB`);

  await scrolling(page, 'Scrolling the matrix', '.matrix');
  await goInPage(page, '#/topics');
  await page.getByRole('grid', { name: 'Topics' }).waitFor();
  await scrolling(page, 'Scrolling the topics', '.table:has(> [aria-label="Topics"])');
  await opening(page, session);
  await endTraffic();
  await Promise.all(consumers.map((consumer) => consumer.disconnect()));
} finally {
  await browser.close();
  client.close();
  const ended = new Promise((ended) => app.process.on('exit', ended));
  app.process.kill('SIGTERM');
  await ended;
}

function row1(label: string): string {
  return `[aria-label="${label}"] .body .row`;
}

async function scrolling(page: Page, name: string, selector: string): Promise<void> {
  const frames: Frames = await framesWhileScrolling(page, selector, 80, scrollMs);
  const perSecond = frames.count / (scrollMs / 1000);
  row(
    name,
    `${perSecond.toFixed(0)} frames/s; median ${frames.p50.toFixed(1)}, p95 ${frames.p95.toFixed(1)}, worst ${frames.worst.toFixed(0)} ms`,
  );
}

/** The first time loads the screen's code; after that the median of several rounds. */
async function opening(page: Page, session: CDPSession): Promise<void> {
  const times = new Map(places.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round <= openingRounds; round++) {
    for (const { name, hash, ready } of places) times.get(name)?.push(await openingMs(page, hash, ready));
  }
  for (const [name, [first = 0, ...rest]] of times) {
    const sorted = rest.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    row(
      `Opens: ${name}`,
      `${median.toFixed(0)} ms (the first time ${first.toFixed(0)}, slowest ${sorted.at(-1)?.toFixed(0)})`,
    );
  }
  row('Page, heap at the end', `${((await pageCost(session)).heapBytes / 1024 / 1024).toFixed(0)} MB`);
}

async function cpuOver(
  brokers: readonly number[],
  supervisor: number,
): Promise<{ brokers: number; supervisor: number }> {
  const before = { brokers: cpuSeconds(brokers), supervisor: cpuSeconds([supervisor]) };
  await pause(overMs);
  const share = (now: number, then: number): number => (100 * (now - then)) / (overMs / 1000);
  return {
    brokers: share(cpuSeconds(brokers), before.brokers),
    supervisor: share(cpuSeconds([supervisor]), before.supervisor),
  };
}

async function timed<Result>(what: string, act: () => Promise<Result>): Promise<Result> {
  const begin = performance.now();
  const result = await act();
  console.log(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  return result;
}

function row(name: string, value: string): void {
  console.log(`| ${name} | ${value} |`);
}

async function startApp(): Promise<{ process: ChildProcess; url: string; bootstrap: string }> {
  const args = ['app', '--no-open', '--no-demo', '--ephemeral', '--cluster-port', '0'];
  const child = spawn(process.execPath, [cliPath, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (part: Buffer) => (output += part.toString()));
  await eventually('the app is ready', () => /bootstrap\s+\S+/.test(output) && /UI\s+http/.test(output));
  return {
    process: child,
    url: /UI\s+(http\S+)/.exec(output)?.[1] ?? '',
    bootstrap: /bootstrap\s+(\S+)/.exec(output)?.[1] ?? '',
  };
}
