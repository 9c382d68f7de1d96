// Drills for the screens: the library, one run at a time on the cluster at hand, the runs that were kept, reports.

import type { DrillProgress, DrillRunRecord, DrillRunSummary, DrillSummary } from '../api/drill-views.ts';
import type { EndpointHandlers } from '../api/host.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import { errorMessage } from './error-message.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { DrillLibrary, summaryOfPlan } from './drill-library.ts';
import type { DrillPlan } from './drill-plan.ts';
import { DrillRun } from './drill-run.ts';
import type { DrillWorld } from './drill-world.ts';
import { planDrill } from './plan-drill.ts';
import { htmlReport } from './report-html.ts';
import { junitReport } from './report-junit.ts';
import { runFileEnding, runFromText, runToText } from './run-file.ts';

export type DrillHostOptions = {
  readonly runtime: Pick<Runtime, 'clock' | 'random' | 'disk'>;
  readonly catalogDirectory: string;
  /** Where the journals of runs are kept. */
  readonly runsDirectory: string;
  world(): DrillWorld;
  push(progress: DrillProgress): void;
};

type DrillEndpoint = Extract<keyof EndpointHandlers, `drill.${string}`>;

/** Journals kept on the disk; the oldest goes first. */
const runsKeptMax = 40;
const seedsMax = 1_000_000;

export class DrillHost {
  readonly #options: DrillHostOptions;
  readonly #library: DrillLibrary;
  #current: { readonly runId: string; readonly run: DrillRun; readonly done: Promise<void> } | null = null;
  /** Of the run at hand, from its beginning. */
  #progress: DrillProgress | null = null;
  /** Newest first; null until the directory was read. */
  #summaries: DrillRunSummary[] | null = null;

  constructor(options: DrillHostOptions) {
    this.#options = options;
    this.#library = new DrillLibrary(options.runtime.disk, options.catalogDirectory);
  }

  handlers(): Pick<EndpointHandlers, DrillEndpoint> {
    return {
      'drill.list': () => this.#list(),
      'drill.check': ({ source }) => this.#check(source),
      'drill.run': ({ source, seed, predictions }) => this.#start(source, seed ?? null, predictions ?? []),
      'drill.abort': () => this.#abort(),
      'drill.runs': () => ({ current: this.#current === null ? null : this.#progress, runs: this.#runs() }),
      'drill.get': ({ runId }) => this.#read(runId),
      'drill.report': ({ runId, form }) => this.#report(runId, form),
    };
  }

  /** Ends what runs; resolves when the cluster is healed. */
  async stop(): Promise<void> {
    this.#current?.run.abort();
    await this.#current?.done;
  }

  /** Runs a drill of the library, or a file, to its end. */
  async run(nameOrFile: string, seed: number): Promise<DrillRunRecord> {
    const { runId } = this.#start(this.#library.find(nameOrFile).source, seed, []);
    await this.#current?.done;
    return this.#read(runId);
  }

  #list(): readonly DrillSummary[] {
    return this.#library.plans().map(summaryOfPlan);
  }

  #check(source: string): { readonly problems: readonly string[]; readonly summary: DrillSummary | null } {
    try {
      return { problems: [], summary: summaryOfPlan(planDrill(source, 'the file')) };
    } catch (error) {
      const { problems } = error as { problems?: readonly string[] };
      return { problems: problems ?? [errorMessage(error)], summary: null };
    }
  }

  #start(source: string, seed: number | null, predictions: readonly (string | null)[]): { readonly runId: string } {
    if (this.#current !== null) {
      throw new ClusterError('DRILL_RUNNING', 'a drill runs already', 'wait for its end, or stop it');
    }
    const plan = planDrill(source, 'the drill');
    const world = this.#options.world();
    requireFit(plan, world);
    const { clock, random } = this.#options.runtime;
    const runId = `${plan.name}-${clock.wallMs().toString(36)}`;
    const run = new DrillRun({
      plan,
      world,
      runId,
      seed: seed ?? random.below(seedsMax),
      predictions,
      onProgress: (progress) => {
        this.#progress = joined(this.#progress, progress);
        // The end is told when the journal can be read.
        if (!progress.isOver) this.#options.push(progress);
      },
    });
    const done = run.run().then((record) => this.#onEnd(record));
    this.#current = { runId, run, done };
    return { runId };
  }

  #onEnd(record: DrillRunRecord): void {
    this.#current = null;
    this.#keep(record);
    if (this.#progress === null) return;
    this.#options.push({ ...this.#progress, steps: [], samples: [], marks: [], isOver: true });
    this.#progress = null;
  }

  async #abort(): Promise<null> {
    await this.stop();
    return null;
  }

  #keep(record: DrillRunRecord): void {
    const { disk } = this.#options.runtime;
    const summaries = this.#runs();
    disk.makeDirectory(this.#options.runsDirectory);
    disk.writeFileAtomic(this.#path(record.runId), Buffer.from(runToText(record)));
    this.#summaries = [summaryOfRun(record), ...summaries];
    for (const { runId } of this.#summaries.splice(runsKeptMax)) disk.remove(this.#path(runId));
  }

  #runs(): DrillRunSummary[] {
    if (this.#summaries !== null) return this.#summaries;
    const { disk } = this.#options.runtime;
    const directory = this.#options.runsDirectory;
    const files = disk.isDirectory(directory) ? disk.list(directory) : [];
    const runs = files
      .filter((file) => file.endsWith(runFileEnding))
      .flatMap((file) => {
        try {
          return [summaryOfRun(this.#read(file.slice(0, -runFileEnding.length)))];
        } catch {
          // Another program's file, or one that was cut short: it is not listed, and not touched.
          return [];
        }
      });
    this.#summaries = runs.sort((a, b) => b.startedWallMs - a.startedWallMs);
    return this.#summaries;
  }

  #read(runId: string): DrillRunRecord {
    const path = this.#path(runId);
    const { disk } = this.#options.runtime;
    if (!disk.exists(path)) throw new ClusterError('UNKNOWN_RUN', `there is no run ${runId}`);
    return runFromText(Buffer.from(disk.readFile(path)).toString('utf8'), path);
  }

  #report(runId: string, form: 'html' | 'json' | 'junit'): { readonly fileName: string; readonly text: string } {
    const run = this.#read(runId);
    switch (form) {
      case 'html':
        return { fileName: `${runId}.html`, text: htmlReport(run) };
      case 'json':
        return { fileName: `${runId}.json`, text: `${JSON.stringify(run, null, 1)}\n` };
      case 'junit':
        return { fileName: `${runId}.xml`, text: junitReport([run]) };
    }
  }

  #path(runId: string): string {
    if (!/^[a-z0-9-]+$/.test(runId)) throw new ClusterError('UNKNOWN_RUN', `"${runId}" is no run's name`);
    return `${this.#options.runsDirectory}/${runId}${runFileEnding}`;
  }
}

/** What was told so far and what is new, as one. */
function joined(known: DrillProgress | null, added: DrillProgress): DrillProgress {
  if (known?.runId !== added.runId) return added;
  const from = added.steps[0]?.index ?? known.steps.length;
  return {
    ...added,
    steps: [...known.steps.slice(0, from), ...added.steps],
    samples: [...known.samples, ...added.samples],
    marks: [...known.marks, ...added.marks],
  };
}

function requireFit(plan: DrillPlan, world: DrillWorld): void {
  const { brokers } = world.view();
  const running = brokers.filter((broker) => broker.process === 'running').length;
  if (running < plan.brokers) {
    throw new ClusterError(
      'CLUSTER_TOO_SMALL',
      `this drill needs ${plan.brokers} running brokers, the cluster has ${running}`,
      running < brokers.length
        ? 'start the brokers that are down'
        : `highwater drill run ${plan.name} makes a cluster of its own`,
    );
  }
  const own = Object.keys(plan.configs);
  if (own.length > 0) {
    throw new ClusterError(
      'CLUSTER_DIFFERS',
      `this drill needs a cluster with ${own.join(', ')} set`,
      `highwater drill run ${plan.name} makes one`,
    );
  }
}

function summaryOfRun(run: DrillRunRecord): DrillRunSummary {
  const { runId, drill, title, seed, state, startedWallMs, elapsedMs, verdict } = run;
  return { runId, drill, title, seed, state, startedWallMs, elapsedMs, summary: verdict?.summary ?? run.narration };
}
