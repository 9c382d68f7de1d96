import { expect, test } from 'vitest';
import { decode, encode, pretty } from './decoders.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('auto reads text as text, JSON as JSON, short binary as numbers and the rest as hex', () => {
  expect(decode(bytes('héllo'), 'auto')).toMatchObject({ text: 'héllo', kind: 'text' });
  expect(decode(bytes('{"a":1}'), 'auto').kind).toBe('json');
  expect(decode(bytes('{"a":'), 'auto').kind).toBe('text');
  expect(decode(Uint8Array.of(0, 0, 1, 0), 'auto')).toMatchObject({ text: '256', kind: 'int32' });
  expect(decode(Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 254), 'auto').text).toBe('-2');
  expect(decode(Uint8Array.of(0xff, 0xfe, 1), 'auto')).toMatchObject({ text: 'fffe01', kind: 'hex', problem: null });
});

test('a decoder that can not, says why and shows the bytes', () => {
  expect(decode(bytes('abc'), 'int64')).toEqual({ text: '616263', kind: 'hex', problem: 'needs 8 bytes, has 3' });
  expect(decode(Uint8Array.of(0xff), 'text').problem).toBe('no UTF-8 text');
  expect(decode(bytes('{a}'), 'json').problem).toContain('JSON');
  expect(pretty('{"a":')).toBe('{"a":');
});

test('what was encoded is decoded to the same', () => {
  expect(decode(encode('-9223372036854775808', 'int64'), 'int64').text).toBe('-9223372036854775808');
  expect(decode(encode('0x00 ff', 'hex'), 'hex').text).toBe('00ff');
  expect(decode(encode('AP8=', 'base64'), 'base64').text).toBe('AP8=');
  expect(() => encode('2147483648', 'int32')).toThrow('does not fit into 4 bytes');
  expect(() => encode('abc', 'hex')).toThrow('pairs');
});
