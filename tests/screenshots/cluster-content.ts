// What a cluster holds when its picture is taken: beside the demo workload a topic with transactions, one that is
// compacted, a group that lags, and a share group.

import { CompressionTypes, type Consumer, type Kafka } from 'kafkajs';
import { kafkaFor } from '../support/kafkajs.ts';
import { ShareMember } from '../support/share-member.ts';

const accounts = 40;
const rounds = 40;
const statement = 'A line of the statement of this account. '.repeat(10);

/** Members of two groups stay until what it returns is called. */
export async function fillCluster(bootstrap: string): Promise<() => Promise<void>> {
  const kafka = kafkaFor(bootstrap, 'screenshots');
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      { topic: 'transfers', numPartitions: 3, replicationFactor: 3 },
      {
        topic: 'balances',
        numPartitions: 2,
        replicationFactor: 3,
        configEntries: [
          { name: 'cleanup.policy', value: 'compact' },
          // The least that Kafka takes, so that there are closed segments to look at.
          { name: 'segment.bytes', value: '1048576' },
        ],
      },
      { topic: 'clicks', numPartitions: 12, replicationFactor: 2 },
      { topic: 'audit.log', numPartitions: 1, replicationFactor: 3 },
    ],
  });
  await fillTransfers(kafka);
  await fillBalances(kafka);
  await admin.setOffsets({ groupId: 'fraud-check', topic: 'transfers', partitions: [{ partition: 0, offset: '3' }] });
  await admin.disconnect();
  const member = await ShareMember.join(bootstrap, 'couriers', 'transfers');
  const readers = await growGroup(bootstrap);
  return async () => {
    await member.leave();
    await Promise.all(readers.map((reader) => reader.disconnect()));
  };
}

/** A group of three that came one by one, so that there are rebalances to look at. */
async function growGroup(bootstrap: string): Promise<Consumer[]> {
  const readers: Consumer[] = [];
  for (const name of ['shipping-1', 'shipping-2', 'shipping-3']) {
    const reader = kafkaFor(bootstrap, name).consumer({ groupId: 'shipping' });
    const isIn = new Promise((resolve) => reader.on('consumer.group_join', resolve));
    await reader.connect();
    await reader.subscribe({ topics: ['clicks'] });
    await reader.run({ eachMessage: () => Promise.resolve() });
    await isIn;
    readers.push(reader);
  }
  return readers;
}

/** Two of three transactions are committed, the third is aborted. */
async function fillTransfers(kafka: Kafka): Promise<void> {
  const producer = kafka.producer({ transactionalId: 'transfers-1', maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  for (let number = 0; number < 30; number++) {
    const transaction = await producer.transaction();
    await transaction.send({
      topic: 'transfers',
      messages: ['debit', 'credit'].map((leg, index) => ({
        key: `account-${(number * 7 + index * 13) % accounts}`,
        value: JSON.stringify({ transfer: 4_000 + number, leg, amount: 25 + number * 3, currency: 'EUR' }),
        headers: { trace: `t-${number}` },
      })),
    });
    if (number % 3 === 2) await transaction.abort();
    else await transaction.commit();
  }
  await producer.disconnect();
}

async function fillBalances(kafka: Kafka): Promise<void> {
  const producer = kafka.producer({ idempotent: true });
  await producer.connect();
  for (let round = 0; round < rounds; round++) {
    await producer.send({
      topic: 'balances',
      // Some of each, so that both kinds of batch are there.
      compression: round % 4 === 0 ? CompressionTypes.GZIP : CompressionTypes.None,
      messages: Array.from({ length: 200 }, (_, index) => ({
        key: `account-${index % accounts}`,
        // Every tenth account is closed at last: its tombstone stays for a while.
        value:
          round === rounds - 1 && index % 10 === 0
            ? null
            : JSON.stringify({ balance: round * 17 + index, round, statement }),
      })),
    });
  }
  await producer.disconnect();
}
