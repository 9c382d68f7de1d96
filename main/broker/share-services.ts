// The parts of a broker that share groups take (KIP-932): the share coordinator, the way to those of other brokers,
// and what this broker does as leader of partitions that groups share. Connects them to the metadata.

import { toOffset, toPartitionId, type TopicId } from '../core/ids.ts';
import type { Journal } from '../core/journal.ts';
import { shareGroupConfig } from '../coordinators/group/share/share-group-config.ts';
import { ShareCoordinator } from '../coordinators/share/share-coordinator.ts';
import { shareCoordinatorConfig } from '../coordinators/share/share-coordinator-config.ts';
import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import type { MetadataDelta } from '../metadata/metadata-delta.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import type { NodeConnections } from '../net/node-connections.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import type { Clock } from '../runtime/runtime.ts';
import { ShareLeader } from '../sharing/share-leader.ts';
import { ShareRequests } from '../sharing/share-requests.ts';
import { ShareStateClient } from './share-state-client.ts';

export type ShareServicesOptions = {
  readonly nodeId: number;
  readonly settings: BrokerSettings;
  readonly replicas: ReplicaManager;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly image: () => MetadataImage;
  readonly connections: NodeConnections;
  readonly ensureInternalTopic: (name: string) => void;
  readonly isLeadershipCertain: () => boolean;
  readonly onLoadFailed: (partition: number, error: unknown) => void;
};

/** Replicas that are away hold up the trimming of the state topic for no longer. */
const deleteTimeoutMs = 30_000;

export class ShareServices {
  readonly coordinator: ShareCoordinator;
  readonly state: ShareStateClient;
  readonly leader: ShareLeader;
  readonly requests: ShareRequests;
  readonly #settings: BrokerSettings;
  #config: ReturnType<typeof shareGroupConfig>;

  constructor(options: ShareServicesOptions) {
    const { settings, replicas, clock, image, nodeId, connections, ensureInternalTopic } = options;
    this.#settings = settings;
    this.#config = shareGroupConfig(settings);
    this.coordinator = new ShareCoordinator({
      ...options,
      config: shareCoordinatorConfig(settings),
      host: replicas,
      deleteRecords: (topic, partition, beforeOffset) => {
        const hosted = replicas.findByName(topic, toPartitionId(partition));
        // Should it not come through, the next round does it.
        if (typeof hosted !== 'number')
          replicas.deleteRecords(hosted, toOffset(beforeOffset), deleteTimeoutMs, () => {});
      },
    });
    const { coordinator } = this;
    this.state = new ShareStateClient({ nodeId, clock, image, coordinator, connections, ensureInternalTopic });
    this.leader = new ShareLeader({
      clock,
      image,
      config: () => this.#config,
      state: this.state,
      find: (topicId: TopicId, partition) => replicas.find(topicId, '', partition),
      onBytesOut: (bytes) => (replicas.counters.bytesOut += bytes),
    });
    this.requests = new ShareRequests({
      clock,
      image,
      leader: this.leader,
      fetchBytesMax: () => settings.number('fetch.max.bytes', image()),
    });
  }

  /** Call after replicas have taken over what the delta gives them. */
  onMetadataUpdate(delta: MetadataDelta, image: MetadataImage): void {
    if (delta.changedConfigs.size > 0) this.#config = shareGroupConfig(this.#settings, image);
    this.coordinator.onMetadataUpdate(delta);
  }

  close(): void {
    this.state.close();
    this.leader.close();
    this.coordinator.shutdown();
  }
}
