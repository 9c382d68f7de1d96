// A decoder by the id that stands in the address: a built-in one, or a saved schema. Knows Confluent's framing (a zero,
// the schema's id, for Protobuf the message's place), which most producers of Avro and Protobuf put first. Pure.

import type { SavedSchema } from '../../state/schemas.svelte.ts';
import { decode, type Decoded, decoderLabels, decoderNames, hexOf } from './decoders.ts';
import { compileAvro } from './schemas/avro.ts';
import { ByteReader, SchemaProblem } from './schemas/byte-reader.ts';
import { compileProtobuf, readWithoutSchema } from './schemas/protobuf.ts';

export type Decoder = {
  readonly id: string;
  readonly label: string;
  decode(bytes: Uint8Array): Decoded;
};

const schemaPrefix = 'schema:';
const framingBytes = 5;

const builtIn: readonly Decoder[] = [
  ...decoderNames.map((name) => ({
    id: name,
    label: decoderLabels[name],
    decode: (bytes: Uint8Array) => decode(bytes, name),
  })),
  {
    id: 'protobuf',
    label: 'Protobuf, no schema',
    decode: (bytes) =>
      attempt(bytes, () => ({ value: readWithoutSchema(bytes, protobufStart(bytes).from), note: null })),
  },
];
const automatic = builtIn[0] as Decoder;

export function allDecoders(schemas: readonly SavedSchema[]): readonly Decoder[] {
  return [...builtIn, ...schemas.map(decoderOfSchema)];
}

/** What is not there (any more) reads automatically. */
export function decoderNamed(id: string, schemas: readonly SavedSchema[]): Decoder {
  return allDecoders(schemas).find((decoder) => decoder.id === id) ?? automatic;
}

/** Why a schema can't be used, and which messages it offers. */
export function checkSchema(
  kind: SavedSchema['kind'],
  text: string,
): { problem: string | null; messages: readonly string[] } {
  try {
    if (kind === 'protobuf') return { problem: null, messages: compileProtobuf(text).messages };
    compileAvro(text);
    return { problem: null, messages: [] };
  } catch (error) {
    if (!(error instanceof SchemaProblem)) throw error;
    return { problem: error.message, messages: [] };
  }
}

const compiled = new WeakMap<SavedSchema, Decoder>();

function decoderOfSchema(schema: SavedSchema): Decoder {
  const known = compiled.get(schema);
  if (known) return known;
  const decoder: Decoder = {
    id: `${schemaPrefix}${schema.name}`,
    label: `${schema.name} (${schema.kind === 'avro' ? 'Avro' : 'Protobuf'})`,
    decode: readerOf(schema),
  };
  compiled.set(schema, decoder);
  return decoder;
}

type Reading = { readonly value: unknown; readonly note: string | null };

function readerOf(schema: SavedSchema): Decoder['decode'] {
  try {
    const read = schema.kind === 'avro' ? avroReader(schema.text) : protobufReader(schema);
    return (bytes) => attempt(bytes, () => read(bytes));
  } catch (error) {
    if (!(error instanceof SchemaProblem)) throw error;
    const problem = `the schema ${schema.name} can’t be used: ${error.message}`;
    return (bytes) => ({ text: hexOf(bytes), kind: 'hex', problem });
  }
}

function avroReader(text: string): (bytes: Uint8Array) => Reading {
  const read = compileAvro(text);
  return (bytes) => {
    if (bytes[0] !== 0 || bytes.length <= framingBytes) return { value: read(bytes, 0), note: null };
    // A value may begin with a zero itself: framed is tried first, since most are.
    try {
      return { value: read(bytes, framingBytes), note: `schema id ${schemaId(bytes)}` };
    } catch (framed) {
      if (!(framed instanceof SchemaProblem)) throw framed;
      try {
        return { value: read(bytes, 0), note: null };
      } catch {
        // Both ways fail: the likelier one says why.
        throw framed;
      }
    }
  };
}

function protobufReader(schema: SavedSchema): (bytes: Uint8Array) => Reading {
  const reader = compileProtobuf(schema.text);
  return (bytes) => {
    const { from, places } = protobufStart(bytes);
    const message = schema.message ?? (places === null ? null : reader.messageAt(places));
    return { value: reader.read(bytes, from, message), note: places === null ? null : `schema id ${schemaId(bytes)}` };
  };
}

/** No Protobuf message begins with a zero byte, so that framing is known by it. */
function protobufStart(bytes: Uint8Array): { from: number; places: readonly number[] | null } {
  if (bytes[0] !== 0 || bytes.length <= framingBytes) return { from: 0, places: null };
  const reader = new ByteReader(bytes, framingBytes);
  const count = Number(reader.zigzag('the place of the message'));
  if (count < 0 || count > reader.left) reader.fail(`a message can’t be nested ${count} deep`);
  const places = Array.from({ length: count }, () => Number(reader.zigzag('the place of the message')));
  return { from: reader.at, places: count === 0 ? [0] : places };
}

function schemaId(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(1);
}

function attempt(bytes: Uint8Array, read: () => Reading): Decoded {
  try {
    const { value, note } = read();
    return { text: JSON.stringify(value), kind: 'json', problem: null, note };
  } catch (error) {
    if (!(error instanceof SchemaProblem)) throw error;
    return { text: hexOf(bytes), kind: 'hex', problem: error.message };
  }
}
