// `npm run screenshots`: every screen of the app on a real cluster, dark and light, into docs/images. Options:
//   --to DIR        where the pictures go (docs/images)
//   --only a,b      only these places
//   --size WxH      1280x800 unless said
// Needs `npm run build` and a Chromium (see tests/e2e/chromium.ts).

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from '@playwright/test';
import { chromiumArguments, chromiumPath } from '../e2e/chromium.ts';
import { eventually } from '../support/cluster.ts';
import { fillCluster } from './cluster-content.ts';
import { places } from './places.ts';
import { smallPng } from './small-png.ts';

const bytesMax = 200 * 1024;
const cliPath = resolve('dist/cli/main.js');

const { values } = parseArgs({
  options: {
    to: { type: 'string', default: 'docs/images' },
    only: { type: 'string' },
    size: { type: 'string', default: '1280x800' },
  },
});
const only = values.only?.split(',');
const wanted = places.filter(({ name }) => only === undefined || only.includes(name));
const [width = 1280, height = 800] = values.size.split('x').map(Number);
mkdirSync(values.to, { recursive: true });

const app = await startApp();
const executablePath = chromiumPath();
const browser = await chromium.launch({
  args: chromiumArguments(),
  ...(executablePath === undefined ? {} : { executablePath }),
});
let leave = (): Promise<void> => Promise.resolve();
try {
  leave = await fillCluster(app.bootstrap);
  for (const theme of ['dark', 'light'] as const) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
    const page = await context.newPage();
    await page.goto(app.url);
    await page.getByRole('contentinfo').waitFor();
    await page.getByRole('button', { name: 'Not now' }).click();
    for (const { name, show, after } of wanted) {
      await show(page);
      await settled(page);
      const png = smallPng(await page.screenshot({ animations: 'disabled', caret: 'hide' }));
      writeFileSync(join(values.to, `${name}-${theme}.png`), png);
      await after?.(page);
      const size = `${Math.round(png.length / 1024)} KB`;
      console.log(`${name}-${theme}.png ${size}${png.length > bytesMax ? ' (more than 200 KB)' : ''}`);
    }
    await context.close();
  }
} finally {
  await leave();
  await browser.close();
  await stop(app.process);
}

/** Fonts are there, and two frames were painted since. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(
    'document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))',
  );
}

async function startApp(): Promise<{ process: ChildProcess; url: string; bootstrap: string }> {
  const child = spawn(process.execPath, [cliPath, 'app', '--no-open', '--ephemeral', '--cluster-port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (part: Buffer) => (output += part.toString()));
  await eventually('the app is ready', () => /bootstrap\s+\S+/.test(output) && /UI\s+http/.test(output));
  return {
    process: child,
    url: /UI\s+(http\S+)/.exec(output)?.[1] ?? '',
    bootstrap: /bootstrap\s+(\S+)/.exec(output)?.[1] ?? '',
  };
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
