// The verbs: all that a person, a drill or a test can do to a cluster from outside. The supervisor carries them out
// on real processes; a simulated world can implement the same ones.

export type ClusterControl = {
  /** Starts a broker that is not running; resolves when it is registered and unfenced. */
  start(brokerId: number): Promise<void>;
  /** Controlled shutdown: leaders move away first; resolves when the process is gone. */
  stop(brokerId: number): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(brokerId: number): Promise<void>;
  /** SIGSTOP: the process is there and says nothing. */
  pause(brokerId: number): Promise<void>;
  /** SIGCONT. */
  resume(brokerId: number): Promise<void>;
};
