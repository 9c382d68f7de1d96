// Three combined nodes of Apache Kafka from a directory of its jars, formatted and started as its own scripts do:
// kafka-storage (kafka.tools.StorageTool) and kafka-server-start (1 GB of heap, G1).

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Observer } from '../observer.ts';
import { freePorts, killAndWait, until, type Cluster, type ClusterOptions, type Node } from './cluster.ts';

const nodeCount = 3;
const heap = ['-Xmx1G', '-Xms1G'];
const performanceOptions = [
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-XX:MaxInlineLevel=15',
  '-Djava.awt.headless=true',
];

type Member = Node & { readonly directory: string; process: ChildProcess | null };

export async function startApacheKafka(jars: string, options: ClusterOptions): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'apache-kafka-'));
  const ports = await freePorts(2 * nodeCount);
  const controllerPorts = ports.slice(nodeCount);
  const members: Member[] = ports.slice(0, nodeCount).map((port, index) => {
    const id = index + 1;
    const controllerPort = controllerPorts[index] ?? 0;
    const member = { id, host: '127.0.0.1', port, controllerPort, directory: join(directory, `node-${id}`) };
    mkdirSync(member.directory, { recursive: true });
    writeFileSync(join(member.directory, 'server.properties'), propertiesOf(member, controllerPorts, options));
    return { ...member, process: null };
  });
  const killAll = (): void => {
    for (const member of members) member.process?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.on('exit', killAll);

  const stop = async (): Promise<void> => {
    // Nobody reads its files again: no controlled shutdown.
    await Promise.all(members.map((member) => end(member)));
    process.off('exit', killAll);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const formatStartedMs = performance.now();
    await Promise.all(members.map((member) => format(jars, member)));
    const formatMs = performance.now() - formatStartedMs;
    const startedMs = performance.now();
    for (const member of members) run(jars, member);
    const bootstrap = members.map((member) => `${member.host}:${member.port}`).join(',');
    await ready(members);
    const startMs = performance.now() - startedMs;
    const member = (id: number): Member => {
      const found = members.find((each) => each.id === id);
      if (found === undefined) throw new Error(`no node ${id}`);
      return found;
    };
    const brokerPids = (): Map<number, number> =>
      new Map(
        members.flatMap(({ id, process: child }) => (child?.pid === undefined ? [] : [[id, child.pid] as const])),
      );
    return {
      name: 'kafka',
      nodes: members.map(({ id, host, port, controllerPort }) => ({ id, host, port, controllerPort })),
      bootstrap,
      startMs,
      formatMs,
      brokerPids,
      pids: () => [...brokerPids().values()],
      kill: (id) => end(member(id)),
      start: (id) => {
        run(jars, member(id));
        return Promise.resolve();
      },
      stop,
    };
  } catch (error) {
    const output = members.map((each) => tailOf(each.directory)).join('\n');
    await stop();
    throw new Error(`Apache Kafka did not start: ${output}`, { cause: error });
  }
}

function propertiesOf(
  { id, host, port, controllerPort, directory }: Omit<Member, 'process'>,
  controllerPorts: readonly number[],
  { configs }: ClusterOptions,
): string {
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': controllerPorts.map((each, index) => `${index + 1}@${host}:${each}`).join(','),
    listeners: `PLAINTEXT://${host}:${port},CONTROLLER://${host}:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${host}:${port}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(directory, 'data'),
    // What Highwater's default cluster has as well.
    'default.replication.factor': '3',
    'min.insync.replicas': '2',
    'offsets.topic.replication.factor': '3',
    'transaction.state.log.replication.factor': '3',
    'transaction.state.log.min.isr': '2',
    ...configs,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function java(jars: string, directory: string, args: readonly string[]): ChildProcess {
  const output = openSync(join(directory, 'output.log'), 'a');
  return spawn('java', ['-cp', `${jars}/*`, ...args], { stdio: ['ignore', output, output] });
}

async function format(jars: string, { directory }: Member): Promise<void> {
  const clusterId = 'highwaterBenchmarks000';
  const properties = join(directory, 'server.properties');
  const tool = java(jars, directory, ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties]);
  const code = await new Promise<number | null>((resolve, reject) => {
    tool.on('exit', resolve);
    tool.on('error', reject);
  });
  if (code !== 0) throw new Error(`StorageTool ended with code ${code}`);
}

function run(jars: string, member: Member): void {
  const args = [...heap, ...performanceOptions, 'kafka.Kafka', join(member.directory, 'server.properties')];
  member.process = java(jars, member.directory, args);
}

async function end(member: Member): Promise<void> {
  const child = member.process;
  if (child?.pid === undefined || child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  await killAndWait(child.pid);
  await gone;
  member.process = null;
}

async function ready(members: readonly Member[]): Promise<void> {
  for (const member of members) {
    await until(`node ${member.id} to see all`, 90_000, async () => {
      if (member.process?.exitCode !== null) throw new Error(`node ${member.id} ended`);
      return (await Observer.seesAll(member, members.length)) ? true : null;
    });
  }
}

function tailOf(directory: string): string {
  return readFileSync(join(directory, 'output.log'), 'utf8').split('\n').slice(-15).join('\n');
}
