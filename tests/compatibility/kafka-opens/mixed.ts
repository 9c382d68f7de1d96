// A cluster of both products: each of our nodes is stopped and Kafka stands in its place, then the way back, while an
// idempotent producer goes on with acks=all. A node that came in must catch up, lead, and vote.

import { describeQuorumApi } from '../../../main/protocol/messages/describe-quorum.ts';
import { electLeadersApi } from '../../../main/protocol/messages/elect-leaders.ts';
import { fill, group, produce, type Producer } from './contents.ts';
import { differences, factsOf, type Facts } from './facts.ts';
import { MixedCluster } from './mixed-cluster.ts';
import { nodeIds } from './nodes.ts';
import type { Setting } from './stage.ts';
import { accept, persist, type Wire } from './wire.ts';

const partitions = [0, 1, 2];
const read = { groups: [group, 'till'], cleaned: ['compacted'] };

export async function mixed({ jars, directory, say }: Setting): Promise<string[]> {
  const problems: string[] = [];
  const cluster = await MixedCluster.up(jars, directory);
  const { wire } = cluster;
  try {
    const producer = await fill(wire);
    await cluster.whole();
    const before = untouched(await factsOf(wire, read));
    const written = new Map<string, number>();
    for (const isToKafka of [true, false]) {
      for (const id of nodeIds) {
        await cluster.exchange(id, isToKafka ? 'kafka' : 'ours', () => write(wire, producer, written));
        say(`node ${id} is ${isToKafka ? 'Kafka' : 'ours'}, in every ISR`);
        problems.push(...(await takesPart(wire, id, isToKafka ? 'Kafka' : 'ours')));
        await write(wire, producer, written);
      }
      const facts = await factsOf(wire, read);
      const ends = Object.fromEntries(
        [...written].map(([key, end]) => [key, end] as const).filter(([key]) => key.startsWith('plain')),
      );
      const served = Object.fromEntries(
        (facts.topics['plain']?.partitions ?? []).map(({ endOffset }, index) => [`plain-${index}`, endOffset] as const),
      );
      const where = isToKafka ? 'all nodes are Kafka' : 'all nodes are ours again';
      problems.push(...differences(ends, served).map((line) => `${where}: end of ${line}`));
      problems.push(...differences(before, untouched(facts)).map((line) => `${where}: ${line}`));
      say(`${where}; ends ${Object.values(served).join(', ')}`);
    }
  } finally {
    await cluster.down();
  }
  return problems;
}

/** All but the topic that is written to meanwhile. */
function untouched(facts: Facts): Facts {
  const { plain: _, ...topics } = facts.topics;
  return { ...facts, topics };
}

async function write(wire: Wire, producer: Producer, written: Map<string, number>): Promise<void> {
  for (const partition of partitions) {
    const offset = await produce(wire, producer, 'plain', partition, 'lz4');
    written.set(`plain-${partition}`, offset + 20);
  }
}

/** The node leads the partitions that it is preferred for, and follows or leads the quorum at its end. */
async function takesPart(wire: Wire, id: number, product: string): Promise<string[]> {
  await persist('the preferred leaders', async () => {
    const answer = await wire.askAny(electLeadersApi, 2, { electionType: 0, topicPartitions: null, timeoutMs: 8000 });
    accept('ElectLeaders', answer.errorCode);
  });
  await persist(`node ${id} (${product}) leads what it is preferred for`, async () => {
    const { topics } = await wire.metadata(null);
    for (const { name, partitions: each } of topics)
      for (const { partitionIndex, leaderId, replicaNodes } of each)
        if (leaderId !== replicaNodes[0]) throw new Error(`${name ?? ''}-${partitionIndex} is led by ${leaderId}`);
  });
  const voter = await persist(`node ${id} (${product}) as a voter`, async () => {
    const asked = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];
    const answer = await wire.askAny(describeQuorumApi, 2, { topics: asked });
    accept('DescribeQuorum', answer.errorCode);
    const partition = answer.topics[0]?.partitions[0];
    const found = partition?.currentVoters.find((each) => each.replicaId === id);
    if (partition === undefined || found === undefined) throw new Error(`${id} is no voter`);
    if (partition.leaderId !== id && partition.highWatermark - found.logEndOffset > 20)
      throw new Error(`${id} is at ${found.logEndOffset} of ${partition.highWatermark}`);
    return found;
  });
  return voter.replicaId === id ? [] : [`node ${id} does not vote`];
}
