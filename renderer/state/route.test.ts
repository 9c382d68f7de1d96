import { expect, test } from 'vitest';
import { home, readRoute, writeRoute } from './route.ts';

test('an address survives the way there and back, whatever is in it', () => {
  const route = {
    screen: 'topics',
    path: ['a b/c', '3'],
    query: { filter: 'x=1 & y', tab: 'configs' },
  } as const;
  expect(writeRoute(route)).toBe('#/topics/a%20b%2Fc/3?filter=x%3D1+%26+y&tab=configs');
  expect(readRoute(writeRoute(route))).toEqual(route);
});

test('an address that means nothing leads home', () => {
  for (const hash of ['', '#', '#/', '#/nowhere', '#cluster/', '#/%E0%A4%A']) expect(readRoute(hash)).toEqual(home);
});
