// Runs a cluster's broker processes: desired against actual, readiness, telemetry into the view, the verbs. What it
// knows of brokers comes over broker/contract.ts and the wire, like any client's knowledge.

import type { BrokerProcessConfig, BrokerReport } from '../broker/contract.ts';
import type { ActiveFault, Fault, PowerLoss } from '../core/faults.ts';
import type { EventId, JournalEntry, JournalEvent } from '../core/journal.ts';
import { FaultControl } from '../faults/fault-control.ts';
import type { ExitStatus, Processes } from '../runtime/processes.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { BrokerProcess } from './broker-process.ts';
import type { ClusterControl } from './cluster-control.ts';
import type { ClusterDirectory } from './cluster-directory.ts';
import { ClusterError } from './cluster-error.ts';
import { ClusterViewState, idleWorkload } from './cluster-view.ts';
import { seesAllBrokers } from './readiness.ts';
import { bootstrapOf, brokerProperties, type BrokerPlace, type Topology } from './topology.ts';

export type SupervisorOptions = {
  readonly runtime: Runtime;
  readonly processes: Processes;
  readonly directory: ClusterDirectory;
  readonly topology: Topology;
  readonly ephemeral: boolean;
  /** Path of the bundled broker process. */
  readonly brokerScript: string;
  /** Told after each change of the view; coalesce before sending anything. */
  readonly onChange?: () => void;
};

const telemetryIntervalMs = 100;
const readyTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;
const powerLossTimeoutMs = 5000;
const readinessPollMs = 10;

type BrokerSlot = {
  readonly place: BrokerPlace;
  process: BrokerProcess | null;
  phase: Extract<BrokerReport, { type: 'phase' }>['phase'] | null;
  failure: { message: string; advice: string } | null;
  metricsPort: number | null;
  powerLost: { torn: boolean; lostFiles: number | null; lostBytes: number | null } | null;
  startedWallMs: number | null;
  onPhase: (() => void)[];
};

export class Supervisor implements ClusterControl {
  readonly view: ClusterViewState;
  readonly topology: Topology;
  readonly #options: SupervisorOptions;
  readonly #slots: Map<number, BrokerSlot>;
  readonly #faults: FaultControl;
  #sequence = 0;
  #stopping = false;
  #wasReady = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.topology = options.topology;
    this.#slots = new Map(
      options.topology.brokers.map((place) => [
        place.id,
        {
          place,
          process: null,
          phase: null,
          failure: null,
          metricsPort: null,
          powerLost: null,
          startedWallMs: null,
          onPhase: [],
        },
      ]),
    );
    this.view = new ClusterViewState({
      clusterId: options.topology.clusterId,
      bootstrap: bootstrapOf(options.topology),
      dataDir: options.directory.path,
      profile: options.topology.profile,
      ephemeral: options.ephemeral,
      state: 'starting',
      readyMs: null,
      problem: null,
      workload: idleWorkload,
      faults: [],
    });
    this.#faults = new FaultControl({
      clock: options.runtime.clock,
      brokerIds: [...this.#slots.keys()],
      send: (brokerId, command) => this.#slots.get(brokerId)?.process?.send(command) === true,
      record: (entry, cause) => this.record(entry, cause),
      onChange: (faults) => {
        this.view.setFacts({ faults });
        this.#changed();
      },
    });
    for (const slot of this.#slots.values()) this.#publish(slot);
  }

  /** Starts all brokers; resolves when each is unfenced and sees all others. Throws ClusterError when one can't start. */
  async startAll(): Promise<{ readyMs: number }> {
    const { clock } = this.#options.runtime;
    const begunMs = clock.monotonicMs();
    for (const slot of this.#slots.values()) this.#spawn(slot, null);
    try {
      await Promise.all([...this.#slots.values()].map((slot) => this.#running(slot, begunMs + readyTimeoutMs)));
      await this.#allVisible(begunMs + readyTimeoutMs);
    } catch (error) {
      this.view.setFacts({ state: 'failed', problem: error instanceof Error ? error.message : String(error) });
      this.#changed();
      throw error;
    }
    const readyMs = Math.round(clock.monotonicMs() - begunMs);
    this.#wasReady = true;
    this.view.setFacts({ state: 'ready', readyMs });
    this.record({ kind: 'cluster.ready', readyMs });
    return { readyMs };
  }

  /** Controlled shutdown of all brokers, the active controller's last; kills what does not end in time. */
  async stopAll(): Promise<void> {
    this.#stopping = true;
    this.view.setFacts({ state: 'stopping' });
    this.#changed();
    await Promise.all(
      [...this.#slots.values()].map(async (slot) => {
        const process = slot.process;
        if (process?.isAlive !== true) return;
        this.#note(slot, { kind: 'process.stopping', brokerId: slot.place.id, pid: process.pid });
        process.stop();
        await this.#ended(process);
        this.#hurryTheRest();
      }),
    );
  }

  /** Every broker is a voter: without the majority of them the others would wait for a controller in vain. */
  #hurryTheRest(): void {
    const slots = [...this.#slots.values()];
    const alive = slots.filter((slot) => slot.process?.isAlive === true);
    if (alive.length * 2 > slots.length) return;
    for (const slot of alive) slot.process?.quorumGone();
  }

  async start(brokerId: number): Promise<void> {
    const slot = this.#slot(brokerId);
    if (slot.process?.isAlive === true) {
      throw new ClusterError('BROKER_RUNNING', `broker ${brokerId} is already running with pid ${slot.process.pid}`);
    }
    this.#spawn(slot, 'broker.start');
    await this.#running(slot, this.#options.runtime.clock.monotonicMs() + readyTimeoutMs);
  }

  async stop(brokerId: number): Promise<void> {
    const slot = this.#slot(brokerId);
    const process = this.#alive(slot);
    this.#note(slot, { kind: 'process.stopping', brokerId, pid: process.pid }, 'broker.stop');
    process.stop();
    this.#publish(slot);
    await this.#ended(process);
  }

  async kill(brokerId: number): Promise<void> {
    const slot = this.#slot(brokerId);
    const process = this.#alive(slot);
    this.#note(slot, { kind: 'process.killed', brokerId, pid: process.pid }, 'broker.kill');
    process.kill();
    await process.exited;
  }

  pause(brokerId: number): Promise<void> {
    const slot = this.#slot(brokerId);
    const process = this.#alive(slot);
    if (!process.pause())
      throw new ClusterError('BROKER_NOT_RUNNING', `broker ${brokerId} is ${process.state}, not running`);
    this.#note(slot, { kind: 'process.paused', brokerId, pid: process.pid }, 'broker.pause');
    return Promise.resolve();
  }

  resume(brokerId: number): Promise<void> {
    const slot = this.#slot(brokerId);
    const process = this.#alive(slot);
    if (!process.resume())
      throw new ClusterError('BROKER_NOT_PAUSED', `broker ${brokerId} is ${process.state}, not paused`);
    this.#note(slot, { kind: 'process.resumed', brokerId, pid: process.pid }, 'broker.resume');
    return Promise.resolve();
  }

  addFault(fault: Fault): Promise<ActiveFault> {
    return this.#faults.add(fault);
  }

  clearFault(faultId: string): Promise<void> {
    return this.#faults.clear(faultId);
  }

  clearFaults(): Promise<number> {
    return this.#faults.clearAll();
  }

  listFaults(): readonly ActiveFault[] {
    return this.#faults.all;
  }

  async powerLoss(brokerId: number, how: PowerLoss = { torn: false }): Promise<void> {
    const slot = this.#slot(brokerId);
    const process = this.#alive(slot);
    if (process.state === 'paused') {
      throw new ClusterError(
        'BROKER_PAUSED',
        `broker ${brokerId} is frozen: it can't drop what it had not synced`,
        `resume it first: highwater broker resume ${brokerId}`,
      );
    }
    slot.powerLost = { torn: how.torn, lostFiles: null, lostBytes: null };
    process.losePower(how.torn);
    this.#publish(slot);
    // A broker that is stuck in a slow disk call dies all the same; what it had not synced then stays.
    await this.#ended(process, powerLossTimeoutMs);
  }

  brokers(): { id: number; pid: number; state: BrokerProcess['state'] }[] {
    return [...this.#slots.values()].flatMap(({ place, process }) =>
      process === null ? [] : [{ id: place.id, pid: process.pid, state: process.state }],
    );
  }

  /** Adds an event of the supervisor (or of the workload it hosts) to the journal. */
  record(entry: JournalEntry, cause: EventId | string | null = null): EventId {
    const { clock } = this.#options.runtime;
    const sequence = ++this.#sequence;
    const source = entry.kind.startsWith('client.') ? 'workload' : 'supervisor';
    const event: JournalEvent = {
      id: `${source}:${sequence}`,
      source,
      sequence,
      wallMs: clock.wallMs(),
      monotonicMs: clock.monotonicMs(),
      cause,
      entry,
    };
    this.view.addEvents([event]);
    this.#changed();
    return event.id;
  }

  #spawn(slot: BrokerSlot, cause: string | null): void {
    const { runtime, processes, directory, topology, brokerScript } = this.#options;
    const { place } = slot;
    const logFile = directory.file(`logs/broker-${place.id}.log`);
    const config: BrokerProcessConfig = {
      properties: brokerProperties(topology, place, directory.logDirs(place.id, topology.logDirs ?? 1)),
      clusterId: topology.clusterId,
      logFile,
      lockFile: directory.file(`node-${place.id}.lock`),
      telemetryIntervalMs,
      ...(place.metricsPort === undefined ? {} : { metricsPort: place.metricsPort }),
      neighbours: topology.brokers
        .filter((each) => each.id !== place.id)
        .map((each) => ({ brokerId: each.id, ports: [each.port, each.controllerPort] })),
      faults: this.#faults.of(place.id),
    };
    const configFile = directory.writeBrokerConfig(place.id, config);
    slot.phase = null;
    slot.failure = null;
    slot.powerLost = null;
    slot.metricsPort = null;
    slot.startedWallMs = runtime.clock.wallMs();
    const process = new BrokerProcess(
      place.id,
      processes,
      { script: brokerScript, args: [configFile], outputFile: logFile },
      {
        onReport: (report) => this.#onReport(slot, process, report),
        onExit: (status, wanted) => this.#onExit(slot, process, status, wanted),
      },
    );
    slot.process = process;
    this.#note(slot, { kind: 'process.started', brokerId: place.id, pid: process.pid }, cause);
  }

  #onReport(slot: BrokerSlot, process: BrokerProcess, report: BrokerReport): void {
    // A report of a former process may still be in the pipe.
    if (slot.process !== process) return;
    switch (report.type) {
      case 'listening':
        slot.metricsPort = report.metricsPort;
        this.#publish(slot);
        return;
      case 'phase':
        slot.phase = report.phase;
        if (report.phase === 'running') process.markRunning();
        this.#wakePhase(slot);
        this.#publish(slot);
        return;
      case 'failed':
        slot.failure = { message: report.message, advice: report.advice };
        this.#publish(slot);
        return;
      case 'faultsApplied':
        this.#faults.confirmed(slot.place.id, report.number);
        return;
      case 'powerLost':
        if (slot.powerLost !== null)
          slot.powerLost = { torn: slot.powerLost.torn, lostFiles: report.lostFiles, lostBytes: report.lostBytes };
        return;
      case 'telemetry':
        this.view.applyTelemetry(slot.place.id, report, this.#options.runtime.clock.wallMs());
        this.#changed();
        return;
    }
  }

  #onExit(slot: BrokerSlot, process: BrokerProcess, status: ExitStatus, wanted: boolean): void {
    if (slot.process !== process) return;
    slot.phase = null;
    this.#faults.gone(slot.place.id);
    const { powerLost } = slot;
    if (powerLost !== null) {
      this.#note(
        slot,
        { kind: 'process.powerLost', brokerId: slot.place.id, pid: process.pid, ...powerLost },
        'power-loss',
      );
    }
    if (!wanted && slot.failure === null && !this.#stopping) {
      const how = status.signal === null ? `with code ${status.code}` : `by ${status.signal}`;
      slot.failure = {
        message: `broker ${slot.place.id} ended ${how} by itself`,
        advice: `see ${this.#options.directory.file(`logs/broker-${slot.place.id}.log`)}`,
      };
    }
    this.#note(slot, { kind: 'process.exited', brokerId: slot.place.id, pid: process.pid, ...status, wanted });
    this.#wakePhase(slot);
  }

  #wakePhase(slot: BrokerSlot): void {
    const waiting = slot.onPhase;
    slot.onPhase = [];
    for (const wake of waiting) wake();
  }

  /** Resolves when the broker is unfenced; throws when it ended or the deadline passed. */
  async #running(slot: BrokerSlot, deadlineMs: number): Promise<void> {
    const process = slot.process;
    const { clock } = this.#options.runtime;
    while (slot.phase !== 'running') {
      if (process?.isAlive !== true) {
        throw new ClusterError(
          'BROKER_FAILED',
          slot.failure?.message ?? `broker ${slot.place.id} ended`,
          slot.failure?.advice ?? null,
        );
      }
      if (clock.monotonicMs() >= deadlineMs) {
        throw new ClusterError(
          'BROKER_NOT_READY',
          `broker ${slot.place.id} did not become ready within ${readyTimeoutMs / 1000} s (it is ${slot.phase ?? 'starting'})`,
          `see ${this.#options.directory.file(`logs/broker-${slot.place.id}.log`)}; a quorum needs a majority of the brokers`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = clock.at(deadlineMs, resolve);
        slot.onPhase.push(() => {
          timer.cancel();
          resolve();
        });
      });
    }
  }

  async #allVisible(deadlineMs: number): Promise<void> {
    const { clock, network } = this.#options.runtime;
    const { host, brokers } = this.topology;
    await Promise.all(
      brokers.map(async ({ port, id }) => {
        while (!(await seesAllBrokers(network, clock, { host, port }, brokers.length))) {
          if (clock.monotonicMs() >= deadlineMs)
            throw new ClusterError('BROKER_NOT_READY', `broker ${id} does not see all brokers`);
          await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + readinessPollMs, resolve));
        }
      }),
    );
  }

  async #ended(process: BrokerProcess, timeoutMs = stopTimeoutMs): Promise<void> {
    const { clock } = this.#options.runtime;
    const timer = clock.at(clock.monotonicMs() + timeoutMs, () => process.kill());
    await process.exited;
    timer.cancel();
  }

  #slot(brokerId: number): BrokerSlot {
    const slot = this.#slots.get(brokerId);
    if (slot !== undefined) return slot;
    const ids = [...this.#slots.keys()].join(', ');
    throw new ClusterError('UNKNOWN_BROKER', `there is no broker ${brokerId}`, `this cluster has ${ids}`);
  }

  #alive(slot: BrokerSlot): BrokerProcess {
    if (slot.process?.isAlive === true) return slot.process;
    throw new ClusterError(
      'BROKER_NOT_RUNNING',
      `broker ${slot.place.id} is not running`,
      `start it with: highwater broker start ${slot.place.id}`,
    );
  }

  #note(slot: BrokerSlot, entry: JournalEntry, cause: string | null = null): void {
    this.record(entry, cause);
    this.#publish(slot);
  }

  #publish(slot: BrokerSlot): void {
    this.#assess();
    const { place, process } = slot;
    const { host } = this.topology;
    const { id, port, controllerPort, rack } = place;
    const metricsPort = process?.isAlive === true ? slot.metricsPort : null;
    this.view.setProcess(
      { id, host, port, controllerPort, metricsPort, rack, logDir: this.#options.directory.logDir(place.id) },
      {
        process: process?.state ?? 'stopped',
        pid: process?.isAlive === true ? process.pid : null,
        startedWallMs: slot.startedWallMs,
        problem: slot.failure === null ? null : `${slot.failure.message}. ${slot.failure.advice}`,
      },
    );
    this.#changed();
  }

  /** Once it was ready, a cluster with a broker that does not run is degraded. */
  #assess(): void {
    if (!this.#wasReady || this.#stopping) return;
    const allRun = [...this.#slots.values()].every((slot) => slot.process?.state === 'running');
    this.view.setFacts({ state: allRun ? 'ready' : 'degraded' });
  }

  #changed(): void {
    this.#options.onChange?.();
  }
}
