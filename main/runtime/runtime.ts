// The machine as the engine sees it. Everything non-deterministic enters through a Runtime, so that the same
// broker runs as a real process (runtime/node) or as one of many under a virtual clock (runtime/simulated).
// Disk calls are synchronous: a page-cache write costs 16 µs, an async one twice the CPU and a lost order.

export type Timer = { cancel(): void };

export type Clock = {
  /** Milliseconds since 1970; may jump. For timestamps that people and Kafka's files see. */
  wallMs(): number;
  /** Milliseconds with a fraction, never falls. For deadlines and durations. */
  monotonicMs(): number;
  /** Runs `action` once `monotonicMs() >= deadlineMs`; from the scheduler, never inline. */
  at(deadlineMs: number, action: () => void): Timer;
  /** Runs `action` after the current event and its microtasks (setImmediate). */
  soon(action: () => void): Timer;
};

export type Random = {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, limit). */
  below(limit: number): number;
  /** `count` bytes, for uuids and tokens. */
  bytes(count: number): Uint8Array;
};

/** Errors that the engine tells apart; anything else keeps the platform's code in `cause`. */
export type DiskErrorCode = 'not-found' | 'exists' | 'no-space' | 'denied' | 'io' | 'busy';

export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly code: DiskErrorCode;
  readonly path: string;
  constructor(code: DiskErrorCode, path: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.path = path;
  }
}

/** An open file. Bytes written are visible to reads at once, and safe from power loss only after a sync. */
export type File = {
  readonly path: string;
  size(): number;
  /** Reads up to `length` bytes into `target` at `targetStart`; returns how many (short only at the end of the file). */
  read(target: Uint8Array, targetStart: number, length: number, position: number): number;
  /** Writes all of `source` at `position`. */
  write(source: Uint8Array, position: number): void;
  /** Writes all chunks one after another starting at `position` with one system call where possible. */
  writeAll(sources: readonly Uint8Array[], position: number): void;
  truncate(length: number): void;
  /** Blocks until the bytes are on the device (fdatasync). */
  syncNow(): void;
  /** The same without blocking the process. */
  sync(): Promise<void>;
  close(): void;
};

export type OpenMode =
  | 'read' // must exist
  | 'write' // read and write, must exist
  | 'create'; // read and write, made when missing, kept when there

export type Disk = {
  open(path: string, mode: OpenMode): File;
  exists(path: string): boolean;
  isDirectory(path: string): boolean;
  /** Names (not paths) in a directory, sorted. */
  list(path: string): string[];
  /** Makes a directory and its parents; mode 0700. */
  makeDirectory(path: string): void;
  /** Removes a file or an empty directory; missing is fine. */
  remove(path: string): void;
  /** Removes a directory with all in it; missing is fine. */
  removeTree(path: string): void;
  /** Atomic replace within one file system. */
  rename(from: string, to: string): void;
  /** Makes a directory's entries (created, renamed, removed names) safe from power loss. */
  syncDirectory(path: string): void;
  readFile(path: string): Uint8Array;
  /** Writes a temporary file, syncs it, renames it over `path` and syncs the directory: all or nothing. */
  writeFileAtomic(path: string, bytes: Uint8Array): void;
  modifiedMs(path: string): number;
  setModifiedMs(path: string, ms: number): void;
  /** Total and usable bytes of the volume that holds `path`. */
  volume(path: string): { totalBytes: number; usableBytes: number };
  /** Takes the exclusive lock file `path`, or throws DiskError 'busy' naming the holder when it is known. Stale locks (holder dead) are taken over. */
  lock(path: string): { release(): void };
};

/** A stream of bytes in both directions. Chunks arrive with arbitrary borders. */
export type Connection = {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /**
   * Sets the receivers; called once, before the event that opened the connection ends. `onClose` comes exactly once.
   * A chunk is valid during `onData` only: the next bytes land in the same memory, so copy what is kept.
   */
  handle(receivers: { onData(chunk: Buffer): void; onClose(reason: Error | null): void; onDrain(): void }): void;
  /** Queues bytes in order. Returns false when the peer reads too slowly: wait for onDrain. */
  write(chunks: readonly Uint8Array[]): boolean;
  /** Bytes accepted by write and not yet taken by the operating system. */
  readonly bufferedBytes: number;
  pause(): void;
  resume(): void;
  /** Flushes what was written, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
};

export type Listener = { readonly port: number; close(): Promise<void> };

export type ConnectOptions = {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
};

export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  readonly code: 'refused' | 'timeout' | 'closed' | 'address-in-use' | 'denied' | 'unreachable' | 'overloaded';
  constructor(code: NetworkError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export type Network = {
  /** Throws NetworkError 'address-in-use' naming host and port. Port 0 picks a free one. */
  listen(options: { host: string; port: number }, onConnection: (connection: Connection) => void): Promise<Listener>;
  connect(options: ConnectOptions): Promise<Connection>;
};

export type Runtime = {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  /** Ends this process (or simulated node) after a broken invariant: nothing after it runs. */
  fatal(error: unknown): never;
  /** Resource use of this process, for telemetry; zeros in the simulation. */
  usage(): { residentBytes: number; cpuMs: number };
};
