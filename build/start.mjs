// `npm start`: installs if needed, builds, starts a cluster and opens the app: Electron where its binary is there,
// else the same UI in the browser. Uses nothing but Node until node_modules exists.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { electronBinary } from './electron-binary.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (result.status !== 0) {
    console.error(`\n${command} ${args.join(' ')} failed; see its messages above.`);
    process.exit(result.status ?? 1);
  }
}

/** A shell inside an Electron program (an editor's terminal) may ask for plain Node: that is not meant for us. */
function electronEnvironment() {
  const { ELECTRON_RUN_AS_NODE: _, ...environment } = process.env;
  return environment;
}

if (!existsSync(join(root, 'node_modules/esbuild'))) {
  console.log('Installing dependencies (npm ci)…');
  run(npm, ['ci', '--no-audit', '--no-fund']);
}
run(process.execPath, [join(root, 'build/build.mjs')]);

const electron = electronBinary();
const child = electron
  ? spawn(electron, [root, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit', env: electronEnvironment() })
  : spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'app', ...process.argv.slice(2)], {
      cwd: root,
      stdio: 'inherit',
    });
if (!electron) console.log("Electron's binary is not installed: opening the same UI in the browser.");
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
