// What the benchmarks and the client matrix need of a cluster, whoever's it is, and what its starters share.

import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type ClusterName = 'highwater' | 'kafka';

export type Node = {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly controllerPort: number;
};

export type ClusterOptions = {
  /** Broker settings by Kafka's names, on top of each product's own defaults. */
  readonly configs: Readonly<Record<string, string>>;
};

export type Cluster = {
  readonly name: ClusterName;
  readonly nodes: readonly Node[];
  readonly bootstrap: string;
  /** From the first command to the moment when every broker answers a client that it sees all; formatting apart. */
  readonly startMs: number;
  /** What has to be run once before the first start; 0 where nothing has. */
  readonly formatMs: number;
  /** Processes that serve the wire, by node id. */
  brokerPids(): ReadonlyMap<number, number>;
  /** All processes of the product, the supervisor with them. */
  pids(): readonly number[];
  /** SIGKILL; resolves when the process is gone. */
  kill(id: number): Promise<void>;
  /** Starts a killed broker; resolves when its process has been started, not when it serves. */
  start(id: number): Promise<void>;
  /** Ends everything and removes its files. */
  stop(): Promise<void>;
};

/** Where npm runs scripts; for a script started elsewhere the directory of package.json above it or its bundle. */
export function projectRoot(): string {
  const marker = 'tests/benchmarks/run.ts';
  if (existsSync(join(process.cwd(), marker))) return process.cwd();
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, marker))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error('no project above this script');
    directory = parent;
  }
  return directory;
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.on('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until the answer is not null; what it waits for stands in the error. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | null>,
  everyMs = 20,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await pause(everyMs);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function killAndWait(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await until(`the end of process ${pid}`, 10_000, () => Promise.resolve(isAlive(pid) ? null : true), 5);
}
