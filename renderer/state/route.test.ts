import { expect, test } from 'vitest';
import { home, readRoute, writeRoute } from './route.ts';

test('an address survives the way there and back, whatever is in it', () => {
  const route = {
    workspace: null,
    screen: 'topics',
    path: ['a b/c', '3'],
    query: { filter: 'x=1 & y', tab: 'configs' },
  } as const;
  expect(writeRoute(route)).toBe('#/topics/a%20b%2Fc/3?filter=x%3D1+%26+y&tab=configs');
  expect(readRoute(writeRoute(route))).toEqual(route);
});

test('an address names its workspace', () => {
  const route = { workspace: 'orders-dev', screen: 'topics', path: ['a'], query: {} } as const;
  expect(writeRoute(route)).toBe('#/@orders-dev/topics/a');
  expect(readRoute('#/@orders-dev/topics/a')).toEqual(route);
  expect(readRoute('#/@orders-dev')).toEqual({ ...home, workspace: 'orders-dev' });

  expect(readRoute('#/@a%2Fb/topics')).toEqual(home);
});

test('an address that means nothing leads home', () => {
  for (const hash of ['', '#', '#/', '#/nowhere', '#cluster/', '#/%E0%A4%A']) expect(readRoute(hash)).toEqual(home);
});
