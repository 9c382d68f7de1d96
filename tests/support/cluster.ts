// A real cluster for tests: the built `highwater up --json` in a directory of its own, and its other commands.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRunning } from '../../main/runtime/node/lock-file.ts';

export { isRunning as isAlive };

export type ReadyLine = {
  readonly clusterId: string;
  readonly bootstrap: string;
  readonly dataDir: string;
  readonly uiUrl: string | null;
  readonly securedBootstrap: string | null;
  readonly readyMs: number;
  readonly brokers: readonly {
    readonly id: number;
    readonly pid: number;
    readonly host: string;
    readonly port: number;
    readonly controllerPort: number;
    readonly metricsUrl: string | null;
    readonly logDir: string;
  }[];
};

export type Status = {
  readonly state: string;
  readonly brokers: readonly {
    id: number;
    pid: number | null;
    alive: boolean;
    process: string;
    role: string;
    registration: string | null;
    rss: number;
    problem: string | null;
  }[];
  readonly quorum: { leader: number | null; epoch: number; highWatermark: number | null };
  readonly partitions: readonly {
    topic: string;
    partition: number;
    leader: number;
    leaderEpoch: number;
    replicas: number[];
    isr: number[];
    logEndOffset: number | null;
    highWatermark: number | null;
  }[];
  readonly faults: readonly { id: string; fault: { kind: string; brokerId: number } }[];
};

export const cliPath = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export type CommandResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

export function highwater(...args: string[]): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cliPath, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

export class TestCluster {
  readonly ready: ReadyLine;
  readonly supervisor: ChildProcess;
  readonly #output: { text: string };

  private constructor(ready: ReadyLine, supervisor: ChildProcess, output: { text: string }) {
    this.ready = ready;
    this.supervisor = supervisor;
    this.#output = output;
  }

  /** Starts on free ports unless told otherwise; rejects with what was printed when it does not get ready. */
  static async up(...args: string[]): Promise<TestCluster> {
    const all = ['up', '--json', ...(args.includes('--port') ? [] : ['--port', '0']), ...args];
    const supervisor = spawn(process.execPath, [cliPath, ...all], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { text: '' };
    supervisor.stderr?.on('data', (chunk: Buffer) => (output.text += chunk.toString()));
    const line = await new Promise<string>((resolve, reject) => {
      let stdout = '';
      supervisor.stdout?.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
        output.text += chunk.toString();
        if (stdout.includes('\n')) resolve(stdout.slice(0, stdout.indexOf('\n')));
      });
      supervisor.on('exit', (code) => reject(new Error(`highwater up ended with code ${code}: ${output.text}`)));
    });
    return new TestCluster(JSON.parse(line) as ReadyLine, supervisor, output);
  }

  get output(): string {
    return this.#output.text;
  }

  get brokerAddresses(): string[] {
    return this.ready.bootstrap.split(',');
  }

  async broker(verb: 'start' | 'stop' | 'kill' | 'pause' | 'resume', id: number): Promise<void> {
    const result = await highwater('broker', verb, String(id), '--data', this.ready.dataDir);
    if (result.code !== 0) throw new Error(`highwater broker ${verb} ${id}: ${result.stderr}`);
  }

  async status(): Promise<Status> {
    const result = await highwater('status', '--json', '--data', this.ready.dataDir);
    if (result.code !== 0) throw new Error(`highwater status: ${result.stderr}`);
    return JSON.parse(result.stdout) as Status;
  }

  /** Asks for the status until it satisfies the condition. */
  async until(what: string, condition: (status: Status) => boolean, timeoutMs = 30_000): Promise<Status> {
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      const status = await this.status();
      if (condition(status)) return status;
      if (Date.now() > deadlineMs)
        throw new Error(`not within ${timeoutMs} ms: ${what}\n${JSON.stringify(status, null, 1)}`);
    }
  }

  /** Controlled shutdown; resolves with the exit code. */
  down(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  end(signal: NodeJS.Signals): Promise<number | null> {
    const { exitCode, signalCode } = this.supervisor;
    if (exitCode !== null || signalCode !== null) return Promise.resolve(exitCode);
    return new Promise((resolve) => {
      this.supervisor.on('exit', (code) => resolve(code));
      this.supervisor.kill(signal);
    });
  }
}

/** A directory that is removed by `remove`. */
export function temporaryDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'highwater-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Polls until the condition holds; a test states what it waits for, never how long. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
