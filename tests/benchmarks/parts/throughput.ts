// Records of 1 KB in batches of 64 KB to 12 partitions with three replicas, as fast as they are taken, then read back.
// GB and MB are of record values before compression. Broker CPU is counted until every replica has everything.

import { until } from '../clusters/cluster.ts';
import { consumeLoad } from '../load/consume-load.ts';
import { produceLoad } from '../load/produce-load.ts';
import { prepareBatches, recordBytes, type PreparedBatch } from '../load/values.ts';
import type { Observer, TopicView } from '../observer.ts';
import { cpuSeconds } from '../processes.ts';
import { warmMemory } from '../warm-memory.ts';
import type { Figure, Part, PartInput } from './figures.ts';

type Case = {
  readonly name: string;
  readonly acks: 1 | -1;
  readonly compression: 'none' | 'lz4';
  readonly produced: Figure;
  readonly produceCpu: Figure;
  readonly consumed: Figure;
  readonly consumeCpu: Figure;
};

const partitionCount = 12;
const batchesPrepared = 24;
/** Three replicas, and room for what else the machine writes meanwhile. */
const pageCacheShare = 4;
const gigabyte = 1e9;
const megabyte = 1e6;

const caseOf = (acks: 1 | -1, compression: 'none' | 'lz4'): Case => {
  const name = `acks=${acks === 1 ? '1' : 'all'}, ${compression}`;
  const figure = (key: string, title: string, unit: Figure['unit'], better: Figure['better']): Figure => ({
    key: `${key}-acks-${acks === 1 ? '1' : 'all'}-${compression}`,
    title: `${title} (${name})`,
    unit,
    better,
  });
  return {
    name,
    acks,
    compression,
    produced: figure('produce', 'produce', 'MB/s', 'more'),
    produceCpu: figure('produce-cpu', 'broker CPU to produce', 'CPU s/GB', 'less'),
    consumed: figure('consume', 'consume', 'MB/s', 'more'),
    consumeCpu: figure('consume-cpu', 'broker CPU to consume', 'CPU s/GB', 'less'),
  };
};

const cases = [caseOf(-1, 'none'), caseOf(-1, 'lz4'), caseOf(1, 'none'), caseOf(1, 'lz4')];

export const throughputPart: Part = {
  name: 'throughput',
  profile: 'kafka',
  figures: cases.flatMap((each) => [each.produced, each.produceCpu, each.consumed, each.consumeCpu]),
  run: async (input) => {
    const batches = {
      none: prepareBatches(batchesPrepared, 'none'),
      lz4: prepareBatches(batchesPrepared, 'lz4'),
    };
    await warmUp(input, batches.none);
    for (const each of cases) await measure(input, each, batches[each.compression]);
  },
};

async function warmUp({ cluster, observer, options, say }: PartInput, batches: PreparedBatch[]): Promise<void> {
  say(`warming up with ${options.warmUpMegabytes} MB`);
  const topic = 'warm-up';
  const view = await observer.createTopic(topic, partitionCount);
  const bytes = options.warmUpMegabytes * megabyte;
  await produceLoad({ topic, view, nodes: cluster.nodes, batches, acks: -1, bytes });
  await consumeLoad(view, cluster.nodes, await observer.endOffsets(topic));
  await observer.deleteTopic(topic);
}

async function measure(input: PartInput, what: Case, batches: readonly PreparedBatch[]): Promise<void> {
  const { cluster, observer, options, note, say } = input;
  const { nodes } = cluster;
  const topic = `throughput-${what.acks === 1 ? '1' : 'all'}-${what.compression}`;
  const view = await observer.createTopic(topic, partitionCount);
  const cpu = (): number => cpuSeconds(cluster.brokerPids().values());

  const bytes = options.megabytes * megabyte;
  await warmMemory(bytes * pageCacheShare);
  const beforeProduce = cpu();
  const produced = await produceLoad({ topic, view, nodes, batches, acks: what.acks, bytes });
  const ends = await untilReplicated(observer, topic, produced.bytes / recordBytes);
  const produceCpu = cpu() - beforeProduce;
  note(what.produced, produced.bytes / megabyte / produced.seconds);
  note(what.produceCpu, produceCpu / (produced.bytes / gigabyte));

  const beforeConsume = cpu();
  const consumed = await consumeLoad(await leadersNow(observer, topic), nodes, ends);
  const consumedBytes = consumed.records * recordBytes;
  note(what.consumed, consumedBytes / megabyte / consumed.seconds);
  note(what.consumeCpu, (cpu() - beforeConsume) / (consumedBytes / gigabyte));
  say(
    `${what.name}: ${(produced.bytes / megabyte / produced.seconds).toFixed(0)} MB/s in, ` +
      `${(consumedBytes / megabyte / consumed.seconds).toFixed(0)} MB/s out`,
  );
  if (consumedBytes !== produced.bytes) {
    throw new Error(`${produced.bytes} bytes were acknowledged, ${consumedBytes} were read`);
  }
  await observer.deleteTopic(topic);
}

/** High watermarks that sum up to all records, and every replica in sync. */
async function untilReplicated(
  observer: Observer,
  topic: string,
  records: number,
): Promise<ReadonlyMap<number, number>> {
  const ends = await until(`${records} records of ${topic} on every replica`, 120_000, async () => {
    const found = await observer.endOffsets(topic);
    return [...found.values()].reduce((sum, each) => sum + each, 0) >= records ? found : null;
  });
  await observer.untilInSync(topic);
  return ends;
}

async function leadersNow(observer: Observer, topic: string): Promise<TopicView> {
  return until(`leaders of ${topic}`, 30_000, () => observer.topic(topic));
}
