// Browser tests. The renderer must have been built: `npm run build`.

import { defineConfig } from '@playwright/test';
import { electronBinary } from './build/electron-binary.mjs';
import { chromiumArguments, chromiumPath } from './tests/e2e/chromium.ts';

const executablePath = chromiumPath();

export default defineConfig({
  testDir: 'tests/e2e',
  outputDir: 'test-results/e2e',
  // Clusters are real processes on few cores: side by side they would measure each other.
  workers: 1,
  timeout: 180_000,
  expect: { timeout: 30_000 },
  forbidOnly: true,
  retries: 0,
  reporter: [['line']],
  projects: [
    { name: 'browser', testIgnore: 'electron*.spec.ts' },
    // The desktop shell's own bundles over a double of Electron; see tests/support/electron-double/host.ts.
    { name: 'electron-double', testMatch: 'electron*.spec.ts' },
    // The same on the real thing, only where it is: a skipped test proves nothing.
    ...(electronBinary() === null ? [] : [{ name: 'electron', testMatch: 'electron.spec.ts' }]),
  ],
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 800 },
    launchOptions: { args: chromiumArguments(), ...(executablePath === undefined ? {} : { executablePath }) },
    // A trace of every test doubles its time: PWTRACE=1 for the one that is looked into.
    trace: process.env['PWTRACE'] === undefined ? 'off' : 'retain-on-failure',
    screenshot: 'only-on-failure',
  },
});
