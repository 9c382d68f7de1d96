// The controller has taken a change; the broker that a page asks next hears of it a moment later, and the page would show
// what was. So whoever changed something is answered once it can be seen.

import type { Clock } from '../runtime/runtime.ts';

const seenWithinMs = 2000;
const lookAgainMs = 20;

/** Looks again and again until `look` sees it; gives up in silence: the change holds all the same. */
export async function untilSeen(clock: Clock, look: () => Promise<boolean>): Promise<void> {
  const deadlineMs = clock.monotonicMs() + seenWithinMs;
  while (clock.monotonicMs() < deadlineMs) {
    if (await look()) return;
    await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + lookAgainMs, resolve));
  }
}
