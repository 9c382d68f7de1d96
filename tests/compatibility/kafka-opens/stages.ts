// The ways in which directories and clusters change hands. Each stage gives what went wrong; nothing means it holds.

import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../benchmarks/clusters/cluster.ts';
import {
  checkProducerState,
  createTopic,
  deletedBefore,
  fill,
  group,
  newProducer,
  produce,
  type Producer,
} from './contents.ts';
import { dump } from './dumps.ts';
import { differences, factsOf, type Facts } from './facts.ts';
import {
  calmSettings,
  java,
  nodeIds,
  Ours,
  startKafka,
  startWritten,
  upArguments,
  whole,
  writeProperties,
  type KafkaNode,
  type Properties,
} from './nodes.ts';
import { askMetadataShell, hasMetadataShell } from './metadata-shell.ts';
import { mixed } from './mixed.ts';
import { mixedKills } from './mixed-kills.ts';
import type { Setting, Stage } from './stage.ts';
import { Wire } from './wire.ts';

export const stages: readonly Stage[] = [
  {
    name: 'stopped',
    title: 'Kafka opens ours after a clean stop, ours opens that again',
    run: (each) => taken(each, false),
  },
  {
    name: 'killed',
    title: 'Kafka opens ours after SIGKILL of everything, ours opens that again',
    run: (each) => taken(each, true),
  },
  { name: 'born-in-kafka', title: 'ours opens what Kafka formatted and wrote, stopped and killed', run: bornInKafka },
  { name: 'mixed', title: 'nodes are exchanged one by one under traffic, there and back', run: mixed },
  {
    name: 'mixed-kills',
    title: 'nodes of both products in one cluster are killed under traffic, the active controller too',
    run: mixedKills,
  },
];

const read = { groups: [group, 'till'], cleaned: ['compacted'] };

async function taken({ jars, directory, say }: Setting, isKilled: boolean): Promise<string[]> {
  const problems: string[] = [];
  const original = join(directory, 'ours');
  const ours = await Ours.up(original, await upArguments());
  const wire = ours.wire;
  const producer = await fill(wire);
  await whole(wire);
  const before = await factsOf(wire, read);
  await startWritten(original, 'plain', 2, deletedBefore);
  await (isKilled ? ours.kill() : ours.down());
  say(`ours is ${isKilled ? 'killed' : 'stopped'}: ${count(before)}`);

  const copy = join(directory, 'kafka');
  cpSync(original, copy, { recursive: true });
  problems.push(...(await readByTools({ jars, directory, say }, copy, isKilled, topicsOf(before))));

  const properties = nodeIds.map((id) => ours.properties(id, join(copy, `node-${id}`)));
  const afterKafka = await inKafka(
    { jars, directory: copy, say },
    { properties, wire, before, producer, isKilled, problems },
  );

  const again = await Ours.up(copy, []);
  try {
    await whole(wire);
    problems.push(...differences(afterKafka, await factsOf(wire, read)).map((line) => `ours after Kafka: ${line}`));
    problems.push(...(await continued(wire, producer, afterKafka)).map((line) => `ours after Kafka: ${line}`));
  } finally {
    await again.down();
  }
  return problems;
}

/** Kafka's tools over every file of every node, one after another: a virtual machine each. */
async function readByTools(
  { jars, directory, say }: Setting,
  cluster: string,
  isKilled: boolean,
  topics: readonly string[],
): Promise<string[]> {
  const problems: string[] = [];
  let files = 0;
  for (const id of nodeIds) {
    const dumped = await dump(jars, join(cluster, `node-${id}`), directory, isKilled);
    files += dumped.files;
    problems.push(...dumped.complaints.map((line) => `DumpLogSegments, node ${id}: ${line}`));
  }
  say(`DumpLogSegments read ${files} files of ${nodeIds.length} nodes`);
  if (!hasMetadataShell(jars)) {
    say('without the jar of kafka-shell, the metadata shell is left out');
    return problems;
  }
  const shell = await askMetadataShell(jars, join(cluster, 'node-1'), directory, topics);
  problems.push(...shell.problems.map((line) => `metadata shell: ${line}`));
  say(`the metadata shell read ${shell.files} files`);
  return problems;
}

/** With the internal ones that the contents bring about. */
function topicsOf(facts: Facts): string[] {
  return [...Object.keys(facts.topics), '__consumer_offsets', '__transaction_state'];
}

/** Kafka on the directories: it must serve what ours served, and go on from there. Gives what it served at the end. */
async function inKafka(
  { jars, directory, say }: Setting,
  run: {
    properties: readonly Properties[];
    wire: Wire;
    before: Facts;
    producer: Producer;
    isKilled: boolean;
    problems: string[];
  },
): Promise<Facts> {
  const { wire, producer, problems } = run;
  const nodes = startKafka(jars, directory, run.properties);
  try {
    await whole(wire, nodes);
    say('Kafka runs on the copies');
    const served = await factsOf(wire, read);
    problems.push(...differences(run.before, served).map((line) => `Kafka: ${line}`));
    problems.push(...(await continued(wire, producer, served)).map((line) => `Kafka: ${line}`));
    await createTopic(wire, 'made-by-kafka', 2, { 'max.message.bytes': '200000' });
    await produce(wire, producer, 'made-by-kafka', 1, 'snappy');
    const other = await newProducer(wire);
    if (other.id <= producer.id) problems.push(`Kafka gave producer id ${other.id} after ${producer.id}`);
    await whole(wire, nodes);
    return await factsOf(wire, read);
  } finally {
    await Promise.all(nodes.map((node) => (run.isKilled ? node.kill() : node.stop())));
  }
}

function continued(wire: Wire, producer: Producer, facts: Facts): Promise<string[]> {
  return checkProducerState(
    wire,
    producer,
    (topic, partition) => facts.topics[topic]?.partitions[partition]?.endOffset ?? -1,
  );
}

async function bornInKafka({ jars, directory, say }: Setting): Promise<string[]> {
  const problems: string[] = [];
  const ports = await freePorts(6);
  const properties = nodeIds.map((id) => kafkaProperties(id, ports, join(directory, `node-${id}`)));
  for (const each of properties) await format(jars, directory, each);
  const wire = new Wire(
    ports
      .slice(0, 3)
      .map((port) => `127.0.0.1:${port}`)
      .join(','),
  );
  let nodes: KafkaNode[] = startKafka(jars, directory, properties);
  await whole(wire, nodes);
  const producer = await fill(wire);
  await whole(wire, nodes);
  let facts = await factsOf(wire, read);
  await startWritten(directory, 'plain', 2, deletedBefore);
  for (const isKilled of [false, true]) {
    await Promise.all(nodes.map((node) => (isKilled ? node.kill() : node.stop())));
    say(`Kafka is ${isKilled ? 'killed' : 'stopped'}: ${count(facts)}`);
    const copy = join(directory, isKilled ? 'killed' : 'stopped');
    mkdirSync(copy);
    for (const id of nodeIds) cpSync(join(directory, `node-${id}`), join(copy, `node-${id}`), { recursive: true });
    const ours = await Ours.up(copy, await upArguments());
    try {
      await whole(ours.wire);
      const label = `ours after Kafka ${isKilled ? 'killed' : 'stopped'}`;
      problems.push(...differences(facts, await factsOf(ours.wire, read)).map((line) => `${label}: ${line}`));
      const copied = { ...producer, nextSequence: new Map(producer.nextSequence) };
      problems.push(...(await continued(ours.wire, copied, facts)).map((line) => `${label}: ${line}`));
    } finally {
      await ours.down();
    }
    if (isKilled) break;
    nodes = startKafka(jars, directory, properties);
    await whole(wire, nodes);
    facts = await factsOf(wire, read);
  }
  return problems;
}

function kafkaProperties(id: number, ports: readonly number[], logDir: string): Properties {
  const host = '127.0.0.1';
  const [port, controllerPort] = [ports[id - 1] ?? 0, ports[id + 2] ?? 0];
  return {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': nodeIds.map((each) => `${each}@${host}:${ports[each + 2] ?? 0}`).join(','),
    listeners: `PLAINTEXT://${host}:${port},CONTROLLER://${host}:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${host}:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': logDir,
    ...calmSettings,
    'offsets.topic.replication.factor': '3',
    'transaction.state.log.replication.factor': '3',
    'min.insync.replicas': '2',
  };
}

async function format(jars: string, directory: string, properties: Properties): Promise<void> {
  const file = join(directory, `format-${properties['node.id'] ?? ''}.properties`);
  writeProperties(file, properties);
  const args = ['kafka.tools.StorageTool', 'format', '-t', 'highwaterKafkaOpens000', '-c', file];
  const tool = java(jars, join(directory, 'format.log'), args);
  const code = await new Promise<number | null>((resolve) => tool.on('exit', resolve));
  if (code !== 0) throw new Error(`StorageTool ended with code ${code}; see ${join(directory, 'format.log')}`);
}

function count({ topics, groups }: Facts): string {
  const partitions = Object.values(topics).flatMap((topic) => topic.partitions);
  const records = partitions.reduce((sum, { startOffset, endOffset }) => sum + endOffset - startOffset, 0);
  return `${Object.keys(topics).length} topics, ${partitions.length} partitions, ${records} offsets, ${Object.keys(groups).length} groups`;
}
