// The step `transactions`: what a client's program said it committed is what a reader of committed records finds, to
// the last record; what it aborted is in the log and not seen; a producer whose id another one took is fenced.

import { Kafka, logLevel } from 'kafkajs';
import { until } from '../benchmarks/clusters/cluster.ts';
import type { Observer } from '../benchmarks/observer.ts';
import type { Program } from './clients.ts';
import { runVerb } from './member.ts';

const patienceMs = 60_000;
const abortedTransactions = ['t1', 't4', 't7'];
const committedCount = 71;

export async function checkTransactions(
  program: Program,
  { bootstrap, observer, topic }: { readonly bootstrap: string; readonly observer: Observer; readonly topic: string },
): Promise<void> {
  const kafka = new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor: 3 }] });
  await admin.disconnect();
  await observer.untilInSync(topic, 20_000);
  try {
    const lines = (await runVerb(program, ['transact', bootstrap, topic, `id-of-${topic}`])).split('\n');
    const said = lines.filter((line) => line.startsWith('committed ')).map((line) => line.slice('committed '.length));
    if (said.length !== committedCount) throw new Error(`${said.length} records committed, not ${committedCount}`);
    if (!lines.includes('fenced')) throw new Error(`the older producer was not fenced: ${lines.at(-2)}`);
    const committed = await read(kafka, topic, false, said.length);
    const all = await read(kafka, topic, true, said.length + abortedTransactions.length * 10);
    expectSame(committed, said);
    const aborted = all.filter((value) => abortedTransactions.includes(value.split('-')[0] ?? ''));
    if (aborted.length !== abortedTransactions.length * 10)
      throw new Error(`${aborted.length} aborted records in the log`);
  } finally {
    await observer.deleteTopic(topic);
  }
}

function expectSame(found: readonly string[], said: readonly string[]): void {
  const extra = found.filter((value) => !said.includes(value));
  const missing = said.filter((value) => !found.includes(value));
  if (found.length === said.length && extra.length === 0 && missing.length === 0) return;
  throw new Error(
    `${found.length} records are seen as committed; not committed: ${extra.join()}; missing: ${missing.join()}`,
  );
}

async function read(kafka: Kafka, topic: string, readUncommitted: boolean, count: number): Promise<string[]> {
  const values: string[] = [];
  const consumer = kafka.consumer({
    groupId: `reader-${topic}-${readUncommitted}`,
    readUncommitted,
    maxWaitTimeInMs: 200,
  });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => {
        values.push(message.value?.toString() ?? '');
        return Promise.resolve();
      },
    });
    await until(`${count} records of ${topic}`, patienceMs, () =>
      Promise.resolve(values.length >= count ? true : null),
    );
  } finally {
    await consumer.disconnect();
  }
  return values;
}
