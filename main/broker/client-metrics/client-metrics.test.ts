// Client telemetry through whole brokers: subscriptions made with the config APIs, asked for and pushed to over the
// wire, and what the metrics page shows of it.

import { beforeAll, describe, expect, it } from 'vitest';
import { parsePrometheusText } from '../../../tests/support/prometheus-text.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { apiVersionsApi } from '../../protocol/messages/api-versions.ts';
import { describeConfigsApi } from '../../protocol/messages/describe-configs.ts';
import { getTelemetrySubscriptionsApi } from '../../protocol/messages/get-telemetry-subscriptions.ts';
import { incrementalAlterConfigsApi } from '../../protocol/messages/incremental-alter-configs.ts';
import { listConfigResourcesApi } from '../../protocol/messages/list-config-resources.ts';
import { pushTelemetryApi } from '../../protocol/messages/push-telemetry.ts';
import { zeroUuid } from '../../protocol/uuid.ts';
import { compress, prepareCompression } from '../../records/compression/compression.ts';
import { compressionIdOf, type CompressionType } from '../../records/compression-type.ts';
import { SimulatedCluster } from '../simulated-cluster.test-kit.ts';
import { telemetryReceiverName } from './client-metrics.ts';

const clientMetrics = 16;

/** One field of a protocol buffer message, in the bytes that the format's description gives it. */
const field = (number: number, bytes: Buffer | string): Buffer => {
  const content = Buffer.from(bytes as string);
  return Buffer.concat([Buffer.from([number * 8 + 2, ...lengthOf(content.length)]), content]);
};
const lengthOf = (length: number): number[] => (length < 128 ? [length] : [(length & 127) | 128, length >> 7]);
const fixed64 = (number: number, write: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.alloc(8);
  write(bytes);
  return Buffer.concat([Buffer.from([number * 8 + 1]), bytes]);
};
const attribute = (key: string, value: string): Buffer => Buffer.concat([field(1, key), field(2, field(1, value))]);

/** A counter of deltas and a gauge, as a producer sends them. */
function metricsData(sent: number, latency: number): Buffer {
  const point = (value: Buffer): Buffer => field(1, Buffer.concat([field(7, attribute('topic', 'a"b')), value]));
  const sum = Buffer.concat([
    point(fixed64(6, (bytes) => bytes.writeBigInt64LE(BigInt(sent)))),
    Buffer.from([16, 1, 24, 1]),
  ]);
  const gauge = point(fixed64(4, (bytes) => bytes.writeDoubleLE(latency)));
  const metrics = [
    field(2, Buffer.concat([field(1, 'org.apache.kafka.producer.record.send.total'), field(7, sum)])),
    field(2, Buffer.concat([field(1, 'org.apache.kafka.producer.request.latency.avg'), field(5, gauge)])),
  ];
  const resource = field(1, field(1, attribute('client.rack', 'r1')));
  return field(1, Buffer.concat([resource, field(2, Buffer.concat(metrics))]));
}

async function start(properties: Readonly<Record<string, string>> = { 'metric.reporters': telemetryReceiverName }) {
  const cluster = new SimulatedCluster(3, 1, properties);
  await cluster.startAll();
  return cluster;
}

async function subscribe(cluster: SimulatedCluster, name: string, configs: Readonly<Record<string, string | null>>) {
  const { responses } = await cluster.send(1, incrementalAlterConfigsApi, {
    resources: [
      {
        resourceType: clientMetrics,
        resourceName: name,
        configs: Object.entries(configs).map(([key, value]) => ({
          name: key,
          configOperation: value === null ? 1 : 0,
          value,
        })),
      },
    ],
    validateOnly: false,
  });
  await cluster.world.runFor(100);
  return responses[0];
}

const get = (cluster: SimulatedCluster, clientInstanceId = zeroUuid) =>
  cluster.send(1, getTelemetrySubscriptionsApi, { clientInstanceId });

function push(
  cluster: SimulatedCluster,
  subscription: { readonly clientInstanceId: string; readonly subscriptionId: number },
  metrics: Buffer,
  { compression = 'none' as CompressionType, terminating = false } = {},
) {
  const { clientInstanceId, subscriptionId } = subscription;
  const compressionType = compressionIdOf(compression);
  const bytes = compress(compression, metrics);
  return cluster.send(1, pushTelemetryApi, {
    clientInstanceId,
    subscriptionId,
    terminating,
    compressionType,
    metrics: bytes,
  });
}

beforeAll(() => prepareCompression('zstd'));

describe('client telemetry', () => {
  it('is advertised where a receiver is configured, as by Kafka, and answered in any case', async () => {
    const keysOf = async (cluster: SimulatedCluster): Promise<number[]> => {
      const request = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };
      return (await cluster.send(1, apiVersionsApi, request)).apiKeys.map(({ apiKey }) => apiKey);
    };
    expect(await keysOf(await start())).toEqual(expect.arrayContaining([71, 72]));
    const without = await start({});
    expect((await keysOf(without)).filter((key) => key === 71 || key === 72)).toEqual([]);
  });

  it('asks a client for what all matching subscriptions ask for together, at the shortest interval', async () => {
    const cluster = await start();
    expect(await get(cluster)).toMatchObject({ requestedMetrics: [], pushIntervalMs: 300_000, deltaTemporality: true });
    await subscribe(cluster, 'all', { metrics: 'org.apache.kafka.producer.', 'interval.ms': '5000' });
    await subscribe(cluster, 'mine', { metrics: 'org.apache.kafka.consumer.', match: 'client_id=cl.*t' });
    await subscribe(cluster, 'other', { metrics: '*', 'interval.ms': '100', match: 'client_id=ient' });
    const asked = await get(cluster);
    expect(asked).toMatchObject({ errorCode: ErrorCode.NONE, pushIntervalMs: 5000, telemetryMaxBytes: 1_048_576 });
    expect(asked.acceptedCompressionTypes).toEqual([4, 3, 1, 2]);
    expect([...asked.requestedMetrics].sort()).toEqual(['org.apache.kafka.consumer.', 'org.apache.kafka.producer.']);
    // The same client may ask again when its interval is over, or when the subscriptions have changed.
    expect((await get(cluster, asked.clientInstanceId)).errorCode).toBe(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
    await subscribe(cluster, 'other', { metrics: '*', match: null });
    const anew = await get(cluster, asked.clientInstanceId);
    expect(anew).toMatchObject({ errorCode: ErrorCode.NONE, requestedMetrics: ['*'], pushIntervalMs: 100 });
    expect(anew.subscriptionId).not.toBe(asked.subscriptionId);
    expect((await push(cluster, asked, metricsData(1, 1))).errorCode).toBe(ErrorCode.UNKNOWN_SUBSCRIPTION_ID);
    expect((await push(cluster, anew, metricsData(1, 1))).errorCode).toBe(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
    await cluster.world.runFor(200);
    expect((await push(cluster, anew, metricsData(1, 1))).errorCode).toBe(ErrorCode.NONE);
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'shows what is pushed with %s, deltas added up',
    async (compression) => {
      const cluster = await start();
      await subscribe(cluster, 'all', { metrics: '*', 'interval.ms': '1000' });
      const subscription = await get(cluster);
      expect((await push(cluster, subscription, metricsData(5, 2.5), { compression })).errorCode).toBe(ErrorCode.NONE);
      expect((await push(cluster, subscription, metricsData(5, 2.5))).errorCode).toBe(
        ErrorCode.THROTTLING_QUOTA_EXCEEDED,
      );
      await cluster.world.runFor(1000);
      expect((await push(cluster, subscription, metricsData(7, 1.5), { compression })).errorCode).toBe(ErrorCode.NONE);
      const page = (await cluster.scrape(1)).split('\r\n\r\n')[1] ?? '';
      const families = parsePrometheusText(page);
      const labels = {
        topic: 'a"b',
        client_rack: 'r1',
        client_instance_id: subscription.clientInstanceId,
        client_id: 'client',
      };
      expect(families.get('org_apache_kafka_producer_record_send_total')).toMatchObject({
        type: 'counter',
        samples: [{ labels, value: 12 }],
      });
      expect(families.get('org_apache_kafka_producer_request_latency_avg')).toMatchObject({
        type: 'gauge',
        samples: [{ labels, value: 1.5 }],
      });
      expect(families.get('kafka_server_client_metrics_instance_count')?.samples[0]?.value).toBe(1);
    },
  );

  it('refuses what Kafka refuses: no instance, an unknown compression, too much, nonsense, and all after the last push', async () => {
    const cluster = await start({ 'metric.reporters': telemetryReceiverName, 'telemetry.max.bytes': '500' });
    await subscribe(cluster, 'all', { metrics: '*', 'interval.ms': '100' });
    const subscription = await get(cluster);
    const next = async <T>(answer: Promise<T>): Promise<T> => {
      const settled = await answer;
      await cluster.world.runFor(200);
      return settled;
    };
    const codes: number[] = [];
    codes.push(
      (await next(push(cluster, { ...subscription, clientInstanceId: zeroUuid }, metricsData(1, 1)))).errorCode,
    );
    codes.push((await next(push(cluster, subscription, Buffer.alloc(501)))).errorCode);
    // 501 zeros are small while they are compressed; Kafka counts them again afterwards.
    codes.push((await next(push(cluster, subscription, Buffer.alloc(5010), { compression: 'gzip' }))).errorCode);
    codes.push((await next(push(cluster, subscription, Buffer.from('no such message')))).errorCode);
    const unknown = { ...subscription, terminating: false, compressionType: 9, metrics: Buffer.alloc(1) };
    const { clientInstanceId, subscriptionId, terminating, compressionType, metrics } = unknown;
    codes.push(
      (
        await next(
          cluster.send(1, pushTelemetryApi, {
            clientInstanceId,
            subscriptionId,
            terminating,
            compressionType,
            metrics,
          }),
        )
      ).errorCode,
    );
    codes.push((await push(cluster, subscription, metricsData(1, 1), { terminating: true })).errorCode);
    codes.push((await push(cluster, subscription, metricsData(1, 1))).errorCode);
    expect(codes).toEqual([
      ErrorCode.INVALID_REQUEST,
      ErrorCode.TELEMETRY_TOO_LARGE,
      ErrorCode.INVALID_RECORD,
      ErrorCode.INVALID_RECORD,
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      ErrorCode.NONE,
      ErrorCode.INVALID_REQUEST,
    ]);
  });

  it('forgets a client that is silent for a minute', async () => {
    const cluster = await start();
    await subscribe(cluster, 'all', { metrics: '*', 'interval.ms': '1000' });
    await push(cluster, await get(cluster), metricsData(1, 1));
    const count = async () => {
      const families = parsePrometheusText((await cluster.scrape(1)).split('\r\n\r\n')[1] ?? '');
      return [
        families.get('kafka_server_client_metrics_instance_count')?.samples[0]?.value,
        families.has('org_apache_kafka_producer_record_send_total'),
      ];
    };
    expect(await count()).toEqual([1, true]);
    await cluster.world.runFor(75_000);
    expect(await count()).toEqual([0, false]);
  });
});

describe('subscriptions', () => {
  it('are listed, described with their defaults, and gone when all their settings are', async () => {
    const cluster = await start();
    await subscribe(cluster, 'latency', { metrics: 'org.apache.kafka.', match: 'client_software_name=.*java' });
    const list = async () =>
      (await cluster.send(1, listConfigResourcesApi, { resourceTypes: [clientMetrics] })).configResources;
    expect(await list()).toEqual([{ resourceName: 'latency', resourceType: clientMetrics }]);
    const described = await cluster.send(1, describeConfigsApi, {
      resources: [{ resourceType: clientMetrics, resourceName: 'latency', configurationKeys: null }],
      includeSynonyms: false,
      includeDocumentation: false,
    });
    expect(Object.fromEntries(described.results[0]?.configs.map(({ name, value }) => [name, value]) ?? [])).toEqual({
      'interval.ms': '300000',
      match: 'client_software_name=.*java',
      metrics: 'org.apache.kafka.',
    });
    await subscribe(cluster, 'latency', { metrics: null, match: null });
    expect(await list()).toEqual([]);
  });

  it.each([
    [
      { 'interval.ms': '99' },
      ErrorCode.INVALID_REQUEST,
      'Invalid value 99 for interval.ms, interval must be between 100 and 3600000 (1 hour)',
    ],
    [{ metrics: 'a,a' }, ErrorCode.INVALID_CONFIG, "Configuration 'metrics' values must not be duplicated."],
    [{ metrics: 'a,,b' }, ErrorCode.INVALID_CONFIG, "Configuration 'metrics' values must not be empty."],
    [{ match: 'client_id' }, ErrorCode.INVALID_CONFIG, 'Illegal client matching pattern: client_id'],
    [{ match: 'rack=a' }, ErrorCode.INVALID_CONFIG, 'Illegal client matching pattern: rack=a'],
    [{ match: 'client_id=(' }, ErrorCode.INVALID_CONFIG, 'Illegal client matching pattern: client_id=('],
    [{ 'no.such': '1' }, ErrorCode.INVALID_REQUEST, 'Unknown client metrics configuration: no.such'],
  ])('%j is refused in Kafka’s words', async (configs, errorCode, errorMessage) => {
    expect(await subscribe(await start(), 'wrong', configs)).toMatchObject({ errorCode, errorMessage });
  });
});
