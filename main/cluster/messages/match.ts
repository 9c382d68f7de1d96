// Whether a record is what a person looks for: a text anywhere in it, and an expression that holds. Pure.

import { recordScope } from './record-scope.ts';
import type { StoredRecord } from '../../records/record.ts';
import { compileFilter } from './filter-expression.ts';

export type Match = (partition: number, record: StoredRecord) => 'yes' | 'no' | 'failed';

/** Throws FilterError when the expression is none. */
export function compileMatch(text: string, expression: string): Match {
  const wanted = text.toLowerCase();
  const filter = expression.trim() === '' ? null : compileFilter(expression);
  return (partition, record) => {
    if (wanted !== '' && !holdsText(record, wanted)) return 'no';
    if (filter === null) return 'yes';
    try {
      return filter(recordScope(partition, record)) ? 'yes' : 'no';
    } catch {
      // A record that the expression can't be asked of is counted, not shown.
      return 'failed';
    }
  };
}

function holdsText(record: StoredRecord, wanted: string): boolean {
  return (
    has(record.key, wanted) ||
    has(record.value, wanted) ||
    record.headers.some(({ key, value }) => key.toLowerCase().includes(wanted) || has(value, wanted))
  );
}

function has(bytes: Buffer | null, wanted: string): boolean {
  return bytes !== null && bytes.toString('utf8').toLowerCase().includes(wanted);
}
