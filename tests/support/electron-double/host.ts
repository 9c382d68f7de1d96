// A double of the slice of Electron that app/electron uses, over Playwright's Chromium. This process plays Electron's
// main process: it gives `require('electron')` the double and runs the shipped main bundle unchanged. It proves our
// main and preload code. It does not prove Chromium's sandbox, the true app:// origin, contextBridge's own cloning,
// native menus, trays, focus, fuses or reading from an asar archive: for those there is the real binary.
//
// Usage: node host.js MAIN_BUNDLE [--packaged] [ARGS as Electron would get them]
// Over Node's IPC channel it evaluates functions with the electron module, as Playwright's `electronApp.evaluate`.

import Module from 'node:module';
import { createElectron } from './electron-module.ts';

type Evaluation = { readonly id: number; readonly source: string; readonly argument: unknown };

const [mainBundle, ...rest] = process.argv.slice(2);
if (mainBundle === undefined) throw new Error('usage: host.js MAIN_BUNDLE [--packaged] [ARGS]');
const isPackaged = rest.includes('--packaged');
const args = rest.filter((each) => each !== '--packaged');
// Electron's own line: the executable, in development the app's folder, the arguments.
process.argv = [process.execPath, ...(isPackaged ? [] : [mainBundle]), ...args];

const electron = createElectron({ isPackaged, onReady: (debuggingPort) => process.send?.({ debuggingPort }) });

type Loader = { _load(request: string, ...others: unknown[]): unknown };
const loader = Module as unknown as Loader;
const load = loader._load.bind(Module);
loader._load = (request, ...others) => (request === 'electron' ? electron : load(request, ...others));

process.on('message', (message: Evaluation) => {
  void evaluate(message).then((answer) => process.send?.({ id: message.id, ...answer }));
});
// The test is gone: nobody will end this app.
process.on('disconnect', () => process.exit(1));

Module.createRequire(mainBundle)(mainBundle);

async function evaluate({ source, argument }: Evaluation): Promise<{ value: unknown } | { error: string }> {
  try {
    const run = (0, eval)(`(${source})`) as (module: unknown, argument: unknown) => unknown;
    return { value: (await run(electron, argument)) ?? null };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
