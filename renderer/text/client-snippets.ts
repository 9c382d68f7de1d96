// Code to paste: a producer of each common client for this cluster, with the settings of a preset. Names and units
// are those of each library; what a library can not do is said in a comment.

import type { PresetView } from '../../main/api/producer-views.ts';

export type SnippetLanguage = 'java' | 'node' | 'python' | 'go' | 'kcat' | 'properties';

export const snippetLanguages: readonly {
  readonly id: SnippetLanguage;
  readonly label: string;
  readonly library: string;
}[] = [
  { id: 'java', label: 'Java', library: 'org.apache.kafka:kafka-clients' },
  { id: 'node', label: 'Node', library: 'kafkajs 2' },
  { id: 'python', label: 'Python', library: 'confluent-kafka' },
  { id: 'go', label: 'Go', library: 'franz-go' },
  { id: 'kcat', label: 'kcat', library: 'kcat (librdkafka)' },
  { id: 'properties', label: 'Properties', library: 'producer.properties' },
];

export type SnippetSubject = { readonly bootstrap: string; readonly topic: string; readonly preset: PresetView };

export function snippet(language: SnippetLanguage, subject: SnippetSubject): string {
  return writers[language](subject);
}

const writers: Readonly<Record<SnippetLanguage, (subject: SnippetSubject) => string>> = {
  java,
  node,
  python,
  go,
  kcat,
  properties,
};

function valueOf(preset: PresetView, name: string): string {
  return preset.settings.find((setting) => setting.name === name)?.value ?? '';
}

function properties({ bootstrap, preset }: SnippetSubject): string {
  return [
    `# ${preset.title}: ${preset.summary}`,
    `bootstrap.servers=${bootstrap}`,
    ...preset.settings.map((setting) => `${setting.name}=${setting.value}`),
  ].join('\n');
}

function java({ bootstrap, topic, preset }: SnippetSubject): string {
  return [
    'import java.util.Properties;',
    'import org.apache.kafka.clients.producer.*;',
    'import org.apache.kafka.common.serialization.StringSerializer;',
    '',
    'Properties settings = new Properties();',
    `settings.put("bootstrap.servers", "${bootstrap}");`,
    ...preset.settings.map((setting) => `settings.put("${setting.name}", "${setting.value}");`),
    '',
    'try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {',
    `  producer.send(new ProducerRecord<>("${topic}", "key", "value"), (metadata, error) -> {`,
    '    if (error != null) error.printStackTrace();',
    '    else System.out.println(metadata.topic() + "-" + metadata.partition() + "@" + metadata.offset());',
    '  });',
    '}',
  ].join('\n');
}

function node({ bootstrap, topic, preset }: SnippetSubject): string {
  const acks = valueOf(preset, 'acks');
  const compression = valueOf(preset, 'compression.type');
  const idempotent = valueOf(preset, 'enable.idempotence') === 'true';
  const retries = Number(valueOf(preset, 'retries'));
  const codec: Readonly<Record<string, string>> = { none: 'None', gzip: 'GZIP' };
  const known = codec[compression];
  return [
    "import { CompressionTypes, Kafka } from 'kafkajs';",
    '',
    `const kafka = new Kafka({ clientId: 'my-app', brokers: [${bootstrap
      .split(',')
      .map((address) => `'${address}'`)
      .join(', ')}] });`,
    '// kafkajs has no linger.ms and no batch.size: a batch is what one send() is given.',
    'const producer = kafka.producer({',
    `  idempotent: ${String(idempotent)},`,
    `  maxInFlightRequests: ${valueOf(preset, 'max.in.flight.requests.per.connection')},`,
    `  retry: { retries: ${retries > 1000 ? 'Number.MAX_SAFE_INTEGER' : String(retries)} },`,
    '});',
    'await producer.connect();',
    ...(known === undefined ? [`// ${compression} needs a codec package in kafkajs; GZIP is built in.`] : []),
    'await producer.send({',
    `  topic: '${topic}',`,
    `  acks: ${acks === 'all' ? '-1' : acks},`,
    `  compression: CompressionTypes.${known ?? 'GZIP'},`,
    "  messages: [{ key: 'key', value: 'value' }],",
    '});',
    'await producer.disconnect();',
  ].join('\n');
}

/** librdkafka takes the Java names, except these. */
const unknownToLibrdkafka: ReadonlySet<string> = new Set(['buffer.memory']);

function librdkafka(preset: PresetView): readonly (readonly [string, string])[] {
  return preset.settings
    .filter((setting) => !unknownToLibrdkafka.has(setting.name))
    .map((setting) => [setting.name, setting.value] as const);
}

function python({ bootstrap, topic, preset }: SnippetSubject): string {
  const literal = (value: string): string =>
    value === 'true' ? 'True' : value === 'false' ? 'False' : /^\d+$/.test(value) ? value : `"${value}"`;
  return [
    'from confluent_kafka import Producer',
    '',
    'producer = Producer({',
    `    "bootstrap.servers": "${bootstrap}",`,
    ...librdkafka(preset).map(([name, value]) => `    "${name}": ${literal(value)},`),
    '})',
    '',
    'def told(error, message):',
    '    print(error or f"{message.topic()}-{message.partition()}@{message.offset()}")',
    '',
    `producer.produce("${topic}", key="key", value="value", on_delivery=told)`,
    'producer.flush()',
  ].join('\n');
}

function go({ bootstrap, topic, preset }: SnippetSubject): string {
  const acks = valueOf(preset, 'acks');
  const idempotent = valueOf(preset, 'enable.idempotence') === 'true';
  const retries = Number(valueOf(preset, 'retries'));
  const codecs: Readonly<Record<string, string>> = {
    none: 'kgo.NoCompression()',
    gzip: 'kgo.GzipCompression()',
    snappy: 'kgo.SnappyCompression()',
    lz4: 'kgo.Lz4Compression()',
    zstd: 'kgo.ZstdCompression()',
  };
  const inFlight = valueOf(preset, 'max.in.flight.requests.per.connection');
  return [
    'client, err := kgo.NewClient(',
    `\tkgo.SeedBrokers(${bootstrap
      .split(',')
      .map((address) => `"${address}"`)
      .join(', ')}),`,
    `\tkgo.RequiredAcks(${acks === 'all' ? 'kgo.AllISRAcks()' : acks === '1' ? 'kgo.LeaderAck()' : 'kgo.NoAck()'}),`,
    ...(idempotent
      ? []
      : ['\tkgo.DisableIdempotentWrite(),', `\tkgo.MaxProduceRequestsInflightPerBroker(${inFlight}),`]),
    ...(retries > 1000 ? [] : [`\tkgo.RecordRetries(${retries}),`]),
    `\tkgo.ProducerLinger(${valueOf(preset, 'linger.ms')}*time.Millisecond),`,
    `\tkgo.ProducerBatchMaxBytes(${valueOf(preset, 'batch.size')}),`,
    `\tkgo.ProducerBatchCompression(${codecs[valueOf(preset, 'compression.type')] ?? 'kgo.NoCompression()'}),`,
    `\tkgo.RecordDeliveryTimeout(${valueOf(preset, 'delivery.timeout.ms')}*time.Millisecond),`,
    ')',
    'if err != nil {',
    '\tpanic(err)',
    '}',
    'defer client.Close()',
    `record := &kgo.Record{Topic: "${topic}", Key: []byte("key"), Value: []byte("value")}`,
    'if err := client.ProduceSync(context.Background(), record).FirstErr(); err != nil {',
    '\tpanic(err)',
    '}',
  ].join('\n');
}

function kcat({ bootstrap, topic, preset }: SnippetSubject): string {
  return [
    `# Produce: one record a line, key and value parted by a colon`,
    `kcat -b ${bootstrap} -t ${topic} -P -K : \\`,
    ...librdkafka(preset).map(
      ([name, value], index, all) => `  -X ${name}=${value}${index < all.length - 1 ? ' \\' : ''}`,
    ),
    '',
    '# Consume from the beginning',
    `kcat -b ${bootstrap} -t ${topic} -C -o beginning -f '%t-%p@%o %k: %s\\n'`,
  ].join('\n');
}
