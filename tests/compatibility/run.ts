// npm run clients: every client of the matrix step by step, then every program of others, against a cluster. See
// README.md beside this file.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '../benchmarks/clusters/cluster.ts';
import { Observer } from '../benchmarks/observer.ts';
import { profiles } from '../../main/cluster/profiles.ts';
import { clients, NotHere, type Setting } from './clients.ts';
import { runVerb } from './member.ts';
import { differencesBetween, type Difference } from './programs/differences.ts';
import { kafkaJars } from './programs/jvm.ts';
import type { ProgramResult } from './programs/program.ts';
import { isWholeProgram, merged, programs, programSettings, runPrograms } from './programs/run-programs.ts';
import { differenceList, page, table, type Row } from './report.ts';
import { walk } from './scenario.ts';
import { runningTarget, startTarget, type Product, type Target } from './target.ts';

const names = [...clients, ...programs].map(({ name }) => name);
const usage = `usage: npm run clients -- [options]
  --bootstrap HOST:PORT,…  a running cluster of three brokers (num.partitions 4, replication factor 3 for kcat);
                           the clients of the matrix only
  --kafka                  Apache Kafka instead of Highwater
  --against kafka|FILE     the programs' answers are compared with those of Apache Kafka: started for it, or as an
                           earlier run with --kafka --json FILE,… got them
  --kafka-libs DIR         jars of Apache Kafka 4.3.1; without it Maven fetches them
  --only NAME,…            of ${names.join(', ')}, or none
  --cases PATTERN          of the programs only the cases whose name matches
  --cache DIR              where clients are installed (default: highwater-clients in the temporary directory)
  --json FILE              the outcomes as JSON
  --with FILE,…            outcomes of earlier runs that the page tells as well
  --write-docs             writes docs/CLIENTS.md`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      bootstrap: { type: 'string' },
      kafka: { type: 'boolean' },
      against: { type: 'string' },
      'kafka-libs': { type: 'string' },
      only: { type: 'string' },
      cases: { type: 'string' },
      cache: { type: 'string' },
      json: { type: 'string' },
      with: { type: 'string' },
      'write-docs': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  const only = values.only === 'none' ? [] : (values.only?.split(',') ?? names);
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no such client: ${unknown.join(', ')}\n${usage}`);
  const cache = resolve(values.cache ?? join(tmpdir(), 'highwater-clients'));
  mkdirSync(cache, { recursive: true });
  const kafkaLibs = values['kafka-libs'] === undefined ? null : resolve(values['kafka-libs']);
  const setting: Setting = { cache, kafkaLibs };
  const product: Product = values.kafka === true ? 'Apache Kafka' : 'Highwater';

  const earlier = (values.with?.split(',') ?? []).map(readOutcomes);
  const walked = await walkMatrix(only, setting, product, values.bootstrap ?? null);
  const rows = lastOfEach([...earlier.flatMap((each) => each.rows), ...walked]);
  const answers = async (whose: Product): Promise<readonly ProgramResult[]> => {
    const wanted = programs.filter(({ name }) => only.includes(name));
    if (wanted.length === 0 || values.bootstrap !== undefined) return [];
    const target = await start(whose, setting, programSettings);
    try {
      if (target.cluster === null) return [];
      const options = { cases: new RegExp(values.cases ?? ''), log: (line: string) => console.log(line) };
      return await runPrograms(wanted, target.cluster, setting, options);
    } finally {
      await target.stop();
    }
  };
  const results = merged([...earlier.flatMap((each) => each.results), ...(await answers(product))]);
  let differences: readonly Difference[] | null = null;
  if (values.against !== undefined) {
    console.log('\nThe same against Apache Kafka:');
    const files = values.against === 'kafka' ? [] : values.against.split(',');
    const kafkas =
      files.length > 0 ? files.flatMap((file) => readOutcomes(file).results) : await answers('Apache Kafka');
    differences = differencesBetween(results, merged(kafkas));
    console.log(`\n${differenceList(differences)}`);
  }
  if (rows.length > 0) console.log(`\nAgainst ${values.bootstrap ?? product}:\n\n${table(rows)}`);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ product, rows, results, differences }, null, 2)}\n`);
  if (values['write-docs'] === true)
    writeFileSync(join(projectRoot(), 'docs/CLIENTS.md'), page({ rows, results, differences, product }));
  const areSame = differences?.every(({ reason }) => reason !== null) ?? true;
  return rows.every(isWhole) && results.every(isWholeProgram) && areSame ? 0 : 1;
}

/** Of the rows of several runs the last of each client. */
const lastOfEach = (rows: readonly Row[]): Row[] => [...new Map(rows.map((row) => [row.name, row])).values()];

type SavedOutcomes = { readonly rows: readonly Row[]; readonly results: readonly ProgramResult[] };

const readOutcomes = (file: string): SavedOutcomes => JSON.parse(readFileSync(file, 'utf8')) as SavedOutcomes;

async function walkMatrix(
  only: readonly string[],
  setting: Setting,
  product: Product,
  bootstrap: string | null,
): Promise<Row[]> {
  const wanted = clients.filter(({ name }) => only.includes(name));
  if (wanted.length === 0) return [];
  const configs = { ...profiles.laptop, 'num.partitions': '4' };
  const target = bootstrap === null ? await start(product, setting, configs) : await runningTarget(bootstrap);
  const observer = new Observer(target.nodes);
  const rows: Row[] = [];
  try {
    for (const client of wanted) {
      const startedMs = performance.now();
      const row = await rowOf(client, setting, target, observer);
      rows.push(row);
      console.log(`${client.name} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
      for (const line of complaints(row)) console.log(`  ${line}`);
    }
  } finally {
    observer.close();
    await target.stop();
  }
  return rows;
}

async function start(product: Product, setting: Setting, configs: Readonly<Record<string, string>>): Promise<Target> {
  return startTarget(product, product === 'Highwater' ? null : await kafkaJars(setting), configs);
}

async function rowOf(
  client: (typeof clients)[number],
  setting: Setting,
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

// So that the starters' own handlers of 'exit' end what they started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
process.exitCode = await main();
