// kafka-reassign-partitions, kafka-leader-election, kafka-log-dirs, kafka-replica-verification; kafka-metadata-quorum,
// kafka-features, kafka-cluster, kafka-broker-api-versions.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../../benchmarks/clusters/cluster.ts';
import { only, sorted } from '../normal.ts';
import { expectMatch, expectThat, type Case } from '../program.ts';
import type { Tools } from './kafka-tools.ts';

export function partitionCases(tools: Tools): readonly Case[] {
  const ok = tools.ok.bind(tools);
  const any = tools.any.bind(tools);
  return [
    { name: 'reassign: generate, execute, verify, list, cancel', run: () => reassign(tools) },
    { name: 'leader election: preferred, unclean, not needed', run: () => elect(tools) },
    {
      name: 'log-dirs',
      run: async () => {
        const out = await ok('log-dirs', '--describe --topic-list orders');
        const json = JSON.parse(only(out, /^\{/)) as LogDirs;
        const replicas = json.brokers.flatMap(({ broker, logDirs }) =>
          logDirs.flatMap(({ error, partitions }) =>
            partitions.map((each) => `${broker} ${each.partition} ${each.offsetLag} ${each.isFuture} ${error}`),
          ),
        );
        expectThat(replicas.length === 9, '9 replicas', out);
        const one = await ok('log-dirs', '--describe --broker-list 2 --topic-list one');
        expectMatch(one, /"broker":2/);
        return `${replicas.sort().join('\n')}\n${await any('log-dirs', '--describe --broker-list 9')}`;
      },
    },
    {
      name: 'metadata-quorum',
      run: async () => {
        const status = await ok('metadata-quorum', 'describe --status');
        expectMatch(status, /LeaderId: \d/, /CurrentVoters: \[.*"id": 3/);
        const replication = await ok('metadata-quorum', 'describe --replication');
        expectThat([...replication.matchAll(/ (?:Leader|Follower)$/gm)].length === 3, 'three voters', replication);
        const figures = status.replaceAll(/(LeaderId|LeaderEpoch|HighWatermark|MaxFollowerLag\w*): -?\d+/g, '$1: N');
        return `${figures}\n${sorted(only(replication, /Node|Leader|Follower/).replaceAll(/^(\d) .*?(Leader|Follower)$/gm, 'REPLICA'))}`;
      },
    },
    {
      name: 'features',
      run: async () => {
        const described = await ok('features', 'describe');
        expectMatch(described, /Feature: metadata\.version .*FinalizedVersionLevel: 4\.3-IV\d/);
        const unknown = await any('features', 'upgrade --feature no.such.feature=1');
        const beyond = await any('features', 'upgrade --feature transaction.version=99');
        const dry = await any('features', 'downgrade --feature transaction.version=1 --dry-run');
        const mapping = await any('features', 'version-mapping --release-version 4.2');
        return [described.replaceAll(/Epoch: \d+/g, 'Epoch: N'), unknown, beyond, dry, mapping].join('\n');
      },
    },
    {
      name: 'cluster: id, endpoints',
      run: async () => {
        const address = tools.around.bootstrap;
        const id = await tools.bare('cluster', `cluster-id --bootstrap-server ${address}`);
        expectMatch(id.out, /Cluster ID: [\w-]{22}/);
        const list = await tools.bare('cluster', `list-endpoints --bootstrap-server ${address}`);
        expectThat([...list.out.matchAll(/127\.0\.0\.1/g)].length === 3, 'three endpoints', list.out);
        return list.out.replaceAll(/[ \t]+/g, ' ').replaceAll(/\b\d{4,5}\b/g, 'PORT');
      },
    },
    {
      name: 'broker-api-versions',
      run: async () => {
        const out = await ok('broker-api-versions', '');
        const [, first = ''] = out.split(/^127\.0\.0\.1:PORT-1 .*$/m);
        const apis = first.split(/^\)/m)[0] ?? '';
        expectMatch(apis, /Produce\(0\): 0 to \d+/);
        return apis;
      },
    },
  ];
}

type LogDirs = {
  readonly brokers: readonly {
    readonly broker: number;
    readonly logDirs: readonly {
      readonly error: string | null;
      readonly partitions: readonly {
        readonly partition: string;
        readonly offsetLag: number;
        readonly isFuture: boolean;
      }[];
    }[];
  }[];
};

async function reassign(tools: Tools): Promise<string> {
  await tools.ok('topics', '--create --topic moved --replica-assignment 1:2,2:3');
  await tools.ok('verifiable-producer', '--topic moved --max-messages 1000 --acks -1');
  const file = (name: string, content: unknown): string => {
    const path = join(tools.around.directory, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  const topics = file('topics.json', { version: 1, topics: [{ topic: 'moved' }] });
  const generated = await tools.ok(
    'reassign-partitions',
    `--generate --topics-to-move-json-file ${topics} --broker-list 1,2,3`,
  );
  const plan = file('plan.json', {
    version: 1,
    partitions: [
      { topic: 'moved', partition: 0, replicas: [3, 1] },
      { topic: 'moved', partition: 1, replicas: [1, 2, 3] },
    ],
  });
  const executed = await tools.ok(
    'reassign-partitions',
    `--execute --reassignment-json-file ${plan} --throttle 100000000`,
  );
  expectMatch(executed, /Successfully started partition reassignments for moved-0,moved-1/);
  const verified = await until('the reassignment to be complete', 30_000, async () => {
    const out = await tools.ok('reassign-partitions', `--verify --reassignment-json-file ${plan}`);
    return /Reassignment of partition moved-0 is completed/.test(out) &&
      /Reassignment of partition moved-1 is completed/.test(out)
      ? out
      : null;
  });
  const described = await tools.ok('topics', '--describe --topic moved');
  expectMatch(
    described,
    /Partition: 0 Leader: \d Replicas: 3,1 Isr: [13],[13]\b/,
    /Partition: 1 Leader: \d Replicas: 1,2,3/,
  );
  const list = await tools.ok('reassign-partitions', '--list');
  const cancelled = await tools.ok('reassign-partitions', `--cancel --reassignment-json-file ${plan}`);
  const bad = file('bad.json', { version: 1, partitions: [{ topic: 'moved', partition: 0, replicas: [1, 9] }] });
  const refused = await tools.any('reassign-partitions', `--execute --reassignment-json-file ${bad}`);
  const leaders = (text: string): string =>
    text.replaceAll(/Leader: \d/g, 'Leader: ANY').replaceAll(/Isr: [\d,]+/g, 'Isr: ANY');
  return [generated.split('Proposed')[0], executed, verified, leaders(described), list, cancelled, refused].join('\n');
}

async function elect(tools: Tools): Promise<string> {
  const { cluster } = tools.around;
  const preferred = '--election-type preferred --topic orders --partition 1';
  const notNeeded = await tools.any('leader-election', preferred);
  await cluster.kill(2);
  const leaderOf = async (partition: number): Promise<string> => {
    const out = await tools.ok('topics', '--describe --topic orders');
    return new RegExp(`Partition: ${partition} Leader: (\\w+)`).exec(out)?.[1] ?? '';
  };
  await until('another leader than 2', 60_000, async () => ((await leaderOf(1)) === '2' ? null : true));
  const without = await tools.ok('topics', '--describe --topic orders --under-replicated-partitions');
  const gone = await tools.any('leader-election', preferred);
  const unclean = await tools.any('leader-election', '--election-type unclean --topic orders --partition 1');
  await cluster.start(2);
  await until('broker 2 to be in sync', 90_000, async () =>
    (await tools.ok('topics', '--describe --topic orders --under-replicated-partitions')) === '' ? true : null,
  );
  const done = await tools.any('leader-election', preferred);
  expectThat((await leaderOf(1)) === '2', 'broker 2 to lead again', done);
  const all = await tools.ok('leader-election', '--election-type preferred --all-topic-partitions');
  const missing = await tools.any('leader-election', '--election-type preferred --topic missing --partition 0');
  return [notNeeded, without, gone, unclean, only(all, /rror/), missing].join('\n');
}
