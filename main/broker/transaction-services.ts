// The parts of a broker that transactions take: the coordinator, its markers' and verifications' way to the other
// brokers. Connects them to the metadata.

import type { BrokerId } from '../core/ids.ts';
import { transactionCoordinatorConfig } from '../coordinators/transaction/transaction-config.ts';
import {
  TransactionCoordinator,
  transactionsTopic,
  type TransactionCoordinatorOptions,
} from '../coordinators/transaction/transaction-coordinator.ts';
import type { MarkerLeader } from '../coordinators/transaction/transaction-markers.ts';
import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import type { NodeConnections } from '../net/node-connections.ts';
import { addPartitionsToTxnApi } from '../protocol/messages/add-partitions-to-txn.ts';
import { writeTxnMarkersApi } from '../protocol/messages/write-txn-markers.ts';
import type { ClusterMetadata } from '../replication/contract.ts';
import { TransactionVerification } from './transaction-verification.ts';

export type TransactionServicesOptions = Omit<TransactionCoordinatorOptions, 'config' | 'leaderOf' | 'send'> & {
  readonly settings: BrokerSettings;
  readonly metadata: Pick<ClusterMetadata, 'endpoint'>;
  /** A marker waits for its commit, and must not hold up a verification: each has connections of its own. */
  readonly markerConnections: NodeConnections;
  readonly verificationConnections: NodeConnections;
};

export class TransactionServices {
  readonly coordinator: TransactionCoordinator;
  readonly verification: TransactionVerification;
  readonly #options: TransactionServicesOptions;
  /** Brokers that were there when last looked. */
  #reachable: ReadonlySet<number> = new Set();

  constructor(options: TransactionServicesOptions) {
    this.#options = options;
    const { settings, clock, image, markerConnections, verificationConnections } = options;
    this.coordinator = new TransactionCoordinator({
      ...options,
      config: transactionCoordinatorConfig(settings),
      leaderOf: (topic, partition) => this.#leaderOf(topic, partition),
      send: (brokerId, request) => markerConnections.send(brokerId, writeTxnMarkersApi, request),
    });
    this.verification = new TransactionVerification({
      clock,
      coordinatorOf: (transactionalId) => {
        const partition = this.coordinator.partitionFor(transactionalId);
        return this.#live(image().topics.byName.get(transactionsTopic)?.partitions.get(partition)?.leader ?? -1);
      },
      retryBackoffMs: settings.number('add.partitions.to.txn.retry.backoff.ms'),
      retryMsMax: settings.number('add.partitions.to.txn.retry.backoff.max.ms'),
      send: (brokerId, request) => verificationConnections.send(brokerId, addPartitionsToTxnApi, request),
    });
  }

  /** What a broker that is gone was asked is not waited for any longer. */
  brokersChanged(image: MetadataImage): void {
    const { markerConnections, verificationConnections } = this.#options;
    const reachable = new Set<number>();
    for (const id of image.cluster.brokers.keys()) if (this.#live(id) !== null) reachable.add(id);
    for (const id of this.#reachable) {
      if (reachable.has(id)) continue;
      markerConnections.close(id);
      verificationConnections.close(id);
    }
    this.#reachable = reachable;
  }

  #leaderOf(topic: string, partition: number): MarkerLeader {
    const registration = this.#options.image().topics.byName.get(topic)?.partitions.get(partition);
    return registration === undefined ? 'gone' : this.#live(registration.leader);
  }

  #live(brokerId: number): number | null {
    return brokerId >= 0 && this.#options.metadata.endpoint(brokerId as BrokerId) !== null ? brokerId : null;
  }
}
