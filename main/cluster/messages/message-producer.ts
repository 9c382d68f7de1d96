// Writes what a person typed, pasted, or sends on from another topic. One batch a partition; a batch that is refused for
// what one of its records is goes again record by record, so that each has its own answer.

import type { InputOf } from '../../api/contract.ts';
import type { MessageOutputs, ProducedRecord } from '../../api/endpoints/messages.ts';
import { ErrorCode, errorName } from '../../protocol/errors.ts';
import { produceApi } from '../../protocol/messages/produce.ts';
import { partitionOfKey } from '../../protocol/partitioning.ts';
import { buildBatch, type NewRecord } from '../../records/batch-builder.ts';
import { prepareCompression } from '../../records/compression/compression.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { ClusterClient } from '../cluster-client.ts';
import { ClusterError } from '../cluster-error.ts';

const timeoutMs = 10_000;
const retryMs = 100;

type OneInput = InputOf<'messages.produce'>;
type ManyInput = InputOf<'messages.produceMany'>;
type Place = Pick<OneInput, 'topic' | 'acks' | 'compression'> & { readonly partition: number };

export class MessageProducer {
  readonly #client: ClusterClient;
  readonly #runtime: Runtime;

  constructor(client: ClusterClient, runtime: Runtime) {
    this.#client = client;
    this.#runtime = runtime;
  }

  async one(input: OneInput, partitions: readonly number[]): Promise<MessageOutputs['messages.produce']> {
    await prepareCompression();
    const { clock, random } = this.#runtime;
    const key = decoded(input.key);
    const partition = input.partition ?? placeOf(key, partitions, () => random.below(partitions.length));
    const record = { key, value: decoded(input.value), headers: headersOf(input.headers), timestamp: clock.wallMs() };
    const records = Array.from({ length: input.count }, () => record);
    const startedMs = clock.monotonicMs();
    const baseOffset = await this.#send({ ...input, partition }, records);
    return { partition, baseOffset, tookMs: clock.monotonicMs() - startedMs };
  }

  async many(input: ManyInput, partitions: readonly number[]): Promise<MessageOutputs['messages.produceMany']> {
    await prepareCompression();
    const { clock, random } = this.#runtime;
    // Those without a key go together, as a sticky partitioner would put them.
    const sticky = random.below(partitions.length);
    const results: ProducedRecord[] = [];
    const byPartition = new Map<number, { readonly index: number; readonly record: NewRecord }[]>();
    for (const [index, one] of input.records.entries()) {
      const key = decoded(one.key);
      const partition = one.partition ?? placeOf(key, partitions, () => sticky);
      if (!partitions.includes(partition)) {
        results[index] = {
          partition,
          code: 'UNKNOWN_TOPIC_OR_PARTITION',
          message: `there is no partition ${partition}`,
        };
        continue;
      }
      const timestamp = one.timestamp ?? clock.wallMs();
      const record = { key, value: decoded(one.value), headers: headersOf(one.headers), timestamp };
      const own = byPartition.get(partition) ?? [];
      byPartition.set(partition, own);
      own.push({ index, record });
    }
    await Promise.all(
      [...byPartition].map(([partition, own]) => this.#sendBatch({ ...input, partition }, own, results)),
    );
    return { results };
  }

  async #sendBatch(
    place: Place,
    own: readonly { readonly index: number; readonly record: NewRecord }[],
    results: ProducedRecord[],
  ): Promise<void> {
    const { partition } = place;
    try {
      const baseOffset = await this.#send(
        place,
        own.map(({ record }) => record),
      );
      for (const [at, { index }] of own.entries()) results[index] = { partition, offset: (baseOffset ?? -1) + at };
    } catch (error) {
      const code = error instanceof ClusterError ? error.code : 'FAILED';
      if (own.length > 1 && (code === 'INVALID_RECORD' || code === 'MESSAGE_TOO_LARGE')) {
        for (const each of own) await this.#sendBatch(place, [each], results);
        return;
      }
      const message = error instanceof Error ? error.message : String(error);
      for (const { index } of own) results[index] = { partition, code, message };
    }
  }

  /** The base offset, or null with acks=0. */
  async #send({ topic, acks, compression, partition }: Place, list: readonly NewRecord[]): Promise<number | null> {
    const { clock } = this.#runtime;
    const records = buildBatch({ compression }, list);
    const startedMs = clock.monotonicMs();
    for (;;) {
      const leader = this.#client.leaderOf(topic, partition);
      const topicId = this.#client.topic(topic)?.topicId ?? '';
      const topicData = [{ name: topic, topicId, partitionData: [{ index: partition, records }] }];
      if (leader >= 0 && acks === 0) {
        await this.#client.post(leader, produceApi, { acks, timeoutMs, topicData });
        return null;
      }
      const answer = leader < 0 ? null : await this.#client.send(leader, produceApi, { acks, timeoutMs, topicData });
      const result = answer?.responses[0]?.partitionResponses[0];
      if (result?.errorCode === ErrorCode.NONE) return result.baseOffset;
      const code = result?.errorCode ?? ErrorCode.LEADER_NOT_AVAILABLE;
      // The batch was not appended in any of these: sending it again can't make a second one.
      const moved = code === ErrorCode.NOT_LEADER_OR_FOLLOWER || code === ErrorCode.LEADER_NOT_AVAILABLE;
      if (!moved || clock.monotonicMs() - startedMs > timeoutMs) {
        throw new ClusterError(errorName(code), result?.errorMessage ?? `${topic}-${partition} was not written`, null);
      }
      await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + retryMs, resolve));
      await this.#client.refresh([topic]);
    }
  }
}

function placeOf(key: Buffer | null, partitions: readonly number[], any: () => number): number {
  return key === null ? any() : partitionOfKey(key, partitions.length);
}

function headersOf(headers: ManyInput['records'][number]['headers']) {
  return headers.map(({ key, value }) => ({ key, value: decoded(value) }));
}

function decoded(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64');
}
