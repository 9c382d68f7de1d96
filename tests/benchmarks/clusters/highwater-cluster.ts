// Highwater as its users start it: `highwater up --json --ephemeral`, killed by process id, restarted by its CLI.

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { killAndWait, projectRoot, until, isAlive, type Cluster, type ClusterOptions, type Node } from './cluster.ts';

type BrokerLine = Node & { readonly pid: number | null };
type ReadyLine = { readonly bootstrap: string; readonly dataDir: string; readonly brokers: readonly BrokerLine[] };

const readyTimeoutMs = 60_000;

export async function startHighwater(options: ClusterOptions): Promise<Cluster & { readonly dataDir: string }> {
  const cli = join(projectRoot(), 'dist/cli/main.js');
  if (!existsSync(cli)) throw new Error('dist/cli/main.js is missing: run `npm run build` first');
  // Kafka's time-outs unless the given settings say otherwise, so that both products run with the same.
  const configs = Object.entries(options.configs).flatMap(([name, value]) => ['--config', `${name}=${value}`]);
  const args = ['up', '--json', '--ephemeral', '--port', '0', '--profile', 'kafka', ...configs];
  const startedMs = performance.now();
  const supervisor = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  supervisor.stderr.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-10_000)));
  const onExit = (): void => {
    supervisor.kill('SIGTERM');
  };
  process.on('exit', onExit);
  const line = await new Promise<string>((resolve, reject) => {
    let stdout = '';
    const timer = setTimeout(() => {
      supervisor.kill('SIGTERM');
      reject(new Error(`highwater up was not ready within ${readyTimeoutMs} ms: ${output}`));
    }, readyTimeoutMs);
    supervisor.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (!stdout.includes('\n')) return;
      clearTimeout(timer);
      resolve(stdout.slice(0, stdout.indexOf('\n')));
    });
    supervisor.on('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`highwater up ended with code ${code}: ${output}`));
    });
  });
  const startMs = performance.now() - startedMs;
  const ready = JSON.parse(line) as ReadyLine;
  const pids = new Map(ready.brokers.map(({ id, pid }) => [id, pid ?? 0]));
  const supervisorPid = supervisor.pid ?? 0;

  return {
    name: 'highwater',
    dataDir: ready.dataDir,
    nodes: ready.brokers.map(({ id, host, port, controllerPort }) => ({ id, host, port, controllerPort })),
    bootstrap: ready.bootstrap,
    startMs,
    formatMs: 0,
    brokerPids: () => new Map(pids),
    pids: () => [supervisorPid, ...pids.values()],
    kill: async (id) => {
      await killAndWait(pids.get(id) ?? 0);
      pids.delete(id);
    },
    start: async (id) => {
      const answer = await command(cli, ['broker', 'start', String(id), '--data', ready.dataDir, '--json']);
      const pid = pidIn(answer, id) ?? (await pidFromStatus(cli, ready.dataDir, id));
      pids.set(id, pid);
    },
    stop: async () => {
      process.off('exit', onExit);
      if (supervisor.exitCode !== null) return;
      const gone = new Promise((resolve) => supervisor.once('exit', resolve));
      supervisor.kill('SIGTERM');
      await gone;
      const left = [...pids.values()].filter(isAlive);
      if (left.length > 0) throw new Error(`processes ${left.join(', ')} outlived highwater up`);
    },
  };
}

function command(cli: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [cli, ...args], (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`highwater ${args.join(' ')}: ${stderr}`, { cause: error }));
    });
  });
}

function pidIn(answer: string, id: number): number | null {
  const parsed = JSON.parse(answer) as { readonly id?: number; readonly pid?: number };
  return parsed.id === id && typeof parsed.pid === 'number' ? parsed.pid : null;
}

function pidFromStatus(cli: string, dataDir: string, id: number): Promise<number> {
  return until(`the process of broker ${id}`, 10_000, async () => {
    const status = await command(cli, ['status', '--json', '--data', dataDir]);
    const { brokers } = JSON.parse(status) as { readonly brokers: readonly (BrokerLine & { alive: boolean })[] };
    return brokers.find((each) => each.id === id && each.alive)?.pid ?? null;
  });
}
