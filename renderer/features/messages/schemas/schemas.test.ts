// Bytes that avsc 5.7 and protobufjs 7.5 wrote, read by their schemas.

import { expect, test } from 'vitest';
import { decoderNamed, checkSchema } from '../schema-decoders.ts';

const order = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'big', type: 'long' },
    { name: 'customer', type: ['null', 'string'] },
    { name: 'note', type: ['null', 'string'] },
    { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['NEW', 'PAID', 'SENT'] } },
    {
      name: 'items',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Item',
          fields: [
            { name: 'sku', type: 'string' },
            { name: 'price', type: 'double' },
            { name: 'count', type: 'int' },
          ],
        },
      },
    },
    { name: 'tags', type: { type: 'map', values: 'float' } },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
    { name: 'raw', type: 'bytes' },
    { name: 'paid', type: 'boolean' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'total', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'parent', type: ['null', 'Order'] },
  ],
};
const one =
  '0d828080808080801002085a6fc3ab0002040261000000000000f83f040262000000000000d0bf05000202780000003f00010203ff04686901f6a1abfef962e8b30204ff85';
const avroBytes = `${one}02${one}00`;
const avroValue = {
  id: -7,
  big: 4503599627370497,
  customer: 'Zoë',
  note: null,
  status: 'PAID',
  items: [
    { sku: 'a', price: 1.5, count: 2 },
    { sku: 'b', price: -0.25, count: -3 },
  ],
  tags: { x: 0.5 },
  hash: '0x010203ff',
  raw: '0x6869',
  paid: true,
  at: '2023-11-14T22:13:20.123Z',
  day: '2023-12-09',
  total: '-1.23',
};

const proto = `
// Orders.
syntax = "proto3";
package shop;
option java_package = "shop";
message Order {
  int64 id = 1; sint32 delta = 2; string customer = 3 [deprecated = true]; Status status = 4; repeated Item items = 5;
  map<string, int32> counts = 6; repeated int32 packed = 7; bytes raw = 8; double price = 9; fixed64 f = 10; bool paid = 11;
  oneof way { string post = 12; Place place = 13; }
  uint64 big = 14;
  reserved 20 to 30;
  enum Status { NEW = 0; PAID = 1; }
  message Item { string sku = 1; float price = 2; }
  message Place { sint64 x = 1; }
}
message Other { string only = 1; }
service Shop { rpc Get (Order) returns (Order) { option idempotency_level = NO_SIDE_EFFECTS; } }
`;
const protoBytes =
  '08fbffffffffffffffff0110051a045a6fc3ab20012a080a0161150000003f2a080a0162150000004032050a01781001320e0a017910feffffffffffffffff013a0d01ac02ffffffffffffffffff01420200ff49000000000000f43f51070000000000000058016a02081170ffffffffffffffffff01';
const protoValue = {
  id: -5,
  delta: -3,
  customer: 'Zoë',
  status: 'PAID',
  items: [
    { sku: 'a', price: 0.5 },
    { sku: 'b', price: 2 },
  ],
  counts: { x: 1, y: -2 },
  packed: [1, 300, -1],
  raw: '0x00ff',
  price: 1.25,
  f: 7,
  paid: true,
  place: { x: -9 },
  big: '18446744073709551615',
};

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const schemas = [
  { name: 'order', kind: 'avro' as const, text: JSON.stringify(order), message: null },
  { name: 'order-proto', kind: 'protobuf' as const, text: proto, message: null },
];
const read = (id: string, hex: string) => decoderNamed(id, schemas).decode(bytes(hex));

test('Avro: every type, a type within itself, logical types', () => {
  const decoded = read('schema:order', avroBytes);
  expect(decoded.problem).toBeNull();
  expect(JSON.parse(decoded.text)).toEqual({ ...avroValue, parent: { ...avroValue, parent: null } });
});

test('Avro: Confluent’s framing is known and its schema id said', () => {
  expect(read('schema:order', `000000002a${one}00`)).toMatchObject({ problem: null, note: 'schema id 42' });
});

test('Avro: bytes that do not fit say where', () => {
  expect(read('schema:order', one.slice(0, 40)).problem).toMatch(/at byte \d+ in items\[0\]\.\w+: .* needs/);
  expect(read('schema:order', `${one}00ff`).problem).toContain('1 bytes are left over');
  expect(read('schema:order', `${one}0e`).problem).toContain('in parent: the union has 2 branches, no number 7');
  expect(checkSchema('avro', '{"type":"record","name":"A","fields":[{"name":"b","type":"B"}]}').problem).toBe(
    'A.b: there is no type "B" in this schema',
  );
  expect(checkSchema('avro', '{').problem).toContain('no JSON');
});

test('Protobuf: scalars, nesting, maps, packed lists, enums, oneof', () => {
  const decoded = read('schema:order-proto', protoBytes);
  expect(decoded.problem).toBeNull();
  expect(JSON.parse(decoded.text)).toEqual(protoValue);
});

test('Protobuf: framing names the message, nested ones too; fields the schema does not know are kept', () => {
  // Schema 1, places [1]: message Other.
  expect(read('schema:order-proto', '000000000102020a0168')).toMatchObject({
    text: '{"only":"h"}',
    note: 'schema id 1',
  });
  // Places [0, 1]: Order.Place.
  expect(read('schema:order-proto', '00000000010400020811').text).toBe('{"x":-9}');
  expect(read('schema:order-proto', '00000000010202f80101').text).toBe('{"unknown 31":[1]}');
});

test('Protobuf: what does not fit says where; without a schema the bytes tell what they can', () => {
  expect(read('schema:order-proto', '1a04').problem).toBe('at byte 2 in customer: a field needs 4 bytes, 0 are left');
  expect(read('schema:order-proto', '0a00').problem).toBe(
    'at byte 1 in id: int64 is written as varint, here is length and bytes',
  );
  expect(checkSchema('protobuf', 'message A { B b = 1; }').problem).toContain('type B is not in this file');
  expect(checkSchema('protobuf', 'message A {').problem).toContain('line 1');
  expect(JSON.parse(read('protobuf', '08071a026869').text)).toEqual({ 1: 7, 3: 'hi' });
  expect(checkSchema('protobuf', proto).messages).toContain('shop.Order.Item');
});

test('a schema that is gone reads automatically', () => {
  expect(read('schema:gone', '6869').text).toBe('hi');
});
