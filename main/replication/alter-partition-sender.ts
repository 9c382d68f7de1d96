// Carries proposed ISR changes to the controller: at most one request under way, everything that gathered meanwhile
// goes in the next. Retries what may yet succeed; whatever metadata has overtaken is dropped by the partition.

import {
  toBrokerId,
  toLeaderEpoch,
  type BrokerId,
  type LeaderEpoch,
  type PartitionId,
  type TopicId,
} from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { AlterPartitionRequest, AlterPartitionResponse } from '../protocol/messages/alter-partition.ts';
import type { Clock, Timer } from '../runtime/runtime.ts';
import type { AlterPartitionChannel } from './contract.ts';
import type { InSyncState } from './in-sync-replicas.ts';

/** A led partition, as the sender sees it. */
export type ProposingPartition = {
  readonly topicId: TopicId;
  readonly partition: PartitionId;
  /** Whether the proposal still is the partition's state. */
  isProposing(proposal: InSyncState): boolean;
  /** Takes the controller's answer; false when the proposal must be sent again. */
  alterPartitionDone(item: AlterPartitionItem, outcome: AlterPartitionOutcome): boolean;
};

export type AlterPartitionItem = {
  readonly partition: ProposingPartition;
  /** The state this came from: the answer counts only while it still is the partition's state. */
  readonly proposal: InSyncState;
  readonly leaderEpoch: LeaderEpoch;
  readonly partitionEpoch: number;
  readonly inSyncReplicas: readonly { readonly brokerId: BrokerId; readonly brokerEpoch: number }[];
};

export type AlterPartitionOutcome = {
  readonly errorCode: number;
  readonly leaderEpoch: number;
  readonly inSyncReplicas: readonly BrokerId[];
  readonly partitionEpoch: number;
};

/** Kafka's own pause before it asks again. */
const retryBackoffMs = 50;

export class AlterPartitionSender {
  private readonly nodeId: BrokerId;
  private readonly clock: Clock;
  private readonly channel: AlterPartitionChannel;
  private readonly brokerEpoch: () => number;
  private readonly afterResponse: () => void;
  /** Bounded by the partitions of this broker: each has at most one proposal. */
  private readonly pending = new Map<ProposingPartition, AlterPartitionItem>();
  private isInFlight = false;
  private isClosed = false;
  private timer: Timer | null = null;

  constructor(options: {
    readonly nodeId: BrokerId;
    readonly clock: Clock;
    readonly channel: AlterPartitionChannel;
    readonly brokerEpoch: () => number;
    /** Called after the outcomes of a request were handed out. */
    readonly afterResponse: () => void;
  }) {
    this.nodeId = options.nodeId;
    this.clock = options.clock;
    this.channel = options.channel;
    this.brokerEpoch = options.brokerEpoch;
    this.afterResponse = options.afterResponse;
  }

  submit(item: AlterPartitionItem): void {
    this.pending.set(item.partition, item);
    // Not at once: partitions that change in the same event share the request.
    if (!this.isInFlight && this.timer === null && !this.isClosed) this.arm(null);
  }

  close(): void {
    this.isClosed = true;
    this.timer?.cancel();
    this.timer = null;
    this.pending.clear();
  }

  private arm(delayMs: number | null): void {
    this.timer?.cancel();
    const start = (): void => {
      this.timer = null;
      if (!this.isInFlight) void this.send();
    };
    this.timer = delayMs === null ? this.clock.soon(start) : this.clock.at(this.clock.monotonicMs() + delayMs, start);
  }

  /** Never rejects. */
  private async send(): Promise<void> {
    const items = [...this.pending.values()];
    this.pending.clear();
    if (items.length === 0) return;
    this.isInFlight = true;
    let response: AlterPartitionResponse | null;
    try {
      response = await this.channel.alterPartition(this.request(items));
    } catch {
      // No controller in time, or the link broke: the same proposals go again, the partitions still wait.
      response = null;
    }
    this.isInFlight = false;
    if (this.isClosed) return;
    const mustRetry =
      response === null || response.errorCode !== ErrorCode.NONE ? this.retryAll(items) : this.handOut(items, response);
    if (mustRetry) this.arm(retryBackoffMs);
    else if (this.pending.size > 0) this.arm(null);
    this.afterResponse();
  }

  private request(items: readonly AlterPartitionItem[]): AlterPartitionRequest {
    const byTopic = new Map<string, AlterPartitionRequest['topics'][number]['partitions'][number][]>();
    for (const item of items) {
      let partitions = byTopic.get(item.partition.topicId);
      if (partitions === undefined) byTopic.set(item.partition.topicId, (partitions = []));
      partitions.push({
        partitionIndex: item.partition.partition,
        leaderEpoch: item.leaderEpoch,
        newIsr: [],
        newIsrWithEpochs: item.inSyncReplicas.map(({ brokerId, brokerEpoch }) => ({
          brokerId,
          brokerEpoch: brokerId === this.nodeId ? this.brokerEpoch() : brokerEpoch,
        })),
        leaderRecoveryState: 0,
        partitionEpoch: item.partitionEpoch,
      });
    }
    const topics = [...byTopic].map(([topicId, partitions]) => ({ topicId, partitions }));
    return { brokerId: this.nodeId, brokerEpoch: this.brokerEpoch(), topics };
  }

  private retryAll(items: readonly AlterPartitionItem[]): boolean {
    for (const item of items) this.retry(item);
    return this.pending.size > 0;
  }

  /** Unless the partition has moved on, or proposed something newer meanwhile. */
  private retry(item: AlterPartitionItem): void {
    if (!item.partition.isProposing(item.proposal) || this.pending.has(item.partition)) return;
    this.pending.set(item.partition, item);
  }

  private handOut(items: readonly AlterPartitionItem[], response: AlterPartitionResponse): boolean {
    const outcomes = new Map<string, AlterPartitionOutcome>();
    for (const topic of response.topics) {
      for (const each of topic.partitions) {
        outcomes.set(`${topic.topicId}:${each.partitionIndex}`, {
          errorCode: each.errorCode,
          leaderEpoch: each.errorCode === ErrorCode.NONE ? toLeaderEpoch(each.leaderEpoch) : -1,
          inSyncReplicas: each.isr.map(toBrokerId),
          partitionEpoch: each.partitionEpoch,
        });
      }
    }
    let mustRetry = false;
    for (const item of items) {
      const outcome = outcomes.get(`${item.partition.topicId}:${item.partition.partition}`);
      if (outcome !== undefined && item.partition.alterPartitionDone(item, outcome)) continue;
      this.retry(item);
      mustRetry = true;
    }
    return mustRetry;
  }
}
