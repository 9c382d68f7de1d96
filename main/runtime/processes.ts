// Processes as the fleet sees them: started from the current executable, told things over a channel, sent real
// signals. The real side is runtime/node/node-processes.ts; a simulated world can implement the same verbs.

export type ExitStatus = { readonly code: number | null; readonly signal: string | null };

export type ChildProcess = {
  readonly pid: number;
  /** Sends one JSON-safe message; false when the channel is gone. */
  send(message: unknown): boolean;
  onMessage(receive: (message: unknown) => void): void;
  /** Comes exactly once, after the last message. */
  onExit(receive: (status: ExitStatus) => void): void;
  /** False when the process is gone already. */
  signal(name: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): boolean;
};

export type SpawnOptions = {
  /** Path of the bundled script. */
  readonly script: string;
  readonly args: readonly string[];
  /** Where stdout and stderr go (appended); null discards them. */
  readonly outputFile: string | null;
};

export type Processes = {
  readonly pid: number;
  spawn(options: SpawnOptions): ChildProcess;
  /** Whether a process with this pid exists. */
  isAlive(pid: number): boolean;
  /** Command line of a process where the platform tells, else null. */
  commandLine(pid: number): string | null;
  signal(pid: number, name: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): boolean;
  /** Resident bytes of a process where the platform tells, else null. */
  residentBytes(pid: number): number | null;
};
