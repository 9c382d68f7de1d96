import { expect, test } from 'vitest';
import { diffLines } from './line-diff.ts';
import { guessFormat, guessMapping, parseImport, toRecord, wholeLine } from './import-records.ts';

test('JSON lines: columns by name, the value stays JSON, a broken line says why and stops nobody else', () => {
  const text = '{"key":"a","value":{"n":1},"headers":{"t":"x"}}\n\n{"key":\n{"value":null}\n';
  expect(guessFormat(text)).toBe('ndjson');
  const table = parseImport(text, 'ndjson');
  const mapping = guessMapping(table.columns);
  expect(mapping).toMatchObject({ key: 'key', value: 'value', headers: 'headers', partition: null });
  const records = table.rows.map((row) => toRecord(row, mapping));
  expect(records[0]).toMatchObject({ line: 1, key: 'a', value: '{"n":1}', headers: [{ key: 't', value: 'x' }] });
  expect(records[1]).toMatchObject({ line: 3, problem: expect.stringContaining('JSON') as string });
  expect(records[2]).toMatchObject({ line: 4, key: null, value: null, problem: null });
});

test('CSV: quotes, line ends in cells, another delimiter, too many cells', () => {
  const text = 'id;note;at\r\n1;"two\nlines; ""quoted""";2023-11-14T22:13:20Z\r\n2;plain;never\r\n3;a;b;c\r\n';
  expect(guessFormat(text)).toBe('csv');
  const table = parseImport(text, 'csv');
  expect(table.columns).toEqual(['id', 'note', 'at']);
  const mapping = { ...guessMapping(table.columns), value: 'note', timestamp: 'at', partition: 'id' };
  const records = table.rows.map((row) => toRecord(row, mapping));
  expect(records[0]).toMatchObject({ line: 2, key: '1', partition: 1, timestamp: 1_700_000_000_000 });
  expect(records[0]?.value).toBe('two\nlines; "quoted"');
  expect(records[1]).toMatchObject({ line: 4, problem: '"never" is no time' });
  expect(records[2]?.problem).toContain('has 4 cells, the head names 3');
});

test('plain lines are values', () => {
  const table = parseImport('one\ntwo', 'lines');
  expect(table.rows.map((row) => toRecord(row, guessMapping(table.columns)).value)).toEqual(['one', 'two']);
  expect(table.columns).toEqual([wholeLine]);
});

test('a difference is told in order', () => {
  expect(diffLines('a\nb\nc', 'a\nx\nc').map(({ side, text }) => `${side} ${text}`)).toEqual([
    'both a',
    'left b',
    'right x',
    'both c',
  ]);
});
