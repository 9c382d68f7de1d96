// Client telemetry (KIP-714): hands out subscriptions to client instances and takes what they push, at the pace that
// their subscription sets. As Kafka's ClientMetricsManager, with a receiver of our own behind it.
//
// Kafka advertises the two APIs only where a class in `metric.reporters` is a telemetry receiver, and stock Kafka has
// none. Ours is named `highwater.ClientTelemetryReceiver`. Not advertised, they are answered all the same.

import { crc32c } from '../../records/crc32c.ts';
import { decompress, isCompressionReady, prepareCompression } from '../../records/compression/compression.ts';
import { compressionTypeOf, type CompressionType } from '../../records/compression-type.ts';
import { RecordsError } from '../../records/errors.ts';
import type { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from '../../protocol/messages/get-telemetry-subscriptions.ts';
import type { PushTelemetryRequest, PushTelemetryResponse } from '../../protocol/messages/push-telemetry.ts';
import type { Writable } from '../../protocol/schema.ts';
import { isReservedUuid, randomUuid, uuidHash, zeroUuid } from '../../protocol/uuid.ts';
import type { RequestContext } from '../../net/handler.ts';
import type { Clock, Random, Timer } from '../../runtime/runtime.ts';
import type { BeanType, MBeanReadings } from '../metrics/mbean-readings.ts';
import { decodeMetricsData } from './otlp-metrics.ts';
import { MalformedProtobuf } from './protobuf-reader.ts';
import { PushedMetrics } from './pushed-metrics.ts';
import { askedOf, subscriptionsOf, type ClientAttributes, type Subscription } from './subscriptions.ts';

export const telemetryReceiverName = 'highwater.ClientTelemetryReceiver';

/** zstd, lz4, gzip, snappy: in the order of Kafka's preference. */
const acceptedCompressionTypes = [4, 3, 1, 2];
const instancesMax = 16_384;
/** An instance that is silent for this long, or for three of its intervals, is gone. */
const silentMsMax = 60_000;
const lookForSilentMs = 10_000;

type Instance = {
  readonly id: string;
  readonly attributes: ClientAttributes;
  readonly connectionId: string;
  readonly subscriptionId: number;
  /** Which state of the subscriptions this was computed from. */
  readonly ofVersion: number;
  readonly metrics: readonly string[];
  readonly intervalMs: number;
  lastGetMs: number;
  lastPushMs: number;
  lastHeardMs: number;
  isTerminating: boolean;
  lastErrorCode: number;
  throttleCount: number;
  exportCount: number;
  exportErrorCount: number;
};

const bean: BeanType = ['kafka.server', 'client-metrics'];

export type ClientMetricsOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: BrokerSettings;
  readonly image: () => MetadataImage;
};

export class ClientMetrics {
  readonly #options: ClientMetricsOptions;
  /** By client instance id; least recently heard first. */
  readonly #instances = new Map<string, Instance>();
  readonly #instanceOfConnection = new Map<string, string>();
  readonly #pushed = new PushedMetrics();
  #subscriptions: readonly Subscription[] = [];
  #version = 0;
  #unknownSubscriptionCount = 0;
  #silenceTimer: Timer | null = null;

  constructor(options: ClientMetricsOptions) {
    this.#options = options;
  }

  /** Whether ApiVersions names the two APIs. */
  get isAdvertised(): boolean {
    const { settings, image } = this.#options;
    return settings.list('metric.reporters', image()).includes(telemetryReceiverName);
  }

  /** The resources of type CLIENT_METRICS changed. */
  subscriptionsChanged(): void {
    this.#subscriptions = subscriptionsOf(this.#options.image());
    this.#version++;
  }

  connectionClosed(connectionId: string): void {
    const id = this.#instanceOfConnection.get(connectionId);
    if (id !== undefined) this.#forget(id, connectionId);
  }

  close(): void {
    this.#silenceTimer?.cancel();
    this.#silenceTimer = null;
  }

  // ── requests ──

  getSubscriptions(
    context: RequestContext,
    request: GetTelemetrySubscriptionsRequest,
  ): Writable<GetTelemetrySubscriptionsResponse> {
    const { random, settings } = this.#options;
    const id = request.clientInstanceId === zeroUuid ? randomUuid(random) : request.clientInstanceId;
    const instance = this.#instance(id, context);
    const nowMs = this.#options.clock.monotonicMs();
    const isInTime = nowMs - Math.max(instance.lastGetMs, instance.lastPushMs) >= instance.intervalMs;
    if (isInTime) instance.lastGetMs = nowMs;
    const mayAskAgain =
      instance.lastErrorCode === ErrorCode.UNKNOWN_SUBSCRIPTION_ID ||
      instance.lastErrorCode === ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
    if (!isInTime && !mayAskAgain) {
      instance.throttleCount++;
      return { errorCode: ErrorCode.THROTTLING_QUOTA_EXCEEDED };
    }
    instance.lastErrorCode = ErrorCode.NONE;
    return {
      errorCode: ErrorCode.NONE,
      clientInstanceId: id,
      subscriptionId: instance.subscriptionId,
      acceptedCompressionTypes,
      pushIntervalMs: instance.intervalMs,
      telemetryMaxBytes: settings.number('telemetry.max.bytes'),
      deltaTemporality: true,
      requestedMetrics: instance.metrics,
    };
  }

  push(
    context: RequestContext,
    request: PushTelemetryRequest,
  ): Writable<PushTelemetryResponse> | Promise<Writable<PushTelemetryResponse>> {
    if (isReservedUuid(request.clientInstanceId)) return { errorCode: ErrorCode.INVALID_REQUEST };
    const instance = this.#instance(request.clientInstanceId, context);
    const refusal = this.#refusalOfPush(instance, request);
    instance.isTerminating = request.terminating;
    if (refusal !== ErrorCode.NONE) {
      instance.lastErrorCode = refusal;
      return { errorCode: refusal };
    }
    if (request.metrics.length === 0) return this.#pushDone(instance, ErrorCode.NONE);
    const type = compressionTypeOf(request.compressionType);
    if (isCompressionReady(type)) return this.#export(instance, type, request.metrics);
    // The request's bytes are the connection's: they are gone when the codec is there.
    const owned = Buffer.from(request.metrics);
    return prepareCompression(type).then(() => this.#export(instance, type, owned));
  }

  #refusalOfPush(instance: Instance, request: PushTelemetryRequest): number {
    if (instance.isTerminating) return ErrorCode.INVALID_REQUEST;
    const nowMs = this.#options.clock.monotonicMs();
    // Right after a Get a push may come at any time: clients spread their first over half an interval to one and a half.
    const isInTime = instance.lastGetMs > instance.lastPushMs || nowMs - instance.lastPushMs >= instance.intervalMs;
    if (isInTime) instance.lastPushMs = nowMs;
    if (!isInTime && !request.terminating) {
      instance.throttleCount++;
      return ErrorCode.THROTTLING_QUOTA_EXCEEDED;
    }
    if (request.subscriptionId !== instance.subscriptionId) {
      this.#unknownSubscriptionCount++;
      return ErrorCode.UNKNOWN_SUBSCRIPTION_ID;
    }
    if (request.compressionType < 0 || request.compressionType > 4) return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
    const isTooLarge = request.metrics.length > this.#options.settings.number('telemetry.max.bytes');
    return isTooLarge ? ErrorCode.TELEMETRY_TOO_LARGE : ErrorCode.NONE;
  }

  #export(instance: Instance, type: CompressionType, metrics: Buffer): Writable<PushTelemetryResponse> {
    try {
      const outputBytesMax = this.#options.settings.number('telemetry.max.bytes');
      const points = decodeMetricsData(decompress(type, metrics, { outputBytesMax }));
      this.#pushed.take(instance.id, instance.attributes.get('client_id') ?? '', points);
      instance.exportCount++;
      return this.#pushDone(instance, ErrorCode.NONE);
    } catch (error) {
      if (!(error instanceof RecordsError) && !(error instanceof MalformedProtobuf)) throw error;
      instance.exportErrorCount++;
      return this.#pushDone(instance, ErrorCode.INVALID_RECORD);
    }
  }

  #pushDone(instance: Instance, errorCode: number): Writable<PushTelemetryResponse> {
    instance.lastErrorCode = errorCode;
    return { errorCode };
  }

  // ── instances ──

  #instance(id: string, context: RequestContext): Instance {
    const known = this.#instances.get(id);
    // A changed subscription makes a new instance, which may ask and push at once.
    const isCurrent = known?.ofVersion === this.#version;
    const instance = isCurrent ? known : this.#create(id, known?.attributes ?? attributesOf(id, context), context);
    instance.lastHeardMs = this.#options.clock.monotonicMs();
    this.#instances.delete(id);
    this.#instances.set(id, instance);
    const [oldest] = this.#instances.values();
    if (this.#instances.size > instancesMax && oldest !== undefined) this.#forget(oldest.id, oldest.connectionId);
    if (this.#silenceTimer === null) this.#lookForSilent();
    return instance;
  }

  #create(id: string, attributes: ClientAttributes, { connectionId }: RequestContext): Instance {
    const { metrics, intervalMs } = askedOf(attributes, this.#subscriptions);
    this.#instanceOfConnection.set(connectionId, id);
    return {
      id,
      attributes,
      connectionId,
      subscriptionId: crc32c(Buffer.from(`[${metrics.join(', ')}]${intervalMs}`)) ^ uuidHash(id),
      ofVersion: this.#version,
      metrics,
      intervalMs,
      lastGetMs: -Infinity,
      lastPushMs: -Infinity,
      lastHeardMs: 0,
      isTerminating: false,
      lastErrorCode: ErrorCode.NONE,
      throttleCount: 0,
      exportCount: 0,
      exportErrorCount: 0,
    };
  }

  #forget(id: string, connectionId: string): void {
    this.#instances.delete(id);
    this.#instanceOfConnection.delete(connectionId);
    this.#pushed.forget(id);
  }

  /** Runs while there are instances. */
  #lookForSilent(): void {
    const { clock } = this.#options;
    this.#silenceTimer = clock.at(clock.monotonicMs() + lookForSilentMs, () => {
      this.#silenceTimer = null;
      const nowMs = clock.monotonicMs();
      for (const { id, connectionId, lastHeardMs, intervalMs } of [...this.#instances.values()]) {
        if (nowMs - lastHeardMs > Math.max(silentMsMax, 3 * intervalMs)) this.#forget(id, connectionId);
      }
      if (this.#instances.size > 0) this.#lookForSilent();
    });
  }

  // ── figures ──

  /** What clients pushed, and kafka.server client-metrics. */
  read(readings: MBeanReadings): void {
    readings.attribute(bean, 'instance-count', this.#instances.size);
    readings.attribute(bean, 'unknown-subscription-request-count', this.#unknownSubscriptionCount);
    for (const { id, throttleCount, exportCount, exportErrorCount } of this.#instances.values()) {
      const keys = { client_instance_id: id };
      readings.attribute(bean, 'throttle-count', throttleCount, keys);
      readings.attribute(bean, 'plugin-export-count', exportCount, keys);
      readings.attribute(bean, 'plugin-error-count', exportErrorCount, keys);
    }
    this.#pushed.read(readings);
  }
}

function attributesOf(id: string, context: RequestContext): ClientAttributes {
  // `local:port-remote:port-processor-number`
  const port = /:(\d+)-\d+-\d+$/.exec(context.connectionId)?.[1];
  const attributes: (readonly [string, string | null | undefined])[] = [
    ['client_instance_id', id],
    ['client_id', context.clientId],
    ['client_software_name', context.clientSoftware?.name],
    ['client_software_version', context.clientSoftware?.version],
    ['client_source_address', context.clientAddress],
    ['client_source_port', port],
  ];
  return new Map(attributes.flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, value]])));
}
