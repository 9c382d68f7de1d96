// Gives faults to running brokers and takes them away: the part of the supervisor that fulfils the fault verbs. Each
// broker is always sent all that it has to do, so that a lost or late message can't leave it half way.

import type { BrokerCommand } from '../broker/contract.ts';
import type { ActiveFault, Fault } from '../core/faults.ts';
import type { EventId, JournalEntry } from '../core/journal.ts';
import type { BrokerFaults } from '../runtime/faulty/broker-faults.ts';
import type { Clock } from '../runtime/runtime.ts';
import { ActiveFaults } from './active-faults.ts';

export type FaultControlOptions = {
  readonly clock: Clock;
  readonly brokerIds: readonly number[];
  /** Sends to a broker's process; false when it does not run or is frozen, so that nobody waits for its answer. */
  readonly send: (brokerId: number, command: BrokerCommand) => boolean;
  readonly record: (entry: JournalEntry, cause: EventId | string | null) => EventId;
  readonly onChange: (active: readonly ActiveFault[]) => void;
};

/** A broker that does not confirm within this time is busy or dying; it has the message. */
const confirmTimeoutMs = 2000;

type Waiting = { readonly brokerId: number; readonly number: number; readonly done: () => void };

export class FaultControl {
  readonly #options: FaultControlOptions;
  readonly #active: ActiveFaults;
  readonly #waiting = new Set<Waiting>();
  #number = 0;

  constructor(options: FaultControlOptions) {
    this.#options = options;
    this.#active = new ActiveFaults(options.clock, options.brokerIds);
  }

  get all(): readonly ActiveFault[] {
    return this.#active.all;
  }

  /** What a broker that starts now begins with. */
  of(brokerId: number): BrokerFaults {
    return this.#active.of(brokerId);
  }

  async add(fault: Fault): Promise<ActiveFault> {
    const active = this.#active.add(fault);
    this.#note('fault.added', active, 'fault.add');
    await this.#apply([fault]);
    return active;
  }

  async clear(faultId: string): Promise<void> {
    const removed = this.#active.remove(faultId);
    this.#note('fault.cleared', removed, 'fault.clear');
    await this.#apply([removed.fault]);
  }

  async clearAll(): Promise<number> {
    const removed = this.#active.all;
    for (const each of removed) {
      this.#active.remove(each.id);
      this.#note('fault.cleared', each, 'fault.clear');
    }
    await this.#apply(removed.map((each) => each.fault));
    return removed.length;
  }

  /** A broker acts on what it was sent under `number`. */
  confirmed(brokerId: number, number: number): void {
    for (const each of this.#waiting) if (each.brokerId === brokerId && each.number <= number) each.done();
  }

  /** A broker's process is gone: it can't confirm any more. */
  gone(brokerId: number): void {
    this.confirmed(brokerId, Infinity);
  }

  #note(kind: 'fault.added' | 'fault.cleared', { id, fault }: ActiveFault, cause: string): void {
    this.#options.record({ kind, faultId: id, fault }, cause);
    this.#options.onChange(this.#active.all);
  }

  async #apply(changed: readonly Fault[]): Promise<void> {
    const concerned = new Set(changed.flatMap((fault) => this.#active.concerned(fault)));
    await Promise.all([...concerned].map((brokerId) => this.#applyTo(brokerId)));
  }

  #applyTo(brokerId: number): Promise<void> {
    const number = ++this.#number;
    const { clock, send } = this.#options;
    if (!send(brokerId, { type: 'faults', number, faults: this.#active.of(brokerId) })) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting: Waiting = {
        brokerId,
        number,
        done: () => {
          timer.cancel();
          this.#waiting.delete(waiting);
          resolve();
        },
      };
      const timer = clock.at(clock.monotonicMs() + confirmTimeoutMs, waiting.done);
      this.#waiting.add(waiting);
    });
  }
}
