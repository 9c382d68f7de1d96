// What one broker does to itself while faults are on: plain data that its supervisor sends whenever it changes, always
// whole. main/faults/ computes it from the faults that people name (core/faults.ts).

import type { DiskOperation, FaultPeer } from '../../core/faults.ts';

/** One direction of a link. Several faults on one link add up to one of these. */
export type LinkCondition = {
  readonly isCut: boolean;
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Share of segments lost, 0 to 1. */
  readonly loss: number;
  /** null: as fast as it goes. */
  readonly bytesPerSecond: number | null;
};

/**
 * For a peer: acts on the connections that this broker opened to it (`out` what this broker sends, `in` what it would
 * receive); the peer does the same on those it opened, so that together they cover the link. For clients: acts on the
 * connections that they opened.
 */
export type LinkFaults = {
  readonly peer: Exclude<FaultPeer, 'brokers' | 'everyone'>;
  readonly out: LinkCondition;
  readonly in: LinkCondition;
};

export type DiskFaults = {
  /** null: as many as the device has. */
  readonly freeBytes: number | null;
  readonly syncDelayMs: number;
  readonly writeDelayMs: number;
  readonly errors: readonly { readonly operations: readonly DiskOperation[]; readonly path: string | null }[];
};

export type ClockFaults = readonly {
  readonly offsetMs: number;
  readonly rate: number;
  readonly sinceMonotonicMs: number;
}[];

export type BrokerFaults = {
  readonly links: readonly LinkFaults[];
  readonly disk: DiskFaults;
  readonly clock: ClockFaults;
};

/** Where the other brokers listen: this is how a broker knows whom it connects to. */
export type NeighbourPorts = readonly { readonly brokerId: number; readonly ports: readonly number[] }[];

export const clearLink: LinkCondition = { isCut: false, delayMs: 0, jitterMs: 0, loss: 0, bytesPerSecond: null };

export const noFaults: BrokerFaults = {
  links: [],
  disk: { freeBytes: null, syncDelayMs: 0, writeDelayMs: 0, errors: [] },
  clock: [],
};
