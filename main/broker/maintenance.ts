// The broker's slow timers: checkpoints, and the log directory's maintenance. The periods are Kafka's settings, but
// maintenance comes when its last run asked for it: removals, time-based flushing and compaction have their own times.

import type { LogDirectories } from '../log/log-directories.ts';
import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { DiskError, type Clock, type Timer } from '../runtime/runtime.ts';

/** Between pieces of work, so that requests come in between. */
const maintenancePauseMsMin = 5;
/** What was scheduled since the last run waits at most so much longer. */
const maintenancePauseMsMax = 10_000;

/** Starts them; the result stops them. `onFailure`: a write or flush in the background failed; may come again. */
export function startMaintenance(
  clock: Clock,
  settings: BrokerSettings,
  logs: LogDirectories,
  onFailure: (error: DiskError) => void,
): { stop(): void } {
  const timers: (Timer | null)[] = [];
  const guarded = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      onFailure(error);
    }
  };
  const every = (name: string, action: () => void): void => {
    const periodMs = settings.number(name);
    const slot = timers.push(null) - 1;
    const arm = (): void => {
      timers[slot] = clock.at(clock.monotonicMs() + periodMs, () => {
        guarded(action);
        arm();
      });
    };
    arm();
  };
  every('replica.high.watermark.checkpoint.interval.ms', () => logs.checkpointHighWatermarks());
  every('log.flush.offset.checkpoint.interval.ms', () => logs.checkpointRecoveryPoints());
  every('log.flush.start.offset.checkpoint.interval.ms', () => logs.checkpointLogStartOffsets());
  const maintenance = timers.push(null) - 1;
  const armMaintenance = (delayMs: number): void => {
    timers[maintenance] = clock.at(clock.monotonicMs() + delayMs, () => {
      const nowMs = clock.wallMs();
      let nextMs = nowMs + maintenancePauseMsMax;
      guarded(() => (nextMs = logs.maintain(nowMs)));
      if (logs.failure !== null) onFailure(logs.failure);
      armMaintenance(Math.min(Math.max(nextMs - nowMs, maintenancePauseMsMin), maintenancePauseMsMax));
    });
  };
  // Who asks for a shorter pause between cleanings need not wait longer for the first.
  armMaintenance(Math.min(maintenancePauseMsMax, settings.number('log.cleaner.backoff.ms')));
  return {
    stop() {
      for (const timer of timers) timer?.cancel();
    },
  };
}
