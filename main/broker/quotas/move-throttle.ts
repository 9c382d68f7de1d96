// How fast replicas move between this broker's log directories: `replica.alter.log.dirs.io.max.bytes.per.second`, which
// kafka-reassign-partitions sets with --replica-alter-log-dirs-throttle (KIP-113).

import type { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import { numberValue } from '../../metadata/configs/config-definition.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { QuotaRate } from '../../net/quota-rate.ts';
import type { Clock } from '../../runtime/runtime.ts';

const settingName = 'replica.alter.log.dirs.io.max.bytes.per.second';
/** So that a limit that is lifted is noticed. */
const waitMsMax = 1000;

export class MoveThrottle {
  readonly #clock: Clock;
  readonly #settings: BrokerSettings;
  readonly #image: () => MetadataImage;
  readonly #rate: QuotaRate;

  constructor(options: {
    readonly clock: Clock;
    readonly settings: BrokerSettings;
    readonly image: () => MetadataImage;
  }) {
    this.#clock = options.clock;
    this.#settings = options.settings;
    this.#image = options.image;
    this.#rate = new QuotaRate(
      options.settings.number('alter.log.dirs.replication.quota.window.num'),
      options.settings.number('alter.log.dirs.replication.quota.window.size.seconds') * 1000,
    );
  }

  record(bytes: number): void {
    this.#rate.record(bytes, this.#clock.monotonicMs());
  }

  /** 0: there is room. */
  waitMs(): number {
    const bound = numberValue(this.#settings.text(settingName, this.#image()) ?? '');
    if (!(bound > 0)) return 0;
    return Math.min(this.#rate.throttleMs(bound, this.#clock.monotonicMs()), waitMsMax);
  }
}
