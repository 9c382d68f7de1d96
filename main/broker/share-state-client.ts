// The way to the share coordinators (KIP-932, Kafka's DefaultStatePersister): finds the broker that keeps a share
// partition's state, asks it, itself included, and tries again while coordinators move. Never rejects.

import type { ShareCoordinator } from '../coordinators/share/share-coordinator.ts';
import { shareStateTopic } from '../coordinators/share/share-coordinator.ts';
import type { ShareStateStore } from '../coordinators/share/share-state-store.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import type { NodeConnections } from '../net/node-connections.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import {
  deleteShareGroupStateApi,
  type DeleteShareGroupStateRequest,
  type DeleteShareGroupStateResponse,
} from '../protocol/messages/delete-share-group-state.ts';
import {
  initializeShareGroupStateApi,
  type InitializeShareGroupStateRequest,
  type InitializeShareGroupStateResponse,
} from '../protocol/messages/initialize-share-group-state.ts';
import {
  readShareGroupStateApi,
  type ReadShareGroupStateRequest,
  type ReadShareGroupStateResponse,
} from '../protocol/messages/read-share-group-state.ts';
import {
  readShareGroupStateSummaryApi,
  type ReadShareGroupStateSummaryRequest,
  type ReadShareGroupStateSummaryResponse,
} from '../protocol/messages/read-share-group-state-summary.ts';
import {
  writeShareGroupStateApi,
  type WriteShareGroupStateRequest,
  type WriteShareGroupStateResponse,
} from '../protocol/messages/write-share-group-state.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import { NetworkError, type Clock } from '../runtime/runtime.ts';

export type ShareStateClientOptions = {
  readonly nodeId: number;
  readonly clock: Clock;
  readonly image: () => MetadataImage;
  readonly coordinator: ShareCoordinator;
  readonly connections: NodeConnections;
  readonly ensureInternalTopic: (name: string) => void;
};

type RequestShape<Partition> = {
  readonly groupId: string;
  readonly topics: readonly { readonly topicId: string; readonly partitions: readonly Partition[] }[];
};
type ResponseShape<Row> = {
  readonly results: readonly { readonly topicId: string; readonly partitions: readonly Row[] }[];
};
type Row = { readonly partition: number; readonly errorCode: number; readonly errorMessage: string | null };

const retryBackoffMs = 50;
const retryBackoffMsMax = 1000;
/** Longer than a coordinator takes to move with Kafka's own time-outs. */
const retryForMs = 15_000;

export class ShareStateClient implements ShareStateStore {
  readonly #options: ShareStateClientOptions;
  #isClosed = false;

  constructor(options: ShareStateClientOptions) {
    this.#options = options;
  }

  close(): void {
    this.#isClosed = true;
  }

  initialize(request: InitializeShareGroupStateRequest): Promise<InitializeShareGroupStateResponse> {
    const { coordinator } = this.#options;
    return this.#ask(initializeShareGroupStateApi, request, (own) => coordinator.initialize(own));
  }

  read(request: ReadShareGroupStateRequest): Promise<ReadShareGroupStateResponse> {
    const { coordinator } = this.#options;
    return this.#ask(readShareGroupStateApi, request, (own) => coordinator.read(own), {
      stateEpoch: 0,
      startOffset: -1,
      stateBatches: [],
    });
  }

  write(request: WriteShareGroupStateRequest): Promise<WriteShareGroupStateResponse> {
    const { coordinator } = this.#options;
    return this.#ask(writeShareGroupStateApi, request, (own) => coordinator.write(own));
  }

  delete(request: DeleteShareGroupStateRequest): Promise<DeleteShareGroupStateResponse> {
    const { coordinator } = this.#options;
    return this.#ask(deleteShareGroupStateApi, request, (own) => coordinator.delete(own));
  }

  readSummary(request: ReadShareGroupStateSummaryRequest): Promise<ReadShareGroupStateSummaryResponse> {
    const { coordinator } = this.#options;
    return this.#ask(readShareGroupStateSummaryApi, request, (own) => coordinator.readSummary(own), {
      stateEpoch: 0,
      leaderEpoch: 0,
      startOffset: -1,
      deliveryCompleteCount: -1,
    });
  }

  /** One request a partition: each may have another coordinator. `absent`: what stands in a row beside an error. */
  async #ask<Partition extends { readonly partition: number }, R extends Row>(
    api: Api<RequestShape<Partition>, ResponseShape<R>>,
    { groupId, topics }: RequestShape<Partition>,
    local: (request: RequestShape<Partition>) => Promise<Writable<ResponseShape<R>>>,
    absent?: Omit<R, keyof Row>,
  ): Promise<ResponseShape<R>> {
    const results = topics.map(async ({ topicId, partitions }) => ({
      topicId,
      partitions: await Promise.all(
        partitions.map(async (each) => {
          const request = { groupId, topics: [{ topicId, partitions: [each] }] };
          const { partition } = each;
          const key = { groupId, topicId, partition };
          const outcome = await this.#retry(() => this.#once(api, key, request, local));
          return typeof outcome === 'number' ? { ...absent, ...failed(partition, outcome) } : outcome;
        }),
      ),
    }));
    return { results: await Promise.all(results) } as ResponseShape<R>;
  }

  /** While a coordinator is being elected or loads; what it decides is final. */
  async #retry<R extends Row>(attempt: () => Promise<R | number>): Promise<R | number> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + retryForMs;
    for (let backoffMs = retryBackoffMs; ; backoffMs = Math.min(2 * backoffMs, retryBackoffMsMax)) {
      const outcome = await attempt();
      const code = typeof outcome === 'number' ? outcome : outcome.errorCode;
      const isOver = this.#isClosed || clock.monotonicMs() + backoffMs > deadlineMs;
      if (!isPassing(code) || isOver) return outcome;
      await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + backoffMs, resolve));
    }
  }

  async #once<Partition, R extends Row>(
    api: Api<RequestShape<Partition>, ResponseShape<R>>,
    key: { readonly groupId: string; readonly topicId: string; readonly partition: number },
    request: RequestShape<Partition>,
    local: (request: RequestShape<Partition>) => Promise<Writable<ResponseShape<R>>>,
  ): Promise<R | number> {
    const { nodeId, image, coordinator, connections, ensureInternalTopic } = this.#options;
    const topic = image().topics.byName.get(shareStateTopic);
    if (topic === undefined) {
      ensureInternalTopic(shareStateTopic);
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    }
    const leader = topic.partitions.get(coordinator.partitionFor(key))?.leader ?? -1;
    if (leader < 0) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    try {
      const isOwn = leader === nodeId;
      const answer = isOwn
        ? await local(request)
        : await connections.send(leader, api, request as Writable<typeof request>);
      return (answer.results?.[0]?.partitions?.[0] as R | undefined) ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    }
  }
}

function isPassing(errorCode: number): boolean {
  switch (errorCode) {
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.NOT_COORDINATOR:
      return true;
    default:
      return false;
  }
}

function failed(partition: number, errorCode: number): Row {
  return { partition, errorCode, errorMessage: errorName(errorCode) };
}
