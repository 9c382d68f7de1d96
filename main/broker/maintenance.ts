// The broker's slow timers: checkpoints and retention. Each period is Kafka's setting.

import type { LogDirectory } from '../log/log-directory.ts';
import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import type { Clock, Timer } from '../runtime/runtime.ts';

/** Starts them; the result stops them. */
export function startMaintenance(clock: Clock, settings: BrokerSettings, logs: LogDirectory): { stop(): void } {
  const timers: (Timer | null)[] = [];
  const every = (name: string, action: () => void): void => {
    const periodMs = settings.number(name);
    const slot = timers.push(null) - 1;
    const arm = (): void => {
      timers[slot] = clock.at(clock.monotonicMs() + periodMs, () => {
        action();
        arm();
      });
    };
    arm();
  };
  every('replica.high.watermark.checkpoint.interval.ms', () => logs.checkpointHighWatermarks());
  every('log.flush.offset.checkpoint.interval.ms', () => logs.checkpointRecoveryPoints());
  every('log.flush.start.offset.checkpoint.interval.ms', () => logs.checkpointLogStartOffsets());
  every('log.retention.check.interval.ms', () => logs.maintain(clock.wallMs()));
  return {
    stop() {
      for (const timer of timers) timer?.cancel();
    },
  };
}
