import { expect, test } from 'vitest';
import type { MessageView } from '../../../main/api/endpoints/messages.ts';
import { exportPart, frameOf } from './export-messages.ts';
import { decoderNamed } from './schema-decoders.ts';

const message: MessageView = {
  partition: 1,
  offset: 7,
  timestamp: 1_700_000_000_000,
  timestampType: 'CreateTime',
  key: btoa('=cmd'),
  value: btoa('{"a":"x,\\"y\\""}'),
  keyBytes: 4,
  valueBytes: 15,
  headers: [{ key: 'h', value: btoa('1') }],
  batch: {
    baseOffset: 7,
    recordCount: 1,
    bytes: 90,
    compression: 'none',
    leaderEpoch: 0,
    producerId: -1,
    producerEpoch: -1,
    isTransactional: false,
  },
  sequence: -1,
  control: null,
  transaction: 'none',
  internal: null,
};
const decoders = { key: decoderNamed('auto', []), value: decoderNamed('auto', []) };

test('JSON values stay JSON, null stays null', () => {
  const [first, second] = exportPart([message, { ...message, value: null }], 'ndjson', decoders).map(
    (line) => JSON.parse(String(line)) as Record<string, unknown>,
  );
  expect(first).toMatchObject({ offset: 7, key: '=cmd', value: { a: 'x,"y"' }, headers: { h: '1' } });
  expect(second?.['value']).toBeNull();
});

test('CSV quotes what needs it and defuses formulas', () => {
  const [row] = exportPart([message], 'csv', decoders);
  expect(frameOf('csv').before).toBe('partition,offset,timestamp,key,value,headers\r\n');
  expect(row).toBe(`1,7,2023-11-14T22:13:20.000Z,'=cmd,"{""a"":""x,\\""y\\""""}","{""h"":""1""}"\r\n`);
});

test('values as they are stay bytes; records of Kafka’s own topics are their JSON', () => {
  expect(exportPart([message], 'raw', decoders)).toEqual([new TextEncoder().encode('{"a":"x,\\"y\\""}'), '\n']);
  const internal = { key: '{"type":"OffsetCommit"}', value: null };
  const [line] = exportPart([{ ...message, internal }], 'ndjson', decoders);
  expect(JSON.parse(String(line))).toMatchObject({ key: { type: 'OffsetCommit' }, value: null });
});
