// One run of a drill: topics, clients, steps in order, waits on conditions, healing, reading everything back, verdict.
// Knows clusters only through DrillWorld. Everything that is needed to scrub through the run later is recorded.

import type {
  DrillProgress,
  DrillRunRecord,
  DrillSample,
  DrillStepRecord,
  DrillStepKind,
  DrillVerdict,
  RunState,
} from '../api/drill-views.ts';
import type { ClusterDelta, ClusterView, JournalEvent } from '../api/views.ts';
import { ClusterClient } from '../cluster/cluster-client.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import { seededRandom } from '../runtime/simulated/seeded-random.ts';
import type { Random } from '../runtime/runtime.ts';
import type { FinalLog } from '../workloads/history.ts';
import { carryOut, makeTopics, startLoad, type Done } from './actions.ts';
import { baselineOf, checkWait, turnOf, type Facts, type Turn } from './conditions.ts';
import { DrillClients } from './drill-clients.ts';
import type { Action, DrillPlan, Step, TimedWait } from './drill-plan.ts';
import type { DrillWorld } from './drill-world.ts';
import { narrate } from './narrate.ts';
import { readBack } from './clients/read-back.ts';
import { resolveRole, roleText, type Role, type RoleContext } from './roles.ts';
import { judge } from './verdict.ts';

export type DrillRunOptions = {
  readonly plan: DrillPlan;
  readonly world: DrillWorld;
  readonly runId: string;
  readonly seed: number;
  /** What the person expected, by question; null where nobody asked. */
  readonly predictions?: readonly (string | null)[];
  readonly onProgress?: (progress: DrillProgress) => void;
};

const pollMs = 20;
const sampleMs = 100;
const settleMs = 30_000;
const readBackMs = 30_000;
/** Telemetry comes ten times a second: after this the last events are in. */
const lastEventsMs = 300;
/** Older news come from a broker that was silent; they do not date what else is told. */
const telemetryMsMax = 400;
const deltasMax = 6000;
const eventsMax = 20_000;

/** The run was ended by hand. */
class Aborted extends Error {
  override readonly name = 'Aborted';
}

export class DrillRun {
  readonly #options: DrillRunOptions;
  readonly #originMs: number;
  readonly #startedWallMs: number;
  readonly #random: Random;
  readonly #client: ClusterClient;
  readonly #clients: DrillClients;
  readonly #remembered = new Map<string, number>();
  readonly #steps: DrillStepRecord[] = [];
  readonly #samples: DrillSample[] = [];
  readonly #deltas: { atMs: number; delta: ClusterDelta }[] = [];
  readonly #events: JournalEvent[] = [];
  #state: RunState = 'preparing';
  #narration = '';
  #turn: Turn;
  #isAborted = false;
  #nextSampleMs = 0;
  #told = { steps: 0, samples: 0 };

  constructor(options: DrillRunOptions) {
    this.#options = options;
    const { world, seed, plan } = options;
    const { clock } = world.runtime;
    this.#originMs = clock.monotonicMs();
    this.#startedWallMs = clock.wallMs();
    this.#random = seededRandom(seed, 'roles');
    const random = seededRandom(seed, 'client');
    const runtime = { ...world.runtime, random };
    this.#client = new ClusterClient({ runtime, bootstrap: world.bootstrap, clientId: 'highwater-drill' });
    this.#clients = new DrillClients(plan, world, seed, this.#originMs);
    this.#turn = turnOf(world.view(), this.#originMs);
  }

  /** Ends the run at the next look; the cluster is healed all the same. */
  abort(): void {
    this.#isAborted = true;
  }

  /** Runs to the end; never throws: what went wrong is in the verdict. */
  async run(): Promise<DrillRunRecord> {
    const { world, plan } = this.#options;
    const { snapshot, end } = world.follow((delta) => this.#onDelta(delta));
    let failure: string | null = null;
    let logs: FinalLog[] = [];
    try {
      this.#say('preparing', 'Making the topics and starting the clients.');
      const ids = await makeTopics(plan, { world, client: this.#client, resolve: (role) => this.#resolve(role) });
      await this.#placed(ids);
      await startLoad(plan, this.#clients);
      this.#setState('running');
      for (const step of plan.steps) await this.#step(step);
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    try {
      logs = await this.#settle();
    } catch (error) {
      failure ??= error instanceof Error ? error.message : String(error);
    }
    await this.#pause(lastEventsMs);
    end();
    this.#client.close();
    const verdict = this.#judge(failure, logs);
    this.#say(this.#isAborted ? 'aborted' : verdict.passed ? 'passed' : 'failed', verdict.summary);
    return this.#record(snapshot, verdict);
  }

  // ── steps ──

  async #step(step: Step): Promise<void> {
    this.#checkAborted();
    const index = this.#steps.length;
    const { action, text, as } = step;
    const kind = kindOf(action);
    const startMs = this.#nowMs - this.#originMs;
    this.#steps.push({ index, text, kind, startMs, endMs: null, outcome: 'running', detail: '', brokerId: null });
    this.#told.steps = Math.min(this.#told.steps, index);
    if (kind !== 'wait' && kind !== 'hold') {
      this.#narration = `${text}.`;
      this.#options.world.record({ kind: 'drill.step', drill: this.#options.plan.name, step: index + 1, text });
    }
    try {
      const { detail, brokerId } = await this.#act(action, as);
      if (as !== null && brokerId !== null) this.#remembered.set(as, brokerId);
      this.#endStep(index, 'done', detail, brokerId);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#endStep(index, 'failed', message, null);
      throw error instanceof Aborted ? error : new Error(`step ${index + 1} (${text}): ${message}`, { cause: error });
    }
  }

  #endStep(index: number, outcome: 'done' | 'failed', detail: string, brokerId: number | null): void {
    const step = this.#steps[index];
    if (step === undefined) return;
    this.#steps[index] = { ...step, endMs: this.#nowMs - this.#originMs, outcome, detail, brokerId };
    this.#told.steps = Math.min(this.#told.steps, index);
  }

  async #act(action: Action, as: string | null): Promise<Done> {
    switch (action.kind) {
      case 'wait':
        return { detail: await this.#wait(action), brokerId: null };
      case 'hold':
        await this.#pause(action.forMs);
        return { detail: '', brokerId: null };
      case 'rollingRestart':
        return this.#rollingRestart(action.between);
      default: {
        const kind = kindOf(action);
        const resolve = (role: Role): number => {
          const brokerId = this.#resolve(role);
          // Known at once: what else the step means may be "the other follower".
          if (as !== null && !this.#remembered.has(as)) this.#remembered.set(as, brokerId);
          return brokerId;
        };
        if (kind === 'fault' || kind === 'repair') this.#turn = turnOf(this.#options.world.view(), this.#nowMs);
        const work = carryOut(action, {
          world: this.#options.world,
          client: this.#client,
          clients: this.#clients,
          resolve,
        });
        return this.#meanwhile(work);
      }
    }
  }

  async #rollingRestart(between: TimedWait | null): Promise<Done> {
    const { world } = this.#options;
    const ids = world.view().brokers.map((broker) => broker.id);
    for (const brokerId of ids) {
      this.#turn = turnOf(world.view(), this.#nowMs);
      await this.#meanwhile(world.control.stop(brokerId));
      await this.#meanwhile(world.control.start(brokerId));
      if (between !== null) await this.#wait(between);
    }
    return { detail: `brokers ${ids.join(', ')}`, brokerId: null };
  }

  #resolve(role: Role): number {
    const broker = resolveRole(role, this.#roles());
    if (typeof broker === 'number') return broker;
    throw new ClusterError('NO_SUCH_ROLE', `${roleText(role)}: ${broker}`);
  }

  #roles(): RoleContext {
    const { world } = this.#options;
    return {
      view: world.view(),
      remembered: this.#remembered,
      random: this.#random,
      topicName: (name) => world.prefix + name,
      groupName: (name) => world.prefix + name,
    };
  }

  // ── waiting ──

  /** Resolves with what was seen; throws when it did not come in time. */
  async #wait({ wait, withinMs }: TimedWait): Promise<string> {
    const deadlineMs = this.#nowMs + withinMs;
    const baseline = baselineOf(wait, this.#clientFacts);
    for (;;) {
      const { isMet, seen } = checkWait(wait, this.#facts(baseline));
      if (isMet) return seen;
      if (this.#nowMs >= deadlineMs) throw new Error(`not within ${withinMs / 1000} s; seen: ${seen}`);
      await this.#look();
    }
  }

  readonly #clientFacts = {
    producer: (name: string) => this.#clients.producers.get(name) ?? null,
    group: (name: string) => this.#clients.groups.get(name) ?? null,
    copier: (name: string) => this.#clients.copiers.get(name) ?? null,
  };

  #facts(baseline: Facts['baseline']): Facts {
    const roles = this.#roles();
    return {
      ...this.#clientFacts,
      nowMs: this.#nowMs,
      view: roles.view,
      roles,
      turn: this.#turn,
      baseline,
      events: this.#events.filter((event) => event.monotonicMs >= this.#turn.atMs),
    };
  }

  /** One turn of the run's own clock: samples, progress, the abort button. */
  async #look(): Promise<void> {
    this.#checkAborted();
    await this.#tick();
    await new Promise<void>((resolve) => {
      this.#options.world.runtime.clock.at(this.#nowMs + pollMs, resolve);
    });
  }

  #tick(): Promise<void> {
    const nowMs = this.#nowMs;
    if (nowMs < this.#nextSampleMs) return Promise.resolve();
    this.#nextSampleMs = nowMs + sampleMs;
    this.#samples.push(this.#clients.sample(nowMs, this.#options.world.view()));
    this.#tell();
    return Promise.resolve();
  }

  async #pause(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    while (this.#nowMs < untilMs) await this.#look();
  }

  /** Samples go on while a verb takes its time. */
  async #meanwhile<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const settled = work.finally(() => {
      isDone = true;
    });
    settled.catch(() => undefined);
    while (!isDone) await this.#look();
    return settled;
  }

  #checkAborted(): void {
    if (this.#isAborted && this.#state !== 'settling') throw new Aborted('the run was ended by hand');
  }

  /** Resolves when every partition of the drill has a leader and all its replicas in sync. */
  async #placed(ids: ReadonlyMap<string, string>): Promise<void> {
    const { world, plan } = this.#options;
    const deadlineMs = this.#nowMs + settleMs;
    for (;;) {
      const { partitions, topics } = world.view();
      const isPlaced = plan.topics.every((topic) => {
        const name = world.prefix + topic.name;
        // The view may still show the one of an earlier run, with its offsets.
        if (topics.find((each) => each.topic === name)?.topicId !== ids.get(topic.name)) return false;
        const mine = partitions.filter((each) => each.topic === name);
        const isWhole = (each: (typeof mine)[number]) =>
          each.leader >= 0 && each.inSyncReplicas.length === topic.replicationFactor && each.highWatermark !== null;
        return mine.length === topic.partitions && mine.every(isWhole);
      });
      if (isPlaced) return;
      if (this.#nowMs >= deadlineMs) throw new Error('the topics of the drill did not get their leaders');
      await this.#look();
    }
  }

  // ── the end ──

  async #settle(): Promise<FinalLog[]> {
    const { world, plan } = this.#options;
    const { control, runtime } = world;
    this.#say('settling', 'The steps are done. Healing the cluster, waiting for the clients, reading everything back.');
    this.#clients.stopSending();
    if (control.listFaults().length > 0) await control.clearFaults();
    for (const { id, process } of world.view().brokers) {
      if (process === 'paused') await control.resume(id);
      else if (process === 'stopped' || process === 'killed' || process === 'crashed')
        await this.#meanwhile(control.start(id));
    }
    await this.#meanwhile(this.#clients.closeProducers());
    await this.#drained();
    await this.#meanwhile(this.#clients.stopGroups());
    await this.#copied();
    await this.#meanwhile(this.#clients.stopCopiers());
    const topics = plan.topics.map((topic) => world.prefix + topic.name);
    const logs = await this.#meanwhile(readBack(this.#client, runtime.clock, topics, this.#nowMs + readBackMs));
    for (const copier of this.#clients.copiers.values()) {
      await this.#meanwhile(copier.countCopies(this.#client, runtime.clock, logs));
    }
    return logs;
  }

  /** What is left of the inputs is copied, by a new process where none works any more. */
  async #copied(): Promise<void> {
    const copiers = [...this.#clients.copiers.values()];
    for (const copier of copiers) copier.beginDrain();
    const deadlineMs = this.#nowMs + settleMs;
    while (!copiers.every((copier) => copier.isDrained)) {
      if (this.#nowMs >= deadlineMs) throw new Error('the programs did not copy all of their input');
      await this.#look();
    }
  }

  async #drained(): Promise<void> {
    const deadlineMs = this.#nowMs + settleMs;
    const isDrained = () => [...this.#clients.groups.values()].every((group) => group.lag() === 0);
    let quietSinceMs = this.#nowMs;
    while (this.#clients.groups.size > 0 && this.#nowMs < deadlineMs) {
      if (!isDrained()) quietSinceMs = this.#nowMs;
      // The last log ends come with telemetry.
      if (this.#nowMs - quietSinceMs >= lastEventsMs) return;
      await this.#look();
    }
  }

  #judge(failure: string | null, logs: readonly FinalLog[]): DrillVerdict {
    const { plan, world, predictions = [] } = this.#options;
    return judge({
      plan,
      prefix: world.prefix,
      originMs: this.#originMs,
      failure,
      logs,
      clients: this.#clients,
      steps: this.#steps,
      samples: this.#samples,
      events: this.#events,
      deltas: this.#deltas,
      predictions,
    });
  }

  // ── telling ──

  get #nowMs(): number {
    return this.#options.world.runtime.clock.monotonicMs();
  }

  #onDelta(delta: ClusterDelta): void {
    const atMs = this.#momentOf(delta);
    if (this.#deltas.length < deltasMax) this.#deltas.push({ atMs, delta });
    for (const event of delta.events ?? []) {
      if (this.#events.length < eventsMax) this.#events.push(event);
      this.#narration = narrate(event.entry) ?? this.#narration;
    }
  }

  /** When what a delta tells came to be: telemetry brings it up to a tenth of a second later. Never falls. */
  #momentOf(delta: ClusterDelta): number {
    const nowMs = this.#nowMs;
    let happenedMs = nowMs;
    for (const { monotonicMs } of delta.events ?? []) {
      if (monotonicMs >= nowMs - telemetryMsMax) happenedMs = Math.min(happenedMs, monotonicMs);
    }
    return Math.max(this.#deltas.at(-1)?.atMs ?? 0, Math.floor(happenedMs - this.#originMs));
  }

  #setState(state: RunState): void {
    this.#state = state;
    this.#tell();
  }

  #say(state: RunState, narration: string): void {
    this.#narration = narration;
    this.#setState(state);
  }

  #tell(): void {
    const { plan, runId, world, onProgress } = this.#options;
    if (onProgress === undefined) return;
    const { steps, samples } = this.#told;
    this.#told = { steps: this.#steps.length, samples: this.#samples.length };
    const running = this.#steps.findIndex((step) => step.outcome === 'running');
    if (running >= 0) this.#told.steps = running;
    onProgress({
      runId,
      drill: plan.name,
      title: plan.title,
      originMs: this.#originMs,
      topics: plan.topics.map((topic) => world.prefix + topic.name),
      state: this.#state,
      elapsedMs: Math.round(this.#nowMs - this.#originMs),
      narration: this.#narration,
      steps: this.#steps.slice(steps),
      samples: this.#samples.slice(samples),
      marks: this.#clients.newMarks(),
      isOver: this.#state === 'passed' || this.#state === 'failed' || this.#state === 'aborted',
    });
  }

  #record(snapshot: ClusterView, verdict: DrillVerdict): DrillRunRecord {
    const { plan, runId, seed, world } = this.#options;
    const view = world.view();
    return {
      runId,
      drill: plan.name,
      title: plan.title,
      seed,
      state: this.#state,
      startedWallMs: this.#startedWallMs,
      originMs: this.#originMs,
      elapsedMs: Math.round(this.#nowMs - this.#originMs),
      narration: this.#narration,
      steps: this.#steps,
      samples: this.#samples,
      marks: this.#clients.marks,
      topics: plan.topics.map((topic) => world.prefix + topic.name),
      verdict,
      source: plan.source,
      profile: view.profile,
      brokers: view.brokers.length,
      // The events before the run belong to others.
      snapshot: { ...snapshot, events: [] },
      deltas: this.#deltas,
      events: this.#events.map((event) => ({ ...event, atMs: Math.round(event.monotonicMs - this.#originMs) })),
    };
  }
}

function kindOf(action: Action): DrillStepKind {
  switch (action.kind) {
    case 'wait':
    case 'hold':
      return action.kind;
    case 'broker':
      return action.verb === 'start' || action.verb === 'resume' ? 'repair' : 'fault';
    case 'heal':
      return 'repair';
    case 'cut':
    case 'delay':
    case 'slowDisk':
    case 'skewClock':
    case 'rollingRestart':
    case 'elect':
      return 'fault';
    default:
      return 'load';
  }
}
