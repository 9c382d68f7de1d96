// Reads the metrics that clients push (KIP-714): an OpenTelemetry MetricsData message, opentelemetry/proto/metrics/v1.
// Sums and gauges, which is what Kafka's clients send; histograms and summaries are passed over. Throws
// MalformedProtobuf.

import { MalformedProtobuf, protobufFields, type ProtobufField } from './protobuf-reader.ts';

export type Attributes = Readonly<Record<string, string>>;

export type MetricPoint = {
  /** Dotted, e.g. `org.apache.kafka.producer.record.send.total`. */
  readonly name: string;
  readonly kind: 'gauge' | 'sum';
  /** Of sums: it never falls. */
  readonly isMonotonic: boolean;
  /** Of sums: the value is what was added since the last push. */
  readonly isDelta: boolean;
  /** Of the resource and of the point. */
  readonly attributes: Attributes;
  readonly value: number;
};

const deltaTemporality = 1n;

export function decodeMetricsData(bytes: Buffer): MetricPoint[] {
  const points: MetricPoint[] = [];
  for (const resourceMetrics of messages(bytes, 1)) {
    const attributes = Object.fromEntries(
      messages(resourceMetrics, 1).flatMap((resource) => messages(resource, 1).map(keyValue)),
    );
    for (const scopeMetrics of messages(resourceMetrics, 2)) {
      for (const metric of messages(scopeMetrics, 2)) readMetric(metric, attributes, points);
    }
  }
  return points;
}

function readMetric(metric: Buffer, resource: Attributes, points: MetricPoint[]): void {
  const name = messages(metric, 1).at(-1)?.toString('utf8') ?? '';
  for (const gauge of messages(metric, 5)) {
    for (const point of messages(gauge, 1)) {
      points.push({ name, kind: 'gauge', isMonotonic: false, isDelta: false, ...readPoint(point, resource) });
    }
  }
  for (const sum of messages(metric, 7)) {
    const isDelta = number(sum, 2) === deltaTemporality;
    const isMonotonic = number(sum, 3) === 1n;
    for (const point of messages(sum, 1)) {
      points.push({ name, kind: 'sum', isMonotonic, isDelta, ...readPoint(point, resource) });
    }
  }
}

function readPoint(point: Buffer, resource: Attributes): { readonly attributes: Attributes; readonly value: number } {
  const attributes: Record<string, string> = { ...resource };
  let value = 0;
  for (const field of protobufFields(point)) {
    if (field.number === 7) {
      const [key, text] = keyValue(requireBytes(field));
      attributes[key] = text;
    } else if (field.wire === 'fixed64' && field.number === 4) value = field.bytes.readDoubleLE(0);
    else if (field.wire === 'fixed64' && field.number === 6) value = Number(field.bytes.readBigInt64LE(0));
  }
  return { attributes, value };
}

function keyValue(message: Buffer): [key: string, value: string] {
  const key = messages(message, 1).at(-1)?.toString('utf8') ?? '';
  const value = messages(message, 2).at(-1);
  return [key, value === undefined ? '' : anyValue(value)];
}

/** Arrays, maps and bytes have no form that a label could have: shown as nothing. */
function anyValue(message: Buffer): string {
  for (const field of protobufFields(message)) {
    if (field.number === 1 && field.wire === 'bytes') return field.bytes.toString('utf8');
    if (field.number === 2 && field.wire === 'varint') return String(field.value === 1n);
    if (field.number === 3 && field.wire === 'varint') return String(BigInt.asIntN(64, field.value));
    if (field.number === 4 && field.wire === 'fixed64') return String(field.bytes.readDoubleLE(0));
  }
  return '';
}

function messages(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  for (const field of protobufFields(message)) if (field.number === wanted) found.push(requireBytes(field));
  return found;
}

function number(message: Buffer, wanted: number): bigint | null {
  let found: bigint | null = null;
  for (const field of protobufFields(message)) {
    if (field.number === wanted && field.wire === 'varint') found = field.value;
  }
  return found;
}

function requireBytes(field: ProtobufField): Buffer {
  if (field.wire !== 'bytes') throw new MalformedProtobuf(`field ${field.number} should be a message or text`);
  return field.bytes;
}
