// `npm run mutations -- [--seeds 40] [--only NAME]`: how strong is the net? Puts one deliberate bug after another into a
// bundle of the engine (never into the tree) and counts the seeds until the simulator finds it.

import { build, type Plugin } from 'esbuild';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { mutations, type Mutation } from './mutation-list.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '40' },
    from: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});

const cache = resolve('node_modules/.cache/mutations');

function applied({ file, from, to }: Mutation): Plugin {
  const path = resolve(file);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold exactly once: ${from}`);
  const contents = source.replace(from, () => to);
  return {
    name: 'mutation',
    setup(host) {
      host.onLoad({ filter: /\.ts$/ }, (args) =>
        args.path === path ? { contents, loader: 'ts', resolveDir: dirname(path) } : null,
      );
    },
  };
}

async function bundle(mutation: Mutation): Promise<string> {
  const outfile = join(cache, `${mutation.name}-${process.pid}.mjs`);
  await build({
    entryPoints: [resolve('tests/simulation/run.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
    plugins: [applied(mutation)],
  });
  return outfile;
}

/** What the campaign prints until its first failing seed. */
function campaign(file: string, seeds: string): Promise<string> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [file, '--seeds', seeds, '--stop-at-first'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('close', () => done(text));
  });
}

async function tryOut(mutation: Mutation): Promise<boolean> {
  const file = await bundle(mutation);
  const first = Number(values.from);
  const text = await campaign(file, `${first}..${first + Number(values.seeds) - 1}`);
  rmSync(file, { force: true });
  const found = /^seed (\d+) FAILED: (.*)$/m.exec(text);
  const how = found === null ? `NOT FOUND in ${values.seeds} seeds` : `found by seed ${found[1]} (${found[2]})`;
  console.log(`${mutation.name.padEnd(34)} ${how}`);
  return found !== null;
}

mkdirSync(cache, { recursive: true });
const chosen = mutations.filter((mutation) => values.only === undefined || mutation.name.includes(values.only));
let foundCount = 0;
for (const mutation of chosen) if (await tryOut(mutation)) foundCount++;
console.log(`${foundCount} of ${chosen.length} found`);
process.exit(foundCount === chosen.length ? 0 : 1);
