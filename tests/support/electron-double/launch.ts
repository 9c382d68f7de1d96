// Starts the app for a spec, on the double or on Electron's own binary, behind one face: evaluate in the main process,
// the window's page, the process.

import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { _electron, chromium, type Browser, type ElectronApplication, type Page } from '@playwright/test';
import { electronBinary } from '../../../build/electron-binary.mjs';
import type * as Electron from 'electron';
import type { createElectron } from './electron-module.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** What functions in the main process get: Electron's module, and what only the double knows. */
export type ElectronModule = typeof Electron & {
  readonly double: ReturnType<typeof createElectron>['double'];
};

export type LaunchOptions = {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The packed app's main bundle instead of the built one. */
  readonly packagedMain?: string;
};

export type ShellApp = {
  readonly process: ChildProcess;
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>;
  output(): string;
  evaluate<Result, Argument>(
    run: (electron: ElectronModule, argument: Argument) => Result | Promise<Result>,
    argument?: Argument,
  ): Promise<Result>;
  /** The page of the only window, once there is one. */
  window(): Promise<Page>;
  /** Ends what is left. */
  dispose(): Promise<void>;
};

export async function launchElectron(options: LaunchOptions): Promise<ShellApp> {
  const executablePath = electronBinary();
  if (executablePath === null) throw new Error('Electron’s binary is not installed');
  const { ELECTRON_RUN_AS_NODE: _, ...env } = { ...process.env, ...options.env } as Record<string, string>;
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const app: ElectronApplication = await _electron.launch({
    executablePath,
    args: [...sandbox, root, ...options.args],
    env,
  });
  const child = app.process();
  const output = collectOutput(child);
  return {
    process: child,
    exited: exitOf(child),
    output,
    evaluate: (run, argument) => app.evaluate(run as never, argument as never) as never,
    window: () => app.firstWindow(),
    dispose: () => end(child),
  };
}

export async function launchDouble(options: LaunchOptions): Promise<ShellApp> {
  const main = options.packagedMain ?? join(root, 'dist/electron/main.cjs');
  const host = await hostBundle();
  const child = spawn(
    process.execPath,
    [host, main, ...(options.packagedMain === undefined ? [] : ['--packaged']), ...options.args],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, ...options.env } },
  );
  const output = collectOutput(child);
  const exited = exitOf(child).finally(() => rmSync(host, { force: true }));
  const answers = new Map<number, (answer: { value: unknown } | { error: string }) => void>();
  let lastId = 0;
  let reportPort: (port: number) => void = () => undefined;
  const debuggingPort = new Promise<number>((resolve) => (reportPort = resolve));
  child.on(
    'message',
    (message: { debuggingPort: number } | ({ id: number } & ({ value: unknown } | { error: string }))) => {
      if ('debuggingPort' in message) return reportPort(message.debuggingPort);
      answers.get(message.id)?.(message);
      answers.delete(message.id);
    },
  );
  let browser: Promise<Browser> | null = null;
  return {
    process: child,
    exited,
    output,
    async evaluate(run, argument) {
      const id = (lastId += 1);
      const answered = new Promise<{ value: unknown } | { error: string }>((resolve) => answers.set(id, resolve));
      child.send({ id, source: run.toString(), argument });
      const lost = exited.then((code) => ({ error: `the app ended with code ${code}: ${output()}` }));
      const answer = await Promise.race([answered, lost]);
      if ('error' in answer) throw new Error(answer.error);
      return answer.value as never;
    },
    async window() {
      browser ??= debuggingPort.then((port) => chromium.connectOverCDP(`http://127.0.0.1:${port}`));
      const [context] = (await browser).contexts();
      if (context === undefined) throw new Error('the double’s browser has no context');
      const isWindow = (page: Page) => page.url() !== 'about:blank';
      for (;;) {
        const page = context.pages().find(isWindow);
        if (page !== undefined) return page;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async dispose() {
      await browser?.then((each) => each.close()).catch(() => undefined);
      await end(child);
    },
  };
}

/** The host as one file of plain JavaScript, beside the packages it needs. */
async function hostBundle(): Promise<string> {
  const outfile = join(root, 'node_modules/.cache/electron-double', `host-${randomUUID()}.cjs`);
  await build({
    entryPoints: [fileURLToPath(new URL('./host.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  return outfile;
}

function collectOutput(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

/** As a person would: asks first. What still runs after that is killed. */
async function end(child: ChildProcess): Promise<void> {
  const isGone = () => child.exitCode !== null || child.signalCode !== null;
  if (isGone()) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await gone;
  clearTimeout(timer);
}
