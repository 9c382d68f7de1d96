// The DSL in which Kafka's messages are written down: one literal for all versions, TypeScript types inferred
// from it, codecs composed from it at first use (codec.ts). It reads as the specification does.

import { compileCodec, type Codec } from './codec.ts';
import { ProtocolError, UnsupportedVersionError } from './protocol-error.ts';
import { WireReader, type WireReaderOptions } from './wire-reader.ts';
import { WireWriter, type Bytes } from './wire-writer.ts';

export type PrimitiveKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'int64Saturating'
  | 'int64Exact'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records';

export type FieldKind = PrimitiveKind | 'array' | 'struct';

declare const decoded: unique symbol;

/** One field of a message in all its versions. `T` is what decoding yields. */
export type Field<T = unknown> = {
  readonly kind: FieldKind;
  readonly versions: string;
  readonly nullable: string | null;
  readonly tagged: string | null;
  readonly tag: number;
  /** What stands for the field when it is absent; for a struct null or its own defaults (undefined here). */
  readonly default: unknown;
  readonly ignorable: boolean;
  /** Where the field's own lengths become compact, when that differs from the message. */
  readonly flexible: string | null;
  /** What an array holds, or a struct's fields. */
  readonly element: PrimitiveKind | Fields | null;
  readonly [decoded]?: T;
};

export type Fields = { readonly [name: string]: Field };

/** A tagged field that this schema does not know: kept and written again. */
export type UnknownTaggedField = { readonly tag: number; readonly data: Buffer };

/** The decoded form: every field of the newest shape is there, those the version lacks at their default. */
export type Struct<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
} & { readonly unknownTaggedFields?: readonly UnknownTaggedField[] | undefined };

/** The form to write: every field may be left out and then takes its default; bytes may be a list of pieces. */
export type Writable<T> = T extends Uint8Array
  ? Bytes
  : T extends readonly (infer E)[]
    ? readonly Writable<E>[]
    : T extends object
      ? { readonly [K in keyof T]?: Writable<T[K]> | undefined }
      : T;

type Primitives = {
  bool: boolean;
  int8: number;
  int16: number;
  uint16: number;
  int32: number;
  uint32: number;
  int64: number;
  int64Saturating: number;
  int64Exact: bigint;
  float64: number;
  uuid: string;
  string: string;
  bytes: Buffer;
  records: Buffer;
};

type Options<D> = {
  readonly nullable?: string;
  readonly tagged?: string;
  readonly tag?: number;
  readonly default?: D | null;
  readonly ignorable?: true;
  readonly flexible?: string;
};

type OrNull<T, O> = O extends { readonly nullable: string } ? T | null : T;

const emptyArray: readonly never[] = Object.freeze([]);
const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA';

function field<T>(
  kind: FieldKind,
  versions: string,
  options: Options<unknown> | undefined,
  element: PrimitiveKind | Fields | null,
  absent: unknown,
): Field<T> {
  return {
    kind,
    versions,
    nullable: options?.nullable ?? null,
    tagged: options?.tagged ?? null,
    tag: options?.tag ?? -1,
    default: options?.default === undefined ? absent : options.default,
    ignorable: options?.ignorable ?? false,
    flexible: options?.flexible ?? null,
    element,
  };
}

export function bool(versions: string, options?: Options<boolean>): Field<boolean> {
  return field('bool', versions, options, null, false);
}

export function int8(versions: string, options?: Options<number>): Field<number> {
  return field('int8', versions, options, null, 0);
}

export function int16(versions: string, options?: Options<number>): Field<number> {
  return field('int16', versions, options, null, 0);
}

export function uint16(versions: string, options?: Options<number>): Field<number> {
  return field('uint16', versions, options, null, 0);
}

export function int32(versions: string, options?: Options<number>): Field<number> {
  return field('int32', versions, options, null, 0);
}

export function uint32(versions: string, options?: Options<number>): Field<number> {
  return field('uint32', versions, options, null, 0);
}

/** A number; beyond ±(2^53−1) decoding fails. */
export function int64(versions: string, options?: Options<number>): Field<number> {
  return field('int64', versions, options, null, 0);
}

/** A number; what a client may legally send beyond ±(2^53−1) is clamped. */
export function int64Saturating(versions: string, options?: Options<number>): Field<number> {
  return field('int64Saturating', versions, options, null, 0);
}

/** A bigint, for hashes: all 64 bits matter and nobody counts with them. */
export function int64Exact(versions: string, options?: Options<bigint>): Field<bigint> {
  return field('int64Exact', versions, options, null, 0n);
}

export function float64(versions: string, options?: Options<number>): Field<number> {
  return field('float64', versions, options, null, 0);
}

/** 22 characters of url-safe base64. */
export function uuid(versions: string, options?: Options<string>): Field<string> {
  return field('uuid', versions, options, null, zeroUuid);
}

export function string<const O extends Options<string>>(versions: string, options?: O): Field<OrNull<string, O>> {
  return field('string', versions, options, null, '');
}

/** A view on the frame. */
export function bytes<const O extends Options<Buffer>>(versions: string, options?: O): Field<OrNull<Buffer, O>> {
  return field('bytes', versions, options, null, Buffer.alloc(0));
}

/** Record batches: a view on the frame, opaque here. */
export function records<const O extends Options<Buffer>>(versions: string, options?: O): Field<OrNull<Buffer, O>> {
  return field('records', versions, options, null, options?.nullable === undefined ? Buffer.alloc(0) : null);
}

export function array<const E extends PrimitiveKind | Fields, const O extends Options<readonly never[]>>(
  versions: string,
  element: E,
  options?: O,
): Field<OrNull<readonly (E extends PrimitiveKind ? Primitives[E] : E extends Fields ? Struct<E> : never)[], O>> {
  return field('array', versions, options, element, emptyArray);
}

export function struct<const F extends Fields, const O extends Options<never>>(
  versions: string,
  fields: F,
  options?: O,
): Field<OrNull<Struct<F>, O>> {
  return field('struct', versions, options, fields, undefined);
}

export type VersionRange = { readonly min: number; readonly max: number };

/** `3-9`, `4+`, `2` or `none` (an empty range). */
export function parseVersions(text: string): VersionRange {
  if (text === 'none') return { min: 0, max: -1 };
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  if (match === null) throw new TypeError(`not a version range: ${text}`);
  const min = Number(match[1]);
  if (match[2] !== undefined) return { min, max: 0x7fff };
  return { min, max: match[3] === undefined ? min : Number(match[3]) };
}

export function includesVersion(range: VersionRange, version: number): boolean {
  return version >= range.min && version <= range.max;
}

/** Bytes ready to send, in order. */
export type EncodedChunks = { readonly chunks: readonly Buffer[]; readonly size: number };

export type MessageSpec<F extends Fields> = {
  readonly name: string;
  readonly versions: string;
  readonly flexible: string;
  readonly fields: F;
};

/** A message with its codecs, one per version, composed at first use and kept (the only state, and a cache). */
export class Message<T> {
  readonly name: string;
  readonly versions: VersionRange;
  readonly flexible: VersionRange;
  readonly fields: Fields;
  readonly #codecs: Codec[] = [];

  constructor(spec: MessageSpec<Fields>) {
    this.name = spec.name;
    this.versions = parseVersions(spec.versions);
    this.flexible = parseVersions(spec.flexible);
    this.fields = spec.fields;
  }

  isFlexible(version: number): boolean {
    return includesVersion(this.flexible, version);
  }

  #codec(version: number): Codec {
    const known = this.#codecs[version];
    if (known !== undefined) return known;
    if (!Number.isInteger(version) || !includesVersion(this.versions, version)) {
      throw new UnsupportedVersionError(
        `${this.name} has versions ${this.versions.min} to ${this.versions.max}, not ${version}`,
      );
    }
    const codec = compileCodec(this.fields, version, this.isFlexible(version));
    this.#codecs[version] = codec;
    return codec;
  }

  /** Reads the body at the reader's position. Throws ProtocolError naming the field. */
  decode(reader: WireReader, version: number): T {
    return this.#codec(version).read(reader) as T;
  }

  encode(writer: WireWriter, version: number, value: Writable<T>): void {
    this.#codec(version).write(writer, value as Record<string, unknown>);
  }

  /** Reads a body that fills `buffer` from its start; bytes after it are ignored, as Kafka does. */
  decodeFrom(buffer: Buffer, version: number, options?: WireReaderOptions): T {
    return this.decode(new WireReader(buffer, options), version);
  }

  /** The body as one buffer; for records and tests. Requests and responses go out through headers.ts, in chunks. */
  encodeToBuffer(version: number, value: Writable<T>): Buffer {
    const writer = new WireWriter();
    this.encode(writer, version, value);
    return writer.toBuffer();
  }
}

/** What a message decodes to: `DecodedOf<typeof topicRecord>`. */
export type DecodedOf<M> = M extends Message<infer T> ? T : never;

export function message<const F extends Fields>(spec: MessageSpec<F>): Message<Struct<F>> {
  return new Message<Struct<F>>(spec);
}

/** A message that stands in a log under a type number (`key`). */
export class RecordMessage<T, Key extends number = number, Name extends string = string> extends Message<T> {
  readonly key: Key;
  override readonly name: Name;

  constructor(spec: MessageSpec<Fields> & { readonly key: Key; readonly name: Name }) {
    super(spec);
    this.key = spec.key;
    this.name = spec.name;
  }
}

export function record<const F extends Fields, const Key extends number, const Name extends string>(
  spec: MessageSpec<F> & { readonly key: Key; readonly name: Name },
): RecordMessage<Struct<F>, Key, Name> {
  return new RecordMessage<Struct<F>, Key, Name>(spec);
}

export type ListenerKind = 'broker' | 'controller';

/** One API: its request and response in all versions. */
export type Api<Request = unknown, Response = unknown> = {
  readonly key: number;
  readonly name: string;
  readonly versions: VersionRange;
  /** The newest version is defined but neither advertised nor accepted. */
  readonly latestVersionUnstable: boolean;
  readonly listeners: readonly ListenerKind[];
  readonly request: Message<Request>;
  readonly response: Message<Response>;
};

export type RequestOf<A> = A extends Api<infer T, unknown> ? T : never;
export type ResponseOf<A> = A extends Api<unknown, infer T> ? T : never;

export function api<const Q extends Fields, const P extends Fields>(spec: {
  readonly key: number;
  readonly name: string;
  readonly versions: string;
  readonly flexible: string;
  readonly latestVersionUnstable?: true;
  readonly listeners: readonly ListenerKind[];
  readonly request: Q;
  readonly response: P;
}): Api<Struct<Q>, Struct<P>> {
  const { key, name, versions, flexible, listeners } = spec;
  return {
    key,
    name,
    versions: parseVersions(versions),
    latestVersionUnstable: spec.latestVersionUnstable ?? false,
    listeners,
    request: message({ name: `${name}Request`, versions, flexible, fields: spec.request }),
    response: message({ name: `${name}Response`, versions, flexible, fields: spec.response }),
  };
}

export { ProtocolError, UnsupportedVersionError };
