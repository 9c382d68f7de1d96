// One broker as a process: started, watched, signalled. It knows nothing of what the broker does.
//
// starting ─→ running ⇄ paused        (SIGSTOP, SIGCONT)
//     └──────────┴──────┴─→ stopping ─→ stopped
//                └─────────→ killed | crashed

import type { BrokerCommand, BrokerReport } from '../broker/contract.ts';
import type { ChildProcess, ExitStatus, Processes } from '../runtime/processes.ts';

export type ProcessState = 'starting' | 'running' | 'paused' | 'stopping' | 'stopped' | 'killed' | 'crashed';

export type BrokerProcessEvents = {
  onReport(report: BrokerReport): void;
  onExit(status: ExitStatus, wanted: boolean): void;
};

export class BrokerProcess {
  readonly id: number;
  readonly #child: ChildProcess;
  readonly exited: Promise<ExitStatus>;
  #state: ProcessState = 'starting';
  #wanted = false;

  constructor(id: number, processes: Processes, spawn: Parameters<Processes['spawn']>[0], events: BrokerProcessEvents) {
    this.id = id;
    this.#child = processes.spawn(spawn);
    this.#child.onMessage((message) => events.onReport(message as BrokerReport));
    this.exited = new Promise((resolve) => {
      this.#child.onExit((status) => {
        if (this.#state !== 'killed') this.#state = this.#state === 'stopping' ? 'stopped' : 'crashed';
        events.onExit(status, this.#wanted);
        resolve(status);
      });
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  get state(): ProcessState {
    return this.#state;
  }

  get isAlive(): boolean {
    return (
      this.#state === 'starting' || this.#state === 'running' || this.#state === 'paused' || this.#state === 'stopping'
    );
  }

  markRunning(): void {
    if (this.#state === 'starting') this.#state = 'running';
  }

  /** Controlled shutdown. */
  stop(): void {
    this.#wanted = true;
    if (this.#state === 'paused') this.#child.signal('SIGCONT');
    this.#state = 'stopping';
    this.send({ type: 'shutdown' });
  }

  /** A controlled shutdown needs no controller any more: the majority of the voters is gone. */
  quorumGone(): void {
    if (this.#state === 'stopping') this.send({ type: 'no-quorum' });
  }

  kill(): void {
    this.#wanted = true;
    this.#state = 'killed';
    this.#child.signal('SIGKILL');
  }

  pause(): boolean {
    if (this.#state !== 'running' && this.#state !== 'starting') return false;
    this.#state = 'paused';
    return this.#child.signal('SIGSTOP');
  }

  resume(): boolean {
    if (this.#state !== 'paused') return false;
    this.#state = 'running';
    return this.#child.signal('SIGCONT');
  }

  /** False when the process is gone, or frozen and can't act on it now. */
  send(command: BrokerCommand): boolean {
    return this.#child.send(command) && this.isAlive && this.#state !== 'paused';
  }

  /** Its machine loses power: it rolls its disk back and ends by itself. */
  losePower(torn: boolean): void {
    this.#wanted = true;
    this.#state = 'killed';
    this.#child.send({ type: 'power-loss', torn } satisfies BrokerCommand);
  }
}
