// For tests: a group of RaftNodes in a simulated world, over a transport that delays, loses and cuts, with the
// invariants of consensus checked all along: one leader an epoch, one vote an epoch, committed never lost or changed.

import { assert } from '../core/assert.ts';
import { toBrokerId, type BrokerId } from '../core/ids.ts';
import type { JournalEntry } from '../core/journal.ts';
import { FilePool } from '../log/file-pool.ts';
import { TailCache } from '../log/tail-cache.ts';
import { latestStableVersion } from '../protocol/api-keys.ts';
import { addRaftVoterApi } from '../protocol/messages/add-raft-voter.ts';
import { apiVersionsApi } from '../protocol/messages/api-versions.ts';
import { beginQuorumEpochApi } from '../protocol/messages/begin-quorum-epoch.ts';
import { endQuorumEpochApi } from '../protocol/messages/end-quorum-epoch.ts';
import { fetchSnapshotApi } from '../protocol/messages/fetch-snapshot.ts';
import { fetchApi } from '../protocol/messages/fetch.ts';
import { removeRaftVoterApi } from '../protocol/messages/remove-raft-voter.ts';
import { updateRaftVoterApi } from '../protocol/messages/update-raft-voter.ts';
import { voteApi } from '../protocol/messages/vote.ts';
import type { Api } from '../protocol/schema.ts';
import { uuidFromBytes } from '../protocol/uuid.ts';
import { NetworkError, type Disk } from '../runtime/runtime.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import {
  defaultRaftConfig,
  type CommittedBatch,
  type LeaderAndEpoch,
  type OffsetAndEpoch,
  type RaftApiName,
  type RaftApis,
  type RaftConfig,
  type RaftListener,
  type RaftTransport,
  type RecordCodec,
  type Voter,
} from './contract.ts';
import { snapshotFooterBatch, snapshotHeaderBatch } from './control-batches.ts';
import { RaftNode } from './raft-node.ts';
import { toVotersRecord, VoterSet } from './voter-set.ts';

const apis: { readonly [Name in RaftApiName]: Api<RaftApis[Name]['request'], RaftApis[Name]['response']> } = {
  vote: voteApi,
  beginQuorumEpoch: beginQuorumEpochApi,
  endQuorumEpoch: endQuorumEpochApi,
  fetch: fetchApi,
  fetchSnapshot: fetchSnapshotApi,
  addRaftVoter: addRaftVoterApi,
  removeRaftVoter: removeRaftVoterApi,
  updateRaftVoter: updateRaftVoterApi,
  apiVersions: apiVersionsApi,
};

export type GroupOptions = {
  readonly seed: number | string;
  readonly voterCount: number;
  readonly observerCount?: number;
  /** The group starts at kraft.version 1 (KIP-853), its voters formatted with each other's directories. */
  readonly dynamic?: { readonly autoJoins?: boolean };
  readonly config?: Partial<RaftConfig>;
  readonly delayMaxMs?: number;
  /** Fills a node's disk before its first start. */
  readonly prepareDisk?: (disk: Disk, nodeId: number) => void;
  /** A node that ended itself; without this it fails the test. */
  readonly onFailure?: (nodeId: number, error: unknown) => void;
  /** The disks hold records that this test did not write: what came before the first start is not checked. */
  readonly isContinued?: boolean;
};

/** No byte of a record reads as this. */
const separator = '\u2502';

/** Records as text, one character a byte: fit for any bytes. */
export const latinCodec: RecordCodec<string> = {
  encode: (record) => Buffer.from(record, 'latin1'),
  decode: (frame) => frame.toString('latin1'),
};

/** What a listener has been given: its state is the list of all committed records. */
export class Witness implements RaftListener<string> {
  readonly records = new Map<number, string>();
  /** End of the snapshot that it began with. */
  startOffset = 0;
  nextOffset = 0;
  lastEpoch = 0;
  leader: LeaderAndEpoch | null = null;
  leaderKnewUpTo = 0;
  snapshotsSeen = 0;
  isShutDown = false;
  readonly #group: RaftGroup;
  readonly #nodeId: number;

  constructor(group: RaftGroup, nodeId: number) {
    this.#group = group;
    this.#nodeId = nodeId;
  }

  onCommit(batch: CommittedBatch<string>): void {
    assert(
      batch.baseOffset === this.nextOffset,
      `node ${this.#nodeId}: batch ${batch.baseOffset}, not ${this.nextOffset}`,
    );
    this.#group.checkCommitted(this.#nodeId, batch);
    batch.records.forEach((record, index) => this.records.set(batch.baseOffset + index, record));
    this.nextOffset = batch.lastOffset + 1;
    this.lastEpoch = batch.epoch;
  }

  onSnapshot(reader: { snapshotId: OffsetAndEpoch; batches(): Iterable<readonly string[]> }): void {
    this.records.clear();
    this.snapshotsSeen++;
    for (const batch of reader.batches()) {
      for (const line of batch) {
        const [offset = '', ...rest] = line.split(' ');
        this.records.set(Number(offset), rest.join(' '));
      }
    }
    this.startOffset = reader.snapshotId.offset;
    this.nextOffset = reader.snapshotId.offset;
    this.lastEpoch = reader.snapshotId.epoch;
    this.#group.checkState(this.#nodeId, this);
  }

  onLeaderChange(leader: LeaderAndEpoch): void {
    this.leader = leader;
    this.leaderKnewUpTo = this.nextOffset;
  }

  onShutdown(): void {
    this.isShutDown = true;
  }

  /** The records as a snapshot's, each with its offset in front. */
  snapshotRecords(): string[] {
    return [...this.records].map(([offset, record]) => `${offset} ${record}`);
  }
}

export type Member = { readonly node: RaftNode<string>; readonly witness: Witness };

export class RaftGroup {
  readonly world: SimulatedWorld;
  readonly config: RaftConfig;
  readonly voters: Voter[];
  readonly nodeIds: number[];
  readonly members = new Map<number, Member>();
  readonly journal: { readonly nodeId: number; readonly atMs: number; readonly entry: JournalEntry }[] = [];
  /** Share of messages that get lost, each way. */
  lossRate = 0;
  delayMaxMs: number;
  sentCount = 0;
  /** Called before a message leaves: a test may crash the sender here. */
  beforeSend: ((from: number, to: number, api: RaftApiName, request: unknown) => void) | null = null;
  readonly #options: GroupOptions;
  readonly #prepared = new Set<number>();
  readonly #cuts = new Set<string>();
  readonly #replacedDisks = new Map<number, number>();
  readonly #directories = new Map<number, string>();
  readonly #leaderOfEpoch = new Map<number, number>();
  readonly #votes = new Map<string, number>();
  /** What the group has committed, by offset: `epoch:records`. */
  readonly committed = new Map<number, string>();

  constructor(options: GroupOptions) {
    this.#options = options;
    const { seed, onFailure } = options;
    this.world = new SimulatedWorld({
      seed,
      afterEvent: () => this.#checkLeaders(),
      ...(onFailure === undefined
        ? {}
        : {
            onFailure: ({ nodeId, error }) => {
              this.members.delete(nodeId);
              onFailure(nodeId, error);
            },
          }),
    });
    this.config = { ...defaultRaftConfig, ...options.config };
    this.delayMaxMs = options.delayMaxMs ?? 5;
    const count = options.voterCount + (options.observerCount ?? 0);
    this.nodeIds = Array.from({ length: count }, (_, index) => index + 1);
    this.voters = this.nodeIds
      .slice(0, options.voterCount)
      .map((id) => ({ id: toBrokerId(id), host: `node-${id}`, port: 9093 }));
  }

  startAll(): void {
    for (const id of this.nodeIds) this.start(id);
  }

  start(nodeId: number): Member {
    const runtime = this.world.runtimeFor(nodeId);
    runtime.disk.makeDirectory(this.#directories.get(nodeId) ?? '/data');
    if (!this.#prepared.has(nodeId)) this.#options.prepareDisk?.(runtime.disk, nodeId);
    this.#prepared.add(nodeId);
    const { dynamic } = this.#options;
    if (dynamic !== undefined) this.#format(runtime.disk, nodeId);
    const witness = new Witness(this, nodeId);
    const node = RaftNode.open<string>({
      runtime,
      logEnvironment: {
        pool: new FilePool(runtime.disk),
        clock: runtime.clock,
        jitter: () => 0,
        preallocateIndexes: false,
        tailCache: new TailCache(),
      },
      nodeId: toBrokerId(nodeId),
      clusterId: 'test-cluster',
      directoryId: this.directoryIdOf(nodeId),
      directory: `${this.#directories.get(nodeId) ?? '/data'}/__cluster_metadata-0`,
      voters: dynamic === undefined ? this.voters : [],
      listenerName: 'CONTROLLER',
      endpoint: { host: `node-${nodeId}`, port: 9093 },
      bootstrapServers:
        dynamic === undefined ? [] : this.nodeIds.slice(0, 3).map((id) => ({ host: `node-${id}`, port: 9093 })),
      autoJoins: dynamic?.autoJoins ?? false,
      config: this.config,
      transport: this.#transport(nodeId),
      codec: latinCodec,
      journal: {
        record: (entry) => {
          this.journal.push({ nodeId, atMs: this.world.nowMs, entry });
          if (entry.kind === 'quorum.voteAnswered') this.#checkVote(entry);
          return `broker-${nodeId}:${this.journal.length}`;
        },
      },
    });
    node.register(witness);
    const member = { node, witness };
    this.members.set(nodeId, member);
    return member;
  }

  /** Of the disk that the node has now. */
  directoryIdOf(nodeId: number): string {
    const disk = this.#replacedDisks.get(nodeId) ?? 0;
    return uuidFromBytes(Buffer.from(`disk ${disk} node ${nodeId}`.padEnd(16, '.')));
  }

  /** The node, which does not run, comes back with another, empty disk. */
  replaceDisk(nodeId: number): void {
    this.#replacedDisks.set(nodeId, (this.#replacedDisks.get(nodeId) ?? 0) + 1);
    this.#directories.set(nodeId, `/disk-${this.#replacedDisks.get(nodeId)}`);
    this.#prepared.delete(nodeId);
  }

  voterOf(nodeId: number): Voter {
    const host = `node-${nodeId}`;
    return {
      id: toBrokerId(nodeId),
      host,
      port: 9093,
      directoryId: this.directoryIdOf(nodeId),
      endpoints: [{ name: 'CONTROLLER', host, port: 9093 }],
      kraftVersions: { min: 0, max: 1 },
    };
  }

  /** As `kafka-storage format --initial-controllers`: the first voters know each other, all others nobody. */
  #format(disk: Disk, nodeId: number): void {
    const directory = `${this.#directories.get(nodeId) ?? '/data'}/__cluster_metadata-0`;
    if (disk.exists(directory) || nodeId > this.#options.voterCount || this.#replacedDisks.has(nodeId)) return;
    const place = { baseOffset: 0, epoch: 0, timestampMs: 1 };
    const voters = toVotersRecord(new VoterSet(this.voters.map(({ id }) => this.voterOf(id))));
    const header = snapshotHeaderBatch(place, 0, { kraftVersion: 1, voters });
    const bytes = Buffer.concat([header, snapshotFooterBatch({ ...place, baseOffset: 3 })]);
    disk.makeDirectory(directory);
    disk.writeFileAtomic(`${directory}/00000000000000000000-0000000000.checkpoint`, bytes);
  }

  kill(nodeId: number): void {
    this.world.kill(nodeId);
    this.members.delete(nodeId);
  }

  crash(nodeId: number, torn = false): void {
    this.world.crash(nodeId, { torn });
    this.members.delete(nodeId);
  }

  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`);
  }

  isolate(nodeId: number): void {
    for (const other of this.nodeIds) {
      this.cut(nodeId, other);
      this.cut(other, nodeId);
    }
  }

  heal(): void {
    this.#cuts.clear();
  }

  member(nodeId: number): Member {
    const member = this.members.get(nodeId);
    assert(member !== undefined, `node ${nodeId} is not running`);
    return member;
  }

  /** The leader that the newest epoch has, if its node is running and knows it. */
  get leader(): Member | null {
    let best: Member | null = null;
    for (const member of this.members.values()) {
      if (!member.node.isLeader) continue;
      if (best === null || member.node.report().epoch > best.node.report().epoch) best = member;
    }
    return best;
  }

  /** A leader whose listener took office and that everyone alive follows. */
  async waitForLeader(timeoutMs = 30_000): Promise<Member> {
    await this.world.runUntil(() => this.#settledLeader() !== null, timeoutMs);
    const leader = this.#settledLeader();
    assert(leader !== null, 'no leader');
    return leader;
  }

  append(member: Member, ...records: string[]): number {
    return member.node.append(member.node.leaderAndEpoch().epoch, records);
  }

  async appendAndCommit(record: string, timeoutMs = 30_000): Promise<number> {
    const leader = await this.waitForLeader(timeoutMs);
    const offset = this.append(leader, record);
    await this.world.runUntil(() => leader.witness.nextOffset > offset, timeoutMs);
    return offset;
  }

  /** Every running node has given its listener all that is committed, and all logs are equal up to there. */
  async converge(timeoutMs = 60_000): Promise<void> {
    await this.world.runUntil(() => {
      // Looked up anew each time: the leader may change meanwhile.
      const end = this.#settledLeader()?.node.logEndOffset;
      return end !== undefined && [...this.members.values()].every(({ witness }) => witness.nextOffset === end);
    }, timeoutMs);
    for (const [nodeId, { witness }] of this.members) this.checkState(nodeId, witness);
  }

  checkCommitted(nodeId: number, batch: CommittedBatch<string>): void {
    const text = `${batch.epoch}:${batch.records.join(separator)}`;
    const known = this.committed.get(batch.baseOffset);
    assert(
      known === undefined || known === text,
      `seed ${this.world.seed}: node ${nodeId} has ${text} committed at ${batch.baseOffset}, others ${known}`,
    );
    this.committed.set(batch.baseOffset, text);
  }

  /** The witness holds all records that were committed before its position, and no others. */
  checkState(nodeId: number, witness: Witness): void {
    for (const [baseOffset, text] of this.committed) {
      if (baseOffset >= witness.nextOffset) continue;
      if (this.#options.isContinued === true && baseOffset < witness.startOffset) continue;
      const records = text.slice(text.indexOf(':') + 1).split(separator);
      records.forEach((record, index) => {
        if (record === '') return;
        const own = witness.records.get(baseOffset + index);
        assert(
          own === record,
          `seed ${this.world.seed}: node ${nodeId} lost ${record} at ${baseOffset + index}: ${own}`,
        );
      });
    }
  }

  #settledLeader(): Member | null {
    const { leader } = this;
    if (leader === null) return null;
    const { leaderId, epoch } = leader.node.leaderAndEpoch();
    const hasOffice = leader.witness.leader?.leaderId === leaderId && leader.witness.leader.epoch === epoch;
    const isFollowed = [...this.members.values()].every(({ node }) => {
      const known = node.leaderAndEpoch();
      return known.leaderId === leaderId && known.epoch === epoch;
    });
    return hasOffice && isFollowed ? leader : null;
  }

  #checkLeaders(): void {
    for (const [nodeId, { node }] of this.members) {
      if (!node.isLeader) continue;
      const { epoch } = node.leaderAndEpoch();
      const known = this.#leaderOfEpoch.get(epoch);
      assert(known === undefined || known === nodeId, `seed ${this.world.seed}: epoch ${epoch} has two leaders`);
      this.#leaderOfEpoch.set(epoch, nodeId);
    }
  }

  #checkVote(entry: JournalEntry & { kind: 'quorum.voteAnswered' }): void {
    if (!entry.granted || entry.preVote) return;
    const key = `${entry.voter}@${entry.epoch}`;
    const known = this.#votes.get(key);
    assert(
      known === undefined || known === entry.candidate,
      `seed ${this.world.seed}: node ${entry.voter} voted twice in epoch ${entry.epoch}`,
    );
    this.#votes.set(key, entry.candidate);
  }

  #delayMs(): number {
    return 0.1 + this.world.random.next() * this.delayMaxMs;
  }

  #isLost(from: number, to: number): boolean {
    return this.#cuts.has(`${from}>${to}`) || (this.lossRate > 0 && this.world.random.next() < this.lossRate);
  }

  #transport(from: number): RaftTransport {
    return {
      send: (to, name, request, timeoutMs) => {
        this.sentCount++;
        const target = toBrokerId(Number(/^node-(\d+)$/.exec(to.host)?.[1]));
        this.beforeSend?.(from, target, name, request);
        const { clock } = this.world.runtimeFor(from);
        const api = apis[name];
        const version = latestStableVersion(api as Api);
        const bytes = api.request.encodeToBuffer(version, request);
        return new Promise((resolve, reject) => {
          clock.at(clock.monotonicMs() + timeoutMs, () => reject(new NetworkError('timeout', 'no answer')));
          const answer = (response: Buffer): void => {
            if (this.#isLost(target, from)) return;
            clock.at(this.world.nowMs + this.#delayMs(), () => resolve(api.response.decodeFrom(response, version)));
          };
          if (!this.#isLost(from, target)) this.#deliver(from, target, name, bytes, answer, reject);
        });
      },
    };
  }

  #deliver(
    from: number,
    to: BrokerId,
    name: RaftApiName,
    request: Buffer,
    answer: (response: Buffer) => void,
    reject: (error: Error) => void,
  ): void {
    const refuse = (): void => {
      this.world.runtimeFor(from).clock.at(this.world.nowMs + this.#delayMs(), () => {
        reject(new NetworkError('refused', `node ${to} is not running`));
      });
    };
    if (!this.members.has(to)) return refuse();
    const api = apis[name];
    const version = latestStableVersion(api as Api);
    const { clock } = this.world.runtimeFor(to);
    clock.at(this.world.nowMs + this.#delayMs(), () => {
      const member = this.members.get(to);
      if (member === undefined) return;
      if (name === 'apiVersions') {
        const supportedFeatures = [{ name: 'kraft.version', minVersion: 0, maxVersion: 1 }];
        return answer(apiVersionsApi.response.encodeToBuffer(version, { supportedFeatures }));
      }
      const handle = member.node.requests[name].bind(member.node.requests) as (request: unknown) => unknown;
      const response = handle(api.request.decodeFrom(request, version));
      const respond = (body: unknown): void => answer(api.response.encodeToBuffer(version, body as object));
      if (response instanceof Promise) void response.then(respond);
      else respond(response);
    });
  }
}
