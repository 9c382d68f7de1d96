// The cluster as the screen sees it: follows the engine through the link, publishes at most once a frame, and can
// be paused. Owns the connection to the page's clock; decides nothing about clusters.

import type { Bridge } from '../../main/api/contract.ts';
import type { EngineLink, Connection } from '../engine/engine-link.ts';
import { SnapshotSync, type SyncStep } from '../engine/snapshot-sync.ts';
import { type ClusterModel, modelOf, reduce } from './cluster-model.ts';
import { WorkloadHistory } from './workload-history.ts';

/** Without any delta for this long the figures are called old. */
const staleAfterMs = 3_000;
const clockTickMs = 100;
const snapshotRetryMs = 1_000;

export class ClusterState {
  /** null until the first snapshot. */
  model = $state.raw<ClusterModel | null>(null);
  connection = $state.raw<Connection>({ phase: 'connecting' });
  paused = $state(false);
  /** Deltas that arrived while paused. */
  heldBack = $state(0);
  /** The page's monotonic clock, ten times a second; for ages and countdowns. */
  nowMs = $state(performance.now());
  /** Engine that answers but with a refusal to the snapshot itself. */
  snapshotProblem = $state<string | null>(null);

  readonly history = new WorkloadHistory();
  readonly bridge: Bridge;
  readonly #link: EngineLink;
  readonly #sync = new SnapshotSync();
  #latest: ClusterModel | null = null;
  #latestReceivedAtMs = 0;
  #receivedAtMs = $state(0);
  #publishing = false;

  constructor(link: EngineLink) {
    this.#link = link;
    this.bridge = link.bridge;
  }

  /** Begins to follow; returns the function that ends it. */
  follow(): () => void {
    const endDeltas = this.bridge.subscribe('cluster.delta', (delta) => this.#carryOut(this.#sync.delta(delta)));
    const endConnection = this.#link.watch((connection) => {
      this.connection = connection;
      if (connection.phase === 'connected') this.#carryOut(this.#sync.connected());
      else this.#sync.disconnected();
    });
    const clock = setInterval(() => {
      this.nowMs = performance.now();
    }, clockTickMs);
    return () => {
      endDeltas();
      endConnection();
      clearInterval(clock);
    };
  }

  retry(): void {
    this.#link.retry();
  }

  togglePause(): void {
    this.paused = !this.paused;
    if (!this.paused) {
      this.heldBack = 0;
      this.#publish();
    }
  }

  get connected(): boolean {
    return this.connection.phase === 'connected';
  }

  /** How old the shown figures are. */
  get ageMs(): number {
    return this.model === null ? 0 : Math.max(0, this.nowMs - this.#receivedAtMs);
  }

  get freshness(): 'live' | 'paused' | 'stale' | 'disconnected' {
    if (!this.connected) return 'disconnected';
    if (this.paused) return 'paused';
    return this.ageMs > staleAfterMs ? 'stale' : 'live';
  }

  /** How long the shown figures stand, while they are live: what to add to the engine's own times. */
  get carriedOnMs(): number {
    return this.freshness === 'live' ? this.ageMs : 0;
  }

  /** The engine's wall clock, carried on by ours while the view is live. */
  get engineNowMs(): number {
    if (this.model === null) return 0;
    return this.model.facts.wallMs + this.carriedOnMs;
  }

  #carryOut(step: SyncStep): void {
    if (step.do === 'request-snapshot') void this.#requestSnapshot();
    if (step.do === 'replace') {
      this.#accept(step.deltas.reduce(reduce, modelOf(step.view)));
    }
    if (step.do === 'apply' && this.#latest) this.#accept(reduce(this.#latest, step.delta));
  }

  async #requestSnapshot(): Promise<void> {
    try {
      const { number, view } = await this.bridge.request('cluster.snapshot', {});
      this.snapshotProblem = null;
      this.#carryOut(this.#sync.snapshot(number, view));
    } catch (error) {
      // A broken link asks again by itself when it is back; a refusal while connected is asked again here.
      if (!this.connected) return;
      this.snapshotProblem = error instanceof Error ? error.message : String(error);
      setTimeout(() => {
        if (this.connected) this.#carryOut(this.#sync.connected());
      }, snapshotRetryMs);
    }
  }

  #accept(model: ClusterModel): void {
    const another = this.#latest !== null && this.#latest.facts.clusterId !== model.facts.clusterId;
    if (another) this.history.clear();
    this.#latest = model;
    this.#latestReceivedAtMs = performance.now();
    const { workload, wallMs } = model.facts;
    if (workload.running) this.history.add(wallMs, workload);
    if (this.paused) this.heldBack += 1;
    this.#publishSoon();
  }

  /** At most once a frame, however many deltas come. */
  #publishSoon(): void {
    if (this.#publishing || this.paused) return;
    this.#publishing = true;
    requestAnimationFrame(() => {
      this.#publishing = false;
      if (!this.paused) this.#publish();
    });
  }

  #publish(): void {
    this.model = this.#latest;
    this.#receivedAtMs = this.#latestReceivedAtMs;
  }
}
