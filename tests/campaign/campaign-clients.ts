// The clients of a campaign: idempotent producers with Kafka's retry rules, tail readers of both isolations, and a
// group whose members come and go. What they are told goes into one history.

import { createTopicsApi } from '../../main/protocol/messages/create-topics.ts';
import { ErrorCode } from '../../main/protocol/errors.ts';
import type { Random } from '../../main/runtime/runtime.ts';
import type { FinalLog } from '../../main/workloads/history.ts';
import { Fetcher } from '../simulation/clients/fetcher.ts';
import { GroupMember } from '../simulation/clients/group-member.ts';
import { Producer } from '../simulation/clients/producer.ts';
import { SimulatedClient } from '../simulation/clients/simulated-client.ts';
import { TailReader } from '../simulation/clients/tail-reader.ts';
import { HistoryRecorder } from '../simulation/history-recorder.ts';
import type { RealWorld } from './real-world.ts';

export type CampaignClientsOptions = {
  readonly world: RealWorld;
  readonly brokerIds: readonly number[];
  readonly random: Random;
  readonly history: HistoryRecorder;
};

const topics = ['orders', 'events'] as const;
const partitionCount = 3;
const group = 'readers';
const memberCountMax = 3;
const pauseMs = 60;
const lookMs = 50;

export class CampaignClients {
  readonly #options: CampaignClientsOptions;
  readonly #watcher: SimulatedClient;
  readonly #producers: Producer[] = [];
  readonly #producerClients: SimulatedClient[] = [];
  readonly #readerClients: SimulatedClient[] = [];
  readonly #members: { client: SimulatedClient; done: Promise<void> }[] = [];
  #memberCount = 0;
  waitingFor = '';

  constructor(options: CampaignClientsOptions) {
    this.#options = options;
    this.#watcher = this.#client('watcher');
  }

  #client(name: string): SimulatedClient {
    return new SimulatedClient(this.#options.world, 0, name, this.#options.brokerIds);
  }

  async begin(): Promise<void> {
    const { history } = this.#options;
    const replicationFactor = Math.min(3, this.#options.brokerIds.length);
    for (const name of topics) {
      // Small segments, so that rolling, indexes and snapshots of producers take part.
      const configs = [{ name: 'segment.bytes', value: String(1024 * 1024) }];
      await this.#create({ name, numPartitions: partitionCount, replicationFactor, assignments: [], configs });
    }
    for (const [index, topic] of topics.entries()) {
      this.#startProducer(`safe-${index}`, topic, 30_000);
      const isolation = index === 0 ? 'read_uncommitted' : 'read_committed';
      const client = this.#client(`tail-${index}`);
      this.#readerClients.push(client);
      void new TailReader(client, { topic, isolation, pauseMs: 20 }, history).run();
    }
    // Gives up soon, so that records of unknown fate and raised epochs take part.
    this.#startProducer('hasty', topics[0], 2500);
    this.#startMember();
    this.#startMember();
    void this.#comeAndGo();
  }

  async #create(topic: {
    name: string;
    numPartitions: number;
    replicationFactor: number;
    assignments: [];
    configs: { name: string; value: string }[];
  }): Promise<void> {
    for (;;) {
      const request = { topics: [topic], timeoutMs: 5000 };
      const answer = await this.#watcher.ask(this.#watcher.anyBroker(), createTopicsApi, request);
      const code = answer?.topics[0]?.errorCode;
      if (code === ErrorCode.NONE || code === ErrorCode.TOPIC_ALREADY_EXISTS) return;
      await this.#watcher.sleep(lookMs);
    }
  }

  #startProducer(name: string, topic: string, deliveryTimeoutMs: number): void {
    const client = this.#client(name);
    this.#producerClients.push(client);
    const options = {
      topic,
      acks: 'all',
      isIdempotent: true,
      pauseMs,
      deliveryTimeoutMs,
      recordCountMax: Infinity,
    } as const;
    const producer = new Producer(client, options, this.#options.history);
    this.#producers.push(producer);
    void producer.run();
  }

  #startMember(): void {
    const client = this.#client(`member-${this.#memberCount++}`);
    const options = { topic: topics[0], group, sessionTimeoutMs: 6000, pauseMs: 30, pollsPerCommit: 3 };
    this.#members.push({ client, done: new GroupMember(client, options, this.#options.history).run() });
  }

  async #comeAndGo(): Promise<void> {
    const { random } = this.#options;
    while (!this.#watcher.isStopped) {
      await this.#watcher.sleep(4000 + random.below(6000));
      if (this.#watcher.isStopped) return;
      const present = this.#members.filter((each) => !each.client.isStopped);
      if (present.length >= memberCountMax || (present.length > 1 && random.below(2) === 0)) present[0]?.client.stop();
      else this.#startMember();
    }
  }

  get acknowledgedCount(): number {
    let count = 0;
    for (const event of this.#options.history.events) if (event.type === 'acknowledged') count++;
    return count;
  }

  /** Resolves once every broker sees all replicas in sync; false when that does not come true in time. */
  async becomeWhole(timeoutMs: number): Promise<boolean> {
    const { world } = this.#options;
    const deadlineMs = world.nowMs + timeoutMs;
    for (const broker of this.#options.brokerIds) {
      for (const topic of [...topics, '__consumer_offsets']) {
        this.waitingFor = `all replicas of ${topic} in sync, as broker ${broker} sees it`;
        while (!(await this.#isWhole(broker, topic))) {
          if (world.nowMs >= deadlineMs) return false;
          await this.#watcher.sleep(lookMs);
        }
      }
    }
    return true;
  }

  async #isWhole(broker: number, topic: string): Promise<boolean> {
    const found = await this.#watcher.describe(broker, topic);
    if (found === null) return false;
    if (found.errorCode !== ErrorCode.NONE) return topic === '__consumer_offsets';
    return found.partitions.every(
      ({ leaderId, isrNodes, replicaNodes, errorCode }) =>
        leaderId >= 0 && isrNodes.length === replicaNodes.length && errorCode === ErrorCode.NONE,
    );
  }

  /** Each producer has something acknowledged and the group commits, after now; false when not in time. */
  async serveAgain(timeoutMs: number): Promise<boolean> {
    const { history, world } = this.#options;
    const begin = history.events.length;
    const deadlineMs = world.nowMs + timeoutMs;
    for (;;) {
      const since = history.events.slice(begin);
      const acknowledged = new Set(since.map((event) => (event.type === 'acknowledged' ? event.producer : '')));
      const waiting = history.producers.find((each) => !acknowledged.has(each.producer));
      this.waitingFor = waiting === undefined ? 'a commit of the group' : `an acknowledgement for ${waiting.producer}`;
      if (waiting === undefined && since.some((event) => event.type === 'committed')) return true;
      if (world.nowMs >= deadlineMs) return false;
      await this.#watcher.sleep(lookMs);
    }
  }

  /** No new records, the fate of all is told, everybody leaves. */
  async end(): Promise<void> {
    for (const client of this.#producerClients) client.stop();
    while (!this.#producers.every((producer) => producer.isDone)) await this.#watcher.sleep(lookMs);
    for (const client of this.#readerClients) client.stop();
    for (const { client } of this.#members) client.stop();
    this.#watcher.stop();
    await Promise.all(this.#members.map((each) => each.done));
  }

  /** Every partition, from its start to its high watermark, as its leader hands it out. */
  async readBack(): Promise<FinalLog[]> {
    const logs: FinalLog[] = [];
    for (const topic of topics) {
      const own = new HistoryRecorder(
        () => 0,
        () => undefined,
      );
      const options = { topic, reader: 'final', group: null, isolation: 'read_uncommitted', waitMs: 0 } as const;
      const fetcher = new Fetcher(this.#watcher, options, own);
      await this.#watcher.refresh(topic);
      const partitions = this.#watcher.partitionsOf(topic);
      for (const partition of partitions) fetcher.positions.set(partition, 0);
      const isRead = (partition: number): boolean => {
        const end = fetcher.highWatermarks.get(partition);
        return end !== undefined && (fetcher.positions.get(partition) ?? 0) >= end;
      };
      while (!partitions.every(isRead)) await fetcher.poll();
      for (const partition of partitions) {
        const records = own.events.flatMap((event) =>
          event.type === 'read' && event.partition === partition ? event.records : [],
        );
        const highWatermark = fetcher.highWatermarks.get(partition) ?? 0;
        logs.push({ topic, partition, logStartOffset: 0, highWatermark, isCompacted: false, records });
      }
    }
    return logs;
  }
}
