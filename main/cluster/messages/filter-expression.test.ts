import { expect, test } from 'vitest';
import { compileFilter, FilterError, type FilterScope } from './filter-expression.ts';

const scope: FilterScope = {
  key: 'eu-17',
  value: { amount: 120.5, tags: ['new', 'vip'], customer: { id: 7, name: 'Ada' }, note: null },
  headers: { 'trace-id': 'abc', empty: null },
  offset: 42,
  partition: 3,
  timestamp: 1_700_000_000_000,
  size: 90,
};

test.each([
  ['value.amount > 100 and key startsWith "eu-"', true],
  ['value.amount > 100 && partition == 2', false],
  ['value.tags contains "vip" or false', true],
  ['value.tags[1] == "vip"', true],
  ['headers["trace-id"] == "abc"', true],
  ['not exists(value.note) and exists(value.customer.name)', true],
  ['value.customer.id in [1, 7, 9]', true],
  ['key matches "^eu-[0-9]+$"', true],
  ['lower(value.customer.name) == "ada"', true],
  ['length(value.tags) * 2 + 1 == 5', true],
  ['value.absent.deep.path > 0', false],
  ['value.absent == null', true],
  ['-offset < 0 and offset % 2 == 0', true],
  ["!(size >= 90) or key endsWith '17'", true],
  ['"17" == 17', true],
])('%s is %s', (text, expected) => {
  expect(compileFilter(text)(scope)).toBe(expected);
});

test.each([
  ['value.amount >', 14, 'missing'],
  ['amount > 3', 0, 'unknown name amount'],
  ['key = "a"', 4, 'means nothing'],
  ['(key == "a"', 11, '")" is missing'],
  ['key matches "("', 12, 'Invalid regular expression'],
  ['key "a"', 4, 'not expected'],
])('%s is refused at %i', (text, at, words) => {
  expect(() => compileFilter(text)).toThrow(FilterError);
  try {
    compileFilter(text);
  } catch (error) {
    expect(error).toMatchObject({ at });
    expect(String(error)).toContain(words);
  }
});

test('nothing of the language reaches what a record does not own', () => {
  expect(compileFilter('value.constructor == null and value["__proto__"] == null')(scope)).toBe(true);
  expect(() => compileFilter('('.repeat(100))).toThrow('too deep');
});

test('a regular expression that backtracks without end elsewhere is answered at once', () => {
  const evil = compileFilter('value matches "^(a+)+$"');
  expect(evil({ ...scope, value: `${'a'.repeat(4000)}!` })).toBe(false);
  expect(compileFilter('value matches "b+"')({ ...scope, value: 'a\nbb\nc' })).toBe(true);
});

test('what JavaScript gives every object is no function of the language', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'valueOf']) {
    expect(() => compileFilter(`${name}(value) == 1`)).toThrow('unknown name');
  }
});
