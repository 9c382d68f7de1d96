// The metadata quorum as its leader tells it, and the metadata log read from the leader's controller listener, as an
// observer that is no replica. What was read is kept, so that a screen that looks again costs one small fetch.

import type { EndpointHandlers } from '../api/host.ts';
import type { MetadataLogEntry, MetadataLogPage, QuorumDescription, QuorumReplica } from '../api/quorum-views.ts';
import { metadataTopicId, metadataTopicName } from '../core/ids.ts';
import type { NodeEndpoint } from '../net/node-connections.ts';
import { RpcClient } from '../net/rpc-client.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { describeQuorumApi } from '../protocol/messages/describe-quorum.ts';
import { fetchApi } from '../protocol/messages/fetch.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ClusterClient } from './cluster-client.ts';
import { ClusterError } from './cluster-error.ts';
import { MetadataLogEntries } from './metadata-log-entries.ts';

type QuorumHandlers = Pick<EndpointHandlers, 'quorum.describe' | 'quorum.log'>;

/** Entries that are kept; older ones are in the log only. */
const entriesMax = 2000;
/** So far back the first reading goes, in offsets; most of them are NoOpRecords. */
const offsetsBackMax = 100_000;
const fetchBytesMax = 1_048_576;
const fetchesMax = 64;
const requestTimeoutMs = 3000;

type Position = { offset: number; epoch: number };

export class QuorumReader {
  readonly #client: ClusterClient;
  readonly #runtime: Pick<Runtime, 'clock' | 'network'>;
  readonly #controllerOf: (nodeId: number) => NodeEndpoint | null;
  readonly #decoder = new MetadataLogEntries();
  #entries: MetadataLogEntry[] = [];
  #nextOffset: number | null = null;
  #logStartOffset = 0;
  #highWatermark = 0;
  #connection: { readonly nodeId: number; readonly client: RpcClient } | null = null;
  #reading: Promise<void> | null = null;

  constructor(
    client: ClusterClient,
    runtime: Pick<Runtime, 'clock' | 'network'>,
    controllerOf: (nodeId: number) => NodeEndpoint | null,
  ) {
    this.#client = client;
    this.#runtime = runtime;
    this.#controllerOf = controllerOf;
  }

  handlers(): QuorumHandlers {
    return {
      'quorum.describe': () => this.describe(),
      'quorum.log': ({ after }) => this.page(after),
    };
  }

  async describe(): Promise<QuorumDescription> {
    const topics = [{ topicName: metadataTopicName, partitions: [{ partitionIndex: 0 }] }];
    const answer = await this.#client.sendToAny(describeQuorumApi, { topics });
    const quorum = answer.topics[0]?.partitions[0];
    const errorCode = answer.errorCode === ErrorCode.NONE ? (quorum?.errorCode ?? -1) : answer.errorCode;
    if (errorCode !== ErrorCode.NONE || quorum === undefined) {
      const name = errorName(errorCode);
      throw new ClusterError(name, answer.errorMessage ?? name, 'an election may be under way');
    }
    const replica =
      (isVoter: boolean) =>
      (each: (typeof quorum.currentVoters)[number]): QuorumReplica => ({
        id: each.replicaId,
        isVoter,
        logEndOffset: each.logEndOffset,
        lastFetchMs: each.lastFetchTimestamp < 0 ? null : each.lastFetchTimestamp,
        lastCaughtUpMs: each.lastCaughtUpTimestamp < 0 ? null : each.lastCaughtUpTimestamp,
      });
    return {
      leaderId: quorum.leaderId,
      epoch: quorum.leaderEpoch,
      highWatermark: quorum.highWatermark,
      replicas: [...quorum.currentVoters.map(replica(true)), ...quorum.observers.map(replica(false))],
    };
  }

  async page(after: number | null): Promise<MetadataLogPage> {
    this.#reading ??= this.#catchUp().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
    return {
      entries: after === null ? this.#entries : this.#entries.filter((entry) => entry.offset > after),
      logStartOffset: this.#logStartOffset,
      highWatermark: this.#highWatermark,
      noOpCount: this.#decoder.noOpCount,
    };
  }

  close(): void {
    this.#connection?.client.close();
    this.#connection = null;
  }

  async #catchUp(): Promise<void> {
    const { leaderId, epoch, highWatermark } = await this.describe();
    if (this.#nextOffset === null) {
      await this.#client.refresh(null);
      for (const { topicId, name } of this.#client.topics()) this.#decoder.noteTopic(topicId, name);
    }
    this.#highWatermark = highWatermark;
    let position: Position = { offset: this.#nextOffset ?? Math.max(0, highWatermark - offsetsBackMax), epoch };
    for (let fetches = 0; position.offset < highWatermark && fetches < fetchesMax; fetches++) {
      const next = await this.#fetch(leaderId, epoch, position);
      if (next.offset === position.offset && next.epoch === position.epoch) break;
      position = next;
    }
    this.#nextOffset = position.offset;
  }

  async #fetch(leaderId: number, leaderEpoch: number, position: Position): Promise<Position> {
    const client = await this.#controller(leaderId);
    const partition = {
      partition: 0,
      currentLeaderEpoch: leaderEpoch,
      fetchOffset: position.offset,
      lastFetchedEpoch: position.epoch,
      partitionMaxBytes: fetchBytesMax,
    };
    const answer = await client.send(fetchApi, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: fetchBytesMax,
      topics: [{ topic: metadataTopicName, topicId: metadataTopicId, partitions: [partition] }],
    });
    const fetched = answer.responses[0]?.partitions[0];
    const errorCode = answer.errorCode === ErrorCode.NONE ? (fetched?.errorCode ?? -1) : answer.errorCode;
    if (fetched === undefined || errorCode !== ErrorCode.NONE) {
      throw new ClusterError(errorName(errorCode), `the metadata log can not be read: ${errorName(errorCode)}`);
    }
    this.#logStartOffset = fetched.logStartOffset;
    // What lies before the log is in a snapshot: the readable log begins at its end.
    const { snapshotId } = fetched;
    if (snapshotId.endOffset >= 0) return { offset: snapshotId.endOffset, epoch: snapshotId.epoch };
    const next = this.#decoder.read(fetched.records ?? Buffer.alloc(0), position.offset, this.#highWatermark, (entry) =>
      this.#entries.push(entry),
    );
    if (this.#entries.length > entriesMax) this.#entries = this.#entries.slice(-entriesMax);
    return { offset: next, epoch: leaderEpoch };
  }

  async #controller(nodeId: number): Promise<RpcClient> {
    const known = this.#connection;
    if (known?.nodeId === nodeId && known.client.isOpen) return known.client;
    this.close();
    const endpoint = this.#controllerOf(nodeId);
    if (endpoint === null)
      throw new ClusterError('BROKER_NOT_AVAILABLE', `nobody knows where controller ${nodeId} listens`);
    const client = await RpcClient.connect({
      ...this.#runtime,
      ...endpoint,
      clientId: 'highwater-quorum-reader',
      connectTimeoutMs: requestTimeoutMs,
      requestTimeoutMs,
      negotiate: true,
    });
    this.#connection = { nodeId, client };
    return client;
  }
}
