// A broker's life as the controller sees it: registers, sends heartbeats, is unfenced once it is ready, asks leave to
// stop.
//
// starting → fenced (registered) → running (unfenced) → stopping (controlled shutdown) → stopped
// A heartbeat that is refused because of its epoch leads back to starting: the controller knows another incarnation.

import { ErrorCode, errorName } from '../protocol/errors.ts';
import { brokerHeartbeatApi, type BrokerHeartbeatResponse } from '../protocol/messages/broker-heartbeat.ts';
import { brokerRegistrationApi } from '../protocol/messages/broker-registration.ts';
import type { Endpoint, SupportedFeature } from '../metadata/cluster-image.ts';
import type { Clock, Timer } from '../runtime/runtime.ts';
import type { ControllerChannel } from './controller-channel.ts';

export type LifecyclePhase = 'starting' | 'fenced' | 'running' | 'stopping' | 'stopped';

export type BrokerLifecycleOptions = {
  readonly clock: Clock;
  readonly channel: ControllerChannel;
  readonly nodeId: number;
  readonly clusterId: string;
  /** A uuid of this start of the process. */
  readonly incarnationId: string;
  readonly endpoints: readonly Endpoint[];
  readonly features: readonly SupportedFeature[];
  readonly rack: string | null;
  /** Ids of its log directories. */
  readonly directories: readonly string[];
  /** Ids of those that are cordoned; null: the cluster's metadata has no place for that yet. */
  readonly cordonedDirectories: () => readonly string[] | null;
  /** Of the last clean stop; −1 when there was none. */
  readonly previousBrokerEpoch: number;
  /** `broker.heartbeat.interval.ms`, `broker.session.timeout.ms`, `initial.broker.registration.timeout.ms`. */
  readonly heartbeatIntervalMs: number;
  readonly sessionTimeoutMs: number;
  readonly registrationTimeoutMs: number;
  /** The last metadata offset that this broker has applied. */
  readonly metadataOffset: () => number;
  readonly onPhase: (phase: LifecyclePhase, brokerEpoch: number | null) => void;
  /** The controller answered a heartbeat sent at `sentMs` and does not fence this broker. */
  readonly onUnfencedHeartbeat?: (sentMs: number) => void;
  /** The broker can't go on: refused for good, or not registered in time. */
  readonly onFailure: (message: string) => void;
};

const registrationRetryMs = 100;

export class BrokerLifecycle {
  readonly #options: BrokerLifecycleOptions;
  #phase: LifecyclePhase = 'starting';
  #brokerEpoch: number | null = null;
  #isReadyToUnfence = false;
  #wantsShutDown = false;
  #isCaughtUp = false;
  #isSending = false;
  #sendsAgain = false;
  #timer: Timer | null = null;
  #waiting: { readonly isMet: () => boolean; readonly resolve: () => void }[] = [];
  readonly #offlineDirectories = new Set<string>();
  #registrationDeadlineMs = 0;

  constructor(options: BrokerLifecycleOptions) {
    this.#options = options;
  }

  get phase(): LifecyclePhase {
    return this.#phase;
  }

  /** Null before the first registration. */
  get brokerEpoch(): number | null {
    return this.#brokerEpoch;
  }

  /** Registers and keeps the session from then on. Resolves with the broker's epoch. */
  async start(): Promise<number> {
    const { clock, registrationTimeoutMs } = this.#options;
    this.#registrationDeadlineMs = clock.monotonicMs() + registrationTimeoutMs;
    void this.#register();
    await this.#until(() => this.#brokerEpoch !== null);
    return this.#brokerEpoch ?? -1;
  }

  /** Resolves once the controller finds that this broker has read the metadata up to its own registration. */
  caughtUp(): Promise<void> {
    return this.#until(() => this.#isCaughtUp);
  }

  /** The broker can serve: asks to be unfenced and resolves when it is. */
  unfence(): Promise<void> {
    this.#isReadyToUnfence = true;
    this.#heartbeatNow();
    return this.#until(() => this.#phase === 'running');
  }

  /** Asks the controller to take the leaders away; resolves when it may stop, or after `timeoutMs`. */
  async controlledShutdown(timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    if (this.#phase === 'stopped') return;
    if (this.#brokerEpoch === null) return this.stop();
    this.#wantsShutDown = true;
    this.#enter('stopping');
    this.#heartbeatNow();
    let timer: Timer | null = null;
    const timeout = new Promise<void>((resolve) => {
      timer = clock.at(clock.monotonicMs() + timeoutMs, resolve);
    });
    await Promise.race([this.#until(() => this.#phase === 'stopped'), timeout]);
    (timer as Timer | null)?.cancel();
    this.stop();
  }

  /** A log directory failed: told with the next heartbeat, which goes out at once. */
  directoryFailed(directoryId: string): void {
    this.#offlineDirectories.add(directoryId);
    this.#heartbeatNow();
  }

  /** Other log directories are cordoned now. */
  cordonedChanged(): void {
    if (this.#isCaughtUp) this.#heartbeatNow();
  }

  /** New metadata was applied: a broker that waits to be found caught up says so at once. */
  metadataApplied(): void {
    const waits = this.#phase === 'fenced' && (!this.#isCaughtUp || this.#isReadyToUnfence);
    const epoch = this.#brokerEpoch;
    if (waits && epoch !== null && this.#options.metadataOffset() >= epoch) this.#heartbeatNow();
  }

  /** No more heartbeats. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#enter('stopped');
  }

  #until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ isMet, resolve }));
  }

  #enter(phase: LifecyclePhase): void {
    if (this.#phase === 'stopped') return;
    const isNew = this.#phase !== phase;
    this.#phase = phase;
    if (isNew) this.#options.onPhase(phase, this.#brokerEpoch);
    this.#wake();
  }

  #wake(): void {
    const met = this.#waiting.filter((each) => each.isMet());
    if (met.length === 0) return;
    this.#waiting = this.#waiting.filter((each) => !met.includes(each));
    for (const { resolve } of met) resolve();
  }

  #schedule(delayMs: number, action: () => void): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    this.#timer = this.#phase === 'stopped' ? null : clock.at(clock.monotonicMs() + delayMs, action);
  }

  async #register(): Promise<void> {
    const { clock, channel, nodeId, clusterId, incarnationId, endpoints, features } = this.#options;
    const request = {
      brokerId: nodeId,
      clusterId,
      incarnationId,
      listeners: endpoints,
      features,
      rack: this.#options.rack,
      logDirs: this.#options.directories,
      previousBrokerEpoch: this.#options.previousBrokerEpoch,
    };
    const timeoutMs = Math.max(1, this.#registrationDeadlineMs - clock.monotonicMs());
    const response = await channel.send(brokerRegistrationApi, request, { timeoutMs }).catch(() => null);
    if (this.#phase === 'stopped') return;
    if (response?.errorCode === ErrorCode.NONE) {
      this.#brokerEpoch = response.brokerEpoch;
      this.#isCaughtUp = false;
      this.#enter(this.#wantsShutDown ? 'stopping' : 'fenced');
      this.#heartbeatNow();
      return;
    }
    const why = response === null ? 'no controller answered' : errorName(response.errorCode);
    // Another incarnation's session has to end first, or a controller has to be found: worth waiting for.
    const canRetry = response === null || response.errorCode === ErrorCode.DUPLICATE_BROKER_REGISTRATION;
    if (!canRetry || clock.monotonicMs() >= this.#registrationDeadlineMs) {
      this.#options.onFailure(`broker ${nodeId} could not register: ${why}`);
      return;
    }
    this.#schedule(registrationRetryMs, () => void this.#register());
  }

  #heartbeatNow(): void {
    if (this.#brokerEpoch === null || this.#phase === 'stopped') return;
    if (this.#isSending) this.#sendsAgain = true;
    else void this.#heartbeat();
  }

  async #heartbeat(): Promise<void> {
    const { channel, nodeId, sessionTimeoutMs, heartbeatIntervalMs } = this.#options;
    this.#isSending = true;
    this.#sendsAgain = false;
    this.#timer?.cancel();
    const request = {
      brokerId: nodeId,
      brokerEpoch: this.#brokerEpoch ?? -1,
      currentMetadataOffset: this.#options.metadataOffset(),
      wantFence: !this.#isReadyToUnfence,
      wantShutDown: this.#wantsShutDown,
      offlineLogDirs: [...this.#offlineDirectories],
      // Before it has caught up it does not know which they are.
      cordonedLogDirs: this.#isCaughtUp ? this.#options.cordonedDirectories() : null,
    };
    // An answer later than the session is worth nothing.
    const timeoutMs = Math.max(sessionTimeoutMs / 2, heartbeatIntervalMs);
    const sentMs = this.#options.clock.monotonicMs();
    const response = await channel.send(brokerHeartbeatApi, request, { timeoutMs }).catch(() => null);
    this.#isSending = false;
    if (this.#phase === 'stopped') return;
    if (response !== null && !this.#answered(response)) return;
    if (response?.errorCode === ErrorCode.NONE && !response.isFenced) this.#options.onUnfencedHeartbeat?.(sentMs);
    if (this.#sendsAgain) {
      void this.#heartbeat();
      return;
    }
    this.#schedule(this.#pauseMs(response), () => this.#heartbeatNow());
  }

  /** A broker that waits for something asks more often; one that failed to reach the controller as well. */
  #pauseMs(response: BrokerHeartbeatResponse | null): number {
    const { heartbeatIntervalMs } = this.#options;
    const isWaiting = this.#phase === 'stopping' || (this.#phase === 'fenced' && this.#isReadyToUnfence);
    return response === null || isWaiting ? Math.min(heartbeatIntervalMs, 50) : heartbeatIntervalMs;
  }

  /** False when the heartbeats of this registration are over. */
  #answered(response: BrokerHeartbeatResponse): boolean {
    const { clock, registrationTimeoutMs } = this.#options;
    if (
      response.errorCode === ErrorCode.STALE_BROKER_EPOCH ||
      response.errorCode === ErrorCode.BROKER_ID_NOT_REGISTERED
    ) {
      this.#registrationDeadlineMs = clock.monotonicMs() + registrationTimeoutMs;
      this.#enter('starting');
      void this.#register();
      return false;
    }
    if (response.errorCode !== ErrorCode.NONE) return true;
    this.#isCaughtUp ||= response.isCaughtUp;
    if (response.shouldShutDown && this.#wantsShutDown) {
      this.stop();
      return false;
    }
    if (!this.#wantsShutDown) this.#enter(response.isFenced ? 'fenced' : 'running');
    this.#wake();
    return true;
  }
}
