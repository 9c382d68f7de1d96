// Copies a topic's numbers to another, as one of three delivery semantics, and kills itself in the middle when told
// to: after the first half of the batch in which the given number stands. A process of its own, so that the death is
// real. It mends nothing: what its client can't get over ends it with exit code 1, and who started it starts it again,
// as programs that copy exactly once are run: the new one fences the old one and goes on from the committed offsets.
// usage: delivery-program.mjs BOOTSTRAP SEMANTICS INPUT OUTPUT COUNT DIE_AT|-1

import { setTimeout as pause } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';

/** As long as this without a batch read or copied, and the client has lost its way. */
const patienceMs = 20_000;

function giveUp(error) {
  console.error(error);
  process.exit(1);
}

// kafkajs hears of a broken connection a moment before it looks at the promise that says so: not this program's end.
process.on('unhandledRejection', () => undefined);

const [, , bootstrap = '', semantics = '', input = '', output = '', count = '0', dieAt = '-1'] = process.argv;
const groupId = `copy-to-${output}`;
const kafka = new Kafka({
  clientId: groupId,
  brokers: bootstrap.split(','),
  logLevel: logLevel.NOTHING,
  retry: { retries: 100, initialRetryTime: 50, maxRetryTime: 300 },
});
const isExact = semantics === 'exactly-once';
const producer = kafka.producer({
  idempotent: true,
  maxInFlightRequests: 1,
  ...(isExact ? { transactionalId: groupId, transactionTimeout: 30_000 } : {}),
});
const consumer = kafka.consumer({
  groupId,
  maxWaitTimeInMs: 100,
  sessionTimeout: 6000,
  heartbeatInterval: 500,
  // A record batch or two at a time.
  maxBytesPerPartition: 600,
});

const asMessage = ({ value }) => ({ value: value?.toString() ?? '' });

/** The moment that nobody chooses. */
function perhapsDie(messages) {
  if (messages.some(({ value }) => Number(value) === Number(dieAt))) process.kill(process.pid, 'SIGKILL');
}

async function copy(messages, offset, partition) {
  const half = messages.slice(0, Math.ceil(messages.length / 2));
  const rest = messages.slice(half.length);
  const position = { topic: input, partition, offset };
  if (isExact) {
    const transaction = await producer.transaction();
    await transaction.send({ topic: output, messages: half });
    perhapsDie(messages);
    if (rest.length > 0) await transaction.send({ topic: output, messages: rest });
    await transaction.sendOffsets({
      consumerGroupId: groupId,
      topics: [{ topic: input, partitions: [{ partition, offset }] }],
    });
    await transaction.commit();
    return;
  }
  if (semantics === 'at-most-once') await consumer.commitOffsets([position]);
  await producer.send({ topic: output, acks: -1, messages: half });
  perhapsDie(messages);
  if (rest.length > 0) await producer.send({ topic: output, acks: -1, messages: rest });
  if (semantics === 'at-least-once') await consumer.commitOffsets([position]);
}

let doing = 'connecting';
const patience = setTimeout(() => giveUp(new Error(`nothing for ${patienceMs} ms, while ${doing}`)), patienceMs);

/** The one before may have copied the last number and not lived to say so: then nothing comes any more. */
async function isAllCopied() {
  const admin = kafka.admin();
  await admin.connect();
  for (;;) {
    try {
      const [committed] = await admin.fetchOffsets({ groupId, topics: [input] });
      await admin.disconnect();
      return committed?.partitions.some(({ offset }) => Number(offset) === Number(count)) === true;
    } catch (error) {
      // A coordinator that is new to it says so, and this call of kafkajs does not ask again.
      doing = `asking for the committed offsets: ${error.message}`;
      await pause(100);
    }
  }
}

async function copyAll() {
  if (await isAllCopied()) return;
  await producer.connect();
  await consumer.connect();
  await consumer.subscribe({ topic: input, fromBeginning: true });
  doing = 'waiting for the first batch';
  await new Promise((resolve, reject) => {
    // After a retriable error (a coordinator still loads) kafkajs begins anew by itself.
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) reject(payload.error);
    });
    void consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
        patience.refresh();
        doing = `copying ${batch.firstOffset()}..${batch.lastOffset()}`;
        // Nothing is known of a copy that failed half-way: the next start finds out.
        await copy(batch.messages.map(asMessage), String(Number(batch.lastOffset()) + 1), batch.partition).catch(
          giveUp,
        );
        doing = `waiting for what follows ${batch.lastOffset()}`;
        resolveOffset(batch.lastOffset());
        // Before the heartbeat, which fails where the group begins anew.
        if (batch.messages.some(({ value }) => Number(value) === Number(count) - 1)) resolve(undefined);
        await heartbeat();
      },
    });
  });
  await consumer.disconnect();
  await producer.disconnect();
}

await copyAll().catch(giveUp);
process.exit(0);
