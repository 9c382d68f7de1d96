// One member of a consumer group: in Kafka's classic protocol (join, sync, heartbeat; eager with range, or cooperative)
// or in KIP-848's, where heartbeats do it all; fetch, commit. Our own rather than kafkajs's, because a drill must crash it and must see who owned what when.
// Not here: static membership, read_committed.

import type { ClientMark } from '../../api/drill-views.ts';
import { ClusterClient } from '../../cluster/cluster-client.ts';
import type { NodeEndpoint } from '../../net/node-connections.ts';
import { ErrorCode, errorName } from '../../protocol/errors.ts';
import { consumerProtocolAssignment, consumerProtocolSubscription } from '../../protocol/messages/embedded-messages.ts';
import { fetchApi, type FetchResponse } from '../../protocol/messages/fetch.ts';
import { heartbeatApi } from '../../protocol/messages/heartbeat.ts';
import { joinGroupApi, type JoinGroupResponse } from '../../protocol/messages/join-group.ts';
import { leaveGroupApi } from '../../protocol/messages/leave-group.ts';
import { listOffsetsApi } from '../../protocol/messages/list-offsets.ts';
import { offsetCommitApi } from '../../protocol/messages/offset-commit.ts';
import { offsetFetchApi } from '../../protocol/messages/offset-fetch.ts';
import { syncGroupApi } from '../../protocol/messages/sync-group.ts';
import type { Random, Runtime } from '../../runtime/runtime.ts';
import type { HistoryEvent } from '../../workloads/history.ts';
import type { GroupPlan } from '../drill-plan.ts';
import { sendHeartbeat } from './consumer-protocol.ts';
import { assignCooperatively, assignRange, type Member } from './assignors.ts';
import { readNames } from './read-back.ts';

export type GroupMemberOptions = {
  readonly runtime: Pick<Runtime, 'clock' | 'network'>;
  readonly random: Random;
  readonly bootstrap: readonly NodeEndpoint[];
  readonly plan: GroupPlan;
  readonly groupId: string;
  readonly topic: string;
  /** `billing-1`: its lane. */
  readonly name: string;
  readonly history: HistoryEvent[];
  tell(mark: Omit<ClientMark, 'count' | 'untilMs'>): void;
  /** Ownership changed: what it has now. */
  owns(partitions: readonly number[], generation: number): void;
  read(partition: number, offsets: readonly number[], highWatermark: number): void;
};

const protocolType = 'consumer';
const fetchWaitMs = 200;
const partitionMaxBytes = 65_536;
const heartbeatShare = 6;
const heartbeatMsMax = 500;
const commitIntervalMs = 400;
const retryMs = 60;
/** Records handed to the application at once. */
const sliceRecords = 25;

/** The membership came to an end or must be renewed; not a failure. */
class Rejoin extends Error {
  override readonly name = 'Rejoin';
}

export class GroupMember {
  readonly #options: GroupMemberOptions;
  readonly #control: ClusterClient;
  readonly #fetcher: ClusterClient;
  readonly #positions = new Map<number, number>();
  readonly #committed = new Map<number, number>();
  #memberId = '';
  #generation = -1;
  #owned: readonly number[] = [];
  #state: 'running' | 'leaving' | 'ended' = 'running';
  #mustRejoin = true;
  #nextHeartbeatMs = 0;
  #nextCommitMs = 0;
  #done: Promise<void> | null = null;

  constructor(options: GroupMemberOptions) {
    this.#options = options;
    const { runtime, random, bootstrap, name, plan } = options;
    const client = { runtime: { ...runtime, random }, bootstrap, clientId: name, connectTimeoutMs: 1000 };
    // A broker that hangs is given up well within the session.
    const requestTimeoutMs = Math.max(1000, Math.min(5000, plan.sessionTimeoutMs / 3));
    this.#control = new ClusterClient({ ...client, requestTimeoutMs });
    this.#fetcher = new ClusterClient({ ...client, requestTimeoutMs });
  }

  get name(): string {
    return this.#options.name;
  }

  get owned(): readonly number[] {
    return this.#owned;
  }

  start(): void {
    this.#done = Promise.all([this.#membershipLoop(), this.#fetchLoop()]).then(() => undefined);
  }

  /** Commits, leaves the group and ends. */
  async stop(): Promise<void> {
    if (this.#state === 'ended') return;
    this.#state = 'leaving';
    await this.#done;
    await this.#leave().catch(() => undefined);
    this.#state = 'ended';
    this.#setOwned([]);
    this.#close();
  }

  /** Gone as a killed process is: its connections close, nobody is told. */
  crash(): void {
    this.#state = 'ended';
    this.#close();
    this.#tell('crashed', 'crashed without leaving the group');
    this.#setOwned([]);
  }

  #close(): void {
    this.#control.close();
    this.#fetcher.close();
  }

  get #nowMs(): number {
    return this.#options.runtime.clock.monotonicMs();
  }

  get #isCooperative(): boolean {
    return this.#options.plan.assignor === 'cooperative-sticky';
  }

  #tell(kind: ClientMark['kind'], text: string): void {
    this.#options.tell({ atMs: this.#nowMs, client: this.#options.name, kind, text });
  }

  #pause(ms: number): Promise<void> {
    const { clock } = this.#options.runtime;
    return new Promise((resolve) => clock.at(clock.monotonicMs() + ms, resolve));
  }

  // ── membership ──

  async #membershipLoop(): Promise<void> {
    while (this.#state === 'running') {
      try {
        if (this.#options.plan.protocol === 'consumer') await this.#reconcile();
        else {
          if (this.#mustRejoin) await this.#join();
          await this.#beat();
        }
        await this.#commitWhenDue();
        await this.#pause(25);
      } catch (error) {
        if (this.#state !== 'running') return;
        if (!(error instanceof Rejoin)) {
          this.#control.forgetCoordinator(this.#options.groupId);
          this.#tell('error', reasonOf(error));
        }
        await this.#pause(retryMs);
      }
    }
  }

  async #join(): Promise<void> {
    const { topic, groupId, plan } = this.#options;
    // Eager: nobody owns anything while the group rebalances.
    if (!this.#isCooperative && this.#owned.length > 0) {
      await this.#commit().catch(() => undefined);
      this.#setOwned([]);
    }
    if (this.#control.topic(topic) === null) await this.#control.refresh([topic]);
    const coordinator = await this.#control.coordinatorOf(groupId);
    const timeoutMs = plan.sessionTimeoutMs + 10_000;
    const subscription = consumerProtocolSubscription.encodeToBuffer(1, {
      topics: [topic],
      ownedPartitions: this.#owned.length === 0 ? [] : [{ topic, partitions: [...this.#owned] }],
    });
    const metadata = Buffer.concat([Buffer.from([0, 1]), subscription]);
    const answer = await this.#control.send(
      coordinator,
      joinGroupApi,
      {
        groupId,
        sessionTimeoutMs: plan.sessionTimeoutMs,
        rebalanceTimeoutMs: Math.max(plan.sessionTimeoutMs, 3000),
        memberId: this.#memberId,
        protocolType,
        protocols: [{ name: plan.assignor, metadata }],
      },
      { timeoutMs },
    );
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = answer.memberId;
      throw new Rejoin();
    }
    this.#check(answer.errorCode);
    const isNew = this.#generation < 0;
    this.#memberId = answer.memberId;
    this.#generation = answer.generationId;
    if (isNew) this.#tell('joined', `joined in generation ${answer.generationId}`);
    await this.#sync(coordinator, answer, timeoutMs);
  }

  async #sync(coordinator: number, joined: JoinGroupResponse, timeoutMs: number): Promise<void> {
    const { topic, groupId, plan } = this.#options;
    const assignments = joined.leader === this.#memberId ? this.#assign(joined) : [];
    const answer = await this.#control.send(
      coordinator,
      syncGroupApi,
      {
        groupId,
        generationId: this.#generation,
        memberId: this.#memberId,
        protocolType,
        protocolName: plan.assignor,
        assignments,
      },
      { timeoutMs },
    );
    this.#check(answer.errorCode);
    this.#mustRejoin = false;
    this.#nextHeartbeatMs = this.#nowMs + this.#heartbeatMs;
    const assigned = partitionsOf(answer.assignment, topic);
    const revoked = this.#owned.filter((partition) => !assigned.includes(partition));
    if (this.#isCooperative && revoked.length > 0) {
      await this.#commit().catch(() => undefined);
      this.#setOwned(this.#owned.filter((partition) => assigned.includes(partition)));
      // What was given up is assigned in the next round.
      this.#mustRejoin = true;
      this.#tell('rebalance', `gives up ${partitionsText(revoked)} and joins again`);
      return;
    }
    const added = assigned.filter((partition) => !this.#owned.includes(partition));
    if (added.length > 0) await this.#startAt(coordinator, added);
    this.#setOwned(assigned);
    this.#tell('assigned', `generation ${this.#generation}: ${partitionsText(assigned)}`);
  }

  #assign(joined: JoinGroupResponse): { memberId: string; assignment: Buffer }[] {
    const { topic } = this.#options;
    const members = joined.members.map(({ memberId, metadata }): Member => {
      const version = metadata.readInt16BE(0);
      const subscription = consumerProtocolSubscription.decodeFrom(metadata.subarray(2), Math.min(version, 3));
      const owned = subscription.ownedPartitions.find((each) => each.topic === topic)?.partitions ?? [];
      return { memberId, owned };
    });
    const partitionCount = this.#control.topic(topic)?.partitions.length ?? 0;
    const assignment = (this.#isCooperative ? assignCooperatively : assignRange)(members, partitionCount);
    return [...assignment].map(([memberId, partitions]) => ({
      memberId,
      assignment: Buffer.concat([
        Buffer.from([0, 1]),
        consumerProtocolAssignment.encodeToBuffer(1, {
          assignedPartitions: partitions.length === 0 ? [] : [{ topic, partitions: [...partitions] }],
        }),
      ]),
    }));
  }

  get #heartbeatMs(): number {
    return Math.min(heartbeatMsMax, this.#options.plan.sessionTimeoutMs / heartbeatShare);
  }

  async #beat(): Promise<void> {
    if (this.#mustRejoin || this.#nowMs < this.#nextHeartbeatMs) return;
    this.#nextHeartbeatMs = this.#nowMs + this.#heartbeatMs;
    const { groupId } = this.#options;
    const coordinator = await this.#control.coordinatorOf(groupId);
    const answer = await this.#control.send(coordinator, heartbeatApi, {
      groupId,
      generationId: this.#generation,
      memberId: this.#memberId,
    });
    this.#check(answer.errorCode);
  }

  /** KIP-848: says what it owns, and takes a step towards what it is assigned. Nobody waits for anybody. */
  async #reconcile(): Promise<void> {
    if (!this.#mustRejoin && this.#nowMs < this.#nextHeartbeatMs) return;
    const { topic, groupId, runtime } = this.#options;
    const isJoining = this.#generation < 0;
    if (isJoining) {
      this.#memberId ||= Buffer.from(this.#options.random.bytes(16)).toString('base64url');
      await this.#control.refresh([topic]);
    }
    const answer = await sendHeartbeat(this.#control, {
      groupId,
      memberId: this.#memberId,
      memberEpoch: isJoining ? 0 : this.#generation,
      topic,
      owned: isJoining || this.#mustRejoin ? this.#owned : null,
    });
    this.#check(answer.errorCode);
    if (isJoining) this.#tell('joined', `joined in epoch ${answer.memberEpoch}`);
    this.#mustRejoin = false;
    this.#generation = answer.memberEpoch;
    this.#nextHeartbeatMs = runtime.clock.monotonicMs() + answer.intervalMs;
    const { assigned } = answer;
    if (assigned === null || assigned.join() === this.#owned.join()) return;
    const kept = this.#owned.filter((partition) => assigned.includes(partition));
    if (kept.length < this.#owned.length) {
      await this.#commit().catch(() => undefined);
      this.#setOwned(kept);
    }
    const added = assigned.filter((partition) => !kept.includes(partition));
    if (added.length > 0) await this.#startAt(await this.#control.coordinatorOf(groupId), added);
    this.#setOwned(assigned);
    this.#tell('assigned', `epoch ${this.#generation}: ${partitionsText(assigned)}`);
    // The coordinator waits to hear what was given up: said at once.
    this.#mustRejoin = true;
  }

  /** Throws what the membership loop acts on. */
  #check(errorCode: number): void {
    switch (errorCode) {
      case ErrorCode.NONE:
        return;
      case ErrorCode.REBALANCE_IN_PROGRESS:
        this.#mustRejoin = true;
        this.#tell('rebalance', 'the group rebalances');
        throw new Rejoin();
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
      case ErrorCode.FENCED_INSTANCE_ID:
      case ErrorCode.FENCED_MEMBER_EPOCH:
        this.#mustRejoin = true;
        if (errorCode !== ErrorCode.ILLEGAL_GENERATION) this.#memberId = '';
        this.#generation = -1;
        this.#tell('rebalance', `lost its membership (${errorName(errorCode)})`);
        this.#setOwned([]);
        throw new Rejoin();
      default:
        throw new Error(errorName(errorCode));
    }
  }

  async #leave(): Promise<void> {
    const { groupId } = this.#options;
    await this.#commit();
    const memberId = this.#memberId;
    if (this.#options.plan.protocol === 'consumer') {
      const { topic } = this.#options;
      await sendHeartbeat(this.#control, { groupId, memberId, memberEpoch: -1, topic, owned: null });
      this.#tell('left', 'left the group in order');
      return;
    }
    const coordinator = await this.#control.coordinatorOf(groupId);
    await this.#control.send(coordinator, leaveGroupApi, { groupId, memberId, members: [{ memberId }] });
    this.#tell('left', 'left the group in order');
  }

  #setOwned(partitions: readonly number[]): void {
    for (const partition of this.#positions.keys()) {
      if (!partitions.includes(partition)) this.#positions.delete(partition);
    }
    if (partitions.length === 0 && this.#owned.length === 0) return;
    this.#owned = partitions;
    this.#options.owns(partitions, this.#generation);
  }

  // ── offsets ──

  async #startAt(coordinator: number, partitions: readonly number[]): Promise<void> {
    const { topic, groupId, history } = this.#options;
    const topicId = this.#control.topic(topic)?.topicId ?? '';
    const startMs = this.#nowMs;
    const topics = [{ name: topic, topicId, partitionIndexes: [...partitions] }];
    const answer = await this.#control.send(coordinator, offsetFetchApi, {
      groups: [{ groupId, topics }],
      requireStable: true,
    });
    const group = answer.groups[0];
    if (group !== undefined) this.#check(group.errorCode);
    for (const part of (group?.topics ?? answer.topics)[0]?.partitions ?? []) {
      const { partitionIndex, committedOffset, errorCode } = part;
      this.#check(errorCode);
      const offset = committedOffset < 0 ? null : committedOffset;
      const event = { topic, partition: partitionIndex, startMs, atMs: this.#nowMs, group: groupId, offset };
      history.push({ type: 'committedRead', ...event });
      this.#committed.set(partitionIndex, committedOffset);
      this.#positions.set(partitionIndex, offset ?? 0);
    }
  }

  async #commitWhenDue(): Promise<void> {
    if (this.#mustRejoin || this.#nowMs < this.#nextCommitMs) return;
    this.#nextCommitMs = this.#nowMs + commitIntervalMs;
    await this.#commit();
  }

  async #commit(): Promise<void> {
    const { topic, groupId, history } = this.#options;
    const moved = [...this.#positions].filter(([partition, position]) => this.#committed.get(partition) !== position);
    if (moved.length === 0 || this.#generation < 0) return;
    const startMs = this.#nowMs;
    const coordinator = await this.#control.coordinatorOf(groupId);
    const partitions = moved.map(([partitionIndex, committedOffset]) => {
      return { partitionIndex, committedOffset, committedMetadata: '' };
    });
    const answer = await this.#control.send(coordinator, offsetCommitApi, {
      groupId,
      generationIdOrMemberEpoch: this.#generation,
      memberId: this.#memberId,
      topics: [{ name: topic, topicId: this.#control.topic(topic)?.topicId ?? '', partitions }],
    });
    for (const { partitionIndex, errorCode } of answer.topics[0]?.partitions ?? []) {
      this.#check(errorCode);
      const offset = moved.find(([partition]) => partition === partitionIndex)?.[1] ?? 0;
      this.#committed.set(partitionIndex, offset);
      const event = { topic, partition: partitionIndex, startMs, atMs: this.#nowMs, group: groupId, offset };
      history.push({ type: 'committed', ...event });
    }
  }

  // ── records ──

  async #fetchLoop(): Promise<void> {
    const { topic } = this.#options;
    let isStale = true;
    while (this.#state === 'running') {
      if (this.#positions.size === 0) {
        await this.#pause(20);
        continue;
      }
      try {
        if (isStale) await this.#fetcher.refresh([topic]);
        isStale = false;
        const byLeader = new Map<number, number[]>();
        for (const partition of this.#positions.keys()) {
          const leader = this.#fetcher.leaderOf(topic, partition);
          if (leader < 0) isStale = true;
          else byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
        }
        const fetched = await Promise.all([...byLeader].map(([leader, parts]) => this.#fetch(leader, parts)));
        // One thread works through what came, as an application's poll loop does.
        for (const each of fetched) if (!(await this.#process(each))) isStale = true;
        if (isStale) await this.#pause(retryMs);
      } catch {
        // Told when metadata answers again; until then there is nobody to read from.
        isStale = true;
        await this.#pause(retryMs);
      }
    }
  }

  /** Null when the leader did not answer. */
  async #fetch(leader: number, partitions: readonly number[]): Promise<Fetched | null> {
    const { topic } = this.#options;
    const topicId = this.#fetcher.topic(topic)?.topicId ?? '';
    const asked = partitions.map((partition) => {
      return { partition, fetchOffset: this.#positions.get(partition) ?? 0, partitionMaxBytes };
    });
    try {
      const topics = [{ topic, topicId, partitions: asked }];
      const body = { maxWaitMs: fetchWaitMs, minBytes: 1, maxBytes: partitionMaxBytes * partitions.length, topics };
      return { leader, asked, answer: await this.#fetcher.send(leader, fetchApi, body) };
    } catch (error) {
      if (this.#state === 'running') this.#tell('error', reasonOf(error));
      return null;
    }
  }

  /** False when a leader is not where it was thought to be. */
  async #process(fetched: Fetched | null): Promise<boolean> {
    if (fetched === null) return false;
    const { topic } = this.#options;
    const { leader, asked, answer } = fetched;
    let isFresh = answer.errorCode === ErrorCode.NONE;
    for (const part of answer.responses[0]?.partitions ?? []) {
      if (part.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
        await this.#reset(leader, part.partitionIndex);
        continue;
      }
      if (part.errorCode !== ErrorCode.NONE) {
        this.#tell('error', `${errorName(part.errorCode)} from ${topic}-${part.partitionIndex}`);
        isFresh = false;
        continue;
      }
      const fetchOffset = asked.find((each) => each.partition === part.partitionIndex)?.fetchOffset ?? 0;
      await this.#take(leader, part.partitionIndex, fetchOffset, part.records, part.highWatermark);
    }
    return isFresh;
  }

  async #take(
    leader: number,
    partition: number,
    fetchOffset: number,
    records: Buffer | null,
    highWatermark: number,
  ): Promise<void> {
    const { topic, groupId, plan, history, name: reader, read } = this.#options;
    const isStillMine = () => this.#state === 'running' && this.#positions.get(partition) === position;
    let position = fetchOffset;
    if (!isStillMine()) return;
    if (records === null || records.length === 0) {
      read(partition, [], highWatermark);
      return;
    }
    const { names, nextOffset } = await readNames(records, fetchOffset);
    for (let start = 0; start < names.length || start === 0; start += sliceRecords) {
      const slice = names.slice(start, start + sliceRecords);
      const isLast = start + sliceRecords >= names.length;
      if (plan.workPerRecordMs > 0) await this.#pause(slice.length * plan.workPerRecordMs);
      if (!isStillMine()) return;
      position = isLast ? nextOffset : (slice.at(-1)?.offset ?? position) + 1;
      this.#positions.set(partition, position);
      history.push({
        type: 'read',
        topic,
        partition,
        atMs: this.#nowMs,
        reader,
        group: groupId,
        isolation: 'read_uncommitted',
        leader,
        leaderEpoch: null,
        highWatermark,
        records: slice,
      });
      const offsets = slice.map((each) => each.offset);
      read(partition, offsets, highWatermark);
    }
  }

  /** auto.offset.reset=earliest. */
  async #reset(leader: number, partition: number): Promise<void> {
    const { topic } = this.#options;
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -2 }] }];
    const answer = await this.#fetcher.send(leader, listOffsetsApi, { replicaId: -1, topics });
    const found = answer.topics[0]?.partitions[0];
    if (found?.errorCode !== ErrorCode.NONE || !this.#positions.has(partition)) return;
    this.#tell('note', `offset out of range on ${topic}-${partition}: goes on at ${found.offset}`);
    this.#positions.set(partition, found.offset);
  }
}

type Fetched = {
  readonly leader: number;
  readonly asked: readonly { readonly partition: number; readonly fetchOffset: number }[];
  readonly answer: FetchResponse;
};

/** Kafka's own message may be empty: then its error name. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  return error.message !== '' ? error.message : String(code ?? error.name);
}

function partitionsOf(assignment: Buffer, topic: string): readonly number[] {
  if (assignment.length < 2) return [];
  const version = Math.min(assignment.readInt16BE(0), 3);
  const decoded = consumerProtocolAssignment.decodeFrom(assignment.subarray(2), version);
  return decoded.assignedPartitions.find((each) => each.topic === topic)?.partitions ?? [];
}

function partitionsText(partitions: readonly number[]): string {
  if (partitions.length === 0) return 'no partitions';
  return `partition${partitions.length === 1 ? '' : 's'} ${partitions.join(', ')}`;
}
