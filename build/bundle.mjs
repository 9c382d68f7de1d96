// Bundles everything that runs on Node into dist/: one file per entry, so that a broker starts in 0.1 s.
// Packages with native or wasm parts stay outside; the rest is bundled, because resolving it costs start time.
import { build } from 'esbuild';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const external = ['electron', '@node-rs/crc32', 'lz4-napi', '@bokuweb/zstd-wasm', 'kafkajs'];

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  minifySyntax: true,
  // The licences' whole texts stand in dist/THIRD-PARTY-LICENSES.txt.
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  define: { __HIGHWATER_VERSION__: JSON.stringify(version) },
  external,
};

// CommonJS packages inside an ESM bundle ask for require.
const requireShim =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** Builds all Node entries; resolves with the paths of all modules in them when dist/ is complete. */
export async function bundle() {
  for (const folder of ['cli', 'broker', 'electron'])
    rmSync(join(root, 'dist', folder), { recursive: true, force: true });
  mkdirSync(join(root, 'dist'), { recursive: true });
  const esm = { ...common, format: /** @type {const} */ ('esm'), banner: { js: requireShim } };
  const jobs = [
    build({
      ...esm,
      entryPoints: { 'cli/main': 'app/cli/main.ts' },
      outdir: 'dist',
      splitting: true,
      chunkNames: 'cli/chunks/[name]-[hash]',
      banner: { js: `${requireShim}` },
    }),
    build({ ...esm, entryPoints: { 'broker/process': 'main/broker/process.ts' }, outdir: 'dist', minifySyntax: true }),
    build({ ...esm, entryPoints: { embed: 'main/embed.ts' }, outdir: 'dist' }),
  ];
  if (existsSync(join(root, 'app/electron/main.ts'))) {
    const cjs = { ...common, format: /** @type {const} */ ('cjs'), outExtension: { '.js': '.cjs' }, outdir: 'dist' };
    jobs.push(
      build({
        ...cjs,
        entryPoints: { 'electron/main': 'app/electron/main.ts' },
        define: { ...common.define, 'import.meta.url': '__filename_url' },
        banner: { js: "const __filename_url = require('node:url').pathToFileURL(__filename).href;" },
      }),
      // A sandboxed preload has no __filename and may require next to nothing: without the banner.
      build({ ...cjs, entryPoints: { 'electron/preload': 'app/electron/preload.ts' } }),
    );
  }
  const results = await Promise.all(jobs);
  cpSync(join(root, 'build/resources/tray'), join(root, 'dist/electron/tray'), { recursive: true });
  rmSync(join(root, 'dist/drills'), { recursive: true, force: true });
  cpSync(join(root, 'main/drills/catalog'), join(root, 'dist/drills'), { recursive: true });
  chmodSync(join(root, 'dist/cli/main.js'), 0o755);
  return results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const startedMs = performance.now();
  await bundle();
  console.log(`bundled in ${Math.round(performance.now() - startedMs)} ms`);
}
