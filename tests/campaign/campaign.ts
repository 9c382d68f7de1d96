// One campaign: a real cluster, clients that write, read and commit, and trouble of every kind for some time; then
// peace, and the check of all that clients were told against what the logs hold.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { prepareCluster } from '../../main/cluster/launch.ts';
import type { Supervisor } from '../../main/cluster/supervisor.ts';
import { nodeProcesses } from '../../main/runtime/node/node-processes.ts';
import { nodeRuntime } from '../../main/runtime/node/node-runtime.ts';
import { seededRandom } from '../../main/runtime/simulated/seeded-random.ts';
import { checkHistory } from '../../main/workloads/check-history.ts';
import type { HistoryCounts } from '../../main/workloads/history.ts';
import { HistoryRecorder } from '../simulation/history-recorder.ts';
import { CampaignClients } from './campaign-clients.ts';
import { realWorld } from './real-world.ts';
import { differingReplicas } from './replica-files.ts';
import { Trouble, type TroubleKind } from './trouble.ts';

export type CampaignOptions = {
  readonly seed: number;
  readonly durationMs: number;
  readonly brokers?: number;
  readonly note: (text: string) => void;
  /** Keeps the directory when something is wrong. */
  readonly keepDirectory?: boolean;
};

export type CampaignOutcome = {
  readonly counts: HistoryCounts;
  readonly troubles: ReadonlyMap<TroubleKind, number>;
  /**
   * Batches that were in the log and refused all the same when they were sent again: as in Kafka, a log that was
   * recovered remembers one batch per producer, not five.
   */
  readonly refusedSequences: number;
  readonly violations: readonly string[];
  readonly directory: string;
};

/** When peace comes, everything must be whole within this time, on a busy machine too. */
const peaceTimeoutMs = 60_000;
const hands = 2;
/** From the project's directory, where npm runs both the script and the tests. */
const brokerScript = resolve('dist/broker/process.js');

export async function runCampaign(options: CampaignOptions): Promise<CampaignOutcome> {
  const { seed, durationMs, note } = options;
  const directory = mkdtempSync(join(tmpdir(), 'highwater-campaign-'));
  const box: { campaign: Campaign | null } = { campaign: null };
  const prepared = await prepareCluster(nodeRuntime(), nodeProcesses(), {
    dataDir: directory,
    brokers: options.brokers ?? 3,
    port: 0,
    brokerScript,
    onChange: () => box.campaign?.watch(),
  });
  const campaign = new Campaign(prepared.supervisor, seed, note);
  box.campaign = campaign;
  try {
    await campaign.run(durationMs);
  } finally {
    await prepared.supervisor.stopAll();
    prepared.directory.release(false);
  }
  const outcome = campaign.outcome(directory);
  if (outcome.violations.length === 0 || options.keepDirectory !== true) {
    rmSync(directory, { recursive: true, force: true });
  }
  return outcome;
}

class Campaign {
  readonly #supervisor: Supervisor;
  readonly #note: (text: string) => void;
  readonly #brokerIds: readonly number[];
  readonly #world: ReturnType<typeof realWorld>;
  readonly #history: HistoryRecorder;
  readonly #clients: CampaignClients;
  readonly #trouble: Trouble;
  readonly #violations: string[] = [];
  readonly #deaths: { readonly pid: number; readonly what: string }[] = [];
  #watchedSequence = 0;

  constructor(supervisor: Supervisor, seed: number, note: (text: string) => void) {
    this.#supervisor = supervisor;
    this.#note = note;
    const { host, brokers } = supervisor.topology;
    this.#brokerIds = brokers.map((broker) => broker.id);
    this.#world = realWorld(brokers.map(({ id, port }) => ({ id, host, port })));
    this.#history = new HistoryRecorder(
      () => this.#world.nowMs,
      () => undefined,
    );
    const random = seededRandom('clients', seed);
    const world = this.#world;
    const history = this.#history;
    this.#clients = new CampaignClients({ world, brokerIds: this.#brokerIds, random, history });
    this.#trouble = new Trouble({
      control: supervisor,
      brokerIds: this.#brokerIds,
      random: seededRandom('trouble', seed),
      sleep: (ms) => world.sleep(ms),
      pidOf: (id) => supervisor.view.view().brokers.find((broker) => broker.id === id)?.pid ?? null,
      whole: () => this.#clients.becomeWhole(peaceTimeoutMs),
      note: (text) => note(`${(world.nowMs / 1000).toFixed(1)} s  ${text}`),
    });
  }

  /** Notes processes that ended by themselves; the view forgets old events. */
  watch(): void {
    const events = this.#supervisor.view.eventsSoFar;
    for (let index = events.length - 1; index >= 0; index--) {
      const event = events[index];
      if (event?.source !== 'supervisor') continue;
      if (event.sequence <= this.#watchedSequence) break;
      const { entry } = event;
      if (entry.kind !== 'process.exited' || entry.wanted) continue;
      const what = `broker ${entry.brokerId}, code ${entry.code ?? '–'}, signal ${entry.signal ?? '–'}`;
      this.#deaths.push({ pid: entry.pid, what });
    }
    this.#watchedSequence = events.findLast((event) => event.source === 'supervisor')?.sequence ?? 0;
  }

  async run(durationMs: number): Promise<void> {
    await this.#supervisor.startAll();
    await this.#clients.begin();
    await this.#clients.serveAgain(peaceTimeoutMs);
    const working = Array.from({ length: hands }, () => this.#trouble.run());
    await this.#world.sleep(durationMs);
    this.#trouble.end();
    await Promise.all(working);
    await this.#peace();
    this.#note('reading everything back');
    await this.#clients.end();
    this.#history.logs.push(...(await this.#clients.readBack()));
  }

  async #peace(): Promise<void> {
    await this.#supervisor.clearFaults();
    // A hand may have failed in the middle of what it did.
    for (const { id, state } of this.#supervisor.brokers()) {
      if (state === 'paused') await this.#supervisor.resume(id);
      else if (state !== 'running' && state !== 'starting') await this.#supervisor.start(id);
    }
    this.#note(`${(this.#world.nowMs / 1000).toFixed(1)} s  peace`);
    const beginMs = this.#world.nowMs;
    if (!(await this.#clients.becomeWhole(peaceTimeoutMs))) this.#wrong('not whole', this.#clients.waitingFor);
    if (!(await this.#clients.serveAgain(peaceTimeoutMs))) this.#wrong('not served', this.#clients.waitingFor);
    this.#note(`whole and serving after ${((this.#world.nowMs - beginMs) / 1000).toFixed(1)} s of peace`);
  }

  outcome(directory: string): CampaignOutcome {
    for (const failure of this.#trouble.failures) this.#wrong('a verb failed', failure);
    for (const { pid, what } of this.#deaths) if (!this.#trouble.doomedPids.has(pid)) this.#wrong('crashed', what);
    for (const each of this.#history.lostPositions.map(({ message }) => message))
      this.#wrong('a position is gone', each);
    const refusedSequences = this.#history.refusedSequences.length;
    const report = checkHistory(this.#history.history);
    for (const { rule, topic, partition, message } of report.violations) {
      this.#wrong(rule, `${topic}-${partition}: ${message}`);
    }
    const topics = new Set(this.#history.logs.map((log) => log.topic));
    const logDirs = this.#brokerIds.map((id) => join(directory, `node-${id}`));
    for (const line of differingReplicas(logDirs, topics)) this.#wrong('replicas differ', line);
    return {
      counts: report.counts,
      troubles: this.#trouble.counts,
      refusedSequences,
      violations: this.#violations,
      directory,
    };
  }

  #wrong(rule: string, what: string): void {
    this.#violations.push(`${rule}: ${what}`);
  }
}
