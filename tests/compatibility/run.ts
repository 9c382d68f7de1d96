// npm run clients: every client of the matrix against a cluster, step by step. See README.md beside this file.

import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startApacheKafka } from '../benchmarks/clusters/apache-cluster.ts';
import { projectRoot, type Node } from '../benchmarks/clusters/cluster.ts';
import { startHighwater } from '../benchmarks/clusters/highwater-cluster.ts';
import { Observer } from '../benchmarks/observer.ts';
import { profiles } from '../../main/cluster/profiles.ts';
import { clients, NotHere } from './clients.ts';
import { runVerb } from './member.ts';
import { page, table, type Row } from './report.ts';
import { walk } from './scenario.ts';

const usage = `usage: npm run clients -- [options]
  --bootstrap HOST:PORT,…  a running cluster of three brokers (num.partitions 4, replication factor 3 for kcat)
  --kafka                  starts Apache Kafka instead of Highwater; needs --kafka-libs
  --kafka-libs DIR         jars of Apache Kafka 4.3.1; without it Maven fetches those of the Java client
  --only NAME,…            of ${clients.map(({ name }) => name).join(', ')}
  --cache DIR              where clients are installed (default: highwater-clients in the temporary directory)
  --json FILE              the outcomes as JSON
  --write-docs             writes docs/CLIENTS.md`;

type Target = {
  readonly label: string;
  readonly nodes: readonly Node[];
  readonly bootstrap: string;
  stop(): Promise<void>;
};

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      bootstrap: { type: 'string' },
      kafka: { type: 'boolean' },
      'kafka-libs': { type: 'string' },
      only: { type: 'string' },
      cache: { type: 'string' },
      json: { type: 'string' },
      'write-docs': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  const only = values.only?.split(',');
  const unknown = only?.filter((name) => !clients.some((client) => client.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`no such client: ${unknown.join(', ')}\n${usage}`);
  const cache = resolve(values.cache ?? join(tmpdir(), 'highwater-clients'));
  mkdirSync(cache, { recursive: true });
  const kafkaLibs = values['kafka-libs'] === undefined ? null : resolve(values['kafka-libs']);

  const target = await open(values.bootstrap ?? null, values.kafka === true, kafkaLibs);
  const observer = new Observer(target.nodes);
  const rows: Row[] = [];
  try {
    for (const client of clients.filter(({ name }) => only?.includes(name) ?? true)) {
      const startedMs = performance.now();
      const row = await rowOf(client, { cache, kafkaLibs }, target, observer);
      rows.push(row);
      console.log(`${client.name} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
      for (const line of complaints(row)) console.log(`  ${line}`);
    }
  } finally {
    observer.close();
    await target.stop();
  }
  console.log(`\nAgainst ${target.label}:\n\n${table(rows)}`);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ target: target.label, rows }, null, 2)}\n`);
  if (values['write-docs'] === true) writeFileSync(join(projectRoot(), 'docs/CLIENTS.md'), page(rows, target.label));
  return rows.every(isWhole) ? 0 : 1;
}

async function rowOf(
  client: (typeof clients)[number],
  setting: { cache: string; kafkaLibs: string | null },
  { bootstrap }: Target,
  observer: Observer,
): Promise<Row> {
  try {
    const program = await client.prepare(setting);
    const version = await runVerb(program, ['version']);
    const suffix = String(Date.now() % 1_000_000_000);
    return { name: client.name, version, outcomes: await walk(client, program, { bootstrap, observer, suffix }) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      name: client.name,
      version: null,
      missing: error instanceof NotHere ? why : `could not be prepared: ${why}`,
    };
  }
}

const isWhole = (row: Row): boolean =>
  'outcomes' in row && Object.values(row.outcomes).every(({ is }) => is === 'ok' || is === 'without');

function complaints(row: Row): string[] {
  if ('missing' in row) return [`not here: ${row.missing}`];
  return Object.entries(row.outcomes).flatMap(([step, outcome]) =>
    outcome.is === 'failed' ? [`${step} FAILED: ${outcome.why}`] : [],
  );
}

async function open(bootstrap: string | null, isKafka: boolean, kafkaLibs: string | null): Promise<Target> {
  if (bootstrap !== null) return { label: bootstrap, bootstrap, nodes: await nodesOf(bootstrap), stop: async () => {} };
  const options = { configs: { ...profiles.laptop, 'num.partitions': '4' } };
  if (!isKafka) {
    const cluster = await startHighwater(options);
    return { label: 'Highwater', nodes: cluster.nodes, bootstrap: cluster.bootstrap, stop: () => cluster.stop() };
  }
  if (kafkaLibs === null) throw new Error(`--kafka needs --kafka-libs\n${usage}`);
  const cluster = await startApacheKafka(kafkaLibs, options);
  return { label: 'Apache Kafka', nodes: cluster.nodes, bootstrap: cluster.bootstrap, stop: () => cluster.stop() };
}

async function nodesOf(bootstrap: string): Promise<Node[]> {
  const seeds = bootstrap.split(',').map((address, index) => {
    const [host = '', port = ''] = address.split(':');
    return { id: -1 - index, host, port: Number(port), controllerPort: 0 };
  });
  const observer = new Observer(seeds);
  try {
    const { brokers } = await observer.metadata(null);
    return brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port, controllerPort: 0 }));
  } finally {
    observer.close();
  }
}

// So that the starters' own handlers of 'exit' end what they started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
process.exitCode = await main();
