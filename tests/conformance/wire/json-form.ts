// Between decoded messages and the JSON that Kafka's converters write: uuids and strings as they are, bytes as
// base64, fields the version lacks left out, tagged fields left out at their default.

import { isDefault } from '../../../main/protocol/codec.ts';
import type { Field, Fields } from '../../../main/protocol/schema.ts';
import { includesVersion, parseVersions } from '../../../main/protocol/versions.ts';
import type { Json, JsonObject } from '../suite.ts';

type Values = Readonly<Record<string, unknown>>;

function existsIn(versions: string | null, version: number): boolean {
  return versions !== null && includesVersion(parseVersions(versions), version);
}

function structFields(element: Field['element']): Fields | null {
  return element === null || typeof element === 'string' ? null : element;
}

export function toJson(fields: Fields, version: number, values: Values): JsonObject {
  const json: Record<string, Json> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (!existsIn(field.versions, version)) continue;
    const value = values[name];
    if (existsIn(field.tagged, version) && isDefault(field, value)) continue;
    json[name] = valueToJson(field, version, value);
  }
  return json;
}

function valueToJson(field: Field, version: number, value: unknown): Json {
  if (value === null) return null;
  const fields = structFields(field.element);
  if (field.kind === 'struct') return toJson(fields ?? {}, version, value as Values);
  if (field.kind === 'array') {
    const values = value as readonly unknown[];
    return values.map((part) => (fields === null ? (part as Json) : toJson(fields, version, part as Values)));
  }
  return Buffer.isBuffer(value) ? value.toString('base64') : (value as Json);
}

/** The value to write; what the JSON leaves out is left out. */
export function fromJson(fields: Fields, json: JsonObject): Values {
  const values: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(json)) {
    const field = fields[name];
    if (field === undefined) throw new Error(`the schema has no field ${name}`);
    values[name] = valueFromJson(field, part);
  }
  return values;
}

function valueFromJson(field: Field, json: Json): unknown {
  if (json === null) return null;
  const fields = structFields(field.element);
  if (field.kind === 'struct') return fromJson(fields ?? {}, json as JsonObject);
  if (field.kind === 'array') {
    return (json as readonly Json[]).map((part) => (fields === null ? part : fromJson(fields, part as JsonObject)));
  }
  if (field.kind === 'bytes' || field.kind === 'records') return Buffer.from(json as string, 'base64');
  if (field.kind === 'int64Exact') return BigInt(json as number | bigint);
  // 2^53−1 as a number is how the engine writes 2^63−1 where that is the default: keep them apart.
  if (field.kind === 'int64Saturating' && json === Number.MAX_SAFE_INTEGER) return BigInt(json);
  return json;
}
