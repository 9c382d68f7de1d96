// Throttled replication (KIP-73): replicas that are behind, and named in their topic's settings, share a rate; what
// keeps the ISR together is never slowed down. One for what this broker sends as leader, one for what it fetches.

import type { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import { listValues, numberValue } from '../../metadata/configs/config-definition.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { ConfigResourceType, configValues } from '../../metadata/settings-image.ts';
import type { ReplicationThrottle } from '../../replication/contract.ts';
import type { Clock } from '../../runtime/runtime.ts';
import { QuotaRate } from '../../net/quota-rate.ts';

type Side = 'leader' | 'follower';

export class SharedReplicationThrottle implements ReplicationThrottle {
  readonly #side: Side;
  readonly #clock: Clock;
  readonly #settings: BrokerSettings;
  readonly #image: () => MetadataImage;
  readonly #rate: QuotaRate;
  #following: {
    readonly of: MetadataImage['configs'] | null;
    readonly bound: number;
    /** Partitions by topic; null: all of it. */
    readonly topics: ReadonlyMap<string, ReadonlySet<number> | null>;
  } = { of: null, bound: Number.POSITIVE_INFINITY, topics: new Map() };

  constructor(
    side: Side,
    options: { readonly clock: Clock; readonly settings: BrokerSettings; readonly image: () => MetadataImage },
  ) {
    this.#side = side;
    this.#clock = options.clock;
    this.#settings = options.settings;
    this.#image = options.image;
    const { settings } = options;
    this.#rate = new QuotaRate(
      settings.number('replication.quota.window.num'),
      settings.number('replication.quota.window.size.seconds') * 1000,
    );
  }

  isThrottled(topic: string, partition: number, replicaId: number): boolean {
    const { topics, bound } = this.#current();
    if (topics.size === 0 || bound === Number.POSITIVE_INFINITY) return false;
    const partitions = topics.get(topic);
    if (partitions === undefined || (partitions !== null && !partitions.has(partition))) return false;
    const registration = this.#image().topics.byName.get(topic)?.partitions.get(partition);
    return registration?.inSyncReplicas.includes(replicaId) === false;
  }

  record(bytes: number): void {
    this.#rate.record(bytes, this.#clock.monotonicMs());
  }

  waitMs(): number {
    return this.#rate.throttleMs(this.#current().bound, this.#clock.monotonicMs());
  }

  #current() {
    const { configs } = this.#image();
    if (this.#following.of !== configs) this.#following = { of: configs, ...this.#read() };
    return this.#following;
  }

  #read() {
    const { configs } = this.#image();
    const nodeId = String(this.#settings.nodeId);
    const rateName = `${this.#side}.replication.throttled.rate`;
    const rate =
      configValues(configs, ConfigResourceType.BROKER, nodeId).get(rateName) ??
      configValues(configs, ConfigResourceType.BROKER, '').get(rateName);
    const topics = new Map<string, ReadonlySet<number> | null>();
    for (const { resource, values } of configs.values()) {
      const listed = values.get(`${this.#side}.replication.throttled.replicas`);
      if (resource.type !== ConfigResourceType.TOPIC || listed === undefined) continue;
      const replicas = listValues(listed).map((entry) => entry.split(':'));
      const isAll = replicas.some(([first]) => first === '*');
      const ours = replicas.filter(([, broker]) => broker === nodeId).map(([partition]) => Number(partition));
      topics.set(resource.name, isAll ? null : new Set(ours));
    }
    const bound = rate === undefined ? Number.NaN : numberValue(rate);
    // A broker takes settings that it does not know, so this may be no number.
    return { bound: bound >= 0 ? bound : Number.POSITIVE_INFINITY, topics };
  }
}
