// For tests: plays a scenario text file against one pure Quorum and prints what it does. A file holds commands (lines
// that begin with a word of `commands`) and, indented below each, the effects that it must have.

import { assert, present } from '../core/assert.ts';
import { toBrokerId } from '../core/ids.ts';
import type { OffsetAndEpoch } from './contract.ts';
import type { Effect, ElectionState, LogView, QuorumInput, RaftAnswer, RaftAsk } from './quorum-types.ts';
import { Quorum } from './quorum.ts';
import { VoterHistory } from './voter-history.ts';
import { VoterSet } from './voter-set.ts';

/** A log that is only the epochs of its records. */
class EpochLog implements LogView {
  startOffset = 0;
  epochs: number[] = [];
  snapshot: OffsetAndEpoch | null = null;

  get endOffset(): number {
    return this.startOffset + this.epochs.length;
  }

  get lastEpoch(): number {
    return this.epochs.at(-1) ?? this.snapshot?.epoch ?? 0;
  }

  get latestSnapshotId(): OffsetAndEpoch | null {
    return this.snapshot;
  }

  get earliestSnapshotId(): OffsetAndEpoch | null {
    return this.snapshot;
  }

  endOffsetForEpoch(epoch: number): OffsetAndEpoch {
    const after = this.epochs.findIndex((each) => each > epoch);
    const end = after < 0 ? this.epochs.length : after;
    return { offset: this.startOffset + end, epoch: this.epochs[end - 1] ?? epoch };
  }
}

type Arguments = ReadonlyMap<string, string>;

export class Scenario {
  readonly #log = new EpochLog();
  #quorum: Quorum | null = null;
  #nowMs = 0;
  #lastToken = 0;
  #dice = 0;
  /** False: flushes wait for the command `flushed`. */
  #isDiskQuick = true;
  #pendingFlush: { flush: number; endOffset: number } | null = null;
  #persisted: ElectionState | null = null;
  #self = 0;
  #voters: number[] = [];
  readonly #correlations = new Map<string, number>();

  /** The lines that this command leads to. */
  play(line: string): string[] {
    const [command = '', ...words] = line.trim().split(/\s+/);
    const args: Arguments = new Map(words.map((word) => [word.split('=')[0] ?? '', word.split('=')[1] ?? 'yes']));
    switch (command) {
      case 'node':
        return this.#open(words, args);
      case 'restart':
        return this.#start();
      case 'log':
        this.#log.epochs = words.map(Number);
        return [];
      case 'snapshot':
        this.#log.snapshot = this.#id(words[0] ?? '');
        this.#log.startOffset = this.#log.snapshot.offset;
        this.#log.epochs = words.slice(1).map(Number);
        return [];
      case 'stored':
        this.#persisted = {
          epoch: num(args, 'epoch'),
          leader: id(args, 'leader'),
          votedFor: id(args, 'voted'),
          votedDirectory: null,
        };
        return [];
      case 'dice':
        this.#dice = Number(words[0]);
        return [];
      case 'slow-disk':
        this.#isDiskQuick = false;
        return [];
      case 'at':
        this.#nowMs = Number(words[0]);
        return words.length === 1 ? this.#step({ type: 'tick' }) : this.play(words.slice(1).join(' '));
      case 'deadline':
        this.#nowMs = this.#node.deadlineMs;
        return [`now ${this.#nowMs}`, ...this.#step({ type: 'tick' })];
      case 'append':
        this.#log.epochs.push(this.#node.epoch);
        return this.#step({ type: 'appended' });
      case 'flushed': {
        const flush = present(this.#pendingFlush, 'a flush under way');
        this.#pendingFlush = null;
        return this.#step({ type: 'flushed', ...flush });
      }
      case 'fails':
        return this.#step({ type: 'failed', to: Number(words[0]), correlation: this.#correlationOf(Number(words[0])) });
      case 'resign':
        return this.#step({ type: 'resign', epoch: this.#node.epoch, reason: 'asked to' });
      case 'shutdown':
        return this.#step({ type: 'shutdown' });
      case 'ask':
        return this.#step({ type: 'ask', token: ++this.#lastToken, ask: this.#ask(words[0] ?? '', args) });
      case 'answer':
        return this.#answer(Number(words[0]), words[1] ?? '', args);
      default:
        throw new Error(`the scenario says "${line}", which is no command`);
    }
  }

  get #node(): Quorum {
    return present(this.#quorum, 'the node of the scenario');
  }

  #open(words: string[], args: Arguments): string[] {
    this.#self = Number(words[0]);
    this.#voters = (args.get('voters') ?? '').split(',').map(Number);
    return this.#start();
  }

  #start(): string[] {
    this.#pendingFlush = null;
    this.#quorum = new Quorum({
      self: this.#self,
      selfDirectory: null,
      voters: new VoterHistory(new VoterSet(this.#voters.map((id) => ({ id: toBrokerId(id), host: '', port: 0 })))),
      bootstrapIds: [],
      isReachable: () => false,
      ownVoter: null,
      autoJoins: false,
      timeouts: {
        electionTimeoutMs: 1000,
        fetchTimeoutMs: 2000,
        electionBackoffMaxMs: 1000,
        requestTimeoutMs: 2000,
        retryBackoffMs: 20,
      },
      log: this.#log,
      randomBelow: (limit) => Math.min(limit - 1, Math.floor(this.#dice * limit)),
      election: this.#persisted,
      nowMs: this.#nowMs,
    });
    return this.#step({ type: 'tick' });
  }

  #step(input: QuorumInput): string[] {
    const lines: string[] = [];
    const again: QuorumInput[] = [];
    for (const effect of this.#node.step(input, this.#nowMs)) {
      const line = this.#carryOut(effect, again);
      if (line !== null) lines.push(line);
    }
    for (const next of again) lines.push(...this.#step(next));
    return lines;
  }

  #carryOut(effect: Effect, again: QuorumInput[]): string | null {
    switch (effect.type) {
      case 'persist':
        this.#persisted = effect.election;
        return `persist epoch=${effect.election.epoch} leader=${effect.election.leader} voted=${effect.election.votedFor}`;
      case 'truncate':
        this.#log.epochs.length = effect.endOffset - this.#log.startOffset;
        return `truncate to ${effect.endOffset}`;
      case 'appendLeaderChange':
        this.#log.epochs.push(effect.epoch);
        again.push({ type: 'appended' });
        return `append leader-change epoch=${effect.epoch} granted-by=${effect.grantingVoters.join(',')}`;
      case 'appendVoters':
        throw new Error('the voters of scenarios are static');
      case 'appendAsFollower':
        this.#log.epochs.push(...effect.records);
        return `append ${[...effect.records].join(' ')}`;
      case 'flush': {
        const flush = { flush: effect.flush, endOffset: this.#log.endOffset };
        if (this.#isDiskQuick) again.push({ type: 'flushed', ...flush });
        else this.#pendingFlush = flush;
        return this.#isDiskQuick ? null : `flush`;
      }
      case 'storeSnapshotChunk':
        return `store ${effect.chunk.length} bytes of snapshot ${text(effect.snapshotId)} at ${effect.position}`;
      case 'installSnapshot':
        this.#log.snapshot = effect.snapshotId;
        this.#log.startOffset = effect.snapshotId.offset;
        this.#log.epochs = [];
        return `install snapshot ${text(effect.snapshotId)}`;
      case 'send':
        this.#correlations.set(`${effect.to} ${effect.ask.api}`, effect.correlation);
        this.#correlations.set(`${effect.to}`, effect.correlation);
        return `send ${effect.to} ${askText(effect.ask)}`;
      case 'reply':
        return `reply ${answerText(effect.answer)}`;
      case 'replyRecords': {
        const records = this.#log.epochs.slice(effect.fetchOffset - this.#log.startOffset);
        return `reply records from ${effect.fetchOffset}: [${records.join(' ')}] hw=${effect.highWatermark}`;
      }
      case 'replySnapshot':
        return `reply piece of snapshot ${text(effect.snapshotId)} from ${effect.position}`;
      case 'commit':
        return `commit up to ${effect.offset}`;
      case 'leaderChanged':
        return `leader is ${effect.leader} in epoch ${effect.epoch}`;
      case 'journal':
        return effect.entry.kind === 'quorum.voteAsked' ? null : journalText(effect);
    }
  }

  #correlationOf(peer: number, api = ''): number {
    return present(this.#correlations.get(`${peer} ${api}`.trim()), `a request to ${peer}`);
  }

  #ask(api: string, args: Arguments): RaftAsk {
    const epoch = num(args, 'epoch');
    switch (api) {
      case 'vote':
      case 'pre-vote': {
        const last = this.#id(args.get('last') ?? '0@0');
        const candidate = num(args, 'from');
        const voter = Number(args.get('voter') ?? this.#self);
        const preVote = api === 'pre-vote';
        return {
          api: 'vote',
          epoch,
          candidate,
          candidateDirectory: null,
          voter,
          voterDirectory: null,
          lastEpoch: last.epoch,
          lastOffset: last.offset,
          preVote,
        };
      }
      case 'begin':
        return { api: 'beginQuorumEpoch', epoch, leader: num(args, 'from'), voter: this.#self, voterDirectory: null };
      case 'end': {
        const preferredCandidates = (args.get('next') ?? '').split(',').map(Number);
        return { api: 'endQuorumEpoch', epoch, leader: num(args, 'from'), preferredCandidates };
      }
      case 'fetch': {
        const { offset: fetchOffset, epoch: lastFetchedEpoch } = this.#id(args.get('at') ?? '0@0');
        const highWatermark = Number(args.get('hw') ?? -1);
        const maxWaitMs = Number(args.get('wait') ?? 500);
        return {
          api: 'fetch',
          epoch,
          replica: num(args, 'from'),
          replicaDirectory: null,
          fetchOffset,
          lastFetchedEpoch,
          highWatermark,
          maxWaitMs,
        };
      }
      default:
        throw new Error(`the scenario asks "${api}"`);
    }
  }

  #answer(from: number, api: string, args: Arguments): string[] {
    const error = (args.get('error') ?? 'NONE') as RaftAnswer['error'];
    const head = { error, epoch: num(args, 'epoch'), leader: id(args, 'leader') };
    const build = (): RaftAnswer => {
      switch (api) {
        case 'vote':
          return { api, ...head, granted: args.has('granted') };
        case 'beginQuorumEpoch':
        case 'endQuorumEpoch':
          return { api, ...head };
        case 'fetch': {
          const epochs = (args.get('records') ?? '').split(',').filter(Boolean).map(Number);
          const records = epochs.length === 0 ? null : { bytes: Buffer.from(epochs), nextOffset: -1 };
          const diverging = args.get('diverging');
          const snapshot = args.get('snapshot');
          return {
            api,
            ...head,
            highWatermark: Number(args.get('hw') ?? -1),
            records,
            divergingEpoch: diverging === undefined ? null : this.#id(diverging),
            snapshotId: snapshot === undefined ? null : this.#id(snapshot),
          };
        }
        case 'fetchSnapshot': {
          const chunk = Buffer.alloc(Number(args.get('bytes') ?? 0));
          const snapshotId = this.#id(args.get('snapshot') ?? '0@0');
          return { api, ...head, snapshotId, sizeBytes: num(args, 'of'), position: num(args, 'position'), chunk };
        }
        default:
          throw new Error(`the scenario answers "${api}"`);
      }
    };
    return this.#step({ type: 'answer', from, correlation: this.#correlationOf(from, api), answer: build() });
  }

  #id(words: string): OffsetAndEpoch {
    const [offset = NaN, epoch = NaN] = words.split('@').map(Number);
    assert(Number.isInteger(offset) && Number.isInteger(epoch), `"${words}" is not offset@epoch`);
    return { offset, epoch };
  }
}

function num(args: Arguments, name: string): number {
  return Number(present(args.get(name), `argument ${name}`));
}

function id(args: Arguments, name: string): number | null {
  const word = args.get(name);
  return word === undefined || word === 'none' ? null : Number(word);
}

function text({ offset, epoch }: OffsetAndEpoch): string {
  return `${offset}@${epoch}`;
}

function askText(ask: RaftAsk): string {
  switch (ask.api) {
    case 'vote':
      return `${ask.preVote ? 'pre-vote' : 'vote'} epoch=${ask.epoch} last=${ask.lastOffset}@${ask.lastEpoch}`;
    case 'beginQuorumEpoch':
      return `begin epoch=${ask.epoch}`;
    case 'endQuorumEpoch':
      return `end epoch=${ask.epoch} next=${ask.preferredCandidates.join(',')}`;
    case 'fetch':
      return `fetch epoch=${ask.epoch} at=${ask.fetchOffset}@${ask.lastFetchedEpoch} hw=${ask.highWatermark}`;
    case 'fetchSnapshot':
      return `fetch-snapshot epoch=${ask.epoch} ${text(ask.snapshotId)} position=${ask.position}`;
    default:
      return ask.api;
  }
}

function answerText(answer: RaftAnswer): string {
  const head = `${answer.error} epoch=${answer.epoch} leader=${answer.leader}`;
  switch (answer.api) {
    case 'vote':
      return `vote ${answer.granted ? 'granted' : 'refused'} ${head}`;
    case 'fetch': {
      const diverging = answer.divergingEpoch === null ? '' : ` diverging=${text(answer.divergingEpoch)}`;
      const snapshot = answer.snapshotId === null ? '' : ` snapshot=${text(answer.snapshotId)}`;
      return `fetch ${head} hw=${answer.highWatermark}${diverging}${snapshot}`;
    }
    default:
      return `${answer.api} ${head}`;
  }
}

function journalText({ entry }: Effect & { type: 'journal' }): string {
  switch (entry.kind) {
    case 'quorum.prospective':
      return `prospective: ${entry.reason}`;
    case 'quorum.candidate':
      return `candidate in epoch ${entry.epoch}`;
    case 'quorum.voteAnswered':
      return `${entry.granted ? 'grants' : 'refuses'} ${entry.candidate}: ${entry.reason}`;
    case 'quorum.leaderElected':
      return `leads epoch ${entry.epoch}`;
    case 'quorum.following':
      return `follows ${entry.leader} in epoch ${entry.epoch}`;
    case 'quorum.resigned':
      return `resigns: ${entry.reason}`;
    default:
      return entry.kind;
  }
}
