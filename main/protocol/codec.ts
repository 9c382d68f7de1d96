// Composes the codec of one (message, version) from closures, one per field. What a version does not have costs
// nothing when reading. Errors carry the path of the field; every length is checked before anything is allocated.

import { locate, ProtocolError, UnsupportedVersionError } from './protocol-error.ts';
import type { Field, Fields, PrimitiveKind, UnknownTaggedField } from './fields.ts';
import { includesVersion, parseVersions } from './versions.ts';
import type { WireReader } from './wire-reader.ts';
import { bytesLength, WireWriter, type Bytes } from './wire-writer.ts';

type Values = Record<string, unknown>;
type Read = (reader: WireReader) => unknown;
type Write = (writer: WireWriter, value: unknown) => void;

export type Codec = {
  /** Fewest bytes an encoded value can take. */
  readonly bytesMin: number;
  readonly read: (reader: WireReader) => Values;
  readonly write: (writer: WireWriter, value: Values) => void;
};

type ValueCodec = { readonly bytesMin: number; readonly read: Read; readonly write: Write };

function existsIn(versions: string | null, version: number): boolean {
  return versions !== null && includesVersion(parseVersions(versions), version);
}

function isStructFields(element: Field['element']): element is Fields {
  return element !== null && typeof element !== 'string';
}

/** What stands for the field when it is absent. Shared between messages, hence frozen where it is an object. */
export function defaultOf(field: Field): unknown {
  if (field.kind !== 'struct' || field.default === null) return field.default;
  return Object.freeze(defaultsOf(isStructFields(field.element) ? field.element : {}));
}

/** A struct of which every field stands at its default. */
export function defaultsOf(fields: Fields): Values {
  const values: Values = {};
  for (const [name, field] of Object.entries(fields)) values[name] = defaultOf(field);
  return values;
}

/** Whether writing `value` would say nothing that leaving the field out does not. */
export function isDefault(field: Field, value: unknown): boolean {
  if (value === undefined) return true;
  if (value === null || field.default === null) return value === field.default;
  switch (field.kind) {
    case 'array':
      return (value as readonly unknown[]).length === 0;
    case 'bytes':
    case 'records':
      return bytesLength(value as Bytes) === 0;
    case 'struct':
      return isDefaultStruct(isStructFields(field.element) ? field.element : {}, value as Values);
    case 'int64':
    case 'int64Saturating':
      // 2^53−1 is how the engine writes Kafka's 2^63−1, the only default beyond a safe integer.
      return value === field.default || (value === 0x7fffffffffffffffn && field.default === Number.MAX_SAFE_INTEGER);
    case 'float64':
      return Object.is(value, field.default);
    default:
      return value === field.default;
  }
}

function isDefaultStruct(fields: Fields, value: Values): boolean {
  for (const [name, field] of Object.entries(fields)) {
    if (!isDefault(field, value[name])) return false;
  }
  const unknown = value['unknownTaggedFields'] as readonly UnknownTaggedField[] | undefined;
  return unknown === undefined || unknown.length === 0;
}

/** Codec of a struct or message body in one version. */
export function compileCodec(fields: Fields, version: number, flexible: boolean): Codec {
  const template = defaultsOf(fields);
  const names: string[] = [];
  const codecs: ValueCodec[] = [];
  const defaults: unknown[] = [];
  const tagged: TaggedCodec[] = [];
  const missing: MissingField[] = [];
  let bytesMin = flexible ? 1 : 0;
  for (const [name, field] of Object.entries(fields)) {
    if (!existsIn(field.versions, version)) {
      if (!field.ignorable) missing.push({ name, field });
    } else if (existsIn(field.tagged, version)) {
      tagged.push({ name, field, tag: field.tag, codec: compileField(field, version, flexible, true) });
    } else {
      const codec = compileField(field, version, flexible, false);
      names.push(name);
      codecs.push(codec);
      defaults.push(template[name]);
      bytesMin += codec.bytesMin;
    }
  }
  tagged.sort((a, b) => a.tag - b.tag);
  const reads = codecs.map((codec) => codec.read);
  const writes = codecs.map((codec) => codec.write);
  const count = names.length;

  function read(reader: WireReader): Values {
    const values: Values = { ...template };
    let index = 0;
    try {
      for (; index < count; index++) values[names[index] as string] = (reads[index] as Read)(reader);
    } catch (error) {
      throw locate(error, names[index] as string);
    }
    if (flexible) readTagged(reader, values, tagged);
    return values;
  }

  function write(writer: WireWriter, values: Values): void {
    if (missing.length > 0) refuseMissing(values, missing, version);
    let index = 0;
    try {
      for (; index < count; index++) {
        const value = values[names[index] as string];
        (writes[index] as Write)(writer, value === undefined ? defaults[index] : value);
      }
    } catch (error) {
      throw locate(error, names[index] as string);
    }
    if (flexible) writeTagged(writer, values, tagged);
    else refuseUnknownTags(values, version);
  }

  return { bytesMin, read, write };
}

const noTags: readonly UnknownTaggedField[] = [];

type MissingField = { readonly name: string; readonly field: Field };
type TaggedCodec = { readonly name: string; readonly field: Field; readonly tag: number; readonly codec: ValueCodec };

function refuseMissing(values: Values, missing: readonly MissingField[], version: number): void {
  for (const { name, field } of missing) {
    if (!isDefault(field, values[name])) {
      throw new UnsupportedVersionError(`version ${version} cannot carry it and it is not at its default`).within(name);
    }
  }
}

function refuseUnknownTags(values: Values, version: number): void {
  const unknown = values['unknownTaggedFields'] as readonly UnknownTaggedField[] | undefined;
  if (unknown !== undefined && unknown.length > 0) {
    throw new UnsupportedVersionError(`version ${version} has no tagged fields`).within('unknownTaggedFields');
  }
}

function readTagged(reader: WireReader, values: Values, tagged: readonly TaggedCodec[]): void {
  const count = reader.unsignedVarint();
  if (count === 0) return;
  if (count * 2 > reader.remaining) throw new ProtocolError(`${count} tagged fields do not fit in the bytes left`);
  const unknown: UnknownTaggedField[] = [];
  for (let index = 0; index < count; index++) {
    const tag = reader.unsignedVarint();
    const size = reader.unsignedVarint();
    const known = tagged.find((candidate) => candidate.tag === tag);
    if (known === undefined) {
      unknown.push({ tag, data: reader.raw(size) });
      continue;
    }
    const end = reader.position + size;
    try {
      values[known.name] = known.codec.read(reader);
      if (reader.position !== end) throw new ProtocolError(`tagged field is not the ${size} bytes long that it says`);
    } catch (error) {
      throw locate(error, known.name);
    }
  }
  if (unknown.length > 0) values['unknownTaggedFields'] = unknown;
}

function writeTagged(writer: WireWriter, values: Values, tagged: readonly TaggedCodec[]): void {
  const unknown = (values['unknownTaggedFields'] ?? noTags) as readonly UnknownTaggedField[];
  if (unknown.length === 0 && !tagged.some(({ name, field }) => !isDefault(field, values[name]))) {
    // By far the most common, and once per partition of a fetch: nothing is allocated.
    writer.unsignedVarint(0);
    return;
  }
  const present = tagged.filter(({ name, field }) => !isDefault(field, values[name]));
  writer.unsignedVarint(present.length + unknown.length);
  if (unknown.length === 0) {
    for (const field of present) writeKnownTag(writer, field, values);
    return;
  }
  // Tags must rise, wherever they come from.
  const steps: { tag: number; run: () => void }[] = [
    ...present.map((field) => ({ tag: field.tag, run: () => writeKnownTag(writer, field, values) })),
    ...unknown.map((field) => ({ tag: field.tag, run: () => writeUnknownTag(writer, field) })),
  ];
  steps.sort((a, b) => a.tag - b.tag);
  for (const step of steps) step.run();
}

function writeKnownTag(writer: WireWriter, tagged: TaggedCodec, values: Values): void {
  // The size stands before the value: write it aside, then append.
  const aside = new WireWriter(64);
  try {
    tagged.codec.write(aside, values[tagged.name]);
  } catch (error) {
    throw locate(error, tagged.name);
  }
  writer.unsignedVarint(tagged.tag);
  writer.unsignedVarint(aside.size);
  writer.append(aside);
}

function writeUnknownTag(writer: WireWriter, field: UnknownTaggedField): void {
  writer.unsignedVarint(field.tag);
  writer.unsignedVarint(field.data.length);
  writer.raw(field.data);
}

function compileField(field: Field, version: number, messageFlexible: boolean, inTag: boolean): ValueCodec {
  const flexible = field.flexible === null ? messageFlexible : existsIn(field.flexible, version);
  const nullable = existsIn(field.nullable, version);
  if (field.kind === 'array') return compileArray(field, version, flexible, nullable);
  if (field.kind === 'struct') {
    const codec = compileCodec(isStructFields(field.element) ? field.element : {}, version, flexible);
    return nullable ? nullableStruct(codec, inTag) : requiredStruct(codec);
  }
  const codec = primitiveCodec(field.kind, flexible);
  return nullable ? codec : refuseNull(codec, field.kind);
}

function requiredStruct(codec: Codec): ValueCodec {
  return {
    bytesMin: codec.bytesMin,
    read: codec.read,
    write: (writer, value) => codec.write(writer, requireValues(value)),
  };
}

function requireValues(value: unknown): Values {
  if (typeof value !== 'object' || value === null) throw new ProtocolError('must not be null');
  return value as Values;
}

/** A struct that may be null is led by one signed byte, −1 or 1; inside a tag by a varint, 0 or 1. */
function nullableStruct(codec: Codec, inTag: boolean): ValueCodec {
  return {
    bytesMin: 1,
    read: (reader) => {
      const isNull = inTag ? reader.unsignedVarint() === 0 : reader.int8() < 0;
      return isNull ? null : codec.read(reader);
    },
    write: (writer, value) => {
      if (inTag) writer.unsignedVarint(value === null ? 0 : 1);
      else writer.int8(value === null ? -1 : 1);
      if (value !== null) codec.write(writer, value as Values);
    },
  };
}

const mayBeNull: ReadonlySet<PrimitiveKind> = new Set<PrimitiveKind>(['string', 'bytes', 'records']);

/** On the wire these can be null in any version; where the schema does not allow it, it is an error. */
function refuseNull(codec: ValueCodec, kind: PrimitiveKind): ValueCodec {
  if (!mayBeNull.has(kind)) return codec;
  return {
    bytesMin: codec.bytesMin,
    read: (reader) => {
      const value = codec.read(reader);
      if (value === null) throw new ProtocolError('must not be null');
      return value;
    },
    write: (writer, value) => {
      if (value === null) throw new ProtocolError('must not be null');
      codec.write(writer, value);
    },
  };
}

function compileArray(field: Field, version: number, flexible: boolean, nullable: boolean): ValueCodec {
  const element = elementCodec(field.element, version, flexible);
  // An element may take no bytes at all in old versions; Kafka counts it as one.
  const elementBytesMin = Math.max(1, element.bytesMin);
  const readElement = element.read;
  const writeElement = element.write;
  return {
    bytesMin: flexible ? 1 : 4,
    read: (reader) => {
      const count = flexible ? reader.compactArrayCount(elementBytesMin) : reader.arrayCount(elementBytesMin);
      if (count < 0) {
        if (nullable) return null;
        throw new ProtocolError('must not be null');
      }
      const values: unknown[] = [];
      let index = 0;
      try {
        for (; index < count; index++) values.push(readElement(reader));
      } catch (error) {
        throw locate(error, `[${index}]`);
      }
      return values;
    },
    write: (writer, value) => {
      if (value === null) {
        if (!nullable) throw new ProtocolError('must not be null');
        if (flexible) writer.unsignedVarint(0);
        else writer.int32(-1);
        return;
      }
      const values = value as readonly unknown[];
      if (flexible) writer.unsignedVarint(values.length + 1);
      else writer.int32(values.length);
      let index = 0;
      try {
        for (; index < values.length; index++) writeElement(writer, values[index]);
      } catch (error) {
        throw locate(error, `[${index}]`);
      }
    },
  };
}

function elementCodec(element: Field['element'], version: number, flexible: boolean): ValueCodec {
  if (element === null) throw new TypeError('an array needs an element type');
  if (typeof element !== 'string') return requiredStruct(compileCodec(element, version, flexible));
  return refuseNull(primitiveCodec(element, flexible), element);
}

function primitiveCodec(kind: PrimitiveKind, flexible: boolean): ValueCodec {
  switch (kind) {
    case 'bool':
      return { bytesMin: 1, read: (r) => r.bool(), write: (w, v) => w.bool(v as boolean) };
    case 'int8':
      return { bytesMin: 1, read: (r) => r.int8(), write: (w, v) => w.int8(v as number) };
    case 'int16':
      return { bytesMin: 2, read: (r) => r.int16(), write: (w, v) => w.int16(v as number) };
    case 'uint16':
      return { bytesMin: 2, read: (r) => r.uint16(), write: (w, v) => w.uint16(v as number) };
    case 'int32':
      return { bytesMin: 4, read: (r) => r.int32(), write: (w, v) => w.int32(v as number) };
    case 'uint32':
      return { bytesMin: 4, read: (r) => r.uint32(), write: (w, v) => w.uint32(v as number) };
    case 'int64':
      return { bytesMin: 8, read: (r) => r.int64(), write: (w, v) => w.int64(v as number) };
    case 'int64Saturating':
      return { bytesMin: 8, read: (r) => r.int64Saturating(), write: (w, v) => w.int64(v as number) };
    case 'int64Exact':
      return { bytesMin: 8, read: (r) => r.int64Exact(), write: (w, v) => w.int64(v as bigint) };
    case 'float64':
      return { bytesMin: 8, read: (r) => r.float64(), write: (w, v) => w.float64(v as number) };
    case 'uuid':
      return { bytesMin: 16, read: (r) => r.uuid(), write: (w, v) => w.uuid(v as string) };
    case 'string':
      return flexible
        ? { bytesMin: 1, read: (r) => r.compactString(), write: (w, v) => w.compactString(v as string | null) }
        : { bytesMin: 2, read: (r) => r.string(), write: (w, v) => w.string(v as string | null) };
    case 'bytes':
    case 'records':
      return flexible
        ? { bytesMin: 1, read: (r) => r.compactBytes(), write: (w, v) => w.compactBytes(v as Bytes | null) }
        : { bytesMin: 4, read: (r) => r.bytes(), write: (w, v) => w.bytes(v as Bytes | null) };
  }
}
