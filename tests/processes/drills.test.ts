// Drills on real processes: what the verdict counts is what a client that nobody here wrote reads; the command prints
// it, writes its reports and says by its exit code whether the expectations held.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { Engine } from '../../main/engine.ts';
import { highwater, temporaryDirectory } from '../support/cluster.ts';
import { kafkaFor, readAll } from '../support/kafkajs.ts';

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function directory(): string {
  const temporary = temporaryDirectory();
  cleanUps.push(temporary.remove);
  return temporary.path;
}

const brokerScript = fileURLToPath(new URL('../../dist/broker/process.js', import.meta.url));

test('acks=1 loses and acks=all does not, and an independent count says the same', async () => {
  const engine = await Engine.prepare({ dataDir: join(directory(), 'data'), ephemeral: true, port: 0, brokerScript });
  cleanUps.push(() => engine.stop());
  await engine.start();
  const run = await engine.runDrill('acks-one-loses', 3);
  expect(run.verdict?.failure).toBeNull();
  expect(run.state).toBe('passed');
  const records = await readAll(kafkaFor(engine.view().bootstrap), 'drill-payments');
  for (const name of ['quick', 'safe']) {
    const verdict = run.verdict?.producers.find((each) => each.producer === name);
    const values = records.map((record) => record.value).filter((value) => value.startsWith(`${name}#`));
    const names = new Set(values.map((value) => value.slice(0, value.indexOf(';'))));
    expect(verdict?.duplicated).toBe(values.length - names.size);
    expect((verdict?.acknowledged ?? 0) - (verdict?.lost ?? 0) + (verdict?.failedButWritten ?? 0)).toBe(names.size);
  }
  expect(run.verdict?.measures['lost.quick']).toBeGreaterThan(0);
  expect(run.verdict?.measures['lost.safe']).toBe(0);
  // What the screen scrubs through is there: the view before the fault and after the election differ.
  expect(run.deltas.length).toBeGreaterThan(10);
  expect(run.verdict?.elections.some((each) => each.of === 'drill-payments-0' && each.totalMs !== null)).toBe(true);
});

test('programs that copy: what the verdict counts is what a committed reader finds', async () => {
  const engine = await Engine.prepare({ dataDir: join(directory(), 'data'), ephemeral: true, port: 0, brokerScript });
  cleanUps.push(() => engine.stop());
  await engine.start();
  const run = await engine.runDrill('delivery-semantics', 5);
  expect(run.verdict?.failure).toBeNull();
  expect(run.state).toBe('passed');
  // kafkajs reads committed records unless told otherwise.
  const kafka = kafkaFor(engine.view().bootstrap);
  const inputs = await readAll(kafka, 'drill-payments');
  const origins = new Set(inputs.map(({ partition, offset }) => `copy of drill-payments ${partition} ${offset}`));
  for (const [program, topic] of [
    ['most', 'drill-once-at-most'],
    ['least', 'drill-once-at-least'],
    ['exact', 'drill-once-exactly'],
  ] as const) {
    const values = (await readAll(kafka, topic)).map((record) => record.value);
    const found = new Set(values);
    const measure = (name: string) => run.verdict?.measures[`${name}.${program}`];
    expect([...found].every((value) => origins.has(value))).toBe(true);
    expect(measure('copies')).toBe(values.length);
    expect(measure('copiesLost')).toBe(origins.size - found.size);
    expect(measure('copiesDuplicated')).toBe(values.length - found.size);
  }
});

test('the command runs a drill, writes journal and reports, and replays the journal', async () => {
  const out = directory();
  const file = (name: string) => join(out, name);
  const result = await highwater(
    ...['drill', 'run', 'leader-crash', '--seed', '7', '--json'],
    ...['--junit', file('run.xml'), '--report', file('run.html'), '--journal', file('run.jsonl')],
  );
  expect(result.stderr).toBe('');
  const summary = JSON.parse(result.stdout) as { state: string; verdict: { measures: Record<string, number> } };
  expect(summary.state).toBe('passed');
  expect(result.code).toBe(0);
  expect(summary.verdict.measures['lost']).toBe(0);
  expect(summary.verdict.measures['elections']).toBeGreaterThan(0);
  expect(readFileSync(file('run.xml'), 'utf8')).toContain('<testsuite name="leader-crash"');
  const report = readFileSync(file('run.html'), 'utf8');
  expect(report).toContain('A leader dies');
  expect(report).not.toMatch(/(src|href)="/);
  const replay = await highwater('drill', 'replay', file('run.jsonl'));
  expect(replay.stdout).toContain('was killed');
  expect(replay.stdout).toContain('PASSED');
});

test('a broken expectation is exit code 1, and a broken file names its line', async () => {
  const out = directory();
  const mine = join(out, 'mine.yaml');
  const drill = (extra: string) => `name: mine
title: Mine
teaches: Nothing.
story: None.
cluster: { brokers: 1 }
topics: { payments: { replicationFactor: 1, configs: { min.insync.replicas: 1 } } }
producers: { checkout: { topic: payments, rate: 100 } }
steps:
  - wait: { acknowledged: { by: checkout, more: 20 } }
${extra}expect: { lost: { atLeast: 1 } }
`;
  writeFileSync(mine, drill(''));
  const broken = await highwater('drill', 'run', mine);
  expect(broken.stdout).toContain('✗ lost: 0');
  expect(broken.code).toBe(1);
  writeFileSync(mine, drill('  - kil: leader of payments-0\n'));
  const wrong = await highwater('drill', 'run', mine);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('line 10');
  expect(wrong.stderr).toContain('kil');
});
