// Real time. A Node timer may fire up to a millisecond early against the monotonic clock; the engine must never
// see a deadline before its time, so such a timer goes round once more. Long ones are set a millisecond later
// instead: nobody sees the difference, and an idle broker wakes up a quarter less often.

import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from '../runtime.ts';

/** setTimeout takes 31 bits; a later deadline is reached in several steps. */
const timeoutMsMax = 0x7fffffff;
const longFromMs = 50;

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
      const arm = (): NodeJS.Timeout => {
        const leftMs = Math.max(Math.ceil(deadlineMs - monotonicMs()), 0);
        return setTimeout(fire, Math.min(leftMs < longFromMs ? leftMs : leftMs + 1, timeoutMsMax));
      };
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
