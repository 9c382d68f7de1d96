// The faults that a broker can be given while it runs, as a person names them. Drills, the command line, the screens
// and the simulated world share these words; main/faults/ turns them into what each broker must do.

/** Whom a network fault of a broker concerns: one other broker, all others, its clients, or all of them. */
export type FaultPeer = number | 'brokers' | 'clients' | 'everyone';

/** As the faulty broker sees it: `out` is what it sends, `in` is what it would receive. */
export type FaultDirection = 'both' | 'in' | 'out';

type LinkFault = {
  readonly brokerId: number;
  readonly peer: FaultPeer;
  readonly direction: FaultDirection;
};

export type DiskOperation = 'read' | 'write' | 'sync';

export type Fault =
  /** Bytes wait and nobody is told: no reset, no refusal; new connections time out. They flow again once it is cleared. */
  | ({ readonly kind: 'cut' } & LinkFault)
  /** Every byte comes later, in order; `jitterMs` is added or taken at random, evenly. */
  | ({ readonly kind: 'delay'; readonly delayMs: number; readonly jitterMs: number } & LinkFault)
  /** Share of TCP segments that are lost, 0 to 1. A lost one is sent again: applications see it late, never missing. */
  | ({ readonly kind: 'loss'; readonly share: number } & LinkFault)
  | ({ readonly kind: 'bandwidth'; readonly bytesPerSecond: number } & LinkFault)
  /** Files can't grow once `freeBytes` more were written. */
  | { readonly kind: 'disk-full'; readonly brokerId: number; readonly freeBytes: number }
  /** Each sync and each write takes so much longer. */
  | { readonly kind: 'slow-disk'; readonly brokerId: number; readonly syncMs: number; readonly writeMs: number }
  /** The operations fail with an I/O error, on all files or on those whose path contains `path`. */
  | {
      readonly kind: 'disk-error';
      readonly brokerId: number;
      readonly operations: readonly DiskOperation[];
      readonly path: string | null;
    }
  /** The broker's wall clock is off by `offsetMs` and runs `rate` times as fast from now on. */
  | { readonly kind: 'clock-skew'; readonly brokerId: number; readonly offsetMs: number; readonly rate: number };

export type FaultKind = Fault['kind'];

export type ActiveFault = {
  /** `fault-3`: never used again within one run of the cluster. */
  readonly id: string;
  readonly fault: Fault;
  readonly sinceWallMs: number;
  /** On the machine's monotonic clock, which all brokers share. */
  readonly sinceMonotonicMs: number;
};

/** How a power loss treats what was not synced. */
export type PowerLoss = {
  /** Some of the unsynced pages reached the device, others did not; otherwise all of them are gone. */
  readonly torn: boolean;
};
