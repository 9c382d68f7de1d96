// `npm run build`: everything into dist/ — the Node bundles and the renderer.
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as viteBuild } from 'vite';
import { bundle } from './bundle.mjs';
import { notingModules, writeLicences } from './third-party.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** @type {Set<string>} */
const inPage = new Set();
const [inBundles] = await Promise.all([
  bundle(),
  viteBuild({
    configFile: join(root, 'renderer/vite.config.ts'),
    logLevel: 'warn',
    plugins: [notingModules(inPage)],
  }),
]);
writeLicences(root, [...inBundles, ...inPage], join(root, 'dist/THIRD-PARTY-LICENSES.txt'));
