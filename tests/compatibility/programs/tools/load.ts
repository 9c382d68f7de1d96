// kafka-transactions, and the tools that make load: perf tests, end to end latency, verifiable producer and consumer.

import { only, sorted } from '../normal.ts';
import { expectMatch, expectThat, type Case } from '../program.ts';
import { withoutCoordinator } from './groups.ts';
import type { Tools } from './kafka-tools.ts';

export function loadCases(tools: Tools): readonly Case[] {
  const ok = tools.ok.bind(tools);
  const any = tools.any.bind(tools);
  return [
    {
      name: 'producer-perf-test: plain, idempotent, transactional',
      run: async () => {
        await ok('topics', '--create --topic load --replica-assignment 1:2:3,2:3:1,3:1:2');
        const count = '--num-records 5000 --record-size 500 --throughput -1';
        const run = async (more: string): Promise<void> => {
          const out = await ok('producer-perf-test', `--topic load ${count} ${more}`);
          expectMatch(out, /5000 records sent.*99\.9th/);
        };
        await run('--command-property acks=1 --command-property compression.type=lz4');
        await run('--command-property acks=all');
        await run('--transactional-id perf --transaction-duration-ms 200');
        const ends = await ok('get-offsets', '--topic load');
        const sum = [...ends.matchAll(/:(\d+)$/gm)].reduce((total, [, end]) => total + Number(end), 0);
        expectThat(sum > 15_000 && sum < 16_000, '15,000 records and the markers of the transactions', ends);
        return '15,000 records and markers';
      },
    },
    {
      name: 'consumer-perf-test, share-consumer-perf-test',
      run: async () => {
        const out = await ok('consumer-perf-test', '--topic load --num-records 15000 --timeout 60000');
        const [, data = ''] = out.split('\n');
        expectThat(Number(data.split(', ')[4]) === 15_000, '15,000 records', out);
        await ok(
          'configs',
          '--alter --entity-type groups --entity-name perf-shares --add-config share.auto.offset.reset=earliest',
        );
        const shares = await ok(
          'share-consumer-perf-test',
          '--topic load --num-records 10000 --group perf-shares --timeout 60000',
        );
        expectMatch(shares, /start\.time/);
        return out.split('\n')[0] ?? '';
      },
    },
    {
      name: 'e2e-latency',
      run: async () => {
        await ok('topics', '--create --topic latency --partitions 1');
        const out = await ok('e2e-latency', '--topic latency --num-records 200 --producer-acks all --record-size 128');
        expectMatch(out, /Avg latency: [\d.]+ ms/, /Percentiles: 50th = \d+/);
        return 'figures for 200 records';
      },
    },
    {
      name: 'verifiable consumer: both protocols',
      run: async () => {
        await ok('topics', '--create --topic verified --replica-assignment 1:2:3,2:3:1,3:1:2');
        await ok('verifiable-producer', '--topic verified --max-messages 500 --acks -1 --value-prefix 7');
        for (const protocol of ['classic', 'consumer']) {
          const args = `--topic verified --group-id verified-${protocol} --group-protocol ${protocol} --max-messages 500 --reset-policy earliest`;
          const out = await ok('verifiable-consumer', args);
          const read = [...out.matchAll(/"name":"records_consumed".*?"count":(\d+),/g)];
          const total = read.reduce((sum, [, count]) => sum + Number(count), 0);
          expectThat(total === 500, `500 records by protocol ${protocol}`, out);
        }
        const described = await ok('consumer-groups', '--describe --group verified-consumer --offsets');
        const committed = [...described.matchAll(/^verified-consumer verified \d (\d+) (\d+) 0 /gm)];
        const sum = committed.reduce((total, [, offset]) => total + Number(offset), 0);
        expectThat(sum === 500, 'all committed', described);
        return 'all 500 read and committed by both';
      },
    },
    {
      name: 'transactions: list, describe, producers, hanging',
      run: async () => {
        const list = only(await ok('transactions', 'list'), /^(?:TransactionalId|perf )/);
        expectMatch(list, /^perf \d \d+ CompleteCommit$/m);
        const described = await ok('transactions', 'describe --transactional-id perf');
        const missing = await any('transactions', 'describe --transactional-id missing');
        const producers = await ok('transactions', 'describe-producers --topic load --partition 0');
        const hanging = await any('transactions', 'find-hanging --broker-id 1 --max-transaction-timeout 1');
        const forced = await any('transactions', 'forceTerminateTransaction --transactionalId perf');
        const anonymous = (text: string): string => text.replaceAll(/\b\d+\b/g, 'N');
        const heads = (text: string): string => sorted(only(text, /^[A-Z]/));
        return [
          anonymous(list),
          anonymous(withoutCoordinator(described)),
          missing,
          heads(producers),
          hanging,
          forced,
        ].join('\n');
      },
    },
  ];
}
