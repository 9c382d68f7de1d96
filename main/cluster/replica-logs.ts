// What the partition pages ask: files from the inspection, producers from the partition's leader.

import type { ProducerView, SegmentOutputs } from '../api/endpoints/segments.ts';
import type { EndpointHandlers } from '../api/host.ts';
import type { SegmentInspector } from '../inspection/segment-inspector.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { describeProducersApi } from '../protocol/messages/describe-producers.ts';
import type { ClusterClient } from './cluster-client.ts';

export class ReplicaLogs {
  readonly #client: ClusterClient;
  readonly #inspector: SegmentInspector;
  readonly #replicasOf: (topic: string, partition: number) => readonly number[];

  constructor(
    client: ClusterClient,
    inspector: SegmentInspector,
    replicasOf: (topic: string, partition: number) => readonly number[],
  ) {
    this.#client = client;
    this.#inspector = inspector;
    this.#replicasOf = replicasOf;
  }

  handlers(): Pick<EndpointHandlers, keyof SegmentOutputs> {
    const inspector = this.#inspector;
    return {
      'partition.replicas': ({ topic, partition }) => this.#replicas(topic, partition),
      'partition.segments': (place) => inspector.segments(place),
      'partition.compaction': (place) => inspector.compaction(place),
      'segment.batches': (input) => inspector.batches(input, input.position, input.limit),
      'segment.indexes': (place) => inspector.indexes(place),
      'segment.find': (input) => inspector.find(input, input.offset),
      'segment.batch': (place) => inspector.batch(place),
      'segment.record': (input) => inspector.record(input, input.index),
    };
  }

  async #replicas(topic: string, partition: number): Promise<SegmentOutputs['partition.replicas']> {
    const replicas = this.#replicasOf(topic, partition).map((brokerId) =>
      this.#inspector.replica({ topic, partition, brokerId }),
    );
    try {
      return { replicas, producers: await this.#producers(topic, partition), producersProblem: null };
    } catch (error) {
      // The files are there whether or not a leader is.
      const producersProblem = error instanceof Error ? error.message : String(error);
      return { replicas, producers: [], producersProblem };
    }
  }

  async #producers(topic: string, partition: number): Promise<readonly ProducerView[]> {
    await this.#client.refresh([topic]);
    const leader = this.#client.leaderOf(topic, partition);
    if (leader < 0) throw new Error(`${topic}-${partition} has no leader to ask`);
    const answer = await this.#client.send(leader, describeProducersApi, {
      topics: [{ name: topic, partitionIndexes: [partition] }],
    });
    const result = answer.topics[0]?.partitions[0];
    if (result === undefined || result.errorCode !== ErrorCode.NONE) {
      const name = errorName(result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR);
      throw new Error(result?.errorMessage ?? name);
    }
    return result.activeProducers;
  }
}
