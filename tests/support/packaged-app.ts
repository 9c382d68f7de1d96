// Packs the app with electron-builder for Linux, offline: Electron itself is a stub that holds nothing but the place of
// its fuses. What comes out shows that the configuration is valid, what is in the package and how the fuses are set.

import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Electron's fuses lie in its executable behind this mark: version, count, then one byte each. */
const fuseMark = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
const fuseNames = [
  'runAsNode',
  'enableCookieEncryption',
  'enableNodeOptionsEnvironmentVariable',
  'enableNodeCliInspectArguments',
  'enableEmbeddedAsarIntegrityValidation',
  'onlyLoadAppFromAsar',
  'loadBrowserProcessSpecificV8Snapshot',
  'grantFileProtocolExtraPrivileges',
] as const;

type AsarEntry = {
  readonly files?: Readonly<Record<string, AsarEntry>>;
  readonly offset?: string;
  readonly size?: number;
  readonly unpacked?: boolean;
};

export type PackagedApp = {
  readonly log: string;
  /** Paths in the archive. */
  readonly packed: readonly string[];
  /** Paths beside it. */
  readonly unpacked: readonly string[];
  readonly fuses: Readonly<Record<string, boolean>>;
  /** The main bundle, the archive laid out as a directory of the same name, as Electron's file system shows it. */
  readonly main: string;
};

export async function packApp(directory: string): Promise<PackagedApp> {
  const stub = writeStub(join(directory, 'electron'));
  const output = join(directory, 'release');
  const log = await runBuilder([`-c.electronDist=${stub}`, `-c.directories.output=${output}`]);
  const built = join(output, 'linux-unpacked');
  const resources = join(built, 'resources');
  const laidOut = join(directory, 'app', 'app.asar');
  const { packed, unpacked } = extract(join(resources, 'app.asar'), laidOut);
  cpSync(join(resources, 'app.asar.unpacked'), `${laidOut}.unpacked`, { recursive: true });
  return {
    log,
    packed,
    unpacked,
    fuses: readFuses(join(built, 'highwater')),
    main: join(laidOut, 'dist/electron/main.cjs'),
  };
}

function writeStub(directory: string): string {
  mkdirSync(join(directory, 'locales'), { recursive: true });
  mkdirSync(join(directory, 'resources'));
  for (const name of ['LICENSE', 'LICENSES.chromium.html', 'version', 'chrome_crashpad_handler', 'locales/en-US.pak'])
    writeFileSync(join(directory, name), 'stub');
  // Each fuse opposite to what we want of it, so that an unset one shows.
  const fuses = Buffer.concat([Buffer.from([1, 9]), Buffer.from('011100110')]);
  writeFileSync(join(directory, 'electron'), Buffer.concat([Buffer.from(`stub ${fuseMark}`), fuses]));
  chmodSync(join(directory, 'electron'), 0o755);
  return directory;
}

function runBuilder(config: readonly string[]): Promise<string> {
  const builder = join(root, 'node_modules/electron-builder/cli.js');
  const args = ['--linux', '--x64', '--dir', '--publish', 'never', ...config];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [builder, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve(log) : reject(new Error(`electron-builder: ${code}\n${log}`))));
  });
}

/** The archive is a length-prefixed JSON header, then the files' bytes one after another. */
function extract(archive: string, target: string): { packed: string[]; unpacked: string[] } {
  const bytes = readFileSync(archive);
  const headerBytes = bytes.readUInt32LE(12);
  const header = JSON.parse(bytes.toString('utf8', 16, 16 + headerBytes)) as AsarEntry;
  const base = 8 + bytes.readUInt32LE(4);
  const packed: string[] = [];
  const unpacked: string[] = [];
  const visit = (entry: AsarEntry, path: string) => {
    for (const [name, child] of Object.entries(entry.files ?? {})) visit(child, path === '' ? name : `${path}/${name}`);
    if (entry.files !== undefined) return;
    const file = join(target, path);
    mkdirSync(dirname(file), { recursive: true });
    if (entry.unpacked === true) {
      unpacked.push(path);
      cpSync(join(`${archive}.unpacked`, path), file);
      return;
    }
    packed.push(path);
    const start = base + Number(entry.offset);
    writeFileSync(file, bytes.subarray(start, start + (entry.size ?? 0)));
  };
  visit(header, '');
  return { packed, unpacked };
}

function readFuses(executable: string): Record<string, boolean> {
  const bytes = readFileSync(executable);
  const start = bytes.indexOf(fuseMark) + fuseMark.length + 2;
  return Object.fromEntries(fuseNames.map((name, index) => [name, bytes[start + index] === 0x31]));
}
