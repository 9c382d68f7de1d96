// `/metrics` of whole brokers in a simulated world: what a scraper reads against what clients did.

import { describe, expect, it } from 'vitest';
import { parsePrometheusText, type ParsedFamily } from '../../../tests/support/prometheus-text.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { createTopicsApi } from '../../protocol/messages/create-topics.ts';
import { deleteTopicsApi } from '../../protocol/messages/delete-topics.ts';
import { findCoordinatorApi } from '../../protocol/messages/find-coordinator.ts';
import { offsetCommitApi } from '../../protocol/messages/offset-commit.ts';
import { produceApi } from '../../protocol/messages/produce.ts';
import { buildBatch } from '../../records/batch-builder.ts';
import { SimulatedCluster } from '../simulated-cluster.test-kit.ts';
import { MBeanReadings } from './mbean-readings.ts';
import { prometheusText } from './prometheus-text.ts';

type Families = ReadonlyMap<string, ParsedFamily>;

async function metricsOf(cluster: SimulatedCluster, id: number): Promise<Families> {
  const [head = '', body = ''] = (await cluster.scrape(id)).split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain; version=0\.0\.4/);
  return parsePrometheusText(body);
}

/** The one sample with exactly these labels. */
function valueOf(families: Families, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return families.get(name)?.samples.find((sample) => JSON.stringify(Object.entries(sample.labels).sort()) === wanted)
    ?.value;
}

async function sums(cluster: SimulatedCluster, name: string): Promise<number> {
  let sum = 0;
  for (const id of cluster.ids) sum += valueOf(await metricsOf(cluster, id), name) ?? Number.NaN;
  return sum;
}

async function clusterWithTopic(): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster(7);
  await cluster.startAll();
  const topics = [{ name: 'orders', numPartitions: 3, replicationFactor: 3, assignments: [], configs: [] }];
  await cluster.send(1, createTopicsApi, { topics, timeoutMs: 5000 });
  for (const id of cluster.ids) await cluster.until(id, 'orders', (partitions) => partitions.length === 3);
  await cluster.world.runFor(500);
  return cluster;
}

async function produce(cluster: SimulatedCluster, partition: number, records: Buffer): Promise<number> {
  const { partitions } = await cluster.metadata(1, 'orders');
  const leader = partitions.find((each) => each.partitionIndex === partition)?.leaderId ?? -1;
  const { topicId } = await cluster.metadata(1, 'orders');
  const topicData = [{ topicId, name: 'orders', partitionData: [{ index: partition, records }] }];
  const answer = await cluster.send(leader, produceApi, { acks: -1, timeoutMs: 5000, topicData });
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE);
  return leader;
}

const batchOf = (cluster: SimulatedCluster, count: number): Buffer =>
  buildBatch(
    { baseOffset: 0, partitionLeaderEpoch: -1 },
    Array.from({ length: count }, () => ({
      key: null,
      value: Buffer.alloc(100),
      timestamp: cluster.world.runtimeFor(1).clock.wallMs(),
    })),
  );

describe('the metrics of brokers', () => {
  it('count what was produced, by broker, topic, request and version', async () => {
    const cluster = await clusterWithTopic();
    const records = batchOf(cluster, 5);
    const leader = await produce(cluster, 0, records);
    await produce(cluster, 0, records);
    await cluster.world.runFor(1000);
    const families = await metricsOf(cluster, leader);
    const inOfTopic = { topic: 'orders' };
    expect(valueOf(families, 'kafka_server_brokertopicmetrics_messagesin_total')).toBe(10);
    expect(valueOf(families, 'kafka_server_brokertopicmetrics_messagesin_total', inOfTopic)).toBe(10);
    expect(valueOf(families, 'kafka_server_brokertopicmetrics_bytesin_total', inOfTopic)).toBe(2 * records.length);
    expect(valueOf(families, 'kafka_server_brokertopicmetrics_totalproducerequests_total', inOfTopic)).toBe(2);
    expect(valueOf(families, 'kafka_server_brokertopicmetrics_failedproducerequests_total', inOfTopic)).toBe(0);
    expect(await sums(cluster, 'kafka_server_brokertopicmetrics_replicationbytesin_total')).toBe(4 * records.length);
    const produced = families
      .get('kafka_network_requestmetrics_requests_total')
      ?.samples.filter(({ labels }) => labels['request'] === 'Produce');
    expect(produced).toEqual([{ labels: { request: 'Produce', version: '13' }, value: 2 }]);
    expect(valueOf(families, 'kafka_network_requestmetrics_totaltimems_count', { request: 'Produce' })).toBe(2);
    const median = { request: 'Produce', quantile: '0.50' };
    expect(valueOf(families, 'kafka_network_requestmetrics_totaltimems', median)).toBeGreaterThan(0);
    const partition = { topic: 'orders', partition: '0' };
    expect(valueOf(families, 'kafka_log_log_logendoffset', partition)).toBe(10);
    expect(valueOf(families, 'kafka_log_log_logstartoffset', partition)).toBe(0);
    expect(valueOf(families, 'kafka_log_log_size', partition)).toBe(2 * records.length);
    expect(families.get('kafka_server_brokertopicmetrics_messagesin_total')).toMatchObject({
      type: 'counter',
      help: 'kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec attribute Count',
    });
  });

  it('keep a broker’s totals when a topic is deleted, and show its rows no more', async () => {
    const cluster = await clusterWithTopic();
    const leader = await produce(cluster, 1, batchOf(cluster, 3));
    await cluster.send(1, deleteTopicsApi, { topics: [{ name: 'orders' }], topicNames: [], timeoutMs: 5000 });
    await cluster.world.runFor(1000);
    const families = await metricsOf(cluster, leader);
    expect(valueOf(families, 'kafka_server_brokertopicmetrics_messagesin_total')).toBe(3);
    expect(valueOf(families, 'kafka_server_brokertopicmetrics_messagesin_total', { topic: 'orders' })).toBeUndefined();
    expect(valueOf(families, 'kafka_controller_kafkacontroller_globaltopiccount')).toBe(0);
  });

  it('show a dead broker: its in-sync sets shrunk, its leaders elsewhere, the quorum in another epoch', async () => {
    const cluster = await clusterWithTopic();
    const victim = cluster.controllerId;
    const [witness = 1] = cluster.ids.filter((id) => id !== victim);
    const before = await metricsOf(cluster, witness);
    expect(valueOf(before, 'kafka_server_replicamanager_partitioncount')).toBe(3);
    expect(await sums(cluster, 'kafka_server_replicamanager_leadercount')).toBe(3);
    expect(await sums(cluster, 'kafka_controller_kafkacontroller_activecontrollercount')).toBe(1);
    expect(valueOf(before, 'kafka_server_raft_metrics_current_leader')).toBe(victim);
    expect(valueOf(before, 'kafka_server_raft_metrics_current_state_info', { state: 'follower' })).toBe(1);
    cluster.world.kill(victim);
    await cluster.until(witness, 'orders', (partitions) =>
      partitions.every((each) => each.leaderId !== victim && !each.isrNodes.includes(victim)),
    );
    const living = cluster.ids.filter((id) => id !== victim);
    const after: Families[] = [];
    for (const id of living) after.push(await metricsOf(cluster, id));
    const total = (name: string): number => after.reduce((sum, each) => sum + (valueOf(each, name) ?? 0), 0);
    expect(total('kafka_server_replicamanager_underreplicatedpartitions')).toBe(3);
    expect(total('kafka_server_replicamanager_atminisrpartitioncount')).toBe(3);
    expect(total('kafka_server_replicamanager_underminisrpartitioncount')).toBe(0);
    expect(total('kafka_controller_kafkacontroller_activecontrollercount')).toBe(1);
    expect(after.map((each) => valueOf(each, 'kafka_controller_kafkacontroller_fencedbrokercount'))).toEqual([1, 1]);
    const epoch = (families: Families | undefined): number =>
      families === undefined ? -1 : (valueOf(families, 'kafka_server_raft_metrics_current_epoch') ?? -1);
    expect(epoch(after[0])).toBeGreaterThan(epoch(before));
    // It comes back: the leaders take it into their sets again.
    await cluster.start(victim);
    await cluster.until(witness, 'orders', (partitions) => partitions.every((each) => each.isrNodes.length === 3));
    expect(await sums(cluster, 'kafka_server_replicamanager_isrexpands_total')).toBe(3);
    expect(await sums(cluster, 'kafka_server_replicamanager_underreplicatedpartitions')).toBe(0);
  });

  it('count groups and their offsets where they are coordinated', async () => {
    const cluster = await clusterWithTopic();
    await cluster.send(1, findCoordinatorApi, { key: '', keyType: 0, coordinatorKeys: ['readers'] });
    const ofGroup = await cluster.until(1, '__consumer_offsets', (partitions) =>
      partitions.every((each) => each.leaderId >= 0),
    );
    expect(ofGroup.partitions.length).toBeGreaterThan(0);
    await cluster.world.runFor(1000);
    const found = await cluster.send(1, findCoordinatorApi, { key: '', keyType: 0, coordinatorKeys: ['readers'] });
    const coordinator = found.coordinators[0]?.nodeId ?? -1;
    const { topicId } = await cluster.metadata(1, 'orders');
    const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, committedOffset: 1, committedMetadata: '' }));
    const committed = await cluster.send(coordinator, offsetCommitApi, {
      groupId: 'readers',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [{ name: 'orders', topicId, partitions }],
    });
    expect(committed.topics[0]?.partitions.map((each) => each.errorCode)).toEqual([0, 0]);
    const families = await metricsOf(cluster, coordinator);
    expect(valueOf(families, 'kafka_coordinator_group_groupmetadatamanager_numgroups')).toBe(1);
    expect(valueOf(families, 'kafka_coordinator_group_groupmetadatamanager_numgroupsempty')).toBe(1);
    expect(valueOf(families, 'kafka_coordinator_group_groupmetadatamanager_numoffsets')).toBe(2);
    const classic = { protocol: 'classic' };
    expect(valueOf(families, 'kafka_server_group_coordinator_metrics_group_count', classic)).toBe(1);
  });
});

describe('the text format', () => {
  it('escapes labels and help, and writes infinities as Prometheus reads them', () => {
    const readings = new MBeanReadings();
    const topic = 'a"b\\c\nd';
    readings.gauge(['kafka.log', 'Log'], 'Size', Infinity, { topic });
    const families = parsePrometheusText(prometheusText(readings.families));
    expect(families.get('kafka_log_log_size')?.samples).toEqual([{ labels: { topic }, value: Infinity }]);
  });
});
