// A record as expressions see it: JSON parsed where it is JSON, and only when it is asked for. Pure.

import type { StoredRecord } from '../../records/record.ts';
import type { FilterScope } from './filter-expression.ts';

export function recordScope(partition: number, record: StoredRecord): FilterScope {
  return {
    get key() {
      return readable(record.key);
    },
    get value() {
      return readable(record.value);
    },
    get headers() {
      return Object.fromEntries(record.headers.map(({ key, value }) => [key, value?.toString('utf8') ?? null]));
    },
    offset: record.offset,
    partition,
    timestamp: record.timestamp,
    size: (record.key?.length ?? 0) + (record.value?.length ?? 0),
  };
}

function readable(bytes: Buffer | null): unknown {
  if (bytes === null) return null;
  const text = bytes.toString('utf8');
  if (!/^\s*[[{"\d-]|^\s*(?:true|false|null)\s*$/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // It only looked like JSON.
    return text;
  }
}
