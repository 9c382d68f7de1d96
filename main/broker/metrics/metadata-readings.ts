// kafka.controller KafkaController, kafka.server raft-metrics and broker-metadata-metrics: the metadata quorum and what
// its log says. As in Kafka every node shows them, a standby controller too.

import { isActive } from '../../metadata/cluster-image.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { hasPreferredLeader, noLeader } from '../../metadata/topics-image.ts';
import type { QuorumReport } from '../contract.ts';
import type { BeanType, MBeanReadings } from './mbean-readings.ts';

const controller: BeanType = ['kafka.controller', 'KafkaController'];
const raft: BeanType = ['kafka.server', 'raft-metrics'];
const brokerMetadata: BeanType = ['kafka.server', 'broker-metadata-metrics'];

export type MetadataSources = {
  readonly nodeId: number;
  readonly isActiveController: boolean;
  readonly image: MetadataImage;
  /** Of the newest record that was applied. */
  readonly lastOffset: number;
  readonly quorum: QuorumReport | null;
  readonly voterCount: number;
  readonly wallMs: number;
};

export function readMetadata(readings: MBeanReadings, sources: MetadataSources): void {
  const { image, lastOffset, wallMs } = sources;
  const { lastContainedLogTimeMs } = image.provenance;
  const lagMs = sources.isActiveController || lastContainedLogTimeMs < 0 ? 0 : wallMs - lastContainedLogTimeMs;
  readings.gauge(controller, 'ActiveControllerCount', sources.isActiveController ? 1 : 0);
  readBrokers(readings, image);
  readPartitions(readings, image);
  readings.gauge(controller, 'LastAppliedRecordOffset', lastOffset);
  readings.gauge(controller, 'LastCommittedRecordOffset', (sources.quorum?.highWatermark ?? 0) - 1);
  readings.gauge(controller, 'LastAppliedRecordTimestamp', lastContainedLogTimeMs);
  readings.gauge(controller, 'LastAppliedRecordLagMs', lagMs);
  readings.attribute(brokerMetadata, 'last-applied-record-offset', lastOffset);
  readings.attribute(brokerMetadata, 'last-applied-record-timestamp', lastContainedLogTimeMs);
  readings.attribute(brokerMetadata, 'last-applied-record-lag-ms', Math.max(0, wallMs - lastContainedLogTimeMs));
  readQuorum(readings, sources);
}

function readBrokers(readings: MBeanReadings, { cluster }: MetadataImage): void {
  const brokers = [...cluster.brokers.values()];
  const stopping = brokers.filter((each) => each.inControlledShutdown).length;
  readings.gauge(controller, 'FencedBrokerCount', brokers.filter((each) => each.isFenced).length);
  readings.gauge(controller, 'ActiveBrokerCount', brokers.filter(isActive).length);
  readings.gauge(controller, 'ControlledShutdownBrokerCount', stopping);
}

function readPartitions(readings: MBeanReadings, { topics }: MetadataImage): void {
  let [partitions, offline, imbalanced] = [0, 0, 0];
  for (const topic of topics.byId.values()) {
    for (const partition of topic.partitions.values()) {
      partitions++;
      if (partition.leader === noLeader) offline++;
      if (!hasPreferredLeader(partition)) imbalanced++;
    }
  }
  readings.gauge(controller, 'GlobalTopicCount', topics.byId.size);
  readings.gauge(controller, 'GlobalPartitionCount', partitions);
  readings.gauge(controller, 'OfflinePartitionsCount', offline);
  readings.gauge(controller, 'PreferredReplicaImbalanceCount', imbalanced);
}

function readQuorum(readings: MBeanReadings, { quorum, nodeId, voterCount }: MetadataSources): void {
  if (quorum === null) return;
  const votesForItself = quorum.role === 'leader' || quorum.role === 'candidate';
  readings.attribute(raft, 'current-state-info', 1, { state: quorumState(quorum) });
  readings.attribute(raft, 'current-leader', quorum.leaderId ?? -1);
  readings.attribute(raft, 'current-vote', votesForItself ? nodeId : (quorum.votedFor ?? -1));
  readings.attribute(raft, 'current-epoch', quorum.epoch);
  readings.attribute(raft, 'high-watermark', quorum.highWatermark ?? -1);
  readings.attribute(raft, 'log-end-offset', quorum.logEndOffset);
  readings.attribute(raft, 'number-of-voters', voterCount);
}

/** As KafkaRaftMetrics names the states. */
function quorumState({ role, votedFor }: QuorumReport): string {
  switch (role) {
    case 'voted':
      return 'unattached-voted';
    case 'prospective':
      return votedFor === null ? 'prospective' : 'prospective-voted';
    case 'resigned':
      return 'unattached';
    default:
      return role;
  }
}
