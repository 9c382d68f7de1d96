// What a conformance suite is: it reads one part of a vector directory and reports each case. Lines of
// JSON come through `readLines`, which keeps whole numbers beyond ±(2^53−1) as bigint.

import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export type Report = (ok: boolean, name: string, detail?: string) => void;

export type Suite = { readonly name: string; run(directory: string, report: Report): void };

/** Any JSON value, whole numbers beyond a double's reach as bigint. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [name: string]: Json };

const bigMark = '\u0000big:';

/** `JSON.parse` that rounds no whole number. */
export function parseJson(text: string): Json {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) => {
    const isBig = !token.startsWith('"') && /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token));
    return isBig ? JSON.stringify(bigMark + token) : token;
  });
  return JSON.parse(marked, (_name, value: unknown) =>
    typeof value === 'string' && value.startsWith(bigMark) ? BigInt(value.slice(bigMark.length)) : value,
  ) as Json;
}

/** One parsed object per line of a gzipped file; none when the file is missing. */
export function readLines(path: string): readonly JsonObject[] {
  if (!existsSync(path)) return [];
  const text = gunzipSync(readFileSync(path)).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseJson(line) as JsonObject);
}

/** Deep equality of JSON values; a number equals the bigint of the same value. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (typeof a === 'bigint' && typeof b === 'number') return Number.isInteger(b) && a === BigInt(b);
  if (typeof a === 'number' && typeof b === 'bigint') return sameJson(b, a);
  if (a === b || a === undefined || b === undefined || a === null || b === null) return a === b;
  if (typeof a !== 'object' || typeof b !== 'object') return Object.is(a, b);
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((value, index) => sameJson(value as Json, b[index] as Json));
  }
  const [left, right] = [a as JsonObject, b as JsonObject];
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => name in right && sameJson(left[name], right[name]))
  );
}

/** For messages about what differs. */
export function show(value: Json | undefined, charactersMax = 400): string {
  const text =
    JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? 'nothing';
  return text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text;
}
