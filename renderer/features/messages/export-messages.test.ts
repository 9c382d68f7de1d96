import { expect, test } from 'vitest';
import type { MessageView } from '../../../main/api/endpoints/messages.ts';
import { exportText } from './export-messages.ts';

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
};
const decoders = { key: 'auto', value: 'auto' } as const;

test('JSON values stay JSON, null stays null', () => {
  const [first, second] = exportText([message, { ...message, value: null }], 'ndjson', decoders)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(first).toMatchObject({ offset: 7, key: '=cmd', value: { a: 'x,"y"' }, headers: { h: '1' } });
  expect(second?.['value']).toBeNull();
});

test('CSV quotes what needs it and defuses formulas', () => {
  const [, row] = exportText([message], 'csv', decoders).split('\r\n');
  expect(row).toBe(`1,7,2023-11-14T22:13:20.000Z,'=cmd,"{""a"":""x,\\""y\\""""}","{""h"":""1""}"`);
});
