// Runs steps one by one with every microtask drained in between: what the simulated scheduler stands on.

/** So many immediates are queued per turn of the event loop; a turn costs more than the step itself. */
const stepsPerTurn = 64;

/**
 * Calls `step` until it returns false, each call in a macrotask of its own. Node drains promises and ticks between
 * two immediates of one turn, so that each step sees all consequences of the one before.
 */
export function repeatInMacrotasks(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = false;
    const runOne = (): void => {
      if (done) return;
      try {
        if (step()) return;
        done = true;
        resolve();
      } catch (error) {
        done = true;
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const turn = (): void => {
      if (done) return;
      for (let index = 0; index < stepsPerTurn; index++) setImmediate(runOne);
      setImmediate(turn);
    };
    turn();
  });
}
