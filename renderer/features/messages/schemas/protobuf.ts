// Protobuf's wire form, read by a .proto file, or without one as far as the bytes tell. Fields that are not there are
// left out, as on the wire; those that the schema does not know are shown by number. Pure.

import { ByteReader, exact, hexText, SchemaProblem } from './byte-reader.ts';
import { parseProto, type ProtoField, type ProtoFile, type ProtoMessage } from './proto-file.ts';

const depthMax = 100;
const wireNames = ['varint', '8 bytes', 'length and bytes', 'group', 'end of group', '4 bytes'] as const;

type Scalar = { readonly wire: 0 | 1 | 2 | 5; read(reader: ByteReader): unknown };

const scalars: Readonly<Record<string, Scalar>> = {
  double: { wire: 1, read: (reader) => reader.double() },
  float: { wire: 5, read: (reader) => reader.float() },
  int32: { wire: 0, read: (reader) => Number(BigInt.asIntN(32, reader.varint('an int32'))) },
  int64: { wire: 0, read: (reader) => exact(BigInt.asIntN(64, reader.varint('an int64'))) },
  uint32: { wire: 0, read: (reader) => Number(BigInt.asUintN(32, reader.varint('a uint32'))) },
  uint64: { wire: 0, read: (reader) => exact(reader.varint('a uint64')) },
  sint32: { wire: 0, read: (reader) => Number(BigInt.asIntN(32, reader.zigzag('a sint32'))) },
  sint64: { wire: 0, read: (reader) => exact(reader.zigzag('a sint64')) },
  fixed32: { wire: 5, read: (reader) => reader.fixed32() },
  fixed64: { wire: 1, read: (reader) => exact(reader.fixed64()) },
  sfixed32: { wire: 5, read: (reader) => reader.fixed32() | 0 },
  sfixed64: { wire: 1, read: (reader) => exact(BigInt.asIntN(64, reader.fixed64())) },
  bool: { wire: 0, read: (reader) => reader.varint('a bool') !== 0n },
  string: { wire: 2, read: (reader) => reader.text(lengthAndBytes(reader), 'a string') },
  bytes: { wire: 2, read: (reader) => hexText(lengthAndBytes(reader)) },
};

/** What Google's own files define and nearly everybody imports. */
const wellKnown = `package google.protobuf;
message Timestamp { int64 seconds = 1; int32 nanos = 2; }
message Duration { int64 seconds = 1; int32 nanos = 2; }
message Empty { }
message Any { string type_url = 1; bytes value = 2; }
message FieldMask { repeated string paths = 1; }
message DoubleValue { double value = 1; } message FloatValue { float value = 1; }
message Int64Value { int64 value = 1; } message UInt64Value { uint64 value = 1; }
message Int32Value { int32 value = 1; } message UInt32Value { uint32 value = 1; }
message BoolValue { bool value = 1; } message StringValue { string value = 1; } message BytesValue { bytes value = 1; }`;

export type ProtobufReader = {
  /** Full names, to choose from. */
  readonly messages: readonly string[];
  /** `message` by its full or last name; null is the first one of the file. */
  read(bytes: Uint8Array, from: number, message: string | null): unknown;
  /** The message at these places: the first number counts the outermost, the others what is nested in it. */
  messageAt(places: readonly number[]): string | null;
};

/** Throws SchemaProblem when the file can't be used. */
export function compileProtobuf(text: string): ProtobufReader {
  const own = parseProto(text);
  const known = parseProto(wellKnown);
  const file: ProtoFile = {
    messages: new Map([...known.messages, ...own.messages]),
    enums: own.enums,
    roots: own.roots,
  };
  for (const message of own.messages.values()) for (const field of message.fields.values()) check(file, message, field);
  return {
    messages: [...own.messages.keys()],
    read(bytes, from, name) {
      const wanted = name ?? own.roots[0] ?? '';
      const message =
        own.messages.get(wanted) ?? [...own.messages.values()].find((one) => one.name.endsWith(`.${wanted}`));
      if (message === undefined) throw new SchemaProblem(`there is no message ${wanted} in this file`);
      return readMessage(new ByteReader(bytes, from), file, message);
    },
    messageAt([first = 0, ...rest]) {
      let name = own.roots[first];
      for (const place of rest) name = own.messages.get(name ?? '')?.nested[place];
      return name ?? null;
    },
  };
}

function check(file: ProtoFile, message: ProtoMessage, field: ProtoField): void {
  if (field.type in scalars || resolve(file, message.name, field.type) !== null) return;
  throw new SchemaProblem(
    `${message.name}.${field.name}: type ${field.type} is not in this file; paste its definition along`,
  );
}

/** A name means the innermost thing that is called so. */
function resolve(file: ProtoFile, scope: string, type: string): string | null {
  const exists = (name: string): boolean => file.messages.has(name) || file.enums.has(name);
  if (type.startsWith('.')) return exists(type.slice(1)) ? type.slice(1) : null;
  for (let space = scope; ; space = space.slice(0, Math.max(0, space.lastIndexOf('.')))) {
    const name = space === '' ? type : `${space}.${type}`;
    if (exists(name)) return name;
    if (space === '') return null;
  }
}

function readMessage(reader: ByteReader, file: ProtoFile, message: ProtoMessage): unknown {
  if (reader.path.length > depthMax) reader.fail('the message is nested too deeply');
  const result: Record<string, unknown> = {};
  while (reader.left > 0) {
    const [number, wire] = readTag(reader);
    const field = message.fields.get(number);
    if (field === undefined) {
      const name = `unknown ${number}`;
      result[name] = [...asList(result[name]), readUnknown(reader, wire)];
      continue;
    }
    reader.within(field.name, () => readField(reader, file, message, field, wire, result));
  }
  return plain(message.name, result);
}

function readTag(reader: ByteReader): readonly [number: number, wire: number] {
  const tag = reader.varint('a tag');
  const number = Number(tag >> 3n);
  if (number < 1 || number > 536_870_911) reader.fail(`there is no field ${number}: these bytes are no such message`);
  return [number, Number(tag & 7n)];
}

function readField(
  reader: ByteReader,
  file: ProtoFile,
  message: ProtoMessage,
  field: ProtoField,
  wire: number,
  result: Record<string, unknown>,
): void {
  if (field.mapKey !== null) {
    const entry = readEntry(reader, file, message, field, field.mapKey, wire);
    const known = result[field.name];
    result[field.name] = { ...(typeof known === 'object' && known !== null ? known : {}), [entry[0]]: entry[1] };
    return;
  }
  const { wire: own, read } = typeOf(file, message.name, field.type);
  if (field.repeated && wire === 2 && own !== 2) {
    // Packed: the values one after another.
    const bytes = lengthAndBytes(reader);
    const inner = new ByteReader(bytes);
    const values: unknown[] = [];
    while (inner.left > 0) values.push(read(inner));
    result[field.name] = [...asList(result[field.name]), ...values];
    return;
  }
  expectWire(reader, field, own, wire);
  const value = read(reader);
  result[field.name] = field.repeated ? [...asList(result[field.name]), value] : value;
}

function readEntry(
  reader: ByteReader,
  file: ProtoFile,
  message: ProtoMessage,
  field: ProtoField,
  keyType: string,
  wire: number,
): readonly [string, unknown] {
  expectWire(reader, field, 2, wire);
  const entry = new ByteReader(lengthAndBytes(reader));
  entry.path.push(...reader.path);
  let key: unknown = keyType === 'string' ? '' : 0;
  let value: unknown = null;
  while (entry.left > 0) {
    const [number, inner] = readTag(entry);
    const part = typeOf(file, message.name, number === 1 ? keyType : field.type);
    expectWire(entry, field, part.wire, inner);
    if (number === 1) key = part.read(entry);
    else value = part.read(entry);
  }
  return [String(key), value];
}

function expectWire(reader: ByteReader, field: ProtoField, wanted: number, found: number): void {
  if (wanted === found) return;
  reader.fail(
    `${field.type} is written as ${wireNames[wanted] ?? wanted}, here is ${wireNames[found] ?? `wire type ${found}`}`,
  );
}

function typeOf(file: ProtoFile, scope: string, type: string): Scalar {
  const scalar = scalars[type];
  if (scalar) return scalar;
  const name = resolve(file, scope, type) ?? '';
  const values = file.enums.get(name);
  if (values) {
    return {
      wire: 0,
      read: (reader) => {
        const number = Number(BigInt.asIntN(32, reader.varint('an enum')));
        return values.get(number) ?? number;
      },
    };
  }
  return {
    wire: 2,
    read: (reader) => {
      const message = file.messages.get(name);
      if (message === undefined) return reader.fail(`type ${type} is not known`);
      const inner = new ByteReader(lengthAndBytes(reader));
      inner.path.push(...reader.path);
      return readMessage(inner, file, message);
    },
  };
}

/** Well-known messages as people write them. */
function plain(name: string, fields: Record<string, unknown>): unknown {
  if (name === 'google.protobuf.Timestamp') {
    const date = new Date(Number(fields['seconds'] ?? 0) * 1000 + Number(fields['nanos'] ?? 0) / 1e6);
    return Number.isNaN(date.getTime()) ? fields : date.toISOString();
  }
  if (name === 'google.protobuf.Duration') {
    return `${Number(fields['seconds'] ?? 0) + Number(fields['nanos'] ?? 0) / 1e9}s`;
  }
  return /^google\.protobuf\.\w+Value$/.test(name) && 'value' in fields ? fields['value'] : fields;
}

/** Without a schema: numbers, and what could be text, else a message, else bytes. */
export function readWithoutSchema(bytes: Uint8Array, from: number): unknown {
  return readFields(new ByteReader(bytes, from), 0);
}

function readFields(reader: ByteReader, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  while (reader.left > 0) {
    const [number, wire] = readTag(reader);
    const value = readUnknown(reader, wire, depth);
    const known = result[number];
    result[number] = known === undefined ? value : [...asList(known), value];
  }
  return result;
}

function readUnknown(reader: ByteReader, wire: number, depth = 0): unknown {
  switch (wire) {
    case 0:
      return exact(BigInt.asIntN(64, reader.varint('a varint')));
    case 1:
      return exact(reader.fixed64());
    case 5:
      return reader.fixed32();
    case 2:
      return guess(lengthAndBytes(reader), depth);
    default:
      return reader.fail(`wire type ${wire} is not used: these bytes are no Protobuf`);
  }
}

function guess(bytes: Uint8Array, depth: number): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!/[\u0000-\u0008\u000e-\u001f]/.test(text)) return text;
  } catch {
    // No text: a message, or bytes.
  }
  if (depth >= depthMax) return hexText(bytes);
  try {
    return readFields(new ByteReader(bytes), depth + 1);
  } catch (error) {
    if (!(error instanceof SchemaProblem)) throw error;
    return hexText(bytes);
  }
}

function lengthAndBytes(reader: ByteReader): Uint8Array {
  return reader.take(Number(reader.varint('a length')), 'a field');
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}
