// The fields of the schema DSL: a builder per wire type, and the TypeScript types that follow from them.

import { zeroUuid } from './uuid.ts';
import type { Bytes } from './wire-writer.ts';

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
