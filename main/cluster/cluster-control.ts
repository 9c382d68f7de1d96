// The verbs: all that a person, a drill or a test can do to a cluster from outside. The supervisor carries them out
// on real processes; a simulated world can implement the same ones.

import type { ActiveFault, Fault, PowerLoss } from '../core/faults.ts';

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
  /**
   * Gives a broker a fault (a cut, a slow disk, a skewed clock …); resolves when every running broker concerned acts on
   * it. It stays, also across restarts of the broker, until it is cleared.
   */
  addFault(fault: Fault): Promise<ActiveFault>;
  /** Ends one fault; resolves when the brokers concerned act on it. */
  clearFault(faultId: string): Promise<void>;
  /** Ends all faults; resolves with how many there were. */
  clearFaults(): Promise<number>;
  /** Oldest first. */
  listFaults(): readonly ActiveFault[];
  /** The broker's machine loses power: the process is gone, and so is what it had not synced. Resolves when it is gone. */
  powerLoss(brokerId: number, how?: PowerLoss): Promise<void>;
};
