// Transactions of a client that nobody here wrote, on real processes: the three delivery semantics by their counts,
// with a program killed at the wrong moment; and copies that stay exact while brokers are killed under them.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Kafka } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestCluster } from '../support/cluster.ts';
import { createTopic, durableProducer, kafkaFor, readAll } from '../support/kafkajs.ts';

const program = fileURLToPath(new URL('./delivery-program.mjs', import.meta.url));
const count = 300;
const batchSize = 30;
const dieAt = 150;

let cluster: TestCluster;
let kafka: Kafka;

beforeAll(async () => {
  cluster = await TestCluster.up('--ephemeral');
  kafka = kafkaFor(cluster.ready.bootstrap);
  await createTopic(kafka, 'numbers', 1);
  const producer = await durableProducer(kafka);
  for (let first = 0; first < count; first += batchSize) {
    const messages = Array.from({ length: batchSize }, (_, index) => ({ value: String(first + index) }));
    await producer.send({ topic: 'numbers', acks: -1, messages });
  }
  await producer.disconnect();
});

afterAll(async () => {
  await cluster.down();
});

type End = { readonly signal: string | null; readonly code: number; readonly error: string };

/** How the program ended. */
function copyNumbers(output: string, at: number, semantics = output): Promise<End> {
  const args = [program, cluster.ready.bootstrap, semantics, 'numbers', output, String(count), String(at)];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (error, _stdout, stderr) => {
      resolve({ signal: error?.signal ?? null, code: child.exitCode ?? 0, error: stderr });
    });
  });
}

/** As whatever runs such programs does: started again until it has copied all, or was killed as it was told to. */
async function copyWhateverHappens(output: string, at: number, semantics = output): Promise<string | null> {
  for (;;) {
    const { signal, code, error } = await copyNumbers(output, at, semantics);
    if (signal !== null || code === 0) return signal;
    console.log(`the program gave up and is started again: ${error}`);
  }
}

/** How many numbers never came, and how many came again. */
async function countsOf(topic: string): Promise<{ lost: number; repeated: number }> {
  const values = (await readAll(kafka, topic)).map(({ value }) => Number(value));
  const distinct = new Set(values);
  return { lost: count - distinct.size, repeated: values.length - distinct.size };
}

async function countsWithDeath(kind: string): Promise<{ lost: number; repeated: number }> {
  await createTopic(kafka, kind, 1);
  expect(await copyWhateverHappens(kind, dieAt)).toBe('SIGKILL');
  expect(await copyWhateverHappens(kind, -1)).toBe(null);
  return countsOf(kind);
}

test('a program killed in between loses, repeats, or neither, as its delivery semantics say', async () => {
  const [most, least, exactly] = await Promise.all(
    ['at-most-once', 'at-least-once', 'exactly-once'].map((kind) => countsWithDeath(kind)),
  );
  console.log(`of ${count}:`, { most, least, exactly });
  expect(most?.lost).toBeGreaterThan(0);
  expect(most?.repeated).toBe(0);
  expect(least?.lost).toBe(0);
  expect(least?.repeated).toBeGreaterThan(0);
  expect(exactly).toEqual({ lost: 0, repeated: 0 });
});

test('exact copies stay exact while the brokers under them are killed one after another', async () => {
  await createTopic(kafka, 'under-fire', 1);
  let isDone = false;
  const copying = copyWhateverHappens('under-fire', -1, 'exactly-once').finally(() => (isDone = true));
  for (let id = 1; id <= 3 && !isDone; id++) {
    await cluster.broker('kill', id);
    await cluster.broker('start', id);
    await cluster.until('all replicas are in sync', ({ partitions }) =>
      partitions.every((each) => each.isr.length === 3),
    );
  }
  await copying;
  expect(await countsOf('under-fire')).toEqual({ lost: 0, repeated: 0 });
});
