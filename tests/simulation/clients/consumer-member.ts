// One member of a group of the consumer protocol (KIP-848): heartbeats with its epoch, owns what it is assigned and has
// confirmed, reads from what the group committed, commits with its epoch, and begins anew when it is fenced.

import { ErrorCode } from '../../../main/protocol/errors.ts';
import { consumerGroupHeartbeatApi } from '../../../main/protocol/messages/consumer-group-heartbeat.ts';
import { findCoordinatorApi } from '../../../main/protocol/messages/find-coordinator.ts';
import { offsetCommitApi } from '../../../main/protocol/messages/offset-commit.ts';
import { offsetFetchApi } from '../../../main/protocol/messages/offset-fetch.ts';
import type { HistoryRecorder } from '../history-recorder.ts';
import { Fetcher } from './fetcher.ts';
import type { SimulatedClient } from './simulated-client.ts';

export type ConsumerMemberOptions = {
  readonly group: string;
  readonly topic: string;
  readonly pauseMs: number;
  readonly pollsPerCommit: number;
};

type Assigned = readonly number[];

const rebalanceTimeoutMs = 3000;
const retryMs = 60;
/** OffsetCommit by topic names; OffsetFetch with a member epoch. */
const commitVersion = 9;
const offsetFetchVersion = 9;
const leaveEpoch = -1;

export class ConsumerMember {
  readonly #client: SimulatedClient;
  readonly #options: ConsumerMemberOptions;
  readonly #history: HistoryRecorder;
  readonly #fetcher: Fetcher;
  readonly #committed = new Map<number, number>();
  #coordinator: number | null = null;
  #topicId = '';
  #memberId = '';
  #epoch = 0;
  #target: Assigned = [];
  #pollCount = 0;
  /** What the next full heartbeat tells anew. */
  #isIntroduced = false;

  constructor(client: SimulatedClient, options: ConsumerMemberOptions, history: HistoryRecorder) {
    this.#client = client;
    this.#options = options;
    this.#history = history;
    const { topic, group } = options;
    const reading = { topic, reader: client.name, group, isolation: 'read_committed', waitMs: 100 } as const;
    this.#fetcher = new Fetcher(client, reading, history);
  }

  /** Partitions of which it has committed all that it was told of. */
  get caughtUp(): readonly number[] {
    const { positions, highWatermarks } = this.#fetcher;
    return [...positions.keys()].filter(
      (each) => (this.#committed.get(each) ?? 0) >= (highWatermarks.get(each) ?? Infinity),
    );
  }

  async run(): Promise<void> {
    const { pauseMs, pollsPerCommit } = this.#options;
    while (!this.#client.isStopped) {
      if (!(await this.#heartbeat())) {
        await this.#client.sleep(retryMs);
        continue;
      }
      if (this.#fetcher.positions.size > 0) await this.#fetcher.poll();
      if (++this.#pollCount % pollsPerCommit === 0) await this.#commit();
      await this.#client.sleep(pauseMs);
    }
    if (this.#epoch > 0 && this.#coordinator !== null) {
      await this.#commit();
      const request = { groupId: this.#options.group, memberId: this.#memberId, memberEpoch: leaveEpoch };
      await this.#client.ask(this.#coordinator, consumerGroupHeartbeatApi, request);
    }
  }

  /** False: nothing may be read now. */
  async #heartbeat(): Promise<boolean> {
    const { group, topic } = this.#options;
    this.#coordinator ??= await this.#findCoordinator();
    if (this.#coordinator === null || !(await this.#learnTopic())) return false;
    if (this.#memberId === '') this.#memberId = `${this.#client.name}-${this.#client.random.below(1_000_000)}`;
    const owned = [{ topicId: this.#topicId, partitions: [...this.#fetcher.positions.keys()] }];
    const introduction = this.#isIntroduced ? {} : { rebalanceTimeoutMs, subscribedTopicNames: [topic] };
    const request = { groupId: group, memberId: this.#memberId, memberEpoch: this.#epoch, ...introduction };
    const topicPartitions = this.#epoch === 0 ? [] : owned;
    const answer = await this.#client.ask(this.#coordinator, consumerGroupHeartbeatApi, {
      ...request,
      topicPartitions,
    });
    if (answer === null || answer.errorCode !== ErrorCode.NONE) {
      this.#failed(answer?.errorCode ?? null);
      return false;
    }
    this.#isIntroduced = true;
    this.#epoch = answer.memberEpoch;
    if (answer.assignment !== null) {
      this.#target = answer.assignment.topicPartitions.find((each) => each.topicId === this.#topicId)?.partitions ?? [];
      const member = this.#memberId;
      for (const partition of this.#target) {
        this.#history.owned({ group, member, epoch: this.#epoch, topic, partition });
      }
    }
    return this.#reconcile();
  }

  /** Lets go of what is not assigned any more, with its commit; takes up what is new where the group stands. */
  async #reconcile(): Promise<boolean> {
    const { positions } = this.#fetcher;
    const revoked = [...positions.keys()].filter((each) => !this.#target.includes(each));
    if (revoked.length > 0) {
      await this.#commit();
      for (const partition of revoked) positions.delete(partition);
    }
    const added = this.#target.filter((each) => !positions.has(each));
    return added.length === 0 || this.#seek(added);
  }

  async #seek(partitionIndexes: readonly number[]): Promise<boolean> {
    const { group, topic } = this.#options;
    if (this.#coordinator === null) return false;
    const startMs = this.#client.nowMs;
    const topics = [{ name: topic, partitionIndexes: [...partitionIndexes] }];
    const asked = { groupId: group, memberId: this.#memberId, memberEpoch: this.#epoch, topics };
    const request = { groups: [asked], requireStable: true };
    const answer = await this.#client.ask(this.#coordinator, offsetFetchApi, request, offsetFetchVersion);
    const found = answer?.groups[0];
    if (found?.errorCode !== ErrorCode.NONE) {
      this.#failed(found?.errorCode ?? null);
      return false;
    }
    for (const { partitionIndex: partition, committedOffset, errorCode } of found.topics[0]?.partitions ?? []) {
      if (errorCode !== ErrorCode.NONE) return false;
      const offset = committedOffset < 0 ? null : committedOffset;
      this.#history.committedRead({ startMs, group, topic, partition, offset });
      this.#fetcher.positions.set(partition, offset ?? 0);
      this.#committed.set(partition, offset ?? 0);
    }
    return true;
  }

  async #commit(): Promise<void> {
    const { group, topic } = this.#options;
    const offsets = [...this.#fetcher.positions];
    if (offsets.length === 0 || this.#coordinator === null || this.#epoch <= 0) return;
    const partitions = offsets.map(([partitionIndex, committedOffset]) => {
      return { partitionIndex, committedOffset, committedMetadata: '' };
    });
    const startMs = this.#client.nowMs;
    const member = { memberId: this.#memberId, generationIdOrMemberEpoch: this.#epoch };
    const request = { groupId: group, ...member, topics: [{ name: topic, partitions }] };
    const answer = await this.#client.ask(this.#coordinator, offsetCommitApi, request, commitVersion);
    if (answer === null) return this.#failed(null);
    for (const { partitionIndex: partition, errorCode } of answer.topics[0]?.partitions ?? []) {
      const offset = offsets.find(([each]) => each === partition)?.[1] ?? 0;
      // STALE_MEMBER_EPOCH: the next heartbeat brings the new one.
      if (errorCode === ErrorCode.STALE_MEMBER_EPOCH) continue;
      if (errorCode !== ErrorCode.NONE) return this.#failed(errorCode);
      this.#committed.set(partition, offset);
      this.#history.committed({ startMs, group, topic, partition, offset });
    }
  }

  async #findCoordinator(): Promise<number | null> {
    const request = { keyType: 0, coordinatorKeys: [this.#options.group] };
    const found = (await this.#client.ask(this.#client.anyBroker(), findCoordinatorApi, request))?.coordinators[0];
    return found?.errorCode === ErrorCode.NONE ? found.nodeId : null;
  }

  async #learnTopic(): Promise<boolean> {
    if (this.#topicId !== '') return true;
    const found = await this.#client.describe(this.#client.anyBroker(), this.#options.topic);
    if (found?.errorCode === ErrorCode.NONE) this.#topicId = found.topicId;
    return this.#topicId !== '';
  }

  #failed(errorCode: number | null): void {
    // Whatever was on its way may be lost: tell all anew.
    this.#isIntroduced = false;
    if (
      errorCode === ErrorCode.FENCED_MEMBER_EPOCH ||
      errorCode === ErrorCode.UNKNOWN_MEMBER_ID ||
      errorCode === ErrorCode.GROUP_ID_NOT_FOUND ||
      errorCode === ErrorCode.STALE_MEMBER_EPOCH
    ) {
      this.#epoch = 0;
      this.#target = [];
      this.#fetcher.positions.clear();
    } else this.#coordinator = null;
  }
}
