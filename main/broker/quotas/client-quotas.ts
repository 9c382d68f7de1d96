// Client quotas on one broker (KIP-13, 124, 219, 546): which limit holds for whom, how much was used, how long a
// client has to wait. A client is slowed down by leaving its connection unread for that time.

import type { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { closestQuota, type QuotaClient, type QuotaLimit } from '../../metadata/client-quota-limits.ts';
import type { ClientQuotasImage } from '../../metadata/settings-image.ts';
import type { Clock } from '../../runtime/runtime.ts';
import { QuotaRate } from '../../net/quota-rate.ts';

export type QuotaKind = 'producer_byte_rate' | 'consumer_byte_rate' | 'request_percentage';

/** Rates of clients that have not been heard of for this long are forgotten; Kafka's. */
const rateIdleMsMax = 3_600_000;
/** More are never kept: the longest unused go first. */
const rateCountMax = 10_000;
/** From so many on, those that are over are looked for. */
const mutedCountToTidy = 1000;

export class ClientQuotas {
  readonly #clock: Clock;
  readonly #image: () => MetadataImage;
  readonly #sampleCount: number;
  readonly #sampleMs: number;
  readonly #rates = new Map<string, QuotaRate>();
  /** Monotonic time until which a connection is not read; as many as throttled connections. */
  readonly #mutedUntil = new Map<string, number>();
  #limits: { readonly of: ClientQuotasImage | null; readonly known: Map<string, QuotaLimit | null> } = {
    of: null,
    known: new Map(),
  };

  constructor(options: {
    readonly clock: Clock;
    readonly settings: BrokerSettings;
    readonly image: () => MetadataImage;
  }) {
    this.#clock = options.clock;
    this.#image = options.image;
    this.#sampleCount = options.settings.number('quota.window.num');
    this.#sampleMs = options.settings.number('quota.window.size.seconds') * 1000;
  }

  /** Nobody has a quota: nothing is measured. */
  get isIdle(): boolean {
    return this.#image().clientQuotas.size === 0;
  }

  /** Counts what was used; returns how long the client has to wait for it. */
  use(kind: QuotaKind, client: QuotaClient, amount: number): number {
    const limit = this.#limit(kind, client);
    if (limit === null) return 0;
    const nowMs = this.#clock.monotonicMs();
    const rate = this.#rate(`${kind}\0${limit.sharedBy}`, nowMs);
    rate.record(amount, nowMs);
    const throttleMs = rate.throttleMs(limit.bound, nowMs);
    return kind === 'request_percentage' ? Math.min(throttleMs, this.#sampleCount * this.#sampleMs) : throttleMs;
  }

  /** What was counted did not happen after all. */
  giveBack(kind: QuotaKind, client: QuotaClient, amount: number): void {
    const limit = this.#limit(kind, client);
    if (limit === null) return;
    const nowMs = this.#clock.monotonicMs();
    this.#rate(`${kind}\0${limit.sharedBy}`, nowMs).record(-amount, nowMs);
  }

  /** As much as may be used within all samples together: no single answer is larger. */
  mostAtOnce(kind: QuotaKind, client: QuotaClient): number {
    const limit = this.#limit(kind, client);
    return limit === null ? Number.POSITIVE_INFINITY : (limit.bound * (this.#sampleCount - 1) * this.#sampleMs) / 1000;
  }

  // ── muted connections ──

  mute(connectionId: string, throttleMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    // Connections that closed meanwhile are not asked about any more.
    if (this.#mutedUntil.size >= mutedCountToTidy) {
      for (const [id, untilMs] of this.#mutedUntil) if (untilMs <= nowMs) this.#mutedUntil.delete(id);
    }
    this.#mutedUntil.set(connectionId, nowMs + throttleMs);
  }

  /** 0 when the connection may go on. */
  mutedUntilMs(connectionId: string): number {
    if (this.#mutedUntil.size === 0) return 0;
    const untilMs = this.#mutedUntil.get(connectionId) ?? 0;
    if (untilMs > this.#clock.monotonicMs()) return untilMs;
    this.#mutedUntil.delete(connectionId);
    return 0;
  }

  // ── limits ──

  #limit(kind: QuotaKind, { principal, clientId }: QuotaClient): QuotaLimit | null {
    const { clientQuotas } = this.#image();
    if (clientQuotas.size === 0) return null;
    if (this.#limits.of !== clientQuotas) this.#limits = { of: clientQuotas, known: new Map() };
    const key = JSON.stringify([kind, principal, clientId]);
    const known = this.#limits.known.get(key);
    if (known !== undefined) return known;
    const found = closestQuota(clientQuotas, kind, { principal, clientId });
    if (this.#limits.known.size >= rateCountMax) this.#limits.known.clear();
    this.#limits.known.set(key, found);
    return found;
  }

  #rate(key: string, nowMs: number): QuotaRate {
    let rate = this.#rates.get(key);
    if (rate === undefined) {
      if (this.#rates.size >= rateCountMax) this.#forgetIdleRates(nowMs);
      rate = new QuotaRate(this.#sampleCount, this.#sampleMs);
      this.#rates.set(key, rate);
    }
    return rate;
  }

  #forgetIdleRates(nowMs: number): void {
    for (const [key, { lastUsedMs }] of this.#rates) if (nowMs - lastUsedMs > rateIdleMsMax) this.#rates.delete(key);
    for (const key of this.#rates.keys()) {
      if (this.#rates.size < rateCountMax) return;
      this.#rates.delete(key);
    }
  }
}
