// All clients of a simulated run, drawn from its seed: producers of both kinds, tail readers of both isolations, a
// group whose members come and go, an administrator, and a watcher who asks whether the cluster is whole.

import { createTopicsApi } from '../../main/protocol/messages/create-topics.ts';
import { ErrorCode } from '../../main/protocol/errors.ts';
import { offsetFetchApi } from '../../main/protocol/messages/offset-fetch.ts';
import type { Random } from '../../main/runtime/runtime.ts';
import type { SimulatedWorld } from '../../main/runtime/simulated/simulated-world.ts';
import type { FinalLog } from '../../main/workloads/history.ts';
import { Admin } from './clients/admin.ts';
import { Copier } from './clients/copier.ts';
import { ConsumerMember } from './clients/consumer-member.ts';
import { Fetcher } from './clients/fetcher.ts';
import { GroupMember } from './clients/group-member.ts';
import { Producer } from './clients/producer.ts';
import { Recreator } from './clients/recreator.ts';
import { SimulatedClient } from './clients/simulated-client.ts';
import { TailReader } from './clients/tail-reader.ts';
import { Trimmer } from './clients/trimmer.ts';
import { HistoryRecorder } from './history-recorder.ts';
import { drawSideTopics, type SideTopic } from './side-topics.ts';

export type ClientFleetOptions = {
  readonly world: SimulatedWorld;
  readonly brokerIds: readonly number[];
  readonly random: Random;
  readonly history: HistoryRecorder;
  readonly note: (actor: string, text: string) => void;
};

/** What can't be waited for: its topics may have given up what they had promised. */
type Lost = { readonly isCopyingLost: boolean; readonly isReadingLost: boolean };
type Progress = {
  readonly acknowledged: ReadonlyMap<string, number>;
  readonly eventCount: number;
  readonly trimCount: number;
};

const topics = ['orders', 'events'] as const;
/** Where copies of orders go, in transactions. */
const copiesTopic = 'copies';
export const copiersGroupName = 'copiers';
/** What exactly-once stands on. */
export const copyingTopics: readonly string[] = [topics[0], copiesTopic, '__consumer_offsets', '__transaction_state'];
/** What the group of the consumer protocol stands on. */
export const readingTopics: readonly string[] = [topics[1], '__consumer_offsets'];
const internalTopics: readonly string[] = ['__consumer_offsets', '__transaction_state'];
export const groupName = 'readers';
export const modernGroupName = 'modern-readers';
const firstClientNodeId = 100;
const clientCountMax = 50;
const lookMs = 50;
const memberCount = 2;
const recordCountMax = 800;

export class ClientFleet {
  readonly nodeIds: readonly number[];
  readonly #options: ClientFleetOptions;
  readonly #watcher: SimulatedClient;
  readonly #producers = new Map<string, Producer>();
  readonly #producerClients: SimulatedClient[] = [];
  readonly #readerClients: SimulatedClient[] = [];
  readonly #memberClients: SimulatedClient[] = [];
  readonly #admin: Admin;
  readonly #adminClient: SimulatedClient;
  readonly #copierClients: SimulatedClient[] = [];
  readonly #copiers: Copier[] = [];
  #copierLoops: Promise<void>[] = [];
  #isEnding = false;
  #sideTopics: readonly SideTopic[] = [];
  #trimmer: Trimmer | null = null;
  readonly #modern: ConsumerMember[] = [];
  readonly #modernClients: SimulatedClient[] = [];
  #modernLoops: Promise<void>[] = [];
  #nextNodeId = firstClientNodeId;
  #memberLoops: Promise<void>[] = [];
  #adminLoop: Promise<void> = Promise.resolve();
  #recreatorLoop: Promise<void> = Promise.resolve();
  /** For the message when a wait was in vain. */
  waitingFor = '';

  constructor(options: ClientFleetOptions) {
    this.#options = options;
    this.nodeIds = Array.from({ length: clientCountMax }, (_, index) => firstClientNodeId + index);
    this.#watcher = this.#client('watcher');
    this.#adminClient = this.#client('admin');
    this.#admin = new Admin(this.#adminClient, topics, options.brokerIds, (text) => options.note('admin', text));
  }

  #client(name: string): SimulatedClient {
    return new SimulatedClient(this.#options.world, this.#nextNodeId++, name, this.#options.brokerIds);
  }

  /** Makes the topics and starts everybody. */
  async begin(): Promise<void> {
    const { random, brokerIds } = this.#options;
    const replicationFactor = Math.min(3, brokerIds.length);
    for (const name of topics) {
      const configs = random.below(2) === 0 ? [{ name: 'internal.segment.bytes', value: '4096' }] : [];
      const numPartitions = 1 + random.below(3);
      const topic = { name, numPartitions, replicationFactor, assignments: [], configs };
      await this.#create(topic);
    }
    for (const [index, topic] of topics.entries()) {
      this.#startProducer(`safe-${index}`, topic, 'all', true);
      if (random.below(2) === 0) this.#startProducer(`fast-${index}`, topic, 'leader', false);
      if (random.below(3) === 0) this.#startProducer(`plain-${index}`, topic, 'all', false);
      const isolation = random.below(2) === 0 ? 'read_uncommitted' : 'read_committed';
      const client = this.#client(`tail-${index}`);
      this.#readerClients.push(client);
      void new TailReader(client, { topic, isolation, pauseMs: 60 + random.below(150) }, this.#options.history).run();
    }
    if (random.below(2) === 0) await this.#startCopying(replicationFactor);
    if (random.below(2) === 0) this.#startModernGroup();
    if (random.below(3) === 0) {
      const client = this.#client('recreator');
      this.#readerClients.push(client);
      this.#recreatorLoop = new Recreator(client, this.#options.history, replicationFactor).run();
    }
    this.#sideTopics = drawSideTopics(random);
    for (const side of this.#sideTopics) await this.#startSideTopic(side, replicationFactor);
    for (let index = 0; index < memberCount; index++) this.#startMember(`member-${index}`);
    void this.#comeAndGo();
    this.#adminLoop = this.#admin.run(700);
  }

  async #create(topic: {
    readonly name: string;
    readonly numPartitions: number;
    readonly replicationFactor: number;
    readonly configs?: readonly { readonly name: string; readonly value: string }[];
  }): Promise<void> {
    this.waitingFor = `topic ${topic.name}`;
    for (;;) {
      const configs = [...(topic.configs ?? [])];
      const request = { topics: [{ assignments: [], ...topic, configs }], timeoutMs: 1500 };
      const answer = await this.#watcher.ask(this.#watcher.anyBroker(), createTopicsApi, request);
      const code = answer?.topics[0]?.errorCode;
      if (code === ErrorCode.NONE || code === ErrorCode.TOPIC_ALREADY_EXISTS) return;
      await this.#watcher.sleep(lookMs);
    }
  }

  #startProducer(
    name: string,
    topic: string,
    acks: 'all' | 'leader',
    isIdempotent: boolean,
    keyCount: number | undefined = undefined,
  ): void {
    const client = this.#client(name);
    this.#producerClients.push(client);
    const { random, history } = this.#options;
    const deliveryTimeoutMs = random.below(3) === 0 ? 2500 : 15_000;
    const keyed = keyCount === undefined ? {} : { keyCount };
    const pauseMs = 60 + random.below(150);
    const options = { topic, acks, isIdempotent, pauseMs, deliveryTimeoutMs, recordCountMax, ...keyed };
    const producer = new Producer(client, options, history);
    this.#producers.set(name, producer);
    void producer.run();
  }

  #startMember(name: string): void {
    const { random, history } = this.#options;
    const client = this.#client(name);
    this.#memberClients.push(client);
    const options = {
      topic: topics[0],
      group: groupName,
      sessionTimeoutMs: 1000 + random.below(1000),
      pauseMs: 60 + random.below(120),
      pollsPerCommit: 1 + random.below(3),
    };
    this.#memberLoops.push(new GroupMember(client, options, history).run());
  }

  /** A group of the consumer protocol; a member comes or goes now and then. */
  #startModernGroup(): void {
    const { random, history } = this.#options;
    const start = (): void => {
      const client = this.#client(`modern-${this.#modern.length}`);
      const options = { group: modernGroupName, topic: topics[1], pauseMs: 60 + random.below(100), pollsPerCommit: 2 };
      const member = new ConsumerMember(client, options, history);
      this.#modernClients.push(client);
      this.#modern.push(member);
      this.#modernLoops.push(member.run());
    };
    start();
    start();
    const change = async (): Promise<void> => {
      for (let count = 0; count < 3; count++) {
        await this.#watcher.sleep(1000 + random.below(4000));
        if (this.#isEnding) return;
        // The first stays: somebody has to read to the end.
        if (random.below(2) === 0) this.#modernClients.at(1 + random.below(this.#modernClients.length - 1))?.stop();
        start();
      }
    };
    void change();
  }

  async #startSideTopic(side: SideTopic, replicationFactor: number): Promise<void> {
    const { random, history } = this.#options;
    const { name, configs, keyCount, isTrimmed, isUnclean } = side;
    if (isUnclean) history.uncleanTopics.push(name);
    await this.#create({ name, numPartitions: 1, replicationFactor, configs });
    this.#startProducer(`safe-${name}`, name, 'all', true, keyCount);
    const client = this.#client(`tail-${name}`);
    this.#readerClients.push(client);
    const reading = { topic: name, isolation: 'read_uncommitted', pauseMs: 60 + random.below(150) } as const;
    void new TailReader(client, reading, history).run();
    if (!isTrimmed) return;
    const trimmer = this.#client('trimmer');
    this.#readerClients.push(trimmer);
    this.#trimmer = new Trimmer(trimmer, name, history);
    void this.#trimmer.run(300);
  }

  async #startCopying(replicationFactor: number): Promise<void> {
    const { random, history } = this.#options;
    await this.#create({ name: copiesTopic, numPartitions: 1 + random.below(2), replicationFactor });
    const version: 1 | 2 = random.below(2) === 0 ? 1 : 2;
    const start = (name: string): void => {
      const client = this.#client(name);
      const options = {
        ...{ transactionalId: 'copier', group: copiersGroupName, input: topics[0], output: copiesTopic, version },
        ...{ transactionTimeoutMs: random.below(3) === 0 ? 1500 : 20_000, pauseMs: 60 + random.below(100) },
      } as const;
      const copier = new Copier(client, options, history);
      this.#copierClients.push(client);
      this.#copiers.push(copier);
      this.#copierLoops.push(copier.run());
    };
    start('copier-0');
    for (const isolation of ['read_committed', 'read_uncommitted'] as const) {
      const client = this.#client(`tail-${isolation}`);
      this.#readerClients.push(client);
      void new TailReader(client, { topic: copiesTopic, isolation, pauseMs: 80 }, history).run();
    }
    if (random.below(2) === 0) return;
    // A second life under the same transactional id: from then on one of the two is a zombie.
    const afterMs = 500 + random.below(4000);
    void this.#watcher.sleep(afterMs).then(() => this.#isEnding || start('copier-1'));
  }

  /** Now and then a member leaves or another joins, as long as there is room. */
  async #comeAndGo(): Promise<void> {
    const { random } = this.#options;
    for (let count = memberCount; !this.#watcher.isStopped && count < memberCount + 3; count++) {
      await this.#watcher.sleep(1500 + random.below(4000));
      if (this.#watcher.isStopped) return;
      if (random.below(2) === 0) this.#memberClients[random.below(this.#memberClients.length)]?.stop();
      this.#startMember(`member-${count}`);
    }
  }

  // ── is everybody served? ──

  progress(): Progress {
    const { events } = this.#options.history;
    const acknowledged = new Map<string, number>();
    for (const event of events) {
      if (event.type === 'acknowledged') acknowledged.set(event.producer, (acknowledged.get(event.producer) ?? 0) + 1);
    }
    return { acknowledged, eventCount: events.length, trimCount: this.#trimmer?.answeredCount ?? 0 };
  }

  /** Each producer that still makes records had some acknowledged, and the group committed. */
  hasProgressedSince(before: Progress): boolean {
    const since = this.#options.history.events.slice(before.eventCount);
    const acknowledged = new Set(since.map((event) => (event.type === 'acknowledged' ? event.producer : '')));
    for (const [name, producer] of this.#producers) {
      if (producer.isDone || acknowledged.has(name) || producer.sentCount >= recordCountMax) continue;
      this.waitingFor = `an acknowledgement for ${name}`;
      return false;
    }
    this.waitingFor = 'an answer to DeleteRecords';
    if (this.#trimmer !== null && this.#trimmer.answeredCount === before.trimCount) return false;
    this.waitingFor = 'a commit of the group';
    return since.some((event) => event.type === 'committed');
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#watcher.sleep(lookMs);
  }

  /** All replicas of all topics are in sync, and every broker knows. */
  async becomeWhole(): Promise<void> {
    for (const broker of this.#options.brokerIds) {
      const sides = this.#sideTopics.map(({ name }) => name);
      for (const topic of [...topics, ...sides, copiesTopic, ...internalTopics]) {
        this.waitingFor = `all replicas of ${topic} in sync, as broker ${broker} sees it`;
        while (!(await this.#isWhole(broker, topic))) await this.#watcher.sleep(lookMs);
      }
    }
  }

  async #isWhole(broker: number, topic: string): Promise<boolean> {
    const found = await this.#watcher.describe(broker, topic);
    if (found === null) return false;
    // Made when they are first needed.
    if (found.errorCode !== ErrorCode.NONE) return topic === copiesTopic || internalTopics.includes(topic);
    return found.partitions.every(
      (each) =>
        each.leaderId >= 0 && each.isrNodes.length === each.replicaNodes.length && each.errorCode === ErrorCode.NONE,
    );
  }

  /** No new records, the fate of all is told, the group has read all, nobody changes anything any more. */
  async end({ isCopyingLost, isReadingLost }: Lost): Promise<void> {
    this.#isEnding = true;
    this.#adminClient.stop();
    for (const client of this.#producerClients) client.stop();
    this.waitingFor = 'the fate of every record';
    await this.until(() => [...this.#producers.values()].every((producer) => producer.isDone));
    this.waitingFor = 'all orders to be copied';
    // One life is left, or they would go on fencing each other.
    for (const client of this.#copierClients.slice(1)) client.stop();
    for (const client of this.#modernClients.slice(1)) client.stop();
    const [copier] = this.#copiers;
    if (copier !== undefined) {
      copier.isInHurry = true;
      if (!isCopyingLost) await this.until(() => copier.hasCaughtUp);
    }
    this.#copierClients[0]?.stop();
    this.waitingFor = 'all events to be delivered to the group of the consumer protocol';
    const [modern] = this.#modern;
    if (modern !== undefined && !isReadingLost) {
      await this.#watcher.refresh(topics[1]);
      const count = this.#watcher.partitionsOf(topics[1]).length;
      await this.until(() => modern.caughtUp.length === count);
    }
    this.#modernClients[0]?.stop();
    await Promise.all(this.#modernLoops);
    this.waitingFor = 'the copiers to stop';
    await Promise.all(this.#copierLoops);
    for (const client of [...this.#memberClients, ...this.#readerClients]) client.stop();
    this.#watcher.stop();
    this.waitingFor = 'the administrator to be answered';
    await this.#adminLoop;
    await this.#recreatorLoop;
    this.waitingFor = 'the members to leave';
    await Promise.all(this.#memberLoops);
  }

  /** What the metadata of each broker lacks of what the administrator was promised. */
  async checkAdmin(): Promise<string[]> {
    const wrong: string[] = [];
    for (const broker of this.#options.brokerIds) wrong.push(...(await this.#admin.check(broker)));
    return wrong;
  }

  /** Every partition, from its start to its high watermark, as its leader hands it out. */
  async readBack(isCopyingLost: boolean): Promise<FinalLog[]> {
    const logs: FinalLog[] = [];
    for (const topic of topics) logs.push(...(await this.#readAll(topic, 'read_uncommitted')));
    for (const { name, isCompacted } of this.#sideTopics) {
      const found = await this.#readAll(name, 'read_uncommitted');
      logs.push(...found.map((log) => ({ ...log, isCompacted })));
    }
    if (this.#copiers.length === 0) return logs;
    // A transaction whose state is gone may stay open for ever: nothing behind it is shown then.
    if (isCopyingLost) return [...logs, ...(await this.#readAll(copiesTopic, 'read_uncommitted'))];
    const committed = await this.#readAll(copiesTopic, 'read_committed');
    for (const log of await this.#readAll(copiesTopic, 'read_uncommitted')) {
      const own = committed.find((each) => each.partition === log.partition);
      logs.push({ ...log, committed: own?.records ?? [] });
    }
    await this.#readCommittedOffsets();
    return logs;
  }

  async #readAll(topic: string, isolation: 'read_committed' | 'read_uncommitted'): Promise<FinalLog[]> {
    const own = new HistoryRecorder(
      () => this.#options.world.nowMs,
      () => undefined,
    );
    const fetcher = new Fetcher(this.#watcher, { topic, reader: 'final', group: null, isolation, waitMs: 0 }, own);
    await this.#watcher.refresh(topic);
    const partitions = this.#watcher.partitionsOf(topic);
    for (const partition of partitions) fetcher.positions.set(partition, 0);
    this.waitingFor = `${topic} to be read back (${isolation})`;
    const isRead = (each: number): boolean =>
      (fetcher.positions.get(each) ?? 0) >= (fetcher.highWatermarks.get(each) ?? Infinity);
    while (!partitions.every(isRead)) await fetcher.poll();
    return partitions.map((partition) => {
      const records = own.events.flatMap((event) =>
        event.type === 'read' && event.partition === partition ? event.records : [],
      );
      const highWatermark = fetcher.highWatermarks.get(partition) ?? 0;
      const logStartOffset = fetcher.logStartOffsets.get(partition) ?? 0;
      return { topic, partition, logStartOffset, highWatermark, isCompacted: false, records };
    });
  }

  /** Where the copiers' group stands in the end. */
  async #readCommittedOffsets(): Promise<void> {
    const [topic] = topics;
    const client = this.#watcher;
    this.waitingFor = 'the committed offsets of the copiers';
    for (;;) {
      const startMs = client.nowMs;
      const groups = [
        { groupId: copiersGroupName, topics: [{ name: topic, partitionIndexes: client.partitionsOf(topic) }] },
      ];
      const answer = await client.ask(client.anyBroker(), offsetFetchApi, { groups, requireStable: true }, 9);
      const found = answer?.groups[0];
      const rows = found?.topics[0]?.partitions ?? [];
      if (found?.errorCode === ErrorCode.NONE && rows.every((row) => row.errorCode === ErrorCode.NONE)) {
        for (const { partitionIndex: partition, committedOffset } of rows) {
          const offset = committedOffset < 0 ? null : committedOffset;
          this.#options.history.committedRead({ startMs, group: copiersGroupName, topic, partition, offset });
        }
        return;
      }
      await client.sleep(lookMs);
    }
  }
}
