// An administrator who makes and deletes topics, adds partitions, changes settings, asks for preferred leaders and
// moves replicas, and remembers what was confirmed: in the end the metadata must say so, on every broker.

import { ErrorCode, errorName } from '../../../main/protocol/errors.ts';
import { alterPartitionReassignmentsApi } from '../../../main/protocol/messages/alter-partition-reassignments.ts';
import { createPartitionsApi } from '../../../main/protocol/messages/create-partitions.ts';
import { createTopicsApi } from '../../../main/protocol/messages/create-topics.ts';
import { deleteTopicsApi } from '../../../main/protocol/messages/delete-topics.ts';
import { describeConfigsApi } from '../../../main/protocol/messages/describe-configs.ts';
import { electLeadersApi } from '../../../main/protocol/messages/elect-leaders.ts';
import { incrementalAlterConfigsApi } from '../../../main/protocol/messages/incremental-alter-configs.ts';
import type { Api, Writable } from '../../../main/protocol/schema.ts';
import type { SimulatedClient } from './simulated-client.ts';

/** Null: an answer is missing, so that nobody knows. */
type Expected = { exists: boolean | null; partitionsMin: number; retentionMs: string | null };

const topicResource = 2;
const setOperation = 0;
const timeoutMs = 1500;
const partitionsMax = 6;
const retryMs = 50;

export class Admin {
  readonly #client: SimulatedClient;
  readonly #note: (text: string) => void;
  readonly #expected = new Map<string, Expected>();
  readonly #workTopics: readonly string[];
  readonly #brokerIds: readonly number[];
  #made = 0;

  constructor(
    client: SimulatedClient,
    workTopics: readonly string[],
    brokerIds: readonly number[],
    note: (text: string) => void,
  ) {
    this.#client = client;
    this.#workTopics = workTopics;
    this.#brokerIds = brokerIds;
    this.#note = note;
  }

  async run(pauseMs: number): Promise<void> {
    while (!this.#client.isStopped) {
      await this.#client.sleep(pauseMs * (0.5 + this.#client.random.next()));
      await this.#act();
    }
  }

  /** What the metadata of one broker lacks. */
  async check(broker: number): Promise<string[]> {
    const wrong: string[] = [];
    for (const [topic, expected] of this.#expected) {
      const found = await this.#describe(broker, topic);
      const exists = found.errorCode === ErrorCode.NONE;
      if (expected.exists !== null && exists !== expected.exists) {
        wrong.push(
          `broker ${broker}: topic ${topic} ${exists ? 'is back' : `is gone (${errorName(found.errorCode)})`}`,
        );
      }
      if (!exists || expected.exists !== true) continue;
      if (found.partitions.length < expected.partitionsMin) {
        wrong.push(`broker ${broker}: ${topic} has ${found.partitions.length} of ${expected.partitionsMin} partitions`);
      }
      const value = expected.retentionMs === null ? null : await this.#retentionMs(broker, topic);
      if (value !== expected.retentionMs) {
        wrong.push(`broker ${broker}: retention.ms of ${topic} is ${value ?? '?'}, not ${expected.retentionMs ?? '?'}`);
      }
    }
    return wrong;
  }

  /** Until there is an answer: the caller's patience has an end. */
  async #describe(broker: number, topic: string) {
    for (;;) {
      const found = await this.#client.describe(broker, topic);
      if (found !== null) return found;
      await this.#client.sleep(retryMs);
    }
  }

  async #act(): Promise<void> {
    const { random } = this.#client;
    const own = [...this.#expected].filter(([, expected]) => expected.exists === true).map(([topic]) => topic);
    const one = own[random.below(own.length)];
    switch (random.below(6)) {
      case 0:
        return this.#create();
      case 1:
        return one === undefined || own.length < 2 ? this.#create() : this.#delete(one);
      case 2:
        return one === undefined ? this.#create() : this.#addPartitions(one);
      case 3:
        return one === undefined ? this.#create() : this.#setRetention(one);
      case 4:
        return this.#electPreferred();
      default:
        return this.#move();
    }
  }

  #ask<Q, P>(api: Api<Q, P>, request: Writable<Q>): Promise<P | null> {
    return this.#client.ask(this.#client.anyBroker(), api, request);
  }

  async #create(): Promise<void> {
    const { random } = this.#client;
    const name = `made-${this.#made++}`;
    const numPartitions = 1 + random.below(3);
    const expected: Expected = { exists: null, partitionsMin: numPartitions, retentionMs: null };
    this.#expected.set(name, expected);
    const topics = [
      {
        name,
        numPartitions,
        replicationFactor: 1 + random.below(Math.min(3, this.#brokerIds.length)),
        assignments: [],
        configs: [],
      },
    ];
    const code = (await this.#ask(createTopicsApi, { topics, timeoutMs }))?.topics[0]?.errorCode;
    if (code === ErrorCode.NONE) expected.exists = true;
    this.#told(`create ${name}`, code);
  }

  async #delete(name: string): Promise<void> {
    const expected = this.#expected.get(name);
    if (expected !== undefined) expected.exists = null;
    const request = { topics: [{ name }], topicNames: [], timeoutMs };
    const code = (await this.#ask(deleteTopicsApi, request))?.responses[0]?.errorCode;
    if (expected !== undefined && code === ErrorCode.NONE) expected.exists = false;
    this.#told(`delete ${name}`, code);
  }

  async #addPartitions(name: string): Promise<void> {
    const expected = this.#expected.get(name);
    if (expected === undefined || expected.partitionsMin >= partitionsMax) return;
    const count = expected.partitionsMin + 1;
    const request = { topics: [{ name, count, assignments: null }], timeoutMs, validateOnly: false };
    const code = (await this.#ask(createPartitionsApi, request))?.results[0]?.errorCode;
    // Without an answer it may have as many: INVALID_PARTITIONS the next time says so.
    if (code === ErrorCode.NONE || code === ErrorCode.INVALID_PARTITIONS) expected.partitionsMin = count;
    this.#told(`${count} partitions for ${name}`, code);
  }

  async #setRetention(name: string): Promise<void> {
    const expected = this.#expected.get(name);
    if (expected === undefined) return;
    expected.retentionMs = null;
    const value = String(3_600_000 + this.#client.random.below(1_000_000));
    const configs = [{ name: 'retention.ms', configOperation: setOperation, value }];
    const resources = [{ resourceType: topicResource, resourceName: name, configs }];
    const answer = await this.#ask(incrementalAlterConfigsApi, { resources, validateOnly: false });
    const code = answer?.responses[0]?.errorCode;
    if (code === ErrorCode.NONE) expected.retentionMs = value;
    this.#told(`retention.ms=${value} for ${name}`, code);
  }

  async #electPreferred(): Promise<void> {
    const code = (await this.#ask(electLeadersApi, { electionType: 0, topicPartitions: null, timeoutMs }))?.errorCode;
    this.#told('elect preferred leaders', code);
  }

  /** The same replicas in another order, or all brokers: data moves, leadership too. */
  async #move(): Promise<void> {
    const { random } = this.#client;
    const name = this.#workTopics[random.below(this.#workTopics.length)] ?? '';
    const known = await this.#client.describe(this.#client.anyBroker(), name);
    const partition = known?.partitions[random.below(known.partitions.length)];
    if (partition === undefined) return;
    const turned = [...this.#brokerIds].sort(() => random.next() - 0.5);
    const partitions = [{ partitionIndex: partition.partitionIndex, replicas: turned.slice(0, 3) }];
    const answer = await this.#ask(alterPartitionReassignmentsApi, { timeoutMs, topics: [{ name, partitions }] });
    const code = answer?.responses[0]?.partitions[0]?.errorCode ?? answer?.errorCode;
    this.#told(`replicas ${turned.join(',')} for ${name}-${partition.partitionIndex}`, code);
  }

  async #retentionMs(broker: number, topic: string): Promise<string | null> {
    const resource = { resourceType: topicResource, resourceName: topic, configurationKeys: ['retention.ms'] };
    for (;;) {
      const answer = await this.#client.ask(broker, describeConfigsApi, { resources: [resource] });
      if (answer !== null) return answer.results[0]?.configs[0]?.value ?? null;
      await this.#client.sleep(retryMs);
    }
  }

  #told(what: string, code: number | undefined): void {
    this.#note(`${what}: ${code === undefined ? 'no answer' : errorName(code)}`);
  }
}
