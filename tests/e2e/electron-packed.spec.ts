// The package as electron-builder makes it: what is in it, how its fuses are set, and that the packed main, preload,
// page and broker start from nothing but what is in it. On the double; signing and installers are not tried here.

import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { temporaryDirectory } from '../support/cluster.ts';
import { launchDouble } from '../support/electron-double/launch.ts';
import { packApp } from '../support/packaged-app.ts';
import { ClusterPage } from './pages/cluster-page.ts';

test.setTimeout(180_000);

const wanted = [
  'package.json',
  'dist/electron/main.cjs',
  'dist/electron/preload.cjs',
  'dist/electron/tray/ready.png',
  'dist/renderer/index.html',
  'dist/THIRD-PARTY-LICENSES.txt',
  'node_modules/kafkajs/package.json',
];
const wantedUnpacked = ['package.json', 'dist/broker/process.js', 'node_modules/@node-rs/crc32/index.js'];
const allowed =
  /^(package\.json$|dist\/THIRD-PARTY-LICENSES\.txt$|dist\/(electron|broker|drills|renderer)\/|node_modules\/)/;
const foreign = /\.(map|ts|mts|cts|md)$|(^|\/)(test|tests|__tests__)\/|dist\/cli|snappyjs|valibot/;

test('the package holds what it needs and no more, and starts', async () => {
  const temporary = temporaryDirectory();
  try {
    const packaged = await packApp(temporary.path);
    const all = [...packaged.packed, ...packaged.unpacked];
    expect(all).toEqual(expect.arrayContaining(wanted));
    expect(packaged.unpacked).toEqual(expect.arrayContaining(wantedUnpacked));
    expect(all.filter((path) => !allowed.test(path) || foreign.test(path))).toEqual([]);
    expect(packaged.packed.filter((path) => path.endsWith('.node'))).toEqual([]);
    expect(packaged.fuses).toEqual({
      runAsNode: true,
      enableCookieEncryption: true,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      loadBrowserProcessSpecificV8Snapshot: false,
      grantFileProtocolExtraPrivileges: false,
    });

    const app = await launchDouble({
      packagedMain: packaged.main,
      args: [
        `--user-data-dir=${join(temporary.path, 'user-data')}`,
        `--data=${join(temporary.path, 'data')}`,
        '--cluster-port=0',
        '--brokers=1',
        '--no-demo',
      ],
    });
    try {
      const page = await app.window();
      await expect(new ClusterPage(page).header()).toContainText('Ready');
      const drills = await page.evaluate(() => {
        type Scope = { highwater: { request(name: string, input: object): Promise<unknown[]> } };
        return (globalThis as unknown as Scope).highwater.request('drill.list', {});
      });
      expect(drills.length).toBeGreaterThan(0);
      // Outside a package the scheme belongs to whatever else is installed.
      const clients = await app.evaluate(
        ({ app: electronApp }) => (electronApp as unknown as { protocolClients: string[] }).protocolClients,
      );
      expect(clients).toEqual(['highwater']);
    } finally {
      await app.dispose();
    }
    expect(await app.exited).toBe(0);
  } finally {
    temporary.remove();
  }
});
