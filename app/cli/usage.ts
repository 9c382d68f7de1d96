// What `highwater help` prints, and the errors of wrong usage.

export const usage = `highwater: a real multi-broker, Kafka-compatible cluster on this machine

  highwater up [--brokers 3] [--data DIR] [--port 19092] [--config k=v]… [--log-dirs 1] [--profile laptop|kafka]
               [--ephemeral] [--ui] [--json]
      Starts a cluster in the foreground; Ctrl-C shuts it down in order. DIR is kept and resumed.
      --sasl, --user NAME:PASSWORD…: a further listener, for clients that log in (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512).
  highwater app [--port 0] [--no-open] [options of up]
      The same with the UI in a browser and a demo workload.
  highwater broker start|stop|kill|pause|resume ID [--data DIR] [--json]
      stop = controlled shutdown, kill = SIGKILL, pause = SIGSTOP, resume = SIGCONT
  highwater fault add KIND --broker ID [options] | list | clear ID…|--all  [--data DIR] [--json]
      cut, delay, loss, bandwidth (--peer ID|brokers|clients|everyone, --direction both|in|out), disk-full, slow-disk,
      disk-error, clock-skew, power-loss; "highwater fault" lists their options
  highwater status [--data DIR] [--json]
      Brokers, quorum and partitions of a running cluster.
  highwater drill list | run NAME|FILE [--seed N] [--json] [--junit FILE] [--report FILE.html] [--journal FILE] | replay FILE
      Rehearses a failure on a cluster of its own and prints the verdict; exit code 1 when an expectation is broken.
  highwater version | help`;

/** The command line can't be understood: exit code 2 and the usage. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Errors that carry what to do; matched by shape, because each command is a bundle chunk of its own. */
export function isRefusal(error: unknown): error is Error & { code: string; advice: string | null } {
  return error instanceof Error && error.name === 'ClusterError';
}
