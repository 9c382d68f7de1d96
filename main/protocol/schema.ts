// The DSL in which Kafka's messages are written down: one literal for all versions, TypeScript types inferred
// from it, codecs composed from it at first use (codec.ts). It reads as the specification does.

import { compileCodec, type Codec } from './codec.ts';
import type { Fields, Struct, Writable } from './fields.ts';
import { UnsupportedVersionError } from './protocol-error.ts';
import { includesVersion, parseVersions, type VersionRange } from './versions.ts';
import { WireReader, type WireReaderOptions } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

export * from './fields.ts';
export type { VersionRange };

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
