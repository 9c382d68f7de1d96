// Answers what other nodes and clients ask of the quorum, in Kafka's messages: the bodies of the raft handlers.
// Voters at kraft.version 0 are fixed by configuration: adding and removing them is UNSUPPORTED_VERSION, as in Kafka.

import { metadataTopicName } from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { AddRaftVoterRequest, AddRaftVoterResponse } from '../protocol/messages/add-raft-voter.ts';
import type { BeginQuorumEpochRequest, BeginQuorumEpochResponse } from '../protocol/messages/begin-quorum-epoch.ts';
import type { DescribeQuorumRequest, DescribeQuorumResponse } from '../protocol/messages/describe-quorum.ts';
import type { EndQuorumEpochRequest, EndQuorumEpochResponse } from '../protocol/messages/end-quorum-epoch.ts';
import type { FetchSnapshotRequest, FetchSnapshotResponse } from '../protocol/messages/fetch-snapshot.ts';
import type { FetchRequest, FetchResponse } from '../protocol/messages/fetch.ts';
import type { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from '../protocol/messages/remove-raft-voter.ts';
import type { UpdateRaftVoterRequest, UpdateRaftVoterResponse } from '../protocol/messages/update-raft-voter.ts';
import type { VoteRequest, VoteResponse } from '../protocol/messages/vote.ts';
import type { Writable } from '../protocol/schema.ts';
import { zeroUuid } from '../protocol/uuid.ts';
import type { Clock } from '../runtime/runtime.ts';
import type { MetadataLog } from './metadata-log.ts';
import type { ChangeVotersAnswer, RaftAnswer, RaftAsk } from './quorum-types.ts';
import type { Quorum } from './quorum.ts';
import type { Leader, ReplicaProgress } from './roles/leader.ts';
import { parseAddVoter, parseRemoveVoter, parseUpdateVoter, type ChangeContext } from './voter-messages.ts';
import {
  epochResponse,
  fetchResponse,
  fetchSnapshotResponse,
  parseBeginQuorumEpoch,
  parseEndQuorumEpoch,
  parseFetch,
  parseFetchSnapshot,
  parseVote,
  toCode,
  voteResponse,
  type Parsed,
  type WireContext,
} from './wire-messages.ts';

export type Answer<T> = Writable<T> | Promise<Writable<T>>;

/** What the handlers need of the node. */
export type RequestsHost = {
  readonly quorum: Quorum;
  readonly log: MetadataLog;
  readonly clock: Clock;
  readonly isClosed: () => boolean;
  /** Null: the node takes no requests (any more). */
  readonly ask: (ask: RaftAsk) => RaftAnswer | null | Promise<RaftAnswer | null>;
};

type PartitionParsed<A> = Exclude<Parsed<A>, { readonly topLevelError: number }>;
type EpochResponse = ReturnType<typeof epochResponse>;
type Knowledge = { readonly epoch: number; readonly leader: number | null };

export class RaftRequests {
  readonly #wire: WireContext;
  readonly #host: RequestsHost;

  constructor(wire: WireContext, host: RequestsHost) {
    this.#wire = wire;
    this.#host = host;
  }

  vote(request: VoteRequest): Answer<VoteResponse> {
    const wire = this.#wire;
    const parsed = parseVote(wire, request);
    if ('topLevelError' in parsed) return { errorCode: parsed.topLevelError };
    const refused = (code: number): Writable<VoteResponse> =>
      voteResponse(wire, { ...this.#refused(code), granted: false });
    return this.#answer(parsed, refused, (answer) => (answer.api === 'vote' ? voteResponse(wire, answer) : null));
  }

  beginQuorumEpoch(request: BeginQuorumEpochRequest): Answer<BeginQuorumEpochResponse> {
    this.#noteLeader(request);
    const parsed = parseBeginQuorumEpoch(this.#wire, request);
    return 'topLevelError' in parsed ? { errorCode: parsed.topLevelError } : this.#answerEpoch(parsed);
  }

  endQuorumEpoch(request: EndQuorumEpochRequest): Answer<EndQuorumEpochResponse> {
    this.#noteLeader(request);
    const parsed = parseEndQuorumEpoch(this.#wire, request);
    return 'topLevelError' in parsed ? { errorCode: parsed.topLevelError } : this.#answerEpoch(parsed);
  }

  /** May wait up to the request's maxWaitMs. */
  fetch(request: FetchRequest): Answer<FetchResponse> {
    const wire = this.#wire;
    const parsed = parseFetch(wire, request);
    if ('topLevelError' in parsed) return { errorCode: parsed.topLevelError };
    const { log } = this.#host;
    const nothing = { highWatermark: -1, bytes: null, divergingEpoch: null, snapshotId: null };
    const refused = (code: number): Writable<FetchResponse> =>
      fetchResponse(wire, log.startOffset, { ...this.#refused(code), ...nothing });
    return this.#answer(parsed, refused, (answer) => {
      if (answer.api !== 'fetch') return null;
      return fetchResponse(wire, log.startOffset, { ...answer, bytes: answer.records?.bytes ?? null });
    });
  }

  fetchSnapshot(request: FetchSnapshotRequest): Answer<FetchSnapshotResponse> {
    const wire = this.#wire;
    const parsed = parseFetchSnapshot(wire, request);
    if ('topLevelError' in parsed) return { errorCode: parsed.topLevelError };
    const bytesMax = Math.max(0, request.maxBytes);
    const refused = (code: number): Writable<FetchSnapshotResponse> => {
      const nothing = { snapshotId: { offset: 0, epoch: 0 }, position: 0, sizeBytes: 0, chunk: Buffer.alloc(0) };
      return fetchSnapshotResponse(wire, { ...this.#refused(code), ...nothing });
    };
    return this.#answer(parsed, refused, (answer) => {
      if (answer.api !== 'fetchSnapshot') return null;
      return fetchSnapshotResponse(wire, { ...answer, chunk: answer.chunk.subarray(0, bytesMax) });
    });
  }

  describeQuorum(request: DescribeQuorumRequest): Writable<DescribeQuorumResponse> {
    const [topic] = request.topics;
    const [partition] = topic?.partitions ?? [];
    const isMetadata = topic?.topicName === metadataTopicName && partition?.partitionIndex === 0;
    if (!isMetadata || request.topics.length > 1 || topic.partitions.length > 1) {
      const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      const topics = request.topics.map(({ topicName, partitions }) => ({
        topicName,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      }));
      return { errorCode: ErrorCode.NONE, topics };
    }
    const { role } = this.#host.quorum;
    const head = { partitionIndex: 0, leaderId: role.leader ?? -1, leaderEpoch: role.epoch };
    const describe = (partitionData: object): Writable<DescribeQuorumResponse> => ({
      errorCode: ErrorCode.NONE,
      topics: [{ topicName: metadataTopicName, partitions: [{ ...head, ...partitionData }] }],
      nodes: role.name === 'leader' ? this.#nodes() : [],
    });
    if (role.name !== 'leader' || this.#host.isClosed()) {
      const errorCode = ErrorCode.NOT_LEADER_OR_FOLLOWER;
      return describe({
        errorCode,
        errorMessage:
          'For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition.',
      });
    }
    return describe({
      errorCode: ErrorCode.NONE,
      highWatermark: role.highWatermark ?? -1,
      currentVoters: this.#voterStates(role),
      observers: [...role.observers].map((progress) => this.#replicaState(progress, progress.directoryId ?? zeroUuid)),
    });
  }

  /** A voter tells its endpoints and versions (sent even at kraft.version 0, where they come from the configuration). */
  updateRaftVoter(request: UpdateRaftVoterRequest): Answer<UpdateRaftVoterResponse> {
    const answer = (errorCode: number): Writable<UpdateRaftVoterResponse> => ({
      errorCode,
      currentLeader: this.#currentLeader(),
    });
    const parsed = parseUpdateVoter(this.#wire, request);
    if ('errorCode' in parsed) return answer(this.#leaderErrorCode(request) ?? parsed.errorCode);
    return this.#change(
      parsed.ask,
      ({ error }) => answer(toCode(error)),
      () => answer(ErrorCode.BROKER_NOT_AVAILABLE),
    );
  }

  /** KIP-853. May wait until the new voters are committed. */
  addRaftVoter(request: AddRaftVoterRequest): Answer<AddRaftVoterResponse> {
    const parsed = parseAddVoter(this.#changeContext(), request);
    return 'errorCode' in parsed ? parsed : this.#changeVoters(parsed.ask);
  }

  removeRaftVoter(request: RemoveRaftVoterRequest): Answer<RemoveRaftVoterResponse> {
    const parsed = parseRemoveVoter(this.#changeContext(), request);
    return 'errorCode' in parsed ? parsed : this.#changeVoters(parsed.ask);
  }

  #changeContext(): ChangeContext {
    return { wire: this.#wire, isLeader: this.#host.quorum.role.name === 'leader' && !this.#host.isClosed() };
  }

  #changeVoters(ask: RaftAsk): Answer<{ errorCode: number; errorMessage: string | null }> {
    const unavailable = { errorCode: ErrorCode.BROKER_NOT_AVAILABLE, errorMessage: null };
    return this.#change(
      ask,
      ({ error, message }) => ({ errorCode: toCode(error), errorMessage: message }),
      () => unavailable,
    );
  }

  #change<W>(ask: RaftAsk, toResponse: (answer: ChangeVotersAnswer) => W, unavailable: () => W): W | Promise<W> {
    const finish = (answer: RaftAnswer | null): W =>
      answer !== null && 'message' in answer ? toResponse(answer) : unavailable();
    const answer = this.#host.ask(ask);
    return answer instanceof Promise ? answer.then(finish) : finish(answer);
  }

  /** Which epoch, and whether this node leads, is asked before what the request says. */
  #leaderErrorCode({ clusterId, currentLeaderEpoch }: UpdateRaftVoterRequest): number | null {
    const { role } = this.#host.quorum;
    if (clusterId !== null && clusterId !== this.#wire.clusterId) return ErrorCode.INCONSISTENT_CLUSTER_ID;
    if (currentLeaderEpoch < role.epoch) return ErrorCode.FENCED_LEADER_EPOCH;
    if (currentLeaderEpoch > role.epoch) return ErrorCode.UNKNOWN_LEADER_EPOCH;
    return role.name === 'leader' ? null : ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  /** The sender leads, or did; where it listens stands in the request. */
  #noteLeader({ clusterId, topics, leaderEndpoints }: BeginQuorumEpochRequest | EndQuorumEpochRequest): void {
    const wire = this.#wire;
    const nodeId = topics[0]?.partitions[0]?.leaderId;
    const endpoint = leaderEndpoints.find(({ name }) => name === wire.listenerName);
    if (nodeId === undefined || endpoint === undefined || (clusterId !== null && clusterId !== wire.clusterId)) return;
    wire.noteAddresses([{ nodeId, host: endpoint.host, port: endpoint.port }]);
  }

  #answerEpoch(parsed: PartitionParsed<RaftAsk>): EpochResponse | Promise<EpochResponse> {
    const wire = this.#wire;
    const refused = (code: number): EpochResponse => epochResponse(wire, this.#refused(code));
    return this.#answer(parsed, refused, (answer) =>
      answer.api === 'beginQuorumEpoch' || answer.api === 'endQuorumEpoch' ? epochResponse(wire, answer) : null,
    );
  }

  #answer<W>(
    parsed: PartitionParsed<RaftAsk>,
    refused: (code: number) => W,
    toResponse: (answer: RaftAnswer) => W | null,
  ): W | Promise<W> {
    if ('partitionError' in parsed) return refused(parsed.partitionError);
    const finish = (answer: RaftAnswer | null): W =>
      (answer === null ? null : toResponse(answer)) ?? refused(ErrorCode.BROKER_NOT_AVAILABLE);
    const answer = this.#host.ask(parsed.ask);
    return answer instanceof Promise ? answer.then(finish) : finish(answer);
  }

  #refused(code: number): Knowledge & { readonly error: 'OTHER'; readonly code: number } {
    const { epoch, leader } = this.#host.quorum;
    return { error: 'OTHER', code, epoch, leader };
  }

  #currentLeader(): { leaderId: number; leaderEpoch: number; host: string; port: number } {
    const { epoch, leader } = this.#host.quorum;
    const voter = leader === null ? null : this.#wire.voterOf(leader);
    return { leaderId: leader ?? -1, leaderEpoch: epoch, host: voter?.host ?? '', port: voter?.port ?? 0 };
  }

  #voterStates(role: Leader): object[] {
    const nowMs = this.#host.clock.wallMs();
    const self = {
      replicaId: role.leader,
      replicaDirectoryId: this.#wire.voterOf(role.leader)?.directoryId ?? zeroUuid,
      logEndOffset: this.#host.log.endOffset,
      lastFetchTimestamp: nowMs,
      lastCaughtUpTimestamp: nowMs,
    };
    const others = [...role.otherVoters].map((progress) => {
      // At kraft.version 0 the voters have no directory, as far as Kafka tells.
      return this.#replicaState(progress, this.#wire.voterOf(progress.id)?.directoryId ?? zeroUuid);
    });
    return [...(role.isVoter ? [self] : []), ...others].sort((a, b) => a.replicaId - b.replicaId);
  }

  #replicaState(progress: ReplicaProgress, replicaDirectoryId: string) {
    const { clock } = this.#host;
    // Kept on the monotonic clock, told on the wall clock; −1: never.
    const wall = (monotonicMs: number): number =>
      Number.isFinite(monotonicMs) ? Math.round(clock.wallMs() - (clock.monotonicMs() - monotonicMs)) : -1;
    return {
      replicaId: progress.id,
      replicaDirectoryId,
      logEndOffset: progress.endOffset,
      lastFetchTimestamp: wall(progress.lastFetchMs),
      lastCaughtUpTimestamp: wall(progress.lastCaughtUpMs),
    };
  }

  #nodes() {
    const { listenerName: name, voterOf } = this.#wire;
    return this.#host.quorum.voters.flatMap((nodeId) => {
      const voter = voterOf(nodeId);
      if (voter === null) return [];
      const endpoints = voter.endpoints ?? [{ name, host: voter.host, port: voter.port }];
      return [{ nodeId, listeners: endpoints.map((each) => ({ name: each.name, host: each.host, port: each.port })) }];
    });
  }
}
