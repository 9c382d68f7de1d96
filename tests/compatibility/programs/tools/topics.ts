// kafka-topics, kafka-configs, kafka-console-producer, kafka-console-consumer, kafka-get-offsets, kafka-delete-records.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { only, sorted } from '../normal.ts';
import { expectEqual, expectMatch, expectThat, type Case } from '../program.ts';
import type { Tools } from './kafka-tools.ts';

export const words = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta', 'theta', 'iota', 'kappa'];
const keyed = words.map((word, n) => `${word}:${n}\n`).join('');

export function topicCases(tools: Tools): readonly Case[] {
  const ok = tools.ok.bind(tools);
  const any = tools.any.bind(tools);
  return [
    {
      name: 'topics: create by assignment, describe',
      run: async () => {
        await ok(
          'topics',
          '--create --topic orders --replica-assignment 1:2:3,2:3:1,3:1:2 --config retention.ms=86400000',
        );
        const out = await ok('topics', '--describe --topic orders');
        expectMatch(out, /PartitionCount: 3 ReplicationFactor: 3 Configs: .*retention\.ms=86400000/);
        expectMatch(out, /Partition: 1 Leader: 2 Replicas: 2,3,1 Isr: 2,3,1/);
        return out;
      },
    },
    {
      name: 'topics: create by count, list, exclude internal',
      run: async () => {
        await ok('topics', '--create --topic one --partitions 1 --replication-factor 3');
        await ok('topics', '--create --topic by.default');
        const described = await ok('topics', '--describe --topic by.default');
        const out = sorted(await ok('topics', '--list --exclude-internal'));
        expectMatch(out, /^by\.default$/m, /^one$/m, /^orders$/m);
        return `${out}\n${only(described, /^Topic: .*PartitionCount/)}`;
      },
    },
    { name: 'topics: what can’t be created', run: () => impossibleTopics(tools) },
    {
      name: 'topics: more partitions',
      run: async () => {
        await ok('topics', '--alter --topic one --partitions 3 --replica-assignment 1:2:3,2:3:1,3:1:2');
        const fewer = await any('topics', '--alter --topic one --partitions 2');
        expectMatch(fewer, /The topic one currently has 3 partition\(s\); 2 would not be an increase/);
        const described = await ok('topics', '--describe --topic one --exclude-internal');
        expectMatch(described, /Partition: 2 Leader: 3 Replicas: 3,1,2/);
        return `${described.replace(/(Partition: 0 Leader: )\d.*/, '$1ANY')}\n${fewer}`;
      },
    },
    {
      name: 'topics: describe what lacks replicas',
      run: async () => {
        const flags = ['--under-replicated-partitions', '--unavailable-partitions', '--under-min-isr-partitions'];
        const answers = [];
        for (const flag of [...flags, '--at-min-isr-partitions', '--topics-with-overrides'])
          answers.push(`${flag}:\n${await ok('topics', `--describe --topic orders ${flag}`)}`);
        return answers.join('\n');
      },
    },
    {
      name: 'console producer and consumer: keys, values, headers, partitions',
      run: async () => {
        const reader = '--reader-property parse.key=true --reader-property key.separator=:';
        await ok('console-producer', `--topic orders ${reader} --compression-codec zstd`, { stdin: keyed });
        const headers = '--reader-property parse.headers=true';
        await ok('console-producer', `--topic one ${headers}`, { stdin: 'h1:v1,h2:v2\tvalue\n' });
        const print = ['headers', 'partition', 'offset', 'key'].map(
          (each) => `--formatter-property print.${each}=true`,
        );
        const read = await ok(
          'console-consumer',
          `--topic orders --from-beginning --max-messages 10 ${print.join(' ')}`,
        );
        for (const [n, word] of words.entries()) expectMatch(read, new RegExp(`NO_HEADERS ${word} ${n}$`, 'm'));
        const withHeaders = await ok(
          'console-consumer',
          `--topic one --from-beginning --max-messages 1 ${print.join(' ')}`,
        );
        expectMatch(withHeaders, /h1:v1,h2:v2 null value/);
        return `${sorted(read)}\n${withHeaders.replaceAll(/Partition:\d/g, 'Partition:ANY')}`;
      },
    },
    {
      name: 'console consumer: one partition from an offset',
      run: async () => {
        const ends = await ok('get-offsets', '--topic orders');
        const [, partition = '0', end = '0'] = /orders:(\d):([1-9]\d*)/.exec(ends) ?? [];
        const offset = Number(end) - 1;
        const out = await ok(
          'console-consumer',
          `--topic orders --partition ${partition} --offset ${offset} --max-messages 1`,
        );
        expectMatch(out, /^\d$/m);
        return out;
      },
    },
    {
      name: 'get-offsets: latest, earliest, local, tiered, by time',
      run: async () => {
        const answers = [];
        // -3 is the record with the latest time, which differs from run to run.
        for (const time of ['-1', '-2', '-4', '-5', '0'])
          answers.push(`${time}:\n${await ok('get-offsets', `--topic orders --time ${time}`)}`);
        answers.push(await ok('get-offsets', '--topic-partitions orders:0-2 --exclude-internal-topics'));
        const [latest = ''] = answers;
        const sum = [...latest.matchAll(/orders:\d:(\d+)/g)].reduce((total, [, end]) => total + Number(end), 0);
        expectThat(sum === 10, 'ends that sum up to 10', latest);
        return answers.join('\n');
      },
    },
    { name: 'configs: of a topic', run: () => topicConfigs(tools) },
    { name: 'configs: of brokers', run: () => brokerConfigs(tools) },
    { name: 'configs: of a group, of client metrics', run: () => groupConfigs(tools) },
    { name: 'configs: quotas of users, clients and addresses', run: () => quotas(tools) },
    { name: 'delete-records', run: () => deleteRecords(tools) },
    {
      name: 'topics: delete',
      run: async () => {
        await ok('topics', '--create --topic short-lived --partitions 2');
        await ok('topics', '--delete --topic short-lived');
        const again = await any('topics', '--delete --topic short-lived');
        expectMatch(again, /Topic 'short-lived' does not exist as expected/);
        return `${again}\n${await any('topics', '--delete --topic short-lived --if-exists')}`;
      },
    },
  ];
}

async function impossibleTopics(tools: Tools): Promise<string> {
  const answers = [];
  for (const args of [
    '--topic orders',
    '--topic orders --if-not-exists',
    '--topic bad/name',
    '--topic too-many --replication-factor 4 --partitions 1',
    '--topic none --partitions 0',
    '--topic odd-config --config retention.ms=soon',
    '--topic unknown-config --config no.such=1',
    '--topic twice --replica-assignment 1:1',
    '--topic nobody --replica-assignment 7',
  ])
    answers.push(
      `${args}\n${only(await tools.any('topics', `--create ${args}`), /^(?:Error|org\.|\(|exit|WARN|Created)/)}`,
    );
  return answers.join('\n');
}

async function topicConfigs(tools: Tools): Promise<string> {
  const of = '--entity-type topics --entity-name orders';
  await tools.ok(
    'configs',
    `--alter ${of} --add-config segment.bytes=1048576,cleanup.policy=[compact,delete],min.insync.replicas=2`,
  );
  await tools.ok('configs', `--alter ${of} --delete-config retention.ms`);
  const described = await tools.ok('configs', `--describe ${of}`);
  expectMatch(described, /cleanup\.policy=compact,delete/, /segment\.bytes=1048576/);
  expectThat(!/retention\.ms=86400000/.test(described), 'no retention.ms', described);
  const all = sorted(await tools.ok('configs', `--describe --all ${of}`));
  const wrong = await tools.any('configs', `--alter ${of} --add-config segment.bytes=-1`);
  expectMatch(wrong, /Invalid value -1 for configuration segment\.bytes/);
  const unknown = await tools.any(
    'configs',
    '--alter --entity-type topics --entity-name missing --add-config segment.bytes=1048576',
  );
  await tools.ok('configs', `--alter ${of} --delete-config cleanup.policy,segment.bytes`);
  return [described, all, wrong, unknown].join('\n');
}

async function brokerConfigs(tools: Tools): Promise<string> {
  const of = '--entity-type brokers';
  await tools.ok('configs', `--alter ${of} --entity-default --add-config log.cleaner.threads=2`);
  await tools.ok('configs', `--alter ${of} --entity-name 2 --add-config log.cleaner.threads=3`);
  const everywhere = await tools.ok('configs', `--describe ${of} --entity-default`);
  const two = await tools.ok('configs', `--describe ${of} --entity-name 2`);
  expectMatch(everywhere, /log\.cleaner\.threads=2/);
  expectMatch(
    two,
    /log\.cleaner\.threads=3 sensitive=false synonyms=\{DYNAMIC_BROKER_CONFIG:log\.cleaner\.threads=3, DYNAMIC_DEFAULT_BROKER_CONFIG:log\.cleaner\.threads=2/,
  );
  const readOnly = await tools.any('configs', `--alter ${of} --entity-name 2 --add-config node.id=9`);
  await tools.ok('configs', `--alter ${of} --entity-default --delete-config log.cleaner.threads`);
  await tools.ok('configs', `--alter ${of} --entity-name 2 --delete-config log.cleaner.threads`);
  return [everywhere, two, readOnly, await tools.ok('configs', `--describe ${of} --entity-name 2`)].join('\n');
}

async function groupConfigs(tools: Tools): Promise<string> {
  const group = '--entity-type groups --entity-name a-group';
  await tools.ok(
    'configs',
    `--alter ${group} --add-config share.auto.offset.reset=earliest,consumer.session.timeout.ms=46000`,
  );
  const described = await tools.ok('configs', `--describe ${group}`);
  expectMatch(described, /share\.auto\.offset\.reset=earliest/);
  const wrong = await tools.any('configs', `--alter ${group} --add-config consumer.session.timeout.ms=1`);
  const all = sorted(await tools.ok('configs', `--describe --all ${group}`));
  await tools.ok(
    'client-metrics',
    '--alter --name slow --metrics org.apache.kafka. --interval 10000 --match client_id=x',
  );
  const metrics = await tools.ok('client-metrics', '--describe --name slow');
  const list = await tools.ok('client-metrics', '--list');
  await tools.ok('client-metrics', '--delete --name slow');
  expectMatch(metrics, /interval\.ms=10000/);
  return [described, wrong, all, sorted(metrics), list].join('\n');
}

async function quotas(tools: Tools): Promise<string> {
  const alter = (args: string): Promise<string> => tools.ok('configs', `--alter ${args}`);
  await alter(
    '--add-config producer_byte_rate=1048576,consumer_byte_rate=2097152 --entity-type users --entity-name alice',
  );
  await alter(
    '--add-config request_percentage=200 --entity-type users --entity-name alice --entity-type clients --entity-default',
  );
  await alter('--add-config controller_mutation_rate=10 --entity-type clients --entity-default');
  await alter('--add-config connection_creation_rate=100 --entity-type ips --entity-name 127.0.0.2');
  const described = [];
  for (const of of ['users', 'clients', 'ips', 'users --entity-type clients'])
    described.push(sorted(await tools.ok('configs', `--describe --entity-type ${of}`)));
  expectMatch(described.join('\n'), /user-principal 'alice' are .*producer_byte_rate=1048576/);
  const wrong = await tools.any(
    'configs',
    '--alter --add-config no_such_rate=1 --entity-type users --entity-name alice',
  );
  await alter('--delete-config producer_byte_rate,consumer_byte_rate --entity-type users --entity-name alice');
  await alter(
    '--delete-config request_percentage --entity-type users --entity-name alice --entity-type clients --entity-default',
  );
  await alter('--delete-config controller_mutation_rate --entity-type clients --entity-default');
  await alter('--delete-config connection_creation_rate --entity-type ips --entity-name 127.0.0.2');
  const after = await tools.ok('configs', '--describe --entity-type users');
  return [...described, wrong, after].join('\n');
}

async function deleteRecords(tools: Tools): Promise<string> {
  await tools.ok('topics', '--create --topic trimmed --replica-assignment 1:2:3');
  await tools.ok('console-producer', '--topic trimmed', { stdin: words.map((word) => `${word}\n`).join('') });
  const file = join(tools.around.directory, 'delete-records.json');
  const ask = (offset: number): Promise<string> => {
    const partitions = [{ topic: 'trimmed', partition: 0, offset }];
    writeFileSync(file, JSON.stringify({ version: 1, partitions }));
    return tools.any('delete-records', `--offset-json-file ${file}`);
  };
  const deleted = await ask(4);
  expectMatch(deleted, /partition: trimmed-0 low_watermark: 4/);
  const beyond = await ask(11);
  const all = await ask(-1);
  const earliest = await tools.ok('get-offsets', '--topic trimmed --time -2');
  expectEqual(earliest, 'trimmed:0:10', 'the earliest offset');
  return [deleted, beyond, all, earliest].join('\n');
}
