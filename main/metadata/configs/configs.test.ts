// Settings: validation in Kafka's words, fallbacks through units and layers, and what is described.

import { describe, expect, it } from 'vitest';
import { MetadataDelta } from '../metadata-delta.ts';
import { emptyMetadataImage, type MetadataImage } from '../metadata-image.ts';
import { BrokerSettings, InvalidSettingsError, topicLogConfig } from './broker-settings.ts';
import { configError } from './config-definition.ts';
import { brokerConfigs, definitionOf, effectiveTopicConfig, topicConfigs } from './config-schema.ts';
import { describeBrokerConfigs, describeTopicConfigs } from './described-configs.ts';

const layersOf = (fixed: Readonly<Record<string, string>>) => new BrokerSettings({ 'node.id': '1', ...fixed }).layers();
const topicError = (name: string, value: string) => configError(definitionOf(topicConfigs, name), value);

function imageWith(
  ...settings: (readonly [type: number, resource: string, name: string, value: string])[]
): MetadataImage {
  const records = settings.map(([resourceType, resourceName, name, value]) => ({
    name: 'ConfigRecord' as const,
    version: 0,
    value: { resourceType, resourceName, name, value },
  }));
  const provenance = { lastContainedOffset: 0, lastContainedEpoch: 0, lastContainedLogTimeMs: 0 };
  return new MetadataDelta(emptyMetadataImage).replayAll(records).apply(provenance);
}

describe('validation', () => {
  // Each line as Apache Kafka 4.3.1's own LogConfig.validate answered.
  it.each([
    ['retention.bytes', '-2', null],
    ['retention.bytes', 'abc', 'Invalid value abc for configuration retention.bytes: Not a number of type LONG'],
    ['retention.ms', '-2', 'Invalid value -2 for configuration retention.ms: Value must be at least -1'],
    ['retention.ms', '1.5', 'Invalid value 1.5 for configuration retention.ms: Not a number of type LONG'],
    ['retention.ms', ' 5 ', null],
    [
      'cleanup.policy',
      'foo',
      'Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete',
    ],
    ['cleanup.policy', '', null],
    ['cleanup.policy', 'compact, delete', null],
    ['cleanup.policy', 'delete,', "Configuration 'cleanup.policy' values must not be empty."],
    [
      'compression.type',
      'none',
      'Invalid value none for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer',
    ],
    ['segment.bytes', '5', 'Invalid value 5 for configuration segment.bytes: Value must be at least 1048576'],
    [
      'segment.bytes',
      '99999999999',
      'Invalid value 99999999999 for configuration segment.bytes: Not a number of type INT',
    ],
    [
      'min.cleanable.dirty.ratio',
      '2',
      'Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1',
    ],
    [
      'preallocate',
      'yes',
      'Invalid value yes for configuration preallocate: Expected value to be either true or false',
    ],
    ['preallocate', 'TRUE', null],
    [
      'leader.replication.throttled.replicas',
      'foo',
      "Invalid value [foo] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
    ],
    ['leader.replication.throttled.replicas', '0:1,1:2', null],
    [
      'compression.gzip.level',
      '0',
      'Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1',
    ],
    [
      'compression.lz4.level',
      '18',
      'Invalid value 18 for configuration compression.lz4.level: Value must be no more than 17',
    ],
    ['flush.ms', '', 'Invalid value  for configuration flush.ms: Not a number of type LONG'],
    ['internal.segment.bytes', '1', null],
  ])('%s=%s', (name, value, message) => {
    expect(topicError(name, value)).toBe(message);
  });

  it('accepts every default', () => {
    for (const definition of [...topicConfigs.values(), ...brokerConfigs.values()]) {
      if (definition.default === undefined || definition.default === null) continue;
      // Kafka's own: an empty list where one must not be empty only matters when it is given.
      expect([definition.name, configError(definition, definition.default)]).toEqual([definition.name, null]);
    }
  });

  it('refuses server.properties with a bad value, naming it', () => {
    expect(() => new BrokerSettings({ 'node.id': 'one' })).toThrow(InvalidSettingsError);
    expect(() => new BrokerSettings({ 'node.id': 'one' })).toThrow(/node\.id: Not a number of type INT/);
  });
});

describe('a topic without settings of its own', () => {
  it('takes hours from the broker where neither ms nor minutes are given', () => {
    expect(effectiveTopicConfig(new Map(), layersOf({ 'log.retention.hours': '2' })).get('retention.ms')).toBe(
      '7200000',
    );
    const both = layersOf({ 'log.retention.hours': '2', 'log.retention.minutes': '5' });
    expect(effectiveTopicConfig(new Map(), both).get('retention.ms')).toBe('300000');
    expect(effectiveTopicConfig(new Map(), layersOf({ 'log.retention.hours': '-1' })).get('retention.ms')).toBe('-1');
    expect(effectiveTopicConfig(new Map(), layersOf({})).get('retention.ms')).toBe('604800000');
  });

  it('follows what was changed at run time, for one broker before all brokers', () => {
    const settings = new BrokerSettings({ 'node.id': '1', 'log.segment.bytes': '2000000' });
    expect(topicLogConfig(emptyMetadataImage, settings, 'any').segmentBytes).toBe(2_000_000);
    const clusterWide = [4, '', 'log.segment.bytes', '3000000'] as const;
    expect(topicLogConfig(imageWith(clusterWide), settings, 'any').segmentBytes).toBe(3_000_000);
    const own = [4, '1', 'log.segment.bytes', '4000000'] as const;
    expect(topicLogConfig(imageWith(clusterWide, own), settings, 'any').segmentBytes).toBe(4_000_000);
  });
});

describe('a topic with settings of its own', () => {
  it('wins over the broker, and the internal segment size over the public one', () => {
    const settings = new BrokerSettings({ 'node.id': '1' });
    const image = imageWith([2, 'small', 'segment.bytes', '2000000'], [2, 'small', 'internal.segment.bytes', '8192']);
    expect(topicLogConfig(image, settings, 'small').segmentBytes).toBe(8192);
    const compacted = imageWith(
      [2, 'c', 'cleanup.policy', 'compact,delete'],
      [2, 'c', 'retention.ms', '9223372036854775807'],
    );
    const config = topicLogConfig(compacted, settings, 'c');
    expect([config.isCompacted, config.isDeleted]).toEqual([true, true]);
    expect(config.retentionMs).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('descriptions', () => {
  it('name sources and synonyms as Kafka does', () => {
    const layers = {
      ...layersOf({ 'min.insync.replicas': '2' }),
      clusterWide: new Map([['min.insync.replicas', '3']]),
    };
    const described = describeTopicConfigs(new Map([['min.insync.replicas', '1']]), layers);
    expect(described.find((config) => config.name === 'min.insync.replicas')).toMatchObject({
      value: '1',
      source: 1,
      synonyms: [
        { name: 'min.insync.replicas', value: '1', source: 1 },
        { name: 'min.insync.replicas', value: '3', source: 3 },
        { name: 'min.insync.replicas', value: '2', source: 4 },
        { name: 'min.insync.replicas', value: '1', source: 5 },
      ],
    });
    // The default stands under another unit's name: Kafka shows no synonym then.
    expect(described.find((config) => config.name === 'retention.ms')).toMatchObject({
      value: '604800000',
      source: 5,
      synonyms: [],
    });
    expect(described.some((config) => config.name === 'internal.segment.bytes')).toBe(false);
  });

  it('never show a secret', () => {
    const described = describeBrokerConfigs(layersOf({ 'ssl.key.password': 'hunter2' }));
    expect(JSON.stringify(described)).not.toContain('hunter2');
    const secret = described.find((config) => config.name === 'ssl.key.password');
    expect(secret).toMatchObject({ value: null, isSensitive: true, source: 4 });
  });
});
