// Runs a TypeScript entry on plain Node: bundles it with esbuild into the cache, then runs it with the arguments
// that follow, passing on signals and the exit code. Usage: node build/run-ts.mjs ENTRY [ARGS…]
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [entry, ...args] = process.argv.slice(2);
if (entry === undefined) {
  console.error('usage: node build/run-ts.mjs ENTRY [ARGS…]');
  process.exit(2);
}

// Inside the project, so that packages left outside the bundle are found.
const cache = join(root, 'node_modules', '.cache', 'run-ts');
mkdirSync(cache, { recursive: true });
const outfile = join(cache, `${basename(entry, '.ts')}-${process.pid}.mjs`);
const remove = () => {
  rmSync(outfile, { force: true });
  rmSync(`${outfile}.map`, { force: true });
};

try {
  await build({
    entryPoints: [resolve(entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: 'linked',
    logLevel: 'warning',
  });
} catch {
  // esbuild has printed what is wrong.
  remove();
  process.exit(1);
}

const child = spawn(process.execPath, ['--enable-source-maps', outfile, ...args], { stdio: 'inherit' });
const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
for (const signal of signals) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(error);
  remove();
  process.exit(1);
});
child.on('exit', (code, signal) => {
  remove();
  if (signal !== null) {
    for (const name of signals) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  } else {
    process.exit(code ?? 1);
  }
});
