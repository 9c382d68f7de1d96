// Where Electron's own binary is, or null: `require('electron')` itself would try to download it. Uses nothing but
// Node, since `npm start` asks before node_modules exists.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = join(dirname(fileURLToPath(import.meta.url)), '../node_modules/electron');
const names = { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' };

export function electronBinary() {
  const folder = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(modules, 'dist');
  const named = join(modules, 'path.txt');
  const name = existsSync(named) ? readFileSync(named, 'utf8').trim() : (names[process.platform] ?? 'electron');
  const path = join(folder, name);
  return existsSync(path) ? path : null;
}
