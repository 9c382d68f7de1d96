// Real time. A Node timer may fire up to a millisecond early against the monotonic clock; the engine must never
// see a deadline before its time, so such a timer goes round once more.

import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from '../runtime.ts';

/** setTimeout takes 31 bits; a later deadline is reached in several steps. */
const timeoutMsMax = 0x7fffffff;

export function nodeClock(): Clock {
  // performance.now() counts from the start of its process. Events of several processes are put in order by this
  // clock, so it counts from where the machine's own monotonic clock does.
  const [seconds, nanoseconds] = process.hrtime();
  const originMs = seconds * 1000 + nanoseconds / 1e6 - performance.now();
  const monotonicMs = (): number => originMs + performance.now();
  return {
    wallMs: () => Date.now(),
    monotonicMs,
    at: (deadlineMs, action): Timer => {
      let timeout: NodeJS.Timeout;
      const arm = (): NodeJS.Timeout =>
        setTimeout(fire, Math.min(Math.max(Math.ceil(deadlineMs - monotonicMs()), 0), timeoutMsMax));
      const fire = (): void => {
        if (monotonicMs() < deadlineMs) timeout = arm();
        else action();
      };
      timeout = arm();
      return { cancel: () => clearTimeout(timeout) };
    },
    soon: (action): Timer => {
      const immediate = setImmediate(action);
      return { cancel: () => clearImmediate(immediate) };
    },
  };
}
