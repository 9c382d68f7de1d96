// npm run bench: what this cluster costs and gives, and beside it Apache Kafka. See docs/BENCHMARKS.md.

import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isProfileName, profiles, type ProfileName } from '../../main/cluster/profiles.ts';
import { startApacheKafka } from './clusters/apache-cluster.ts';
import { projectRoot, type Cluster, type ClusterName } from './clusters/cluster.ts';
import { startHighwater } from './clusters/highwater-cluster.ts';
import { Observer } from './observer.ts';
import { failoverPart } from './parts/failover.ts';
import type { Figure, Part, PartOptions, Samples } from './parts/figures.ts';
import { idlePart } from './parts/idle.ts';
import { latencyPart } from './parts/latency.ts';
import { startPart } from './parts/start.ts';
import { throughputPart } from './parts/throughput.ts';
import { machineCpuPercent } from './processes.ts';
import { asJson, resultTable } from './report.ts';

// In the order in which they run on one cluster. Throughput comes before latency, so that a JVM is warm when each
// millisecond counts.
const parts: readonly Part[] = [idlePart, throughputPart, latencyPart, startPart, failoverPart];

const usage = `usage: npm run bench -- [options]
  --kafka-libs DIR      jars of Apache Kafka 4.3.1: runs it beside ours, in alternating runs
  --without-highwater   only Apache Kafka
  --only PART,…         of ${parts.map(({ name }) => name).join(', ')}
  --rounds 3            runs per product; medians are printed
  --profile NAME        time-outs of both, laptop or kafka, in all parts
                        (default: laptop for start and failover, kafka for what must not lose a broker under load)
  --megabytes 500       record values per throughput case, after --warm-up 200
  --idle-seconds 20  --latency-seconds 30  --rate 1000  --failovers 2
  --json FILE           every sample
  --write-docs          the figures into docs/BENCHMARKS.md`;

const optionTypes = {
  'kafka-libs': { type: 'string' },
  'without-highwater': { type: 'boolean' },
  only: { type: 'string' },
  rounds: { type: 'string', default: '3' },
  profile: { type: 'string' },
  megabytes: { type: 'string', default: '500' },
  'warm-up': { type: 'string', default: '200' },
  'idle-seconds': { type: 'string', default: '20' },
  'latency-seconds': { type: 'string', default: '30' },
  rate: { type: 'string', default: '1000' },
  failovers: { type: 'string', default: '2' },
  json: { type: 'string' },
  'write-docs': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Measured before each start, while nothing of ours runs: a noisy moment on one side only makes a ratio worthless. */
const others: Figure = {
  key: 'others',
  title: 'CPU that others used, before each start',
  unit: '% of a core',
  better: 'less',
};
const othersSampleMs = 3000;
const othersPercentMax = 10;

type Configs = Readonly<Record<string, string>>;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: optionTypes });
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  const profile = values.profile;
  if (profile !== undefined && !isProfileName(profile)) throw new Error(`no such profile: ${profile}\n${usage}`);
  const chosen = partsNamed(values.only);
  const options: PartOptions = {
    megabytes: Number(values.megabytes),
    warmUpMegabytes: Number(values['warm-up']),
    idleSeconds: Number(values['idle-seconds']),
    latencySeconds: Number(values['latency-seconds']),
    ratePerSecond: Number(values.rate),
    failovers: Number(values.failovers),
  };
  const libs = values['kafka-libs'];
  const products = new Map<ClusterName, (configs: Configs) => Promise<Cluster>>();
  if (values['without-highwater'] !== true) products.set('highwater', (configs) => startHighwater({ configs }));
  if (libs !== undefined) products.set('kafka', (configs) => startApacheKafka(resolve(libs), { configs }));

  const results = new Map<ClusterName, Samples>([...products.keys()].map((name) => [name, new Map()]));
  let failures = 0;
  const rounds = Number(values.rounds);
  for (let round = 1; round <= rounds; round++) {
    // Each product goes first in turn.
    const order = round % 2 === 1 ? [...products] : [...products].reverse();
    for (const [name, start] of order) {
      const say = (text: string): void => console.error(`[${round}/${rounds} ${name}] ${text}`);
      const samples: Samples = results.get(name) ?? new Map();
      for (const each of ['kafka', 'laptop'] as const) {
        const now = chosen.filter((part) => (profile ?? part.profile) === each);
        if (now.length > 0) failures += await runOnce(() => start(profiles[each]), now, options, samples, say);
      }
    }
  }
  const figures = [...chosen.flatMap((part) => part.figures), others];
  const circumstances = circumstancesOf(results, rounds, profile ?? null);
  const table = resultTable(figures, results);
  console.log(`${circumstances}\n\n${table}`);
  if (failures > 0) console.log(`\n${failures} parts failed, see above`);
  if (values.json !== undefined) writeFileSync(values.json, asJson(figures, results));
  if (values['write-docs'] === true) writeDocs(`${circumstances}\n\n${table}`);
  return failures === 0 ? 0 : 1;
}

function partsNamed(only: string | undefined): readonly Part[] {
  if (only === undefined) return parts;
  const names = only.split(',');
  const unknown = names.find((name) => !parts.some((part) => part.name === name));
  if (unknown !== undefined) throw new Error(`no such part: ${unknown}\n${usage}`);
  return parts.filter(({ name }) => names.includes(name));
}

/** One life of one cluster. Gives how many parts failed; the others' figures stand. */
async function runOnce(
  start: () => Promise<Cluster>,
  chosen: readonly Part[],
  options: PartOptions,
  samples: Samples,
  say: (text: string) => void,
): Promise<number> {
  const note = (figure: Figure, value: number): void => {
    samples.set(figure.key, [...(samples.get(figure.key) ?? []), value]);
    say(`${figure.title}: ${value.toFixed(2)} ${figure.unit}`);
  };
  let failures = 0;
  note(others, await machineCpuPercent(othersSampleMs));
  const cluster = await start();
  const observer = new Observer(cluster.nodes);
  try {
    for (const part of chosen) {
      try {
        await part.run({ cluster, observer, options, note, say });
      } catch (error) {
        failures++;
        say(`${part.name} FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
    }
  } finally {
    observer.close();
    await cluster.stop();
  }
  return failures;
}

/** What the figures depend on besides the code. */
function circumstancesOf(
  results: ReadonlyMap<ClusterName, Samples>,
  rounds: number,
  profile: ProfileName | null,
): string {
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`;
  const line = `${rounds} rounds${profile === null ? '' : `, profile ${profile}`}; ${machine}.`;
  const noise = Math.max(...[...results.values()].flatMap((samples) => samples.get(others.key) ?? []));
  if (noise <= othersPercentMax) return line;
  return `${line}\n**Others used up to ${noise.toFixed(0)} % of a core: these figures are not to be relied on.**`;
}

const marks = { begin: '<!-- figures -->', end: '<!-- end of figures -->' };

function writeDocs(figures: string): void {
  const path = join(projectRoot(), 'docs/BENCHMARKS.md');
  const text = readFileSync(path, 'utf8');
  const begin = text.indexOf(marks.begin);
  const end = text.indexOf(marks.end);
  if (begin < 0 || end < begin) throw new Error(`${path} lacks its marks`);
  const section = `${marks.begin}\n\n${figures}\n\n`;
  writeFileSync(path, text.slice(0, begin) + section + text.slice(end));
}

// So that the starters' own handlers of 'exit' end what they started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
process.exitCode = await main();
