// The nodes of both products, each able to stand in the other's place: same node id, same ports, same directory.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { freePorts, killAndWait, projectRoot, until } from '../../benchmarks/clusters/cluster.ts';
import { persist, Wire } from './wire.ts';

const readyTimeoutMs = 240_000;
/** Three nodes of Kafka that stop at once wait for a controller that is gone, too. */
const endTimeoutMs = 240_000;
export const nodeIds = [1, 2, 3] as const;

/** Generous, so that three JVMs that start at once on a busy machine still make a quorum; and few internal partitions. */
export const calmSettings: Properties = {
  'controller.quorum.election.timeout.ms': '4000',
  'controller.quorum.fetch.timeout.ms': '10000',
  'controller.quorum.request.timeout.ms': '10000',
  'broker.session.timeout.ms': '18000',
  'replica.lag.time.max.ms': '60000',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.num.partitions': '4',
  // So that snapshots of the metadata are among the files.
  'metadata.log.max.record.bytes.between.snapshots': '4096',
  // A log start that was not written yet is lost with a crash, in both products.
  'log.flush.start.offset.checkpoint.interval.ms': '1000',
};
/** The least work for a virtual machine that lives for a minute. */
const javaFlags = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

export type Properties = Readonly<Record<string, string>>;

/** Our cluster on `directory`, by its command. */
export class Ours {
  readonly directory: string;
  readonly bootstrap: string;
  readonly #supervisor: ChildProcess;

  private constructor(directory: string, bootstrap: string, supervisor: ChildProcess) {
    this.directory = directory;
    this.bootstrap = bootstrap;
    this.#supervisor = supervisor;
  }

  static async up(directory: string, args: readonly string[]): Promise<Ours> {
    const configs = Object.entries(calmSettings).flatMap(([name, value]) => ['--config', `${name}=${value}`]);
    const all = ['up', '--json', '--data', directory, '--profile', 'kafka', ...configs, ...args];
    const supervisor = spawn(process.execPath, [cli(), ...all], { stdio: ['ignore', 'pipe', 'pipe'] });
    endWithUs(supervisor);
    let output = '';
    const line = await new Promise<string>((resolve, reject) => {
      supervisor.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
      supervisor.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes('\n')) resolve(output.slice(0, output.indexOf('\n')));
      });
      supervisor.on('exit', (code) => reject(new Error(`highwater up ended with code ${code}: ${output}`)));
    });
    const { bootstrap } = JSON.parse(line) as { bootstrap: string };
    return new Ours(directory, bootstrap, supervisor);
  }

  get wire(): Wire {
    return new Wire(this.bootstrap);
  }

  /** The properties that a node of Kafka needs to stand in the place of ours. */
  properties(id: number, logDir = join(this.directory, `node-${id}`)): Properties {
    const file = join(this.directory, `highwater/broker-${id}.json`);
    const { properties } = JSON.parse(readFileSync(file, 'utf8')) as { properties: Properties };
    return { ...properties, 'log.dirs': logDir };
  }

  async broker(verb: 'start' | 'stop' | 'kill', id: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      execFile(process.execPath, [cli(), 'broker', verb, String(id), '--data', this.directory], (error, _, stderr) =>
        error === null ? resolve() : reject(new Error(`highwater broker ${verb} ${id}: ${stderr}`)),
      );
    });
  }

  /** Controlled shutdown. */
  async down(): Promise<void> {
    await end(this.#supervisor, 'SIGTERM');
  }

  /** SIGKILL of every process, the brokers first. */
  async kill(): Promise<void> {
    const { brokers } = JSON.parse(readFileSync(join(this.directory, 'highwater/running.json'), 'utf8')) as {
      brokers: readonly { pid: number }[];
    };
    await Promise.all(brokers.map(({ pid }) => killAndWait(pid)));
    await end(this.#supervisor, 'SIGKILL');
  }
}

/** One node of Apache Kafka, as kafka-server-start runs it. */
export class KafkaNode {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static start(jars: string, directory: string, properties: Properties): KafkaNode {
    const id = properties['node.id'] ?? '';
    const file = join(directory, `kafka-${id}.properties`);
    writeProperties(file, properties);
    const child = java(jars, join(directory, `kafka-${id}.log`), [...javaFlags, 'kafka.Kafka', file]);
    endWithUs(child);
    return new KafkaNode(child);
  }

  check(): void {
    if (this.#child.exitCode !== null) throw new Error(`a node of Kafka ended with code ${this.#child.exitCode}`);
  }

  async stop(): Promise<void> {
    await end(this.#child, 'SIGTERM');
  }

  async kill(): Promise<void> {
    await end(this.#child, 'SIGKILL');
  }
}

export function writeProperties(file: string, properties: Properties): void {
  writeFileSync(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
}

export function java(jars: string, outputFile: string, args: readonly string[]): ChildProcess {
  const output = openSync(outputFile, 'a');
  const child = spawn('java', ['-cp', `${jars}/*`, ...args], { stdio: ['ignore', output, output] });
  closeSync(output);
  return child;
}

export function startKafka(jars: string, directory: string, properties: readonly Properties[]): KafkaNode[] {
  return properties.map((each) => KafkaNode.start(jars, directory, each));
}

/** Every node sees all nodes, and every replica of every partition is in sync. */
export async function whole(wire: Wire, nodes: readonly KafkaNode[] = []): Promise<void> {
  await persist(
    'a whole cluster',
    async () => {
      for (const node of nodes) node.check();
      for (const address of wire.addresses) {
        const { brokers, topics } = await wire.metadata(null, address);
        if (brokers.length !== nodeIds.length) throw new Error(`${address} sees ${brokers.length} brokers`);
        for (const { name, partitions } of topics)
          for (const { partitionIndex, leaderId, replicaNodes, isrNodes } of partitions)
            if (leaderId < 0 || isrNodes.length < replicaNodes.length)
              throw new Error(
                `${name ?? ''}-${partitionIndex}: leader ${leaderId}, in sync ${isrNodes.join(' ')} of ${replicaNodes.join(' ')}`,
              );
      }
    },
    readyTimeoutMs,
  );
}

export function cli(): string {
  return join(projectRoot(), 'dist/cli/main.js');
}

/** No process outlives this run, however it ends. */
function endWithUs(child: ChildProcess): void {
  const kill = () => void child.kill('SIGKILL');
  process.on('exit', kill);
  child.on('exit', () => process.off('exit', kill));
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const isGone = () => child.exitCode !== null || child.signalCode !== null;
  child.kill(signal);
  await until(`the end of process ${child.pid}`, endTimeoutMs, () => Promise.resolve(isGone() ? true : null)).catch(
    (error: unknown) => {
      child.kill('SIGKILL');
      throw error;
    },
  );
}

/** A `--port` such that the controllers' ports, a hundred above, are free as well. */
export async function upArguments(): Promise<string[]> {
  const first = await until('six ports in a row and a hundred above', 10_000, async () => {
    const [port = 0] = await freePorts(1);
    const wanted = nodeIds.flatMap((id) => [port + id - 1, port + id + 99]);
    const free = await Promise.all(wanted.map((each) => isFree(each)));
    return free.every(Boolean) ? port : null;
  });
  return ['--port', String(first)];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Until every node has written that records before the offset are deleted. */
export async function startWritten(directory: string, topic: string, partition: number, offset: number): Promise<void> {
  const line = `${topic} ${partition} ${offset}\n`;
  await until(`${line.trim()} in each log-start-offset-checkpoint`, readyTimeoutMs, () =>
    Promise.resolve(
      nodeIds.every((id) => {
        const file = join(directory, `node-${id}`, 'log-start-offset-checkpoint');
        return existsSync(file) && readFileSync(file, 'utf8').includes(line);
      })
        ? true
        : null,
    ),
  );
}
