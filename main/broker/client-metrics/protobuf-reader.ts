// Fields of a protocol buffer message, without a schema: just what reading OTLP takes. Throws MalformedProtobuf for
// anything that ends early or has a wire type that is none.

export class MalformedProtobuf extends Error {
  override readonly name = 'MalformedProtobuf';
}

export type ProtobufField =
  | { readonly number: number; readonly wire: 'varint'; readonly value: bigint }
  /** Eight bytes, little-endian: a double or an integer. */
  | { readonly number: number; readonly wire: 'fixed64'; readonly bytes: Buffer }
  | { readonly number: number; readonly wire: 'bytes'; readonly bytes: Buffer }
  | { readonly number: number; readonly wire: 'fixed32' };

export function* protobufFields(message: Buffer): Generator<ProtobufField> {
  const cursor = { at: 0 };
  while (cursor.at < message.length) {
    const tag = Number(varint(message, cursor));
    const number = Math.floor(tag / 8);
    if (number === 0) throw new MalformedProtobuf('a field has number 0');
    switch (tag % 8) {
      case 0:
        yield { number, wire: 'varint', value: varint(message, cursor) };
        break;
      case 1:
        yield { number, wire: 'fixed64', bytes: take(message, cursor, 8) };
        break;
      case 2:
        yield { number, wire: 'bytes', bytes: take(message, cursor, Number(varint(message, cursor))) };
        break;
      case 5:
        take(message, cursor, 4);
        yield { number, wire: 'fixed32' };
        break;
      default:
        throw new MalformedProtobuf(`field ${number} has wire type ${tag % 8}`);
    }
  }
}

function varint(message: Buffer, cursor: { at: number }): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = message[cursor.at++];
    if (byte === undefined) throw new MalformedProtobuf('ended within a number');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new MalformedProtobuf('a number is longer than ten bytes');
}

function take(message: Buffer, cursor: { at: number }, length: number): Buffer {
  const end = cursor.at + length;
  if (end > message.length)
    throw new MalformedProtobuf(`${length} bytes announced, ${message.length - cursor.at} there`);
  const bytes = message.subarray(cursor.at, end);
  cursor.at = end;
  return bytes;
}
