// Avro's binary form (1.12), read by the schema it was written with: no resolution against a second schema. Logical
// types are shown as people write them. Pure.

import { ByteReader, exact, hexText, SchemaProblem } from './byte-reader.ts';

type Read = (reader: ByteReader) => unknown;
type SchemaObject = Readonly<Record<string, unknown>>;

const blocksItemsMax = 1_000_000;
const depthMax = 200;

/** Throws SchemaProblem when the text is no Avro schema; so does what it returns, when the bytes are none of it. */
export function compileAvro(text: string): (bytes: Uint8Array, from: number) => unknown {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    throw new SchemaProblem(`this is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const read = new Compiler().compile(schema, '', 'the schema');
  return (bytes, from) => {
    const reader = new ByteReader(bytes, from);
    const value = read(reader);
    if (reader.left > 0) reader.fail(`${reader.left} bytes are left over: they were written with another schema`);
    return value;
  };
}

const primitives: Readonly<Record<string, Read>> = {
  null: () => null,
  boolean: (reader) => {
    const value = reader.byte('a boolean');
    return value > 1 ? reader.fail(`a boolean is 0 or 1, not ${value}`) : value === 1;
  },
  int: (reader) => {
    const value = reader.zigzag('an int');
    return BigInt.asIntN(32, value) === value ? Number(value) : reader.fail(`${value} does not fit into an int`);
  },
  long: (reader) => exact(reader.zigzag('a long')),
  float: (reader) => reader.float(),
  double: (reader) => reader.double(),
  bytes: (reader) => hexText(bytesOf(reader)),
  string: (reader) => reader.text(bytesOf(reader), 'a string'),
};

function bytesOf(reader: ByteReader): Uint8Array {
  return reader.take(Number(reader.zigzag('a length')), 'a string or bytes');
}

class Compiler {
  readonly #named = new Map<string, { read: Read | null }>();

  compile(schema: unknown, namespace: string, where: string): Read {
    if (typeof schema === 'string') return this.#byName(schema, namespace, where);
    if (Array.isArray(schema)) return this.#union(schema, namespace, where);
    if (typeof schema !== 'object' || schema === null) throw new SchemaProblem(`${where} is no schema`);
    const object = schema as SchemaObject;
    const type = object['type'];
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(object, namespace, where);
      case 'enum':
        return this.#enum(object, namespace, where);
      case 'fixed':
        return this.#fixed(object, namespace, where);
      case 'array':
        return this.#array(object, namespace, where);
      case 'map':
        return this.#map(object, namespace, where);
      default: {
        const read = this.compile(type, namespace, where);
        return logical(object, typeof type === 'string' ? type : '', read);
      }
    }
  }

  #byName(name: string, namespace: string, where: string): Read {
    const primitive = primitives[name];
    if (primitive) return primitive;
    const found =
      this.#named.get(name.includes('.') || namespace === '' ? name : `${namespace}.${name}`) ?? this.#named.get(name);
    if (!found) throw new SchemaProblem(`${where}: there is no type "${name}" in this schema`);
    // A type may hold itself, so it is looked up when it is read.
    return (reader) => {
      if (reader.path.length > depthMax) reader.fail('the value is nested too deeply');
      return (found.read ?? primitives['null'])?.(reader);
    };
  }

  #define(schema: SchemaObject, namespace: string, where: string): { space: string; name: string; set(r: Read): Read } {
    const given = schema['name'];
    if (typeof given !== 'string' || given === '') throw new SchemaProblem(`${where}: a named type needs a name`);
    const own = typeof schema['namespace'] === 'string' ? schema['namespace'] : namespace;
    const name = given.includes('.') || own === '' ? given : `${own}.${given}`;
    const entry: { read: Read | null } = { read: null };
    this.#named.set(name, entry);
    const dot = name.lastIndexOf('.');
    return { space: dot < 0 ? '' : name.slice(0, dot), name: given, set: (read) => (entry.read = read) };
  }

  #record(schema: SchemaObject, namespace: string, where: string): Read {
    const { space, name, set } = this.#define(schema, namespace, where);
    const fields = schema['fields'];
    if (!Array.isArray(fields)) throw new SchemaProblem(`record ${name} has no list of fields`);
    const reads = fields.map((field: SchemaObject) => {
      const fieldName = field['name'];
      if (typeof fieldName !== 'string') throw new SchemaProblem(`a field of ${name} has no name`);
      return [fieldName, this.compile(field['type'], space, `${name}.${fieldName}`)] as const;
    });
    return set((reader) =>
      Object.fromEntries(reads.map(([field, read]) => [field, reader.within(field, () => read(reader))])),
    );
  }

  #enum(schema: SchemaObject, namespace: string, where: string): Read {
    const { name, set } = this.#define(schema, namespace, where);
    const symbols = schema['symbols'];
    if (!Array.isArray(symbols)) throw new SchemaProblem(`enum ${name} has no symbols`);
    return set((reader) => {
      const index = Number(reader.zigzag('an enum'));
      return symbols[index] ?? reader.fail(`${name} has ${symbols.length} symbols, no number ${index}`);
    });
  }

  #fixed(schema: SchemaObject, namespace: string, where: string): Read {
    const { name, set } = this.#define(schema, namespace, where);
    const size = schema['size'];
    if (typeof size !== 'number') throw new SchemaProblem(`fixed ${name} has no size`);
    if (schema['logicalType'] === 'decimal') {
      return set((reader) => decimal(reader.take(size, name), Number(schema['scale'] ?? 0)));
    }
    return set((reader) => hexText(reader.take(size, name)));
  }

  #array(schema: SchemaObject, namespace: string, where: string): Read {
    const read = this.compile(schema['items'], namespace, `items of ${where}`);
    return (reader) => {
      const items: unknown[] = [];
      forEachInBlocks(reader, () => items.push(reader.within(`[${items.length}]`, () => read(reader))));
      return items;
    };
  }

  #map(schema: SchemaObject, namespace: string, where: string): Read {
    const read = this.compile(schema['values'], namespace, `values of ${where}`);
    return (reader) => {
      const entries: [string, unknown][] = [];
      forEachInBlocks(reader, () => {
        const key = reader.text(bytesOf(reader), 'a key');
        entries.push([key, reader.within(key, () => read(reader))]);
      });
      return Object.fromEntries(entries);
    };
  }

  #union(schema: readonly unknown[], namespace: string, where: string): Read {
    const reads = schema.map((branch) => this.compile(branch, namespace, where));
    return (reader) => {
      const index = Number(reader.zigzag('a union'));
      const read = reads[index];
      return read ? read(reader) : reader.fail(`the union has ${reads.length} branches, no number ${index}`);
    };
  }
}

/** Blocks with a count each, the last one empty; a negative count is followed by the block's size in bytes. */
function forEachInBlocks(reader: ByteReader, take: () => void): void {
  let total = 0;
  for (;;) {
    let count = Number(reader.zigzag('a block'));
    if (count === 0) return;
    if (count < 0) {
      count = -count;
      reader.zigzag('the size of a block');
    }
    total += count;
    if (total > blocksItemsMax) reader.fail(`more than ${blocksItemsMax} items: the bytes are of another schema`);
    for (let index = 0; index < count; index++) take();
  }
}

function logical(schema: SchemaObject, type: string, read: Read): Read {
  const number = (reader: ByteReader): number => Number(read(reader));
  switch (`${type} ${String(schema['logicalType'])}`) {
    case 'int date':
      return (reader) => moment(number(reader) * 86_400_000)?.slice(0, 10) ?? null;
    case 'long timestamp-millis':
      return (reader) => moment(number(reader));
    case 'long timestamp-micros':
      return (reader) => moment(number(reader) / 1000);
    case 'long local-timestamp-millis':
      return (reader) => moment(number(reader))?.slice(0, -1) ?? null;
    case 'int time-millis':
      return (reader) => moment(number(reader))?.slice(11, 23) ?? null;
    case 'bytes decimal':
      return (reader) => decimal(bytesOf(reader), Number(schema['scale'] ?? 0));
    default:
      return read;
  }
}

/** ISO; the number itself where no calendar reaches. */
function moment(wallMs: number): string | null {
  const date = new Date(wallMs);
  return Number.isNaN(date.getTime()) ? String(wallMs) : date.toISOString();
}

/** Two's complement, highest byte first. */
function decimal(bytes: Uint8Array, scale: number): string {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  value = BigInt.asIntN(bytes.length * 8, value);
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return value < 0n ? `-${text}` : text;
}
