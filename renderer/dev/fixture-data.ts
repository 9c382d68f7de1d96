// What the fixture answers about topics' configs, segments and messages: real batches on a simulated disk, read by the
// real inspection, so that the byte pages show what Kafka's format is.

import type { MessageOutputs } from '../../main/api/endpoints/messages.ts';
import type { SegmentOutputs } from '../../main/api/endpoints/segments.ts';
import type { ConfigKind, ConfigView, TopicOutputs } from '../../main/api/endpoints/topics.ts';
import { compileFilter, FilterError } from '../../main/cluster/messages/filter-expression.ts';
import { compileMatch } from '../../main/cluster/messages/match.ts';
import { messageView } from '../../main/cluster/messages/message-view.ts';
import { InspectionError, SegmentInspector } from '../../main/inspection/segment-inspector.ts';
import { configError } from '../../main/metadata/configs/config-definition.ts';
import { topicConfigDefinitions } from '../../main/metadata/configs/topic-config-definitions.ts';
import { buildBatch } from '../../main/records/batch-builder.ts';
import { RecordBatch } from '../../main/records/record-batch.ts';
import { recordsOf } from '../../main/records/record.ts';
import type { Disk } from '../../main/runtime/runtime.ts';
import { SimulatedWorld } from '../../main/runtime/simulated/simulated-world.ts';
import { FixtureRefusal, type FixtureWorld, type Partition, replicaOf } from './fixture-world.ts';

const recordsPerBatch = 6;
/** How far back a partition's files reach. */
const recordsOnDisk = 1_800;
const batchesPerSegment = 130;
const batchesPerEntry = 4;

type Input = Record<string, unknown>;

export class FixtureData {
  readonly #world: FixtureWorld;
  readonly #overrides = new Map<string, Map<string, string>>([['orders', new Map([['retention.ms', '172800000']])]]);
  readonly #disk: Disk;
  readonly #inspector: SegmentInspector;
  readonly #written = new Set<string>();
  /** Produced here: they stand in the place of the made-up ones. */
  readonly #produced = new Map<string, { key: Buffer | null; value: Buffer | null }>();

  readonly #moving = new Map<string, { readonly replicas: readonly number[]; looks: number }>();

  constructor(world: FixtureWorld) {
    this.#world = world;
    this.#disk = new SimulatedWorld({ seed: 1 }).runtimeFor(1).disk;
    this.#inspector = new SegmentInspector(this.#disk, (id) => [`/clusters/default/node-${id}`]);
  }

  async request(endpoint: string, input: Input): Promise<unknown> {
    const topic = String(input['topic']);
    switch (endpoint) {
      case 'topic.validate':
        return this.#validate(input);
      case 'topic.configs':
        return { configs: this.#configs(topic) } satisfies TopicOutputs['topic.configs'];
      case 'topic.configDefaults':
        return { configs: this.#configs('') } satisfies TopicOutputs['topic.configDefaults'];
      case 'topic.alterConfigs':
        return this.#alterConfigs(topic, input);
      case 'topic.addPartitions':
        return this.#addPartitions(topic, input);
      case 'topic.electLeaders':
        return { results: [] } satisfies TopicOutputs['topic.electLeaders'];
      case 'topic.reassign':
        return this.#reassign(topic, input);
      case 'topic.reassignments':
        return this.#reassignments(topic);
      case 'topic.throttle':
        return null;
      case 'topic.offsetsAt':
        return {
          offsets: this.#partitions(topic).map((one) => ({
            partition: one.partition,
            offset: Math.max(0, endOf(one) - 500),
            timestamp: Number(input['wallMs']),
          })),
        } satisfies TopicOutputs['topic.offsetsAt'];
      case 'topic.deleteRecords':
        return { results: [] } satisfies TopicOutputs['topic.deleteRecords'];
      case 'messages.positions':
        return this.#positions(topic, input);
      case 'messages.read':
        return this.#read(topic, input);
      case 'messages.one':
        return this.#message(this.#partition(topic, Number(input['partition'])), Number(input['offset']), Infinity);
      case 'messages.checkExpression':
        return { problem: problemOf(String(input['expression'])) } satisfies MessageOutputs['messages.checkExpression'];
      case 'messages.produce':
        return this.#produce(topic, input);
      case 'messages.produceMany':
        return {
          results: (input['records'] as Input[]).map((record) => {
            const { partition, baseOffset } = this.#produce(topic, record);
            return { partition, offset: baseOffset ?? -1 };
          }),
        } satisfies MessageOutputs['messages.produceMany'];
      default:
        return this.#inspect(endpoint, input);
    }
  }

  #partitions(topic: string): readonly Partition[] {
    return this.#world.partitions.filter((one) => one.topic === topic);
  }

  #partition(topic: string, number: number): Partition {
    const found = this.#partitions(topic).find((one) => one.partition === number);
    if (!found) throw refusal('UNKNOWN_TOPIC_OR_PARTITION', `There is no ${topic}-${number}.`);
    return found;
  }

  #validate(input: Input): null {
    const replicationFactor = Number(input['replicationFactor']);
    const topic = String(input['topic']);
    if (this.#world.topics.some((one) => one.topic === topic))
      throw refusal('TOPIC_ALREADY_EXISTS', `Topic '${topic}' already exists.`);
    if (replicationFactor > 3)
      throw refusal(
        'INVALID_REPLICATION_FACTOR',
        `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ${replicationFactor} cannot be reached because only 3 broker(s) are registered.`,
      );
    return null;
  }

  #configs(topic: string): readonly ConfigView[] {
    const own = this.#overrides.get(topic);
    return topicConfigDefinitions
      .filter((definition) => definition.isInternal !== true)
      .map((definition): ConfigView => {
        const override = own?.get(definition.name);
        const inherited =
          definition.name === 'min.insync.replicas'
            ? { name: definition.name, value: '2', source: 'static' as const }
            : {
                name: definition.brokerDefaultFrom ?? definition.name,
                value: definition.default ?? null,
                source: 'default' as const,
              };
        return {
          name: definition.name,
          value: override ?? inherited.value,
          source: override === undefined ? inherited.source : 'topic',
          kind: definition.type.toLowerCase() as ConfigKind,
          readOnly: false,
          sensitive: false,
          documentation: null,
          synonyms: [
            ...(override === undefined ? [] : [{ name: definition.name, value: override, source: 'topic' as const }]),
            inherited,
          ],
        };
      });
  }

  #alterConfigs(topic: string, input: Input): null {
    const own = new Map(this.#overrides.get(topic));
    for (const [name, value] of Object.entries(input['set'] as Record<string, string>)) {
      const definition = topicConfigDefinitions.find((one) => one.name === name);
      if (!definition) throw refusal('INVALID_CONFIG', `Unknown topic config name: ${name}`);
      const problem = configError(definition, value);
      if (problem !== null) throw refusal('INVALID_CONFIG', problem);
      own.set(name, value);
    }
    for (const name of input['unset'] as string[]) own.delete(name);
    if (input['validateOnly'] !== true) this.#overrides.set(topic, own);
    return null;
  }

  #addPartitions(topic: string, input: Input): null {
    const now = this.#partitions(topic).length;
    const count = Number(input['count']);
    if (count <= now)
      throw refusal(
        'INVALID_PARTITIONS',
        `The topic ${topic} currently has ${now} partition(s); ${count} would not be an increase.`,
      );
    return null;
  }

  #reassign(topic: string, input: Input): TopicOutputs['topic.reassign'] {
    const changes = input['partitions'] as { partition: number; replicas: number[] | null }[];
    for (const { partition, replicas } of changes) {
      if (replicas === null) this.#moving.delete(`${topic}-${partition}`);
      else this.#moving.set(`${topic}-${partition}`, { replicas, looks: 0 });
    }
    return { results: changes.map(({ partition }) => ({ partition, code: 'NONE', message: null })) };
  }

  /** Each move is done the third time that it is asked about. */
  #reassignments(topic: string): TopicOutputs['topic.reassignments'] {
    const reassignments = this.#partitions(topic).flatMap((one) => {
      const moving = this.#moving.get(`${topic}-${one.partition}`);
      if (moving === undefined) return [];
      const now = one.replicas.map((replica) => replica.brokerId);
      const adding = moving.replicas.filter((id) => !now.includes(id));
      moving.looks += 1;
      if (moving.looks < 3) {
        const removing = now.filter((id) => !moving.replicas.includes(id));
        return [{ partition: one.partition, replicas: [...now, ...adding], adding, removing }];
      }
      this.#moving.delete(`${topic}-${one.partition}`);
      const end = endOf(one);
      one.replicas = moving.replicas.map((brokerId) => ({ brokerId, leo: end }));
      one.isr = [...moving.replicas];
      if (!moving.replicas.includes(one.leader)) one.leader = moving.replicas[0] ?? -1;
      one.changed = true;
      return [];
    });
    return { reassignments };
  }

  #positions(topic: string, input: Input): MessageOutputs['messages.positions'] {
    const wanted = input['partitions'] as number[] | null;
    const partitions = this.#partitions(topic).filter((one) => wanted === null || wanted.includes(one.partition));
    const bounds = partitions.map((one) => ({
      partition: one.partition,
      logStartOffset: Math.max(0, endOf(one) - recordsOnDisk),
      endOffset: endOf(one),
    }));
    const from = input['from'] as { kind: string; offset?: number; count?: number };
    const positions = bounds.map(({ partition, logStartOffset, endOffset }) => {
      const back = Math.ceil((from.count ?? 0) / Math.max(1, bounds.length));
      const offset =
        from.kind === 'oldest'
          ? logStartOffset
          : from.kind === 'last' || from.kind === 'time'
            ? endOffset - (from.kind === 'time' ? 60 : back)
            : from.kind === 'offset'
              ? Math.min(endOffset, from.offset ?? 0)
              : endOffset;
      return { partition, offset: Math.max(logStartOffset, offset) };
    });
    return { positions, bounds };
  }

  async #read(topic: string, input: Input): Promise<MessageOutputs['messages.read']> {
    const positions = input['positions'] as { partition: number; offset: number }[];
    const until = new Map((input['until'] as typeof positions).map((one) => [one.partition, one.offset]));
    const endFor = (partition: number): number =>
      Math.min(until.get(partition) ?? Infinity, endOf(this.#partition(topic, partition)));
    if (Number(input['waitMs']) > 0 && positions.every((one) => one.offset >= endFor(one.partition)))
      await new Promise((resolve) => setTimeout(resolve, 100));
    const match = compileMatch(String(input['text']), String(input['expression']));
    const messages: MessageOutputs['messages.read']['messages'][number][] = [];
    const share = Math.ceil(Number(input['limit']) / Math.max(1, positions.length));
    let scanned = 0;
    let scannedBytes = 0;
    const next = positions.map(({ partition, offset }) => {
      const view = this.#partition(topic, partition);
      let found = 0;
      let at = offset;
      for (; at < endFor(partition) && found < share && scanned < Number(input['scanMax']); at += 1) {
        const { batch, record } = this.#record(view, at);
        scanned += 1;
        scannedBytes += record.sizeInBytes;
        if (match(partition, record) !== 'yes') continue;
        found += 1;
        messages.push(
          messageView({ topic, partition, transaction: 'none' }, batch, record, Number(input['previewBytes'])),
        );
      }
      return { partition, offset: at };
    });
    return {
      messages: messages.sort((a, b) => a.timestamp - b.timestamp || a.partition - b.partition),
      positions: next,
      bounds: next.map(({ partition }) => {
        const end = endOf(this.#partition(topic, partition));
        return { partition, logStartOffset: Math.max(0, end - recordsOnDisk), endOffset: end };
      }),
      scanned,
      scannedBytes,
      failed: 0,
      atEnd: next.every((one) => one.offset >= endFor(one.partition)),
      problems: [],
    };
  }

  #produce(topic: string, input: Input): MessageOutputs['messages.produce'] {
    const partition = this.#partition(topic, Number(input['partition'] ?? 0));
    const bytes = (name: string): Buffer | null =>
      input[name] === null ? null : Buffer.from(String(input[name]), 'base64');
    const offset = endOf(partition);
    this.#produced.set(`${topic}-${partition.partition}-${offset}`, { key: bytes('key'), value: bytes('value') });
    for (const replica of partition.replicas) replica.leo = Math.floor(replica.leo) + 1;
    partition.changed = true;
    return { partition: partition.partition, baseOffset: offset, tookMs: 3.2 };
  }

  #message(partition: Partition, offset: number, previewBytes: number): MessageOutputs['messages.one'] {
    const { batch, record } = this.#record(partition, offset);
    return messageView({ ...partition, transaction: 'none' }, batch, record, previewBytes);
  }

  #record(partition: Partition, offset: number) {
    const base = offset - (offset % recordsPerBatch);
    const batch = new RecordBatch(this.#batch(partition, base));
    for (const record of recordsOf(batch)) if (record.offset === offset) return { batch, record };
    throw refusal('NO_RECORD', `There is no record at offset ${offset}.`);
  }

  /** The same bytes for the same offset, always. */
  #batch(partition: Partition, baseOffset: number): Buffer {
    const { topic } = partition;
    const records = Array.from({ length: recordsPerBatch }, (_, index) => {
      const offset = baseOffset + index;
      const produced = this.#produced.get(`${topic}-${partition.partition}-${offset}`);
      const customer = (offset * 7919 + partition.partition) % 500;
      const order = {
        order: offset,
        customer: `customer-${customer}`,
        items: (offset % 5) + 1,
        amount: (offset * 37) % 900,
      };
      return {
        key: produced ? produced.key : Buffer.from(`customer-${customer}`),
        value: produced ? produced.value : offset % 97 === 0 ? null : Buffer.from(JSON.stringify(order)),
        headers: offset % 5 === 0 ? [{ key: 'trace-id', value: Buffer.from(`t-${offset}`) }] : [],
        timestamp: this.#world.wallStartMs - (endOf(partition) - offset) * 5,
      };
    });
    const compression = Math.floor(baseOffset / recordsPerBatch) % 5 === 0 ? 'gzip' : 'none';
    return buildBatch(
      {
        baseOffset,
        partitionLeaderEpoch: partition.leaderEpoch,
        compression,
        producerId: 1000 + partition.partition,
        producerEpoch: 0,
        baseSequence: baseOffset,
      },
      records,
    );
  }

  async #inspect(endpoint: string, input: Input): Promise<unknown> {
    const partition = this.#partition(String(input['topic']), Number(input['partition']));
    const place = {
      topic: partition.topic,
      partition: partition.partition,
      brokerId: Number(input['brokerId']),
      baseOffset: Number(input['baseOffset']),
      position: Number(input['position']),
    };
    try {
      if (endpoint === 'partition.replicas') return this.#replicas(partition);
      this.#write(partition, place.brokerId);
      if (endpoint === 'partition.segments') return this.#inspector.segments(place);
      if (endpoint === 'partition.compaction') return await this.#inspector.compaction(place);
      if (endpoint === 'segment.batches') return this.#inspector.batches(place, place.position, Number(input['limit']));
      if (endpoint === 'segment.indexes') return this.#inspector.indexes(place);
      if (endpoint === 'segment.find') return this.#inspector.find(place, Number(input['offset']));
      if (endpoint === 'segment.batch') return await this.#inspector.batch(place);
      if (endpoint === 'segment.record') return await this.#inspector.record(place, Number(input['index']));
    } catch (error) {
      if (error instanceof InspectionError) throw refusal(error.code, error.message);
      throw error;
    }
    throw refusal('UNKNOWN_ENDPOINT', `There is no ${endpoint}.`);
  }

  #replicas(partition: Partition): SegmentOutputs['partition.replicas'] {
    for (const { brokerId } of partition.replicas) this.#write(partition, brokerId);
    const { topic } = partition;
    return {
      replicas: partition.replicas.map(({ brokerId }) =>
        this.#inspector.replica({ topic, partition: partition.partition, brokerId }),
      ),
      producers: [
        {
          producerId: 1000 + partition.partition,
          producerEpoch: 0,
          lastSequence: endOf(partition) - 1,
          lastTimestamp: this.#world.wall(),
          coordinatorEpoch: -1,
          currentTxnStartOffset: -1,
        },
      ],
      producersProblem: null,
    };
  }

  /** A replica's directory as it was when it was first looked at: three segments, their indexes, the epochs. */
  #write(partition: Partition, brokerId: number): void {
    const directory = `/clusters/default/node-${brokerId}/${partition.topic}-${partition.partition}`;
    if (this.#written.has(directory)) return;
    if (replicaOf(partition, brokerId) === null) return;
    this.#written.add(directory);
    this.#disk.makeDirectory(directory);
    const end = endOf(partition) - (endOf(partition) % recordsPerBatch);
    const start = Math.max(0, end - recordsOnDisk);
    for (let base = start; base < end || base === start; base += batchesPerSegment * recordsPerBatch)
      this.#writeSegment(partition, directory, base, Math.min(end, base + batchesPerSegment * recordsPerBatch));
    const epochs = Array.from({ length: partition.leaderEpoch + 1 }, (_, epoch) => {
      const from = epoch === 0 ? 0 : end - (partition.leaderEpoch - epoch + 1) * 120;
      return `${epoch} ${Math.max(0, from)}`;
    });
    this.#disk.writeFileAtomic(
      `${directory}/leader-epoch-checkpoint`,
      Buffer.from(`0\n${epochs.length}\n${epochs.join('\n')}\n`),
    );
  }

  #writeSegment(partition: Partition, directory: string, base: number, end: number): void {
    const chunks: Buffer[] = [];
    const entries: number[][] = [];
    let position = 0;
    for (let offset = base; offset < end; offset += recordsPerBatch) {
      const bytes = this.#batch(partition, offset);
      const last = offset + recordsPerBatch - 1;
      if (chunks.length > 0 && chunks.length % batchesPerEntry === 0)
        entries.push([last - base, position, new RecordBatch(bytes).maxTimestamp]);
      chunks.push(bytes);
      position += bytes.length;
    }
    const index = Buffer.alloc(entries.length * 8);
    const times = Buffer.alloc(entries.length * 12);
    for (const [at, [offset = 0, where = 0, time = 0]] of entries.entries()) {
      index.writeInt32BE(offset, at * 8);
      index.writeInt32BE(where, at * 8 + 4);
      times.writeBigInt64BE(BigInt(time), at * 12);
      times.writeInt32BE(offset, at * 12 + 8);
    }
    const name = String(base).padStart(20, '0');
    this.#disk.writeFileAtomic(`${directory}/${name}.log`, Buffer.concat(chunks));
    this.#disk.writeFileAtomic(`${directory}/${name}.index`, index);
    this.#disk.writeFileAtomic(`${directory}/${name}.timeindex`, times);
  }
}

function endOf(partition: Partition): number {
  return Math.floor(replicaOf(partition, partition.leader)?.leo ?? partition.replicas[0]?.leo ?? 0);
}

function problemOf(expression: string): string | null {
  try {
    if (expression.trim() !== '') compileFilter(expression);
    return null;
  } catch (error) {
    if (error instanceof FilterError) return `${error.message} (at character ${error.at + 1})`;
    throw error;
  }
}

function refusal(code: string, message: string): FixtureRefusal {
  return new FixtureRefusal({ code, message, advice: null });
}
