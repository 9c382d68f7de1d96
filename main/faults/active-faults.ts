// The faults that are on in one cluster: checked when added, kept until cleared, given out to brokers as they start.

import type { ActiveFault, Fault } from '../core/faults.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import type { BrokerFaults } from '../runtime/faulty/broker-faults.ts';
import type { Clock } from '../runtime/runtime.ts';
import { brokerFaults, brokersConcerned, isNetworkFault } from './fault-plan.ts';

/** More is a loop in a script, not a drill. */
const activeFaultsMax = 200;
const delayMsMax = 600_000;

export class ActiveFaults {
  readonly #clock: Clock;
  readonly #brokerIds: readonly number[];
  #faults: readonly ActiveFault[] = [];
  #count = 0;

  constructor(clock: Clock, brokerIds: readonly number[]) {
    this.#clock = clock;
    this.#brokerIds = brokerIds;
  }

  /** Oldest first. */
  get all(): readonly ActiveFault[] {
    return this.#faults;
  }

  /** Throws ClusterError when the fault makes no sense for this cluster. */
  add(fault: Fault): ActiveFault {
    const problem = problemOf(fault, this.#brokerIds);
    if (problem !== null) throw new ClusterError('BAD_FAULT', problem);
    if (this.#faults.length >= activeFaultsMax) {
      throw new ClusterError('TOO_MANY_FAULTS', `${activeFaultsMax} faults are on`, 'clear some first');
    }
    const active: ActiveFault = {
      id: `fault-${++this.#count}`,
      fault,
      sinceWallMs: this.#clock.wallMs(),
      sinceMonotonicMs: this.#clock.monotonicMs(),
    };
    this.#faults = [...this.#faults, active];
    return active;
  }

  /** Throws ClusterError when there is none with this id. */
  remove(faultId: string): ActiveFault {
    const found = this.#faults.find((each) => each.id === faultId);
    if (found === undefined) {
      const ids = this.#faults.map((each) => each.id).join(', ');
      throw new ClusterError(
        'UNKNOWN_FAULT',
        `there is no fault ${faultId}`,
        ids === '' ? 'no fault is on' : `these are on: ${ids}`,
      );
    }
    this.#faults = this.#faults.filter((each) => each !== found);
    return found;
  }

  of(brokerId: number): BrokerFaults {
    return brokerFaults(brokerId, this.#faults, this.#brokerIds);
  }

  concerned(fault: Fault): number[] {
    return brokersConcerned(fault, this.#brokerIds);
  }
}

/** What is wrong with a fault, in words; null when nothing is. */
function problemOf(fault: Fault, brokerIds: readonly number[]): string | null {
  const known = brokerIds.join(', ');
  if (!brokerIds.includes(fault.brokerId)) return `there is no broker ${fault.brokerId}: this cluster has ${known}`;
  if (isNetworkFault(fault) && typeof fault.peer === 'number') {
    if (fault.peer === fault.brokerId) return `broker ${fault.brokerId} has no link to itself`;
    if (!brokerIds.includes(fault.peer)) return `there is no broker ${fault.peer}: this cluster has ${known}`;
  }
  const range = (value: number, least: number, most: number, what: string): string | null =>
    value >= least && value <= most ? null : `${what} must be ${least} to ${most}, not ${value}`;
  switch (fault.kind) {
    case 'cut':
      return null;
    case 'delay':
      return (
        range(fault.delayMs, 0, delayMsMax, 'the delay in ms') ??
        range(fault.jitterMs, 0, delayMsMax, 'the jitter in ms')
      );
    case 'loss':
      // Every segment lost is a cut, which says so.
      return range(fault.share, 0, 0.99, 'the share of lost segments');
    case 'bandwidth':
      return range(fault.bytesPerSecond, 1, Number.MAX_SAFE_INTEGER, 'the bandwidth in bytes per second');
    case 'disk-full':
      return range(fault.freeBytes, 0, Number.MAX_SAFE_INTEGER, 'the free bytes');
    case 'slow-disk':
      return (
        range(fault.syncMs, 0, delayMsMax, 'the sync delay in ms') ??
        range(fault.writeMs, 0, delayMsMax, 'the write delay in ms')
      );
    case 'disk-error':
      return fault.operations.length > 0 ? null : 'a disk error needs at least one of read, write, sync';
    case 'clock-skew':
      return (
        range(fault.rate, 0, 1000, 'the rate of the clock') ??
        range(Math.abs(fault.offsetMs), 0, 100 * 365 * 86_400_000, 'the offset of the clock in ms')
      );
  }
}
