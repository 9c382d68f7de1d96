// What the Messages screen asks: where to begin, reading on, one record in full, producing.

import type { MessageOutputs, PartitionBounds, Position } from '../../api/endpoints/messages.ts';
import type { EndpointHandlers } from '../../api/host.ts';
import type { InputOf } from '../../api/contract.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { listOffsetsApi } from '../../protocol/messages/list-offsets.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { ClusterClient } from '../cluster-client.ts';
import { ClusterError } from '../cluster-error.ts';
import { compileFilter, FilterError } from './filter-expression.ts';
import { MessageProducer } from './message-producer.ts';
import { MessageReader } from './message-reader.ts';

const timeoutMs = 10_000;
const earliestTimestamp = -2;
const latestTimestamp = -1;

export class Messages {
  readonly #client: ClusterClient;
  readonly #producer: MessageProducer;
  readonly #reader: MessageReader;

  constructor(client: ClusterClient, runtime: Runtime) {
    this.#client = client;
    this.#producer = new MessageProducer(client, runtime);
    this.#reader = new MessageReader(client, runtime.clock);
  }

  handlers(): Pick<EndpointHandlers, keyof MessageOutputs> {
    return {
      'messages.positions': (input) => this.#positions(input),
      'messages.read': (input) => this.#reader.read(input).catch(refuseFilter),
      'messages.one': (input) => this.#one(input),
      'messages.checkExpression': ({ expression }) => ({ problem: problemOf(expression) }),
      'messages.produce': async (input) => this.#producer.one(input, await this.#partitionsOf(input.topic)),
      'messages.produceMany': async (input) => this.#producer.many(input, await this.#partitionsOf(input.topic)),
    };
  }

  async #positions(input: InputOf<'messages.positions'>): Promise<MessageOutputs['messages.positions']> {
    const { topic, from, isolation } = input;
    const all = await this.#partitionsOf(topic);
    const partitions = input.partitions?.filter((partition) => partition < all.length) ?? all;
    const isolationLevel = isolation === 'read_committed' ? 1 : 0;
    const [starts, ends] = await Promise.all([
      this.#offsets(topic, partitions, earliestTimestamp, isolationLevel),
      this.#offsets(topic, partitions, latestTimestamp, isolationLevel),
    ]);
    const bounds = partitions.map((partition): PartitionBounds => ({
      partition,
      logStartOffset: starts.get(partition) ?? 0,
      endOffset: ends.get(partition) ?? 0,
    }));
    return { positions: await this.#begin(topic, from, bounds, isolationLevel), bounds };
  }

  async #begin(
    topic: string,
    from: InputOf<'messages.positions'>['from'],
    bounds: readonly PartitionBounds[],
    isolationLevel: number,
  ): Promise<readonly Position[]> {
    const at = (offsetOf: (bound: PartitionBounds) => number): readonly Position[] =>
      bounds.map((bound) => ({ partition: bound.partition, offset: offsetOf(bound) }));
    switch (from.kind) {
      case 'oldest':
        return at((bound) => bound.logStartOffset);
      case 'newest':
        return at((bound) => bound.endOffset);
      case 'offset':
        return at((bound) => Math.min(bound.endOffset, Math.max(bound.logStartOffset, from.offset)));
      case 'last': {
        const counts = shareOut(from.count, bounds);
        return at((bound) => bound.endOffset - (counts.get(bound.partition) ?? 0));
      }
      case 'time': {
        const partitions = bounds.map((bound) => bound.partition);
        const found = await this.#offsets(topic, partitions, from.wallMs, isolationLevel);
        return at((bound) => {
          const offset = found.get(bound.partition) ?? -1;
          return offset < 0 ? bound.endOffset : offset;
        });
      }
    }
  }

  async #one(input: InputOf<'messages.one'>): Promise<MessageOutputs['messages.one']> {
    const { topic, partition, offset } = input;
    const message = await this.#reader.one(topic, partition, offset);
    if (message !== null) return message;
    throw new ClusterError(
      'NO_RECORD',
      `${topic}-${partition} has no record at offset ${offset}`,
      'retention or compaction may have taken it',
    );
  }

  async #partitionsOf(topic: string): Promise<readonly number[]> {
    await this.#client.refresh([topic]);
    const known = this.#client.topic(topic);
    if (known === null) {
      throw new ClusterError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${topic}`, 'it may have been deleted');
    }
    return [...known.partitions.keys()];
  }

  /** A partition whose leader does not answer is left out. */
  async #offsets(
    topic: string,
    partitions: readonly number[],
    timestamp: number,
    isolationLevel: number,
  ): Promise<ReadonlyMap<number, number>> {
    const byLeader = new Map<number, number[]>();
    for (const partition of partitions) {
      const leader = this.#client.leaderOf(topic, partition);
      if (leader >= 0) byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    const answers = await Promise.all(
      [...byLeader].map(([leader, own]) =>
        this.#client
          .send(leader, listOffsetsApi, {
            replicaId: -1,
            isolationLevel,
            topics: [{ name: topic, partitions: own.map((partitionIndex) => ({ partitionIndex, timestamp })) }],
            timeoutMs,
          })
          .catch(() => null),
      ),
    );
    const found = answers.flatMap((answer) => answer?.topics[0]?.partitions ?? []);
    return new Map(
      found.filter((one) => one.errorCode === ErrorCode.NONE).map((one) => [one.partitionIndex, one.offset]),
    );
  }
}

/** Takes `count` records from the ends of the logs, as evenly as they are long. */
function shareOut(count: number, bounds: readonly PartitionBounds[]): ReadonlyMap<number, number> {
  const sizes = bounds
    .map((bound) => ({ partition: bound.partition, size: bound.endOffset - bound.logStartOffset }))
    .sort((a, b) => a.size - b.size);
  const counts = new Map<number, number>();
  let left = count;
  for (const [index, { partition, size }] of sizes.entries()) {
    const share = Math.min(size, Math.ceil(left / (sizes.length - index)));
    counts.set(partition, share);
    left -= share;
  }
  return counts;
}

function problemOf(expression: string): string | null {
  if (expression.trim() === '') return null;
  try {
    compileFilter(expression);
    return null;
  } catch (error) {
    if (error instanceof FilterError) return `${error.message} (at character ${error.at + 1})`;
    throw error;
  }
}

function refuseFilter(error: unknown): never {
  if (!(error instanceof FilterError)) throw error;
  throw new ClusterError('INVALID_FILTER', `${error.message} (at character ${error.at + 1})`, null, error);
}
