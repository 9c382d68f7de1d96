// npm run kafka-opens -- --kafka-libs DIR: Apache Kafka 4.3.1 on our data directories, ours on Kafka's, and clusters of
// both. Everything that is served is compared before and after. See docs/COMPATIBILITY.md for where it stands.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '../../benchmarks/clusters/cluster.ts';
import type { Stage } from './stage.ts';
import { stages } from './stages.ts';
import { page } from './page.ts';
import { cli } from './nodes.ts';

const usage = `usage: npm run kafka-opens -- --kafka-libs DIR [options]
  --kafka-libs DIR   jars of Apache Kafka 4.3.1; Java 17 or later must be there
  --only NAME,…      of ${stages.map(({ name }) => name).join(', ')}
  --keep DIR         where the directories are made and stay
  --write-docs       writes docs/COMPATIBILITY.md`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      'kafka-libs': { type: 'string' },
      only: { type: 'string' },
      keep: { type: 'string' },
      'write-docs': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return say(usage, 0);
  const jars = values['kafka-libs'] === undefined ? null : resolve(values['kafka-libs']);
  if (jars === null || !existsSync(jars)) return say(`skipped: no directory of Kafka's jars\n${usage}`, 0);
  if (spawnSync('java', ['-version']).status !== 0) return say('skipped: no Java here', 0);
  if (!existsSync(cli())) return say('dist/cli/main.js is missing: run `npm run build` first', 1);
  const only = values.only?.split(',');
  const chosen = stages.filter(({ name }) => only?.includes(name) ?? true);
  const directory = values.keep ?? mkdtempSync(join(tmpdir(), 'kafka-opens-'));
  mkdirSync(directory, { recursive: true });
  const outcomes: { stage: Stage; problems: readonly string[] }[] = [];
  for (const stage of chosen) {
    const startedMs = performance.now();
    const own = join(directory, stage.name);
    mkdirSync(own);
    const problems = await stage.run({ jars, directory: own, say: (text) => console.log(`  ${text}`) }).catch(reason);
    outcomes.push({ stage, problems });
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${stage.name}: ${stage.title} (${seconds} s)`);
    for (const problem of problems) console.log(`         ${problem}`);
  }
  const failed = outcomes.filter(({ problems }) => problems.length > 0).length;
  if (values.keep === undefined && failed === 0) rmSync(directory, { recursive: true, force: true });
  else console.log(`directories and logs are in ${directory}`);
  if (values['write-docs'] === true) writeFileSync(join(projectRoot(), 'docs/COMPATIBILITY.md'), page(outcomes));
  return say(`${outcomes.length - failed} passed, ${failed} failed`, failed === 0 ? 0 : 1);
}

function say(text: string, code: number): number {
  console.log(text);
  return code;
}

/** Why a stage ended early, with what was behind it. */
function reason(error: unknown): string[] {
  const lines: string[] = [];
  for (let each = error; each !== undefined; each = each instanceof Error ? each.cause : undefined) {
    lines.push(each instanceof Error ? each.message : JSON.stringify(each));
  }
  return lines;
}

process.exit(await main());
