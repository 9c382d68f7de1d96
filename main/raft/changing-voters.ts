// Changing who votes (KIP-853), one voter at a time: the leader's side of adding, removing and updating a voter, with
// the checks, their order and their words of Kafka's AddVoterHandler, RemoveVoterHandler and UpdateVoterHandler. Pure.

import type { QuorumCore } from './quorum-core.ts';
import type {
  AddVoterAsk,
  ChangeVotersAnswer,
  RaftError,
  RemoveVoterAsk,
  ReplyToken,
  UpdateVoterAsk,
  VersionsAnswer,
} from './quorum-types.ts';
import type { Leader } from './roles/leader.ts';
import { isSameVoter, replicaKeyText, type VoterSet } from './voter-set.ts';

/** As in Kafka: a replica may vote that was caught up and has fetched within the last hour. */
const caughtUpWithinMs = 60 * 60 * 1000;

type Refusal = { readonly error: RaftError; readonly message: string | null };

export class ChangingVoters {
  readonly #core: QuorumCore;

  constructor(core: QuorumCore) {
    this.#core = core;
  }

  onAddVoter(token: ReplyToken, ask: AddVoterAsk): void {
    const ready = this.#readyToChange('adding');
    if ('error' in ready) return this.#refuse(token, 'addVoter', ready);
    const { role, voters } = ready;
    const { voter } = ask;
    if (voters.has(voter.id)) {
      const message = `The voter id for ${keyText(voter)} is already part of the set of voters ${voters.keysText()}.`;
      return this.#refuse(token, 'addVoter', { error: 'DUPLICATE_VOTER', message });
    }
    role.pendingChange = {
      api: 'addVoter',
      token,
      voter,
      ackWhenCommitted: ask.ackWhenCommitted,
      deadlineMs: this.#core.nowMs + this.#core.timeouts.requestTimeoutMs,
      isAsked: false,
      lastOffset: null,
    };
    this.askForVersions(role);
  }

  /** The new voter is asked once; should it be busy with another request of this node, right after that. */
  askForVersions(role: Leader): void {
    const { pendingChange: pending } = role;
    if (pending === null || pending.voter === null || pending.isAsked) return;
    pending.isAsked = this.#core.send(pending.voter.id, { api: 'apiVersions', voter: pending.voter });
  }

  /** `answer` is null when the new voter could not be reached. */
  onVersions(from: number, answer: VersionsAnswer | null): void {
    const { role, nowMs } = this.#core;
    if (role.name !== 'leader') return;
    const { pendingChange: pending } = role;
    if (pending === null || pending.voter?.id !== from || pending.lastOffset !== null) return;
    const abort = (error: RaftError, message: string): void => this.#core.finishChange(role, error, message);
    if (answer === null || answer.error !== 'NONE') {
      const error = answer === null ? 'BROKER_NOT_AVAILABLE' : 'UNKNOWN_SERVER_ERROR';
      return abort(
        'REQUEST_TIMED_OUT',
        `Aborted add voter operation for since API_VERSIONS returned an error ${error}`,
      );
    }
    const { voter } = pending;
    const { kraftVersion } = this.#core.options.voters;
    const range = answer.kraftVersions;
    if (range === null || range.min > kraftVersion || range.max < kraftVersion) {
      // Kafka's own text, its missing parenthesis too.
      const rangeText = range === null ? '(min: 0, max: 0)' : `(min: ${range.min}, max: ${range.max}`;
      return abort(
        'INVALID_REQUEST',
        `Aborted add voter operation for ${keyText(voter)} since the kraft.version range ${rangeText} ` +
          `doesn't support the finalized version ${kraftVersion}`,
      );
    }
    const progress = role.observer({ id: voter.id, directoryId: voter.directoryId ?? null });
    const isCaughtUp =
      progress !== null && progress.lastCaughtUpMs > -Infinity && progress.lastFetchMs > nowMs - caughtUpWithinMs;
    if (!isCaughtUp) {
      return abort('REQUEST_TIMED_OUT', `Aborted add voter operation for ${keyText(voter)} since it is lagging behind`);
    }
    const voters = this.#core.voterSet.withVoter({ ...voter, kraftVersions: range });
    if (voters === null) return abort('DUPLICATE_VOTER', `The voter id for ${keyText(voter)} is already taken`);
    pending.lastOffset = this.#append(role, voters);
    if (pending.ackWhenCommitted || pending.token === null) return;
    this.#core.replyChange(pending.token, 'addVoter', 'NONE', null);
    pending.token = null;
  }

  onRemoveVoter(token: ReplyToken, ask: RemoveVoterAsk): void {
    const ready = this.#readyToChange('removing');
    if ('error' in ready) return this.#refuse(token, 'removeVoter', ready);
    const { role, voters } = ready;
    const without = voters.withoutVoter(ask.voter);
    if (without === null) {
      const message = `Cannot remove voter ${replicaKeyText(ask.voter)} from the set of voters ${voters.keysText()}`;
      return this.#refuse(token, 'removeVoter', { error: 'VOTER_NOT_FOUND', message });
    }
    role.pendingChange = {
      api: 'removeVoter',
      token,
      voter: null,
      ackWhenCommitted: true,
      deadlineMs: this.#core.nowMs + this.#core.timeouts.requestTimeoutMs,
      isAsked: true,
      lastOffset: this.#append(role, without),
    };
  }

  onUpdateVoter(token: ReplyToken, ask: UpdateVoterAsk): void {
    const { role, epoch } = this.#core;
    const refuse = (error: RaftError): void => this.#refuse(token, 'updateVoter', { error, message: null });
    if (ask.epoch < epoch) return refuse('FENCED_LEADER_EPOCH');
    if (ask.epoch > epoch) return refuse('UNKNOWN_LEADER_EPOCH');
    if (role.name !== 'leader') return refuse('NOT_LEADER_OR_FOLLOWER');
    if (role.pendingChange !== null || role.highWatermark === null) return refuse('REQUEST_TIMED_OUT');
    const { kraftVersion, lastEntry } = this.#core.options.voters;
    const isReconfigurable = kraftVersion > 0;
    if (isReconfigurable && (lastEntry === null || lastEntry.offset >= role.highWatermark)) {
      return refuse('REQUEST_TIMED_OUT');
    }
    const { voter } = ask;
    const range = voter.kraftVersions;
    if (range === undefined || range.min > kraftVersion || range.max < kraftVersion) return refuse('INVALID_REQUEST');
    const { voterSet } = this.#core;
    const key = { id: voter.id, directoryId: voter.directoryId ?? null };
    // At kraft.version 0 the configuration of each process says where voters are: there is nothing to keep.
    const isKnown = isReconfigurable ? voterSet.isVoter(key) : voterSet.has(voter.id);
    if (!isKnown) return refuse('VOTER_NOT_FOUND');
    const updated = isReconfigurable ? voterSet.withUpdatedVoter(voter) : null;
    if (updated !== null) this.#append(role, updated);
    role.noteAlive(key, this.#core.nowMs);
    this.#refuse(token, 'updateVoter', { error: 'NONE', message: null });
  }

  /** Something was committed: perhaps the change that somebody waits for. */
  onHighWatermark(role: Leader): void {
    const { pendingChange: pending, highWatermark } = role;
    const isCommitted = (offset: number): boolean => offset < (highWatermark ?? 0);
    if (pending !== null && pending.lastOffset !== null && isCommitted(pending.lastOffset)) {
      this.#core.finishChange(role, 'NONE', null);
    }
    // Also when nobody waits for the removal any more (Kafka's leader stays then): a node that is no voter must not lead on.
    const { lastEntry } = this.#core.options.voters;
    if (!role.isVoter && lastEntry !== null && isCommitted(lastEntry.offset)) {
      this.#core.becomeResigned('it was removed from the voters');
    }
  }

  expire(role: Leader): void {
    if (role.pendingChange === null || this.#core.nowMs < role.pendingChange.deadlineMs) return;
    this.#core.finishChange(role, 'REQUEST_TIMED_OUT', null);
  }

  /** What this node, as a follower, asks of the leader about itself; null: nothing. */
  ownChange(): AddVoterAsk | RemoveVoterAsk | UpdateVoterAsk | null {
    const { voterSet, isVoter, self, epoch, options } = this.#core;
    const { ownVoter, autoJoins, voters } = options;
    if (voters.kraftVersion === 0 || ownVoter === null) return null;
    const listed = voterSet.get(self);
    if (isVoter) {
      return listed === null || isSameVoter(listed, ownVoter) ? null : { api: 'updateVoter', epoch, voter: ownVoter };
    }
    if (!autoJoins) return null;
    // This id voted with another disk, which is gone: that voter must leave first.
    if (listed !== null) return { api: 'removeVoter', voter: { id: self, directoryId: listed.directoryId ?? null } };
    return { api: 'addVoter', voter: ownVoter, ackWhenCommitted: false };
  }

  #readyToChange(what: 'adding' | 'removing'): { role: Leader; voters: VoterSet } | Refusal {
    const { role } = this.#core;
    if (role.name !== 'leader') return { error: 'NOT_LEADER_OR_FOLLOWER', message: null };
    const timedOut = (message: string): Refusal => ({ error: 'REQUEST_TIMED_OUT', message });
    if (role.pendingChange !== null) {
      return timedOut('Request timed out waiting for leader to handle previous voter change request');
    }
    const { highWatermark } = role;
    if (highWatermark === null) {
      return timedOut('Request timed out waiting for leader to establish HWM and fence previous voter changes');
    }
    const { kraftVersion, lastEntry } = this.#core.options.voters;
    if (kraftVersion === 0) {
      const message = `Cluster doesn't support ${what} voter because the kraft.version feature is ${kraftVersion}`;
      return { error: 'UNSUPPORTED_VERSION', message };
    }
    if (lastEntry === null || lastEntry.offset >= highWatermark) {
      return timedOut(
        'Request timed out waiting for voters to commit the latest voter change at ' +
          `${lastEntry === null ? 'Optional.empty' : `Optional[${lastEntry.offset}]`} with HWM ${highWatermark}`,
      );
    }
    return { role, voters: lastEntry.value };
  }

  /** Returns the offset of the voters record. */
  #append(role: Leader, voters: VoterSet): number {
    const offset = this.#core.log.endOffset;
    this.#core.emit({ type: 'appendVoters', epoch: role.epoch, voters });
    return offset;
  }

  #refuse(token: ReplyToken, api: ChangeVotersAnswer['api'], { error, message }: Refusal): void {
    this.#core.replyChange(token, api, error, message);
  }
}

function keyText({ id, directoryId }: { readonly id: number; readonly directoryId?: string }): string {
  return replicaKeyText({ id, directoryId: directoryId ?? null });
}
