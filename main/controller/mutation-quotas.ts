// The quota of controller mutations (KIP-599): partitions that a client's requests create and delete, per second.
// A bucket of tokens for each limit, as large as all samples together: bursts pass, and are paid for afterwards.

import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { closestQuota, type QuotaClient } from '../metadata/client-quota-limits.ts';
import type { ClientQuotasImage } from '../metadata/settings-image.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { Clock } from '../runtime/runtime.ts';
import { ApiError } from './decision.ts';

type Bucket = { tokens: number; refilledMs: number };

/** More are never kept: the oldest go first. */
const bucketCountMax = 10_000;

type MutationUse = {
  /** Before partitions are made or removed; throws THROTTLING_QUOTA_EXCEEDED when the client must wait first. */
  use(count: number): void;
  /** How long the client has to wait after all that was used. */
  throttleMs(): number;
};

export class MutationQuotas {
  readonly #clock: Clock;
  readonly #burstSeconds: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, settings: BrokerSettings) {
    this.#clock = clock;
    this.#burstSeconds =
      settings.number('controller.quota.window.num') * settings.number('controller.quota.window.size.seconds');
  }

  /** `isStrict`: the client understands the error. Others are only told to wait. */
  begin(image: ClientQuotasImage, client: QuotaClient, isStrict: boolean): MutationUse {
    const limit = closestQuota(image, 'controller_mutation_rate', client);
    if (limit === null) return { use: () => {}, throttleMs: () => 0 };
    const { bound, sharedBy } = limit;
    const waitMs = (): number => {
      const { tokens } = this.#bucket(sharedBy, bound);
      return tokens >= 0 ? 0 : Math.round((-tokens / bound) * 1000);
    };
    return {
      use: (count) => {
        if (isStrict && waitMs() > 0) {
          throw new ApiError(ErrorCode.THROTTLING_QUOTA_EXCEEDED, 'The throttling quota has been exceeded.');
        }
        this.#bucket(sharedBy, bound).tokens -= count;
      },
      throttleMs: waitMs,
    };
  }

  #bucket(key: string, bound: number): Bucket {
    const nowMs = this.#clock.monotonicMs();
    const most = bound * this.#burstSeconds;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      for (const oldest of this.#buckets.keys()) {
        if (this.#buckets.size < bucketCountMax) break;
        this.#buckets.delete(oldest);
      }
      bucket = { tokens: most, refilledMs: nowMs };
      this.#buckets.set(key, bucket);
    }
    bucket.tokens = Math.min(most, bucket.tokens + ((nowMs - bucket.refilledMs) / 1000) * bound);
    bucket.refilledMs = nowMs;
    return bucket;
  }
}
