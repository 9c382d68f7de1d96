import { expect, it } from 'vitest';
import type { PresetView } from '../../main/api/producer-views.ts';
import { snippet, snippetLanguages } from './client-snippets.ts';

const preset = (settings: Record<string, string>): PresetView => ({
  name: 'durable',
  title: 'Durable',
  isSafe: true,
  summary: '',
  settings: Object.entries(settings).map(([name, value]) => ({ name, value, sentence: '' })),
});
const settings = {
  acks: 'all',
  'enable.idempotence': 'true',
  retries: '2147483647',
  'max.in.flight.requests.per.connection': '5',
  'linger.ms': '5',
  'batch.size': '65536',
  'compression.type': 'lz4',
  'delivery.timeout.ms': '120000',
  'buffer.memory': '33554432',
};
const subject = { bootstrap: '127.0.0.1:19092,127.0.0.1:19093', topic: 'orders', preset: preset(settings) };

it('every language names this cluster and this topic', () => {
  for (const { id } of snippetLanguages) {
    const code = snippet(id, subject);
    expect(code, id).toContain('127.0.0.1:19092');
    if (id !== 'properties') expect(code, id).toContain('orders');
  }
});

it('settings take the names and units of each library', () => {
  expect(snippet('java', subject)).toContain('settings.put("batch.size", "65536");');
  expect(snippet('go', subject)).toContain('kgo.AllISRAcks()');
  expect(snippet('node', subject)).toContain('acks: -1');
  expect(snippet('python', subject)).toContain('"enable.idempotence": True');
  // librdkafka refuses a name that it does not know.
  expect(snippet('kcat', subject)).not.toContain('buffer.memory');
});

it('an unsafe preset stays unsafe in Go, where idempotence is the default', () => {
  const unsafe = {
    ...subject,
    preset: preset({ ...settings, acks: '1', 'enable.idempotence': 'false', retries: '0' }),
  };
  expect(snippet('go', unsafe)).toContain('kgo.DisableIdempotentWrite()');
  expect(snippet('go', unsafe)).toContain('kgo.RecordRetries(0)');
});
