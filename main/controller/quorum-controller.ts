// The active controller: takes one request at a time, lets a pure decision turn it into records, appends them, replays
// them on its own image at once, and answers when they are committed. On losing the leadership everything that is not
// committed is dropped with the image that held it, and whoever waits is told NOT_CONTROLLER.
//
// inactive → active when raft says that this node leads and its log is replayed; active → inactive when it does not.

import type { LeaderEpoch } from '../core/ids.ts';
import { AssertionFailure, assert } from '../core/assert.ts';
import type { Journal } from '../core/journal.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { BrokerHeartbeatRequest, BrokerHeartbeatResponse } from '../protocol/messages/broker-heartbeat.ts';
import type {
  BrokerRegistrationRequest,
  BrokerRegistrationResponse,
} from '../protocol/messages/broker-registration.ts';
import { BatchTooLargeError, NotLeaderError, type LeaderAndEpoch } from '../raft/contract.ts';
import type { Clock, Random } from '../runtime/runtime.ts';
import { bootstrapRecords } from '../metadata/features.ts';
import { MetadataDelta } from '../metadata/metadata-delta.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import type { QuotaClient } from '../metadata/client-quota-limits.ts';
import type { MetadataLoader } from '../metadata/metadata-loader.ts';
import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { BrokerHeartbeats } from './broker-heartbeats.ts';
import { brokerHeartbeat, fenceBroker, registerBroker, type BrokerState } from './cluster-control.ts';
import { elrSafetyRecords } from './configuration-control.ts';
import { journalChange, type CommittedChange } from './controller-journal.ts';
import { ApiError, notControllerError, type ControllerView, type Decision } from './decision.ts';
import { balanceLeaders, electUncleanLeaders } from './leadership-control.ts';
import { MutationQuotas } from './mutation-quotas.ts';
import { PeriodicTasks } from './periodic-tasks.ts';

/** Requests that wait for their records to be committed; one more is refused. */
const pendingRequestsMax = 10_000;

/** What the controller needs of raft; a RaftNode fits. */
export type ControllerRaft = {
  readonly logEndOffset: number;
  leaderAndEpoch(): LeaderAndEpoch;
  /** Writes all or nothing; returns the offset of the last record. */
  append(epoch: LeaderEpoch, records: readonly MetadataRecord[]): number;
};

export type QuorumControllerOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly nodeId: number;
  readonly clusterId: string;
  readonly settings: BrokerSettings;
  readonly raft: ControllerRaft;
  /** Registered with raft before the controller, so that its image is complete when the controller becomes active. */
  readonly loader: MetadataLoader;
  /** Ends the process: a decision broke an invariant. */
  readonly fatal: (error: unknown) => void;
};

type Pending = {
  readonly lastOffset: number;
  readonly change: CommittedChange | null;
  readonly resolve: () => void;
  readonly reject: (error: ApiError) => void;
};

type Active = {
  readonly epoch: LeaderEpoch;
  readonly heartbeats: BrokerHeartbeats;
  readonly tasks: PeriodicTasks;
  readonly pending: Pending[];
  /** With what is appended and not yet committed. */
  image: MetadataImage;
};

/** Offset and image right after the records were appended, before they are committed. */
type AfterAppend = (heartbeats: BrokerHeartbeats, lastOffset: number) => void;

export class QuorumController {
  readonly #options: QuorumControllerOptions;
  readonly #mutationQuotas: MutationQuotas;
  #active: Active | null = null;

  constructor(options: QuorumControllerOptions) {
    this.#options = options;
    this.#mutationQuotas = new MutationQuotas(options.clock, options.settings);
  }

  get isActive(): boolean {
    return this.#active !== null;
  }

  /** The newest metadata this node decides on; null while another node is the active controller. */
  get activeImage(): MetadataImage | null {
    return this.#active?.image ?? null;
  }

  // ── raft's listener ────────────────────────────────────────────────────────────────────────────────────────

  onCommit(batch: { readonly lastOffset: number }): void {
    const pending = this.#active?.pending;
    if (pending === undefined) return;
    for (let next = pending[0]; next !== undefined && next.lastOffset <= batch.lastOffset; next = pending[0]) {
      pending.shift();
      if (next.change !== null) journalChange(this.#options.journal, next.change);
      next.resolve();
    }
  }

  /** The loader reads it. */
  onSnapshot(): void {
    assert(this.#active === null, 'an active controller was given a snapshot of another leader');
  }

  onLeaderChange(leader: LeaderAndEpoch): void {
    const leads = leader.leaderId === this.#options.nodeId;
    if (leads && this.#active?.epoch === leader.epoch) return;
    this.#deactivate(leader.leaderId);
    if (leads) this.#activate(leader.epoch);
  }

  onShutdown(): void {
    this.#deactivate(null);
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Decides at once, answers when all that the answer rests on is committed. Rejects with ApiError: a refusal of the
   * decision, or NOT_CONTROLLER. `cause` names the request in the journal.
   */
  perform<Response>(
    cause: string,
    decide: (view: ControllerView) => Decision<Response>,
    afterAppend?: AfterAppend,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const active = this.#active;
      if (active === null) throw notControllerError(this.#options.raft.leaderAndEpoch().leaderId);
      if (active.pending.length >= pendingRequestsMax) {
        throw new ApiError(ErrorCode.REQUEST_TIMED_OUT, 'The controller has too many requests waiting.');
      }
      const { records, response } = this.#decide(active, decide);
      const change = records.length === 0 ? null : this.#append(active, records, cause);
      const lastOffset = change?.after.provenance.lastContainedOffset ?? active.pending.at(-1)?.lastOffset ?? -1;
      afterAppend?.(active.heartbeats, lastOffset);
      active.tasks.sessionDeadline(active.heartbeats.deadlineMs);
      // Nothing was written and nothing is on its way: what was read is committed.
      if (change === null && active.pending.length === 0) resolve(response);
      else active.pending.push({ lastOffset, change, resolve: () => resolve(response), reject });
    });
  }

  registerBroker(request: BrokerRegistrationRequest): Promise<BrokerRegistrationResponse> {
    const { brokerId, incarnationId } = request;
    let isNewIncarnation = false;
    const decide = (view: ControllerView): Decision<BrokerRegistrationResponse> => {
      isNewIncarnation = view.image.cluster.brokers.get(brokerId)?.incarnationId !== incarnationId;
      return registerBroker(view, request);
    };
    return this.perform(`BrokerRegistration of broker ${brokerId}`, decide, (heartbeats) => {
      // The session of an earlier incarnation is not this one's.
      if (isNewIncarnation) heartbeats.remove(brokerId);
      const isFenced = this.#active?.image.cluster.brokers.get(brokerId)?.isFenced ?? true;
      heartbeats.register(brokerId, isFenced, this.#options.clock.monotonicMs());
    });
  }

  /** A decision whose partitions count against the client's quota; the response tells how long it has to wait. */
  async performWithinQuota<Response extends { readonly throttleTimeMs: number }>(
    cause: string,
    client: { readonly quota: QuotaClient; readonly isStrict: boolean },
    decide: (view: ControllerView) => Decision<Response>,
  ): Promise<Response> {
    let throttleMs = (): number => 0;
    const response = await this.perform(cause, (view) => {
      const use = this.#mutationQuotas.begin(view.image.clientQuotas, client.quota, client.isStrict);
      throttleMs = () => use.throttleMs();
      return decide({ ...view, useMutations: (count) => use.use(count) });
    });
    return { ...response, throttleTimeMs: throttleMs() };
  }

  brokerHeartbeat(request: BrokerHeartbeatRequest): Promise<BrokerHeartbeatResponse> {
    const { brokerId, currentMetadataOffset } = request;
    let next: BrokerState = 'fenced';
    let isStopping = false;
    const decide = (view: ControllerView): Decision<BrokerHeartbeatResponse> => {
      const decision = brokerHeartbeat(view, request);
      next = decision.next;
      isStopping = view.heartbeats.contact(brokerId)?.controlledShutdownOffset !== null;
      return decision;
    };
    return this.perform(heartbeatCause(request), decide, (heartbeats, lastOffset) => {
      const isFenced = next === 'fenced' || next === 'shutdownNow';
      heartbeats.touch(brokerId, isFenced, currentMetadataOffset, this.#options.clock.monotonicMs());
      if (next === 'controlledShutdown' && !isStopping) heartbeats.beginControlledShutdown(brokerId, lastOffset);
      // It was told to go: its next start need not wait for a session to end.
      if (next === 'shutdownNow') heartbeats.remove(brokerId);
    });
  }

  #view(active: Active): ControllerView {
    const { clock, random, clusterId, settings, raft } = this.#options;
    return {
      image: active.image,
      settings,
      clusterId,
      random,
      heartbeats: active.heartbeats,
      nowMs: clock.monotonicMs(),
      nextOffset: raft.logEndOffset,
    };
  }

  #decide<Response>(active: Active, decide: (view: ControllerView) => Decision<Response>): Decision<Response> {
    try {
      return decide(this.#view(active));
    } catch (error) {
      if (error instanceof AssertionFailure) this.#options.fatal(error);
      throw error;
    }
  }

  #append(active: Active, records: readonly MetadataRecord[], cause: string): CommittedChange {
    const { raft, clock } = this.#options;
    const delta = new MetadataDelta(active.image).replayAll(records);
    const lastOffset = this.#write(active, records);
    const after = delta.apply({
      lastContainedOffset: lastOffset,
      lastContainedEpoch: active.epoch,
      lastContainedLogTimeMs: clock.wallMs(),
    });
    assert(raft.logEndOffset === lastOffset + 1, 'somebody else writes to the metadata log');
    active.image = after;
    active.tasks.appended();
    return { delta, after, cause };
  }

  #write(active: Active, records: readonly MetadataRecord[]): number {
    try {
      return this.#options.raft.append(active.epoch, records);
    } catch (error) {
      if (error instanceof NotLeaderError) throw notControllerError(error.leader.leaderId);
      if (error instanceof BatchTooLargeError) {
        throw new ApiError(ErrorCode.POLICY_VIOLATION, 'Unable to perform excessively large batch operation.');
      }
      throw error;
    }
  }

  // ── leadership ─────────────────────────────────────────────────────────────────────────────────────────────

  #activate(epoch: LeaderEpoch): void {
    const { loader, settings, clock, journal } = this.#options;
    const heartbeats = new BrokerHeartbeats(settings.number('broker.session.timeout.ms'));
    const nowMs = clock.monotonicMs();
    for (const broker of loader.image.cluster.brokers.values()) heartbeats.register(broker.id, broker.isFenced, nowMs);
    const tasks = new PeriodicTasks(clock, settings, {
      checkSessions: (lateMs) => this.#checkSessions(lateMs),
      writeNoOp: () => this.#inBackground('idle', () => [{ name: 'NoOpRecord', version: 0, value: {} }]),
      balanceLeaders: () => this.#inBackground('leader rebalance', balanceLeaders),
      electUncleanLeaders: () => this.#inBackground('unclean leader election check', electUncleanLeaders),
    });
    this.#active = { epoch, heartbeats, tasks, pending: [], image: loader.image };
    journal.record({ kind: 'controller.active', epoch });
    this.#inBackground('activation', (view) => activationRecords(view, loader.isInTransaction));
    tasks.start(heartbeats.deadlineMs);
  }

  #deactivate(activeControllerId: number | null): void {
    const active = this.#active;
    if (active === null) return;
    this.#active = null;
    active.tasks.stop();
    this.#options.journal.record({ kind: 'controller.inactive', epoch: active.epoch });
    const error = notControllerError(activeControllerId);
    for (const { reject } of active.pending) reject(error);
  }

  /** Records that nobody asked for. Losing the leadership meanwhile is no failure. */
  #inBackground(
    cause: string,
    decide: (view: ControllerView) => readonly MetadataRecord[],
    afterAppend?: AfterAppend,
  ): void {
    const done = this.perform(cause, (view) => ({ records: decide(view), response: null }), afterAppend);
    done.catch((error: unknown) => {
      if (!(error instanceof ApiError)) this.#options.fatal(error);
    });
  }

  /** Fences every broker whose session is over, one after another: each decision sees the one before. */
  #checkSessions(lateMs: number): void {
    const active = this.#active;
    if (active === null) return;
    const { heartbeats } = active;
    const nowMs = this.#options.clock.monotonicMs();
    // This process stood still itself (a laptop that slept, SIGSTOP): heartbeats wait in its sockets unread.
    if (lateMs > heartbeats.sessionTimeoutMs / 2) heartbeats.renewAll(nowMs);
    for (const brokerId of heartbeats.stale(nowMs)) {
      const fence = (view: ControllerView): readonly MetadataRecord[] => {
        const broker = view.image.cluster.brokers.get(brokerId);
        return broker === undefined || broker.isFenced ? [] : fenceBroker(view, broker);
      };
      this.#inBackground('session timeout', fence, (contacts) => contacts.fence(brokerId));
    }
    active.tasks.sessionDeadline(heartbeats.deadlineMs);
  }
}

function heartbeatCause(request: BrokerHeartbeatRequest): string {
  const wish = request.wantShutDown ? ' that wants to shut down' : request.wantFence ? ' that wants to be fenced' : '';
  return `BrokerHeartbeat of broker ${request.brokerId}${wish}`;
}

/** What a new leader writes first: a new cluster's first records, or the end of a transaction that its predecessor began. */
function activationRecords(view: ControllerView, isInTransaction: boolean): readonly MetadataRecord[] {
  if (view.image.features.metadataVersion === null) {
    return [
      { name: 'BeginTransactionRecord', version: 0, value: { name: 'Bootstrap records' } },
      ...bootstrapRecords(),
      ...elrSafetyRecords(view),
      { name: 'EndTransactionRecord', version: 0, value: {} },
    ];
  }
  if (!isInTransaction) return [];
  return [{ name: 'AbortTransactionRecord', version: 0, value: { reason: 'there was a leader change' } }];
}
