// The language of the pure quorum: what goes into a step and what comes out of it. Plain data, no promises.

import type { JournalEntry } from '../core/journal.ts';
import type { OffsetAndEpoch, Voter } from './contract.ts';
import type { VoterHistory } from './voter-history.ts';
import type { ReplicaKey, VoterSet } from './voter-set.ts';

/** Error codes that raft requests are answered with, by Kafka's names. */
export type RaftError =
  | 'NONE'
  | 'BROKER_NOT_AVAILABLE'
  | 'FENCED_LEADER_EPOCH'
  | 'UNKNOWN_LEADER_EPOCH'
  | 'NOT_LEADER_OR_FOLLOWER'
  | 'INVALID_REQUEST'
  | 'INVALID_VOTER_KEY'
  | 'SNAPSHOT_NOT_FOUND'
  | 'POSITION_OUT_OF_RANGE'
  | 'REQUEST_TIMED_OUT'
  | 'UNSUPPORTED_VERSION'
  | 'DUPLICATE_VOTER'
  | 'VOTER_NOT_FOUND'
  /** Anything else a peer may say; it carries no meaning for the quorum beyond "failed". */
  | 'OTHER';

export type VoteAsk = {
  readonly api: 'vote';
  readonly epoch: number;
  readonly candidate: number;
  /** Directory ids are null where they are not known: kraft.version 0, old versions of requests. */
  readonly candidateDirectory: string | null;
  /** Whom the candidate believes to ask; −1 when it does not say (old versions). */
  readonly voter: number;
  readonly voterDirectory: string | null;
  readonly lastEpoch: number;
  readonly lastOffset: number;
  readonly preVote: boolean;
};

export type BeginEpochAsk = {
  readonly api: 'beginQuorumEpoch';
  readonly epoch: number;
  readonly leader: number;
  readonly voter: number;
  readonly voterDirectory: string | null;
};

export type EndEpochAsk = {
  readonly api: 'endQuorumEpoch';
  readonly epoch: number;
  readonly leader: number;
  /** Best log first. */
  readonly preferredCandidates: readonly number[];
};

export type FetchAsk = {
  readonly api: 'fetch';
  readonly epoch: number;
  /** −1 for a reader that is no replica. */
  readonly replica: number;
  readonly replicaDirectory: string | null;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  /** What the replica knows; −1 nothing; infinite when it can't say (Fetch before version 18). */
  readonly highWatermark: number;
  readonly maxWaitMs: number;
};

export type FetchSnapshotAsk = {
  readonly api: 'fetchSnapshot';
  readonly epoch: number;
  readonly replica: number;
  readonly replicaDirectory: string | null;
  readonly snapshotId: OffsetAndEpoch;
  readonly position: number;
};

/** KIP-853: a replica wants to vote, or somebody wants that it does. */
export type AddVoterAsk = {
  readonly api: 'addVoter';
  /** With directory and endpoints; which kraft.versions it supports the leader asks itself. */
  readonly voter: Voter;
  /** Whether the answer waits until the new voters are committed. */
  readonly ackWhenCommitted: boolean;
};
export type RemoveVoterAsk = { readonly api: 'removeVoter'; readonly voter: ReplicaKey };
/** A voter tells its endpoints and the kraft.versions that it supports. */
export type UpdateVoterAsk = { readonly api: 'updateVoter'; readonly epoch: number; readonly voter: Voter };
/** The leader asks a node that wants to vote which kraft.versions it supports. */
export type VersionsAsk = { readonly api: 'apiVersions'; readonly voter: Voter };

export type RaftAsk =
  | VoteAsk
  | BeginEpochAsk
  | EndEpochAsk
  | FetchAsk
  | FetchSnapshotAsk
  | AddVoterAsk
  | RemoveVoterAsk
  | UpdateVoterAsk
  | VersionsAsk;

/** Every answer tells the answerer's epoch and leader: that is how news of elections travels. */
type AnswerHead = { readonly error: RaftError; readonly epoch: number; readonly leader: number | null };

export type VoteAnswer = AnswerHead & { readonly api: 'vote'; readonly granted: boolean };
export type EpochAnswer = AnswerHead & { readonly api: 'beginQuorumEpoch' | 'endQuorumEpoch' };
export type FetchAnswer = AnswerHead & {
  readonly api: 'fetch';
  readonly highWatermark: number;
  /** Whole batches from the fetch offset on; `nextOffset` is where they end. Null: none. */
  readonly records: { readonly bytes: Buffer; readonly nextOffset: number } | null;
  readonly divergingEpoch: OffsetAndEpoch | null;
  readonly snapshotId: OffsetAndEpoch | null;
};
export type FetchSnapshotAnswer = AnswerHead & {
  readonly api: 'fetchSnapshot';
  readonly snapshotId: OffsetAndEpoch;
  readonly sizeBytes: number;
  readonly position: number;
  readonly chunk: Buffer;
};
/** `message` as Kafka words it; null: the error's own text. */
export type ChangeVotersAnswer = AnswerHead & {
  readonly api: 'addVoter' | 'removeVoter' | 'updateVoter';
  readonly message: string | null;
};
export type VersionsAnswer = AnswerHead & {
  readonly api: 'apiVersions';
  /** Null: the node does not know the feature. */
  readonly kraftVersions: { readonly min: number; readonly max: number } | null;
};
export type RaftAnswer =
  VoteAnswer | EpochAnswer | FetchAnswer | FetchSnapshotAnswer | ChangeVotersAnswer | VersionsAnswer;

/** Names a request that waits for its reply. */
export type ReplyToken = number;

export type QuorumInput =
  /** The deadline came, or anything else that may have made work due. */
  | { readonly type: 'tick' }
  | { readonly type: 'ask'; readonly token: ReplyToken; readonly ask: RaftAsk }
  /** `correlation` as in the send effect; an answer to a request that was given up is ignored. */
  | { readonly type: 'answer'; readonly from: number; readonly correlation: number; readonly answer: RaftAnswer }
  | { readonly type: 'failed'; readonly to: number; readonly correlation: number }
  /** The leader's own log has grown (written, not yet synced). */
  | { readonly type: 'appended' }
  /** A flush effect is done: everything before `endOffset` is safe from power loss. */
  | { readonly type: 'flushed'; readonly flush: number; readonly endOffset: number }
  /** A local snapshot was made, or old ones were removed. */
  | { readonly type: 'logStartChanged' }
  | { readonly type: 'resign'; readonly epoch: number; readonly reason: string }
  | { readonly type: 'shutdown' };

/** What survives a restart: the file `quorum-state`. */
export type ElectionState = {
  readonly epoch: number;
  readonly leader: number | null;
  readonly votedFor: number | null;
  /** Of the node that the vote went to; null when not known. */
  readonly votedDirectory: string | null;
};

/**
 * What a step wants done. THE ORDER IS THE DURABILITY CONTRACT: effects are carried out one after another exactly as
 * listed, each finished before the next begins, and a step's effects before the next step. `persist` is on the disk
 * (synced) before anything behind it happens, so no vote is sent that a crash could make this node forget; log
 * effects are written before a `reply` or `send` behind them. Only `flush` finishes later: its end comes back as the
 * input `flushed`, and until then the quorum neither counts nor acknowledges those records.
 */
export type Effect =
  | { readonly type: 'persist'; readonly election: ElectionState }
  /** Drops the log from `endOffset` on. */
  | { readonly type: 'truncate'; readonly endOffset: number }
  | {
      readonly type: 'appendLeaderChange';
      readonly epoch: number;
      readonly leader: number;
      readonly voters: readonly number[];
      readonly grantingVoters: readonly number[];
    }
  /** The leader changes the voters. They count from here on. */
  | {
      readonly type: 'appendVoters';
      readonly epoch: number;
      readonly voters: VoterSet;
    }
  /** Batches as the leader wrote them. */
  | { readonly type: 'appendAsFollower'; readonly records: Buffer }
  | { readonly type: 'flush'; readonly flush: number }
  /** Keeps a piece of a snapshot that is being fetched; position 0 begins anew. */
  | {
      readonly type: 'storeSnapshotChunk';
      readonly snapshotId: OffsetAndEpoch;
      readonly position: number;
      readonly chunk: Buffer;
    }
  /** The snapshot is whole: make it the latest, and the log empty from its end offset on. Synced when done. */
  | { readonly type: 'installSnapshot'; readonly snapshotId: OffsetAndEpoch }
  /** Everything before `offset` is committed. */
  | { readonly type: 'commit'; readonly offset: number }
  | { readonly type: 'send'; readonly to: number; readonly correlation: number; readonly ask: RaftAsk }
  | { readonly type: 'reply'; readonly token: ReplyToken; readonly answer: RaftAnswer }
  /** Answer a fetch with what the log holds from `fetchOffset` on (perhaps nothing). */
  | {
      readonly type: 'replyRecords';
      readonly token: ReplyToken;
      readonly fetchOffset: number;
      readonly epoch: number;
      readonly leader: number;
      readonly highWatermark: number;
    }
  /** Answer with a piece of a snapshot, or why it can't be had. */
  | {
      readonly type: 'replySnapshot';
      readonly token: ReplyToken;
      readonly snapshotId: OffsetAndEpoch;
      readonly position: number;
      readonly epoch: number;
      readonly leader: number;
    }
  /** Leader or epoch are not what they were. */
  | { readonly type: 'leaderChanged'; readonly leader: number | null; readonly epoch: number }
  | { readonly type: 'journal'; readonly entry: JournalEntry };

/** The log as the quorum sees it; true between steps, since effects are carried out before the next one. */
export type LogView = {
  readonly startOffset: number;
  readonly endOffset: number;
  /** Epoch of the last record (or of the snapshot that the log begins with); 0 when there is nothing. */
  readonly lastEpoch: number;
  /** The largest epoch ≤ `epoch` in the log, and where its records end. */
  endOffsetForEpoch(epoch: number): OffsetAndEpoch;
  readonly latestSnapshotId: OffsetAndEpoch | null;
  readonly earliestSnapshotId: OffsetAndEpoch | null;
};

export type QuorumTimeouts = {
  readonly electionTimeoutMs: number;
  readonly firstElectionTimeoutMs?: number;
  readonly fetchTimeoutMs: number;
  readonly electionBackoffMaxMs: number;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
};

/** Who votes, as the log says; true between steps, like LogView. */
export type VotersView = Pick<VoterHistory, 'last' | 'lastEntry' | 'kraftVersion'>;
