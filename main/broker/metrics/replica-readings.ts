// kafka.server BrokerTopicMetrics and ReplicaManager, kafka.cluster Partition, kafka.log Log: what a broker's replicas
// count and where they stand.

import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { isReassigning } from '../../metadata/topics-image.ts';
import type { Partition } from '../../replication/partition.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';
import type { TopicCounters } from '../../replication/replication-counters.ts';
import type { BeanType, Labels, MBeanReadings } from './mbean-readings.ts';

const topicMetrics: BeanType = ['kafka.server', 'BrokerTopicMetrics'];
const replicaManager: BeanType = ['kafka.server', 'ReplicaManager'];
const partitionBean: BeanType = ['kafka.cluster', 'Partition'];
const logBean: BeanType = ['kafka.log', 'Log'];

const logManager: BeanType = ['kafka.log', 'LogManager'];

export function readReplicas(readings: MBeanReadings, replicas: ReplicaManager, image: MetadataImage): void {
  readTopic(readings, replicas.allTopicCounters(), {});
  readings.meter(topicMetrics, 'ReplicationBytesInPerSec', replicas.counters.replicationBytesIn);
  readings.meter(topicMetrics, 'ReplicationBytesOutPerSec', replicas.counters.replicationBytesOut);
  for (const [topic, counters] of replicas.topicCounters) readTopic(readings, counters, { topic });
  readReplicaManager(readings, replicas, image);
  for (const partition of replicas.partitions()) readPartition(readings, partition);
  const { logs } = replicas.directories;
  readings.gauge(logManager, 'OfflineLogDirectoryCount', logs.offlinePaths.length);
  readings.gauge(logManager, 'CordonedLogDirectoryCount', logs.cordoned.length);
  for (const logDirectory of logs.paths) {
    const directory = logs.byPath(logDirectory);
    const isCordoned = directory !== null && logs.cordoned.includes(directory);
    readings.gauge(logManager, 'LogDirectoryOffline', directory === null ? 1 : 0, { logDirectory });
    readings.gauge(logManager, 'LogDirectoryCordoned', isCordoned ? 1 : 0, { logDirectory });
  }
}

function readTopic(readings: MBeanReadings, counters: TopicCounters, keys: Labels): void {
  const meter = (name: string, count: number): void => readings.meter(topicMetrics, name, count, keys);
  meter('MessagesInPerSec', counters.messagesIn);
  meter('BytesInPerSec', counters.bytesIn);
  meter('BytesOutPerSec', counters.bytesOut);
  meter('BytesRejectedPerSec', counters.bytesRejected);
  meter('TotalProduceRequestsPerSec', counters.produceRequests);
  meter('FailedProduceRequestsPerSec', counters.failedProduceRequests);
  meter('TotalFetchRequestsPerSec', counters.fetchRequests);
  meter('FailedFetchRequestsPerSec', counters.failedFetchRequests);
}

function readReplicaManager(readings: MBeanReadings, replicas: ReplicaManager, image: MetadataImage): void {
  const counts = { partitions: 0, leaders: 0, underReplicated: 0, underMinIsr: 0, atMinIsr: 0, reassigning: 0 };
  let producerIds = 0;
  for (const partition of replicas.partitions()) {
    counts.partitions++;
    producerIds += partition.log.activeProducers().length;
    const standing = inSyncStanding(partition);
    if (standing === null) continue;
    counts.leaders++;
    if (standing.isUnderReplicated) counts.underReplicated++;
    if (standing.isUnderMinIsr) counts.underMinIsr++;
    if (standing.isAtMinIsr) counts.atMinIsr++;
    const registration = image.topics.byId.get(partition.topicId)?.partitions.get(partition.partition);
    if (registration !== undefined && isReassigning(registration)) counts.reassigning++;
  }
  readings.gauge(replicaManager, 'PartitionCount', counts.partitions);
  readings.gauge(replicaManager, 'LeaderCount', counts.leaders);
  readings.gauge(replicaManager, 'UnderReplicatedPartitions', counts.underReplicated);
  readings.gauge(replicaManager, 'UnderMinIsrPartitionCount', counts.underMinIsr);
  readings.gauge(replicaManager, 'AtMinIsrPartitionCount', counts.atMinIsr);
  readings.gauge(replicaManager, 'ReassigningPartitions', counts.reassigning);
  readings.gauge(replicaManager, 'OfflineReplicaCount', replicas.directories.offlineCount);
  readings.gauge(replicaManager, 'ProducerIdCount', producerIds);
  readings.meter(replicaManager, 'IsrExpandsPerSec', replicas.isrCounters.expands);
  readings.meter(replicaManager, 'IsrShrinksPerSec', replicas.isrCounters.shrinks);
  readings.meter(replicaManager, 'FailedIsrUpdatesPerSec', replicas.isrCounters.failedUpdates);
}

function readPartition(readings: MBeanReadings, partition: Partition): void {
  const { log, topic } = partition;
  const keys = { topic, partition: String(partition.partition) };
  const standing = inSyncStanding(partition);
  const flag = (value: boolean | undefined): number => (value === true ? 1 : 0);
  readings.gauge(partitionBean, 'UnderReplicated', flag(standing?.isUnderReplicated), keys);
  readings.gauge(partitionBean, 'UnderMinIsr', flag(standing?.isUnderMinIsr), keys);
  readings.gauge(partitionBean, 'AtMinIsr', flag(standing?.isAtMinIsr), keys);
  readings.gauge(partitionBean, 'InSyncReplicasCount', standing?.inSyncCount ?? 0, keys);
  readings.gauge(partitionBean, 'ReplicasCount', standing?.replicaCount ?? 0, keys);
  readings.gauge(partitionBean, 'LastStableOffsetLag', log.highWatermark - log.lastStableOffset, keys);
  readings.gauge(logBean, 'Size', log.sizeBytes, keys);
  readings.gauge(logBean, 'LogStartOffset', log.logStartOffset, keys);
  readings.gauge(logBean, 'LogEndOffset', log.logEndOffset, keys);
  readings.gauge(logBean, 'NumLogSegments', log.segments.length, keys);
}

/** Only a leader knows; null on followers, for which Kafka shows zeros. */
function inSyncStanding({ role, replicas, log }: Partition) {
  if (role.kind !== 'leader') return null;
  const inSyncCount = role.inSync.inSync.length;
  const replicaCount = replicas.length;
  const inSyncMin = Math.min(log.config.minInsyncReplicas, replicaCount);
  return {
    inSyncCount,
    replicaCount,
    isUnderReplicated: inSyncCount < replicaCount,
    isUnderMinIsr: inSyncCount < inSyncMin,
    isAtMinIsr: inSyncCount === inSyncMin,
  };
}
