// The share coordinator of one broker (KIP-932): one method per request, for the share partitions whose state lies in
// a partition of `__share_group_state` that this broker leads. Answers with Kafka's error codes, partition by partition.

import type { LeaderEpoch } from '../../core/ids.ts';
import type { Journal } from '../../core/journal.ts';
import type { MetadataDelta } from '../../metadata/metadata-delta.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { ErrorCode, errorName } from '../../protocol/errors.ts';
import type {
  DeleteShareGroupStateRequest,
  DeleteShareGroupStateResponse,
} from '../../protocol/messages/delete-share-group-state.ts';
import type {
  InitializeShareGroupStateRequest,
  InitializeShareGroupStateResponse,
} from '../../protocol/messages/initialize-share-group-state.ts';
import type {
  ReadShareGroupStateRequest,
  ReadShareGroupStateResponse,
} from '../../protocol/messages/read-share-group-state.ts';
import type {
  ReadShareGroupStateSummaryRequest,
  ReadShareGroupStateSummaryResponse,
} from '../../protocol/messages/read-share-group-state-summary.ts';
import {
  shareCoordinatorRecords,
  type ShareCoordinatorRecord,
} from '../../protocol/messages/share-coordinator-records.ts';
import type {
  WriteShareGroupStateRequest,
  WriteShareGroupStateResponse,
} from '../../protocol/messages/write-share-group-state.ts';
import { coordinatorPartition, shareCoordinatorKey } from '../../protocol/partitioning.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { PartitionHost } from '../../replication/contract.ts';
import type { Clock, Timer } from '../../runtime/runtime.ts';
import { responseErrorCode } from '../runtime/coordinator-error.ts';
import { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts';
import type { Decision } from '../runtime/state-machine.ts';
import type { ShareCoordinatorConfig } from './share-coordinator-config.ts';
import { ShareMachine, type Refusal, type ShareOutcome } from './share-machine.ts';
import type { SharePartitionKey, ShareState } from './share-state.ts';

export const shareStateTopic = '__share_group_state';
/** Read and replayed in one event while loading. */
const loadChunkBytesMax = 256 * 1024;

export type ShareCoordinatorOptions = {
  readonly nodeId: number;
  readonly config: ShareCoordinatorConfig;
  readonly host: PartitionHost;
  /** Lets go of what stands before an offset of a partition of the topic. */
  readonly deleteRecords: (topic: string, partition: number, beforeOffset: number) => void;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly image: () => MetadataImage;
  /** False when another broker may lead by now and this one not know: reads are proved by a record then. */
  readonly isLeadershipCertain?: () => boolean;
  readonly onLoadFailed?: (partition: number, error: unknown) => void;
};

type RequestedTopics<Partition> = readonly {
  readonly topicId: string;
  readonly partitions: readonly Partition[];
}[];

type Outcome<Result> = ShareOutcome<Result>;

export class ShareCoordinator {
  readonly #options: ShareCoordinatorOptions;
  readonly #runtime: CoordinatorRuntime<ShareCoordinatorRecord, ShareMachine>;
  readonly #timers: Timer[] = [];
  /** By partition of the topic: what was let go of already. */
  readonly #prunedBefore = new Map<number, number>();
  #isActive = true;

  constructor(options: ShareCoordinatorOptions) {
    this.#options = options;
    const { config, host, clock, journal, image, onLoadFailed } = options;
    this.#runtime = new CoordinatorRuntime({
      topic: shareStateTopic,
      host,
      clock,
      journal,
      family: shareCoordinatorRecords,
      createMachine: () => new ShareMachine({ config, clock, image }),
      compression: config.stateTopicCompression,
      batchBytesMax: config.messageMaxBytes,
      loadBytes: Math.min(config.loadBufferSize, loadChunkBytesMax),
      writeTimeoutMs: config.writeTimeoutMs,
      ...(onLoadFailed === undefined ? {} : { onLoadFailed }),
    });
    this.#every(config.stateTopicPruneIntervalMs, () => this.#prune());
    this.#every(config.coldPartitionSnapshotIntervalMs, () => this.#snapshotColdPartitions());
  }

  // ── which partitions are ours ──

  /** Call after replicas have taken over what the delta gives them. */
  onMetadataUpdate(delta: MetadataDelta): void {
    if (delta.topics === null || !this.#isActive) return;
    const { leading, following, removed } = delta.topics.localChanges(this.#options.nodeId);
    for (const { topic, partition, registration } of leading) {
      if (topic === shareStateTopic) this.#runtime.onElection(partition, registration.leaderEpoch);
    }
    for (const { topic, partition, registration } of following) {
      if (topic === shareStateTopic) this.#resign(partition, registration.leaderEpoch);
    }
    for (const { topic, partition } of removed) if (topic === shareStateTopic) this.#resign(partition, null);
    if (delta.topics.deleted.size > 0) this.#onTopicsDeleted(new Set(delta.topics.deleted.keys()));
  }

  #resign(partition: number, leaderEpoch: LeaderEpoch | null): void {
    this.#prunedBefore.delete(partition);
    this.#runtime.onResignation(partition, leaderEpoch);
  }

  #onTopicsDeleted(topicIds: ReadonlySet<string>): void {
    this.#writeEverywhere((machine) => machine.tombstonesOf(topicIds));
  }

  /** Partition of `__share_group_state` that keeps the share partition's state. */
  partitionFor({ groupId, topicId, partition }: SharePartitionKey): number {
    return this.partitionForKey(shareCoordinatorKey(groupId, topicId, partition));
  }

  /** The same for a key as FindCoordinator has it: group, topic id and partition with colons between them. */
  partitionForKey(key: string): number {
    const topic = this.#options.image().topics.byName.get(shareStateTopic);
    return coordinatorPartition(key, topic?.partitions.size ?? this.#options.config.stateTopicNumPartitions);
  }

  shutdown(): void {
    this.#isActive = false;
    for (const timer of this.#timers) timer.cancel();
    this.#runtime.close();
  }

  // ── requests ──

  async initialize({
    groupId,
    topics,
  }: InitializeShareGroupStateRequest): Promise<Writable<InitializeShareGroupStateResponse>> {
    return {
      results: await this.#perPartition(groupId, topics, 'initialize', (machine, key, partition) =>
        machine.initialize(key, partition),
      ),
    };
  }

  async write({ groupId, topics }: WriteShareGroupStateRequest): Promise<Writable<WriteShareGroupStateResponse>> {
    return {
      results: await this.#perPartition(groupId, topics, 'write', (machine, key, partition) =>
        machine.write(key, partition),
      ),
    };
  }

  async delete({ groupId, topics }: DeleteShareGroupStateRequest): Promise<Writable<DeleteShareGroupStateResponse>> {
    return {
      results: await this.#perPartition(groupId, topics, 'delete', (machine, key) => machine.delete(key)),
    };
  }

  async read({ groupId, topics }: ReadShareGroupStateRequest): Promise<Writable<ReadShareGroupStateResponse>> {
    const needsProof = this.#options.isLeadershipCertain?.() === false;
    return {
      results: await this.#perPartition(
        groupId,
        topics,
        'read',
        (machine, key, { leaderEpoch }) => machine.read(key, leaderEpoch, needsProof),
        ({ state }) => ({
          stateEpoch: state.stateEpoch,
          startOffset: state.startOffset,
          stateBatches: state.batches,
        }),
      ),
    };
  }

  async readSummary({
    groupId,
    topics,
  }: ReadShareGroupStateSummaryRequest): Promise<Writable<ReadShareGroupStateSummaryResponse>> {
    return {
      results: await this.#perPartition(
        groupId,
        topics,
        'summary',
        (machine, key) => machine.summary(key),
        ({ state }) => summaryOf(state),
      ),
    };
  }

  /** Runs one operation per partition of a request, each where its state lies, and gathers what came of them. */
  async #perPartition<Partition extends { readonly partition: number }, Result, Row = object>(
    groupId: string,
    topics: RequestedTopics<Partition>,
    what: keyof typeof failures,
    operation: (
      machine: ShareMachine,
      key: SharePartitionKey,
      partition: Partition,
    ) => Decision<ShareCoordinatorRecord, Outcome<Result>>,
    rowOf: (result: Result) => Row | null = () => null,
  ) {
    // As Kafka does with requests that name nothing.
    if (groupId.trim() === '' || topics.some(({ partitions }) => partitions.length === 0)) return [];
    return Promise.all(
      topics.map(async ({ topicId, partitions }) => ({
        topicId,
        partitions: await Promise.all(
          partitions.map(async (each) => {
            const { partition } = each;
            const key = { groupId, topicId, partition };
            const outcome = await this.#run(this.partitionFor(key), what, (machine) => operation(machine, key, each));
            if (isRefusal(outcome)) return { partition, ...outcome };
            return { partition, errorCode: ErrorCode.NONE as number, ...rowOf(outcome) };
          }),
        ),
      })),
    );
  }

  #run<Result>(
    partition: number,
    what: keyof typeof failures,
    operation: (machine: ShareMachine) => Decision<ShareCoordinatorRecord, Outcome<Result>>,
  ): Promise<Outcome<Result>> {
    if (!this.#isActive) {
      return Promise.resolve({
        errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
        errorMessage: 'Share coordinator is not available.',
      });
    }
    return new Promise((resolve) =>
      this.#runtime.write(partition, operation, (code, outcome) => {
        if (outcome !== null) return resolve(outcome);
        const errorCode = responseErrorCode(code);
        resolve({ errorCode, errorMessage: `${failures[what]}: ${errorName(errorCode)}` });
      }),
    );
  }

  // ── housekeeping ──

  #every(intervalMs: number, act: () => void): void {
    const { clock } = this.#options;
    const index = this.#timers.length;
    const arm = (): void => {
      this.#timers[index] = clock.at(clock.monotonicMs() + intervalMs, () => {
        if (!this.#isActive) return;
        act();
        arm();
      });
    };
    arm();
  }

  #snapshotColdPartitions(): void {
    this.#writeEverywhere((machine) => machine.coldSnapshots());
  }

  #writeEverywhere(recordsOf: (machine: ShareMachine) => ShareCoordinatorRecord[]): void {
    for (const partition of this.#runtime.partitions) {
      const operation = (machine: ShareMachine): Decision<ShareCoordinatorRecord, null> => ({
        records: recordsOf(machine),
        response: null,
      });
      this.#runtime.write(partition, operation, () => {});
    }
  }

  /** The topic is kept for ever, so that what is said again later has to be let go of by hand. */
  #prune(): void {
    for (const partition of this.#runtime.partitions) {
      // Without a record the answer waits for the commit of all before it.
      this.#runtime.write(
        partition,
        (machine) => ({ records: [], response: machine.redundantBefore }),
        (errorCode, beforeOffset) => {
          if (errorCode !== ErrorCode.NONE || beforeOffset === null || beforeOffset <= 0) return;
          if (this.#prunedBefore.get(partition) === beforeOffset) return;
          this.#prunedBefore.set(partition, beforeOffset);
          this.#options.deleteRecords(shareStateTopic, partition, beforeOffset);
        },
      );
    }
  }
}

const failures = {
  initialize: 'Unable to initialize share group state',
  write: 'Unable to write share group state',
  read: 'Unable to read share group state',
  summary: 'Unable to read share group state summary',
  delete: 'Unable to delete share group state',
} as const;

function isRefusal<Result>(outcome: Outcome<Result>): outcome is Refusal {
  return outcome.errorCode !== ErrorCode.NONE;
}

/** Of a share partition that nobody has initialized: what Kafka gives for "unknown". */
const noSummary = { startOffset: -1, deliveryCompleteCount: -1, leaderEpoch: 0, stateEpoch: 0 };

function summaryOf(state: ShareState | null) {
  if (state === null) return noSummary;
  const { startOffset, deliveryCompleteCount, leaderEpoch, stateEpoch } = state;
  return { startOffset, deliveryCompleteCount, leaderEpoch, stateEpoch };
}
