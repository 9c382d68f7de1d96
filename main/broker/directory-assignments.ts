// Tells the controller in which log directory replicas are (AssignReplicasToDirs, KIP-858): in batches, again and
// again until it has them. As Kafka's AssignmentsManager.

import { partitionName, type PartitionId, type TopicId } from '../core/ids.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import { directoryOf } from '../metadata/topics-image.ts';
import { ErrorCode } from '../protocol/errors.ts';
import {
  assignReplicasToDirsApi,
  type AssignReplicasToDirsRequest,
  type AssignReplicasToDirsResponse,
} from '../protocol/messages/assign-replicas-to-dirs.ts';
import type { DirectoryAssignments as Assignments } from '../replication/replica-moves.ts';
import type { Clock, Timer } from '../runtime/runtime.ts';
import type { ControllerChannel } from './controller-channel.ts';

type Assignment = {
  readonly topicId: TopicId;
  readonly partition: PartitionId;
  readonly directoryId: string;
  readonly onAccepted: () => void;
};

export type DirectoryAssignmentsOptions = {
  readonly clock: Clock;
  readonly channel: ControllerChannel;
  readonly nodeId: number;
  readonly brokerEpoch: () => number;
  readonly image: () => MetadataImage;
};

/** Kafka's bound of one request. */
const assignmentsPerRequestMax = 2250;
const retryMs = 500;
const requestTimeoutMs = 10_000;

export class DirectoryAssignments implements Assignments {
  readonly #options: DirectoryAssignmentsOptions;
  /** The newest wish for each replica: as many as this broker has. */
  readonly #waiting = new Map<string, Assignment>();
  #isSending = false;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(options: DirectoryAssignmentsOptions) {
    this.#options = options;
  }

  assign(topicId: TopicId, partition: PartitionId, directoryId: string, onAccepted: () => void): void {
    this.#waiting.set(partitionName(topicId, partition), { topicId, partition, directoryId, onAccepted });
    // Not at once: what changes in the same event shares a request.
    this.#arm(0);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#waiting.clear();
  }

  #arm(delayMs: number): void {
    if (this.#isClosed || this.#isSending || this.#timer !== null) return;
    const { clock } = this.#options;
    const start = (): void => {
      this.#timer = null;
      void this.#send();
    };
    this.#timer = delayMs === 0 ? clock.soon(start) : clock.at(clock.monotonicMs() + delayMs, start);
  }

  /** Never rejects. */
  async #send(): Promise<void> {
    const batch = this.#takeDue();
    if (batch.length === 0) return;
    this.#isSending = true;
    const { channel } = this.#options;
    const response = await channel
      .send(assignReplicasToDirsApi, this.#request(batch), { timeoutMs: requestTimeoutMs })
      .catch(() => null);
    this.#isSending = false;
    if (this.#isClosed) return;
    const accepted = response?.errorCode === ErrorCode.NONE ? acceptedIn(response) : new Set<string>();
    for (const each of batch) {
      const key = partitionName(each.topicId, each.partition);
      if (accepted.has(key)) each.onAccepted();
      // Unless there is a newer wish.
      else if (!this.#waiting.has(key)) this.#waiting.set(key, each);
    }
    if (this.#waiting.size > 0) this.#arm(accepted.size === batch.length ? 0 : retryMs);
  }

  /** Without what the metadata says already, and what it does not give to this broker any more. */
  #takeDue(): Assignment[] {
    const { image, nodeId } = this.#options;
    const batch: Assignment[] = [];
    for (const [key, each] of this.#waiting) {
      if (batch.length >= assignmentsPerRequestMax) break;
      this.#waiting.delete(key);
      const registration = image().topics.byId.get(each.topicId)?.partitions.get(each.partition);
      const assigned = registration === undefined ? null : directoryOf(registration, nodeId);
      if (assigned === null) continue;
      if (assigned === each.directoryId) each.onAccepted();
      else batch.push(each);
    }
    return batch;
  }

  #request(batch: readonly Assignment[]): AssignReplicasToDirsRequest {
    const byDirectory = new Map<string, Map<string, { partitionIndex: number }[]>>();
    for (const { topicId, partition, directoryId } of batch) {
      const topics = byDirectory.get(directoryId) ?? new Map<string, { partitionIndex: number }[]>();
      byDirectory.set(directoryId, topics);
      const partitions = topics.get(topicId) ?? [];
      topics.set(topicId, partitions);
      partitions.push({ partitionIndex: partition });
    }
    return {
      brokerId: this.#options.nodeId,
      brokerEpoch: this.#options.brokerEpoch(),
      directories: [...byDirectory].map(([id, topics]) => ({
        id,
        topics: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
      })),
    };
  }
}

function acceptedIn(response: AssignReplicasToDirsResponse): Set<string> {
  const accepted = new Set<string>();
  for (const { topics } of response.directories) {
    for (const { topicId, partitions } of topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        if (errorCode === ErrorCode.NONE) accepted.add(partitionName(topicId, partitionIndex));
      }
    }
  }
  return accepted;
}
