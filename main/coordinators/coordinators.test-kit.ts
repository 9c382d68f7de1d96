// For the tests of coordinators: internal partitions in memory under the script's control, and a group coordinator
// on them in the simulated world.

import { toLeaderEpoch, toOffset, type LeaderEpoch, type Offset } from '../core/ids.ts';
import type { JournalEntry, JournalKind } from '../core/journal.ts';
import { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { MetadataDelta } from '../metadata/metadata-delta.ts';
import { emptyMetadataImage, type MetadataImage } from '../metadata/metadata-image.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../protocol/messages/consumer-group-heartbeat.ts';
import {
  groupCoordinatorRecords,
  type GroupCoordinatorRecord,
} from '../protocol/messages/group-coordinator-records.ts';
import type { JoinGroupRequest, JoinGroupResponse } from '../protocol/messages/join-group.ts';
import type { OffsetCommitRequest } from '../protocol/messages/offset-commit.ts';
import type { SyncGroupRequest, SyncGroupResponse } from '../protocol/messages/sync-group.ts';
import type { Writable } from '../protocol/schema.ts';
import { zeroUuid } from '../protocol/uuid.ts';
import { batchesIn, RecordBatch } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';
import {
  ReplicationError,
  type CoordinatorAppend,
  type CoordinatorRead,
  type PartitionHost,
} from '../replication/contract.ts';
import type { Clock } from '../runtime/runtime.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import type { ShareStateStore } from './share/share-state-store.ts';
import { groupCoordinatorConfig } from './group/group-config.ts';
import { GroupCoordinator, type FetchedOffsets } from './group/group-coordinator.ts';

type Waiting = { readonly endOffset: number; resolve(): void; reject(error: unknown): void };

/** One partition's log, shared by all its leaders. Each append is one buffer of one batch. */
export class MemoryPartition {
  readonly #batches: Buffer[] = [];
  #listeners = new Set<(highWatermark: Offset) => void>();
  #waiting: Waiting[] = [];
  leaderEpoch: LeaderEpoch | null = null;
  logStartOffset = 0;
  highWatermark = 0;
  /** Whether appends are committed as soon as they are written, as with one replica. */
  commitsAtOnce = true;
  /** What appends fail with; null: they work. */
  appendError: number | null = null;

  get logEndOffset(): number {
    const last = this.#batches.at(-1);
    return last === undefined ? this.logStartOffset : new RecordBatch(last).nextOffset;
  }

  get batches(): readonly Buffer[] {
    return this.#batches;
  }

  /** Bytes as another Kafka left them, committed. */
  restore(log: Buffer): void {
    for (const batch of batchesIn(log)) this.#batches.push(Buffer.from(batch.bytes));
    this.highWatermark = this.logEndOffset;
  }

  append(records: Buffer): { firstOffset: number; lastOffset: number; committed: Promise<void> } {
    if (this.appendError !== null) throw new ReplicationError(this.appendError, 'scripted');
    const batch = new RecordBatch(Buffer.from(records));
    const firstOffset = this.logEndOffset;
    batch.setBaseOffset(firstOffset);
    this.#batches.push(batch.buffer);
    const endOffset = batch.nextOffset;
    const committed = new Promise<void>((resolve, reject) => this.#waiting.push({ endOffset, resolve, reject }));
    if (this.commitsAtOnce) this.commit();
    return { firstOffset, lastOffset: endOffset - 1, committed };
  }

  read(fromOffset: number, bytesMax: number): Buffer[] {
    const found: Buffer[] = [];
    let bytes = 0;
    for (const batch of this.#batches) {
      if (new RecordBatch(batch).nextOffset <= fromOffset) continue;
      if (found.length > 0 && bytes + batch.length > bytesMax) break;
      found.push(batch);
      bytes += batch.length;
    }
    return found;
  }

  watch(listener: (highWatermark: Offset) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Raises the high watermark: to the end, or to `offset`. */
  commit(offset = this.logEndOffset): void {
    this.highWatermark = offset;
    for (const listener of [...this.#listeners]) listener(toOffset(offset));
    const done = this.#waiting.filter(({ endOffset }) => endOffset <= offset);
    this.#waiting = this.#waiting.filter(({ endOffset }) => endOffset > offset);
    for (const { resolve } of done) resolve();
  }

  /** Another broker takes the lead; its high watermark begins lower, and what only this one had is cut. */
  loseLeadership(keptEndOffset = this.logEndOffset): void {
    this.leaderEpoch = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(new ReplicationError(ErrorCode.NOT_LEADER_OR_FOLLOWER, 'scripted'));
    this.#listeners = new Set();
    while (this.logEndOffset > keptEndOffset) this.#batches.pop();
  }

  records(): GroupCoordinatorRecord[] {
    return this.#batches.flatMap((buffer) => {
      const records = [...recordsOf(new RecordBatch(buffer))];
      return records.flatMap(({ key, value }) => {
        const record = key === null ? null : groupCoordinatorRecords.decode(key, value);
        return record === null ? [] : [record];
      });
    });
  }
}

export class MemoryHost implements PartitionHost {
  readonly #partitions = new Map<number, MemoryPartition>();

  partition(index: number): MemoryPartition {
    let partition = this.#partitions.get(index);
    if (partition === undefined) {
      partition = new MemoryPartition();
      this.#partitions.set(index, partition);
    }
    return partition;
  }

  #led(index: number): MemoryPartition {
    const partition = this.partition(index);
    if (partition.leaderEpoch === null) throw new ReplicationError(ErrorCode.NOT_LEADER_OR_FOLLOWER, 'not the leader');
    return partition;
  }

  append(_topic: string, index: number, records: Buffer, leaderEpoch: LeaderEpoch): CoordinatorAppend {
    const partition = this.#led(index);
    if (partition.leaderEpoch !== leaderEpoch) {
      throw new ReplicationError(ErrorCode.NOT_LEADER_OR_FOLLOWER, 'another epoch');
    }
    const { firstOffset, lastOffset, committed } = partition.append(records);
    return { firstOffset: toOffset(firstOffset), lastOffset: toOffset(lastOffset), committed };
  }

  read(_topic: string, index: number, fromOffset: Offset, bytesMax: number): CoordinatorRead {
    const partition = this.#led(index);
    return {
      records: partition.read(fromOffset, bytesMax),
      logStartOffset: toOffset(partition.logStartOffset),
      logEndOffset: toOffset(partition.logEndOffset),
      highWatermark: toOffset(partition.highWatermark),
    };
  }

  onHighWatermark(_topic: string, index: number, listener: (highWatermark: Offset) => void): () => void {
    return this.#led(index).watch(listener);
  }
}

export type Beaten = Writable<ConsumerGroupHeartbeatResponse>;
export type Joined = Writable<JoinGroupResponse>;
export type Synced = Writable<SyncGroupResponse>;

/** A group coordinator with one partition, so that every group is its own. */
export class GroupHarness {
  readonly world: SimulatedWorld;
  readonly host = new MemoryHost();
  readonly events: JournalEntry[] = [];
  readonly loadErrors: unknown[] = [];
  isLeadershipCertain = true;
  image: MetadataImage = emptyMetadataImage;
  readonly clock: Clock;
  readonly #properties: Readonly<Record<string, string>>;
  coordinator: GroupCoordinator;
  #epoch = 0;

  constructor(properties: Readonly<Record<string, string>> = {}, seed = 1) {
    this.#properties = properties;
    this.world = new SimulatedWorld({ seed });
    this.clock = this.world.runtimeFor(1).clock;
    this.coordinator = this.#create();
  }

  /** A coordinator that leads the partition and has loaded it. */
  static async create(properties: Readonly<Record<string, string>> = {}, seed = 1): Promise<GroupHarness> {
    const harness = new GroupHarness(properties, seed);
    harness.elect();
    await harness.world.runFor(1);
    return harness;
  }

  get log(): MemoryPartition {
    return this.host.partition(0);
  }

  #create(): GroupCoordinator {
    const { clock, random } = this.world.runtimeFor(1);
    const settings = new BrokerSettings({
      'node.id': '1',
      'offsets.topic.num.partitions': '1',
      'group.initial.rebalance.delay.ms': '0',
      'group.min.session.timeout.ms': '10',
      ...this.#properties,
    });
    return new GroupCoordinator({
      nodeId: 1,
      config: groupCoordinatorConfig(settings),
      host: this.host,
      clock,
      random,
      journal: { record: (entry) => `broker-1:${this.events.push(entry)}` },
      image: () => this.image,
      shares: { state: noShareState, endOffsets: () => Promise.resolve([]) },
      isLeadershipCertain: () => this.isLeadershipCertain,
      onLoadFailed: (_partition, error) => this.loadErrors.push(error),
    });
  }

  elect(): void {
    this.log.leaderEpoch = toLeaderEpoch(++this.#epoch);
    this.coordinator.onElection(0, this.log.leaderEpoch);
  }

  resign(keptEndOffset?: number): void {
    this.log.loseLeadership(keptEndOffset);
    this.coordinator.onResignation(0, toLeaderEpoch(++this.#epoch));
  }

  /** Another broker takes over, knowing only the log. */
  async failOver(): Promise<void> {
    this.resign();
    this.coordinator = this.#create();
    this.elect();
    await this.world.runFor(1);
  }

  /** The answer, once it is there; time passes as needed. */
  settle<T>(answer: T | Promise<T>): Promise<T> {
    return this.world.settle(Promise.resolve(answer));
  }

  kinds(): JournalKind[] {
    return this.events.map(({ kind }) => kind);
  }

  join(request: Partial<JoinGroupRequest> = {}, apiVersion = 9): Promise<Joined> {
    const client = { clientId: 'client', clientHost: '/127.0.0.1', apiVersion, mayDescribe: null };
    const answer = this.coordinator.joinGroup(client, joinRequest(request));
    return Promise.resolve(answer);
  }

  /** Claims an id first, as clients do. */
  async joinAsNew(request: Partial<JoinGroupRequest> = {}): Promise<{ memberId: string; joined: Promise<Joined> }> {
    const { memberId = '' } = await this.settle(this.join(request));
    return { memberId, joined: this.join({ ...request, memberId }) };
  }

  sync(request: Partial<SyncGroupRequest>): Promise<Synced> {
    return Promise.resolve(
      this.coordinator.syncGroup({
        groupId: 'group',
        generationId: 1,
        memberId: '',
        groupInstanceId: null,
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: [],
        ...request,
      }),
    );
  }

  /** As many partitions of topic `name` as given; a topic's id is its name, drawn out. */
  createTopics(topics: Readonly<Record<string, number>>): void {
    const delta = new MetadataDelta(this.image);
    const value = { isr: [1], removingReplicas: [], addingReplicas: [], leader: 1, leaderRecoveryState: 0 };
    for (const [name, count] of Object.entries(topics)) {
      const topicId = topicIdOf(name);
      const known = this.image.topics.byName.get(name)?.partitions.size ?? 0;
      if (known === 0) delta.replay({ name: 'TopicRecord', version: 0, value: { name, topicId } });
      for (let partitionId = known; partitionId < count; partitionId++) {
        const rest = { leaderEpoch: 0, partitionEpoch: 0, directories: [], eligibleLeaderReplicas: null };
        delta.replay({
          name: 'PartitionRecord',
          version: 2,
          value: { ...value, ...rest, lastKnownElr: null, partitionId, topicId, replicas: [1] },
        });
      }
    }
    this.#publish(delta);
  }

  deleteTopic(name: string): void {
    const delta = new MetadataDelta(this.image);
    delta.replay({ name: 'RemoveTopicRecord', version: 0, value: { topicId: topicIdOf(name) } });
    this.#publish(delta);
  }

  #publish(delta: MetadataDelta): void {
    const lastContainedOffset = this.image.provenance.lastContainedOffset + 1;
    this.image = delta.apply({ lastContainedOffset, lastContainedEpoch: 1, lastContainedLogTimeMs: 0 });
    this.coordinator.onMetadataUpdate(delta, this.image);
  }

  /** Which topics members of consumer groups may find; null: all. */
  mayDescribe: ((topic: string) => boolean) | null = null;

  /** ConsumerGroupHeartbeat; without more, one that says nothing new. */
  beat(request: Partial<ConsumerGroupHeartbeatRequest>, clientId = 'client'): Promise<Beaten> {
    const answer = this.coordinator.consumerGroupHeartbeat(
      { clientId, clientHost: '/127.0.0.1', apiVersion: 1, mayDescribe: this.mayDescribe },
      {
        groupId: 'group',
        memberId: '',
        memberEpoch: 0,
        instanceId: null,
        rackId: null,
        rebalanceTimeoutMs: -1,
        subscribedTopicNames: null,
        subscribedTopicRegex: null,
        serverAssignor: null,
        topicPartitions: null,
        ...request,
      },
    );
    return this.settle(Promise.resolve(answer));
  }

  /** The first heartbeat of a member. */
  enter(memberId: string, request: Partial<ConsumerGroupHeartbeatRequest> = {}): Promise<Beaten> {
    const names = request.subscribedTopicRegex === undefined ? ['orders'] : null;
    const first = { memberId, rebalanceTimeoutMs: 60_000, subscribedTopicNames: names, topicPartitions: [] };
    return this.beat({ ...first, ...request });
  }

  heartbeat(memberId: string, generationId: number, groupInstanceId: string | null = null): Promise<number> {
    const request = { groupId: 'group', memberId, generationId, groupInstanceId };
    return Promise.resolve(this.coordinator.heartbeat(request)).then(({ errorCode }) => errorCode);
  }

  async leave(memberId: string, groupInstanceId: string | null = null): Promise<number | undefined> {
    const answer = this.coordinator.leaveGroup('group', [{ memberId, groupInstanceId, reason: null }]);
    return (await this.settle(answer)).members?.[0]?.errorCode;
  }

  /** Partition 0 of topic `orders`. Resolves to the error code. */
  commit(committedOffset: number, request: Partial<OffsetCommitRequest> = {}, apiVersion = 9): Promise<number> {
    const topics = [
      {
        name: 'orders',
        topicId: zeroUuid,
        partitions: [
          { partitionIndex: 0, committedOffset, committedLeaderEpoch: 5, committedMetadata: `at ${committedOffset}` },
        ],
      },
    ];
    const whole: OffsetCommitRequest = {
      groupId: 'group',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics,
      ...request,
    };
    const answer = Promise.resolve(this.coordinator.commitOffsets(whole, whole.topics, apiVersion));
    return answer.then((response) => response.topics?.[0]?.partitions?.[0]?.errorCode ?? -99);
  }

  fetch(requireStable = false, groupId = 'group'): Promise<FetchedOffsets> {
    const topics = [{ name: 'orders', topicId: zeroUuid, partitionIndexes: [0] }];
    const query = { groupId, memberId: null, memberEpoch: -1, topics };
    return Promise.resolve(this.coordinator.fetchOffsets(query, requireStable));
  }

  async committedOffset(requireStable = false): Promise<number | undefined> {
    const { topics } = await this.settle(this.fetch(requireStable));
    return topics[0]?.partitions[0]?.committedOffset;
  }

  async state(groupId = 'group'): Promise<string | undefined> {
    return (await this.settle(this.coordinator.describeGroup(groupId, 6))).groupState;
  }

  /** Two members that have joined and synced: `a` leads. */
  async stableGroup(
    assignment = (index: number): Buffer => Buffer.from(`for ${'ab'.charAt(index)}`),
  ): Promise<{ a: string; b: string; generationId: number }> {
    const first = await this.joinAsNew();
    await this.settle(first.joined);
    const second = await this.joinAsNew();
    const [a, b] = await this.settle(Promise.all([this.join({ memberId: first.memberId }), second.joined]));
    const generationId = a.generationId ?? -1;
    const assignments = [
      { memberId: a.memberId ?? '', assignment: assignment(0) },
      { memberId: b.memberId ?? '', assignment: assignment(1) },
    ];
    await this.settle(
      Promise.all([
        this.sync({ memberId: b.memberId ?? '', generationId }),
        this.sync({ memberId: a.memberId ?? '', generationId, assignments }),
      ]),
    );
    return { a: a.memberId ?? '', b: b.memberId ?? '', generationId };
  }
}

export function joinRequest(request: Partial<JoinGroupRequest> = {}): JoinGroupRequest {
  return {
    groupId: 'group',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('orders') }],
    reason: null,
    ...request,
  };
}

/** 16 bytes that begin with the name. */
export function topicIdOf(name: string): string {
  const bytes = Buffer.alloc(16, 'x');
  bytes.write(name.slice(0, 16));
  return bytes.toString('base64url');
}

/** A consumer's subscription, version 0 in front. */
export function subscription(...topics: string[]): Buffer {
  const names = topics.map((topic) => {
    const length = Buffer.alloc(2);
    length.writeInt16BE(topic.length);
    return Buffer.concat([length, Buffer.from(topic)]);
  });
  const head = Buffer.alloc(6);
  head.writeInt32BE(topics.length, 2);
  return Buffer.concat([head, ...names, Buffer.from([0xff, 0xff, 0xff, 0xff])]);
}

/** Share groups are tried on whole clusters: here nobody keeps their state. */
const nowhere = () => Promise.resolve({ results: [] });
const noShareState: ShareStateStore = {
  initialize: nowhere,
  read: nowhere,
  write: nowhere,
  delete: nowhere,
  readSummary: nowhere,
};
