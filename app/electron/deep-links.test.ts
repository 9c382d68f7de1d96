import { expect, test } from 'vitest';
import { deepLinkOf, drillFileHash, parseDeepLink } from './deep-links.ts';

test.each([
  ['highwater://cluster', null, '#/cluster'],
  ['highwater://cluster/', null, '#/cluster'],
  ['highwater://cluster/topics/orders', null, '#/topics/orders'],
  ['highwater://cluster/default', 'default', '#/cluster'],
  ['highwater://cluster/default/groups/billing%20eu', 'default', '#/groups/billing%20eu'],
  ['highwater://cluster/cluster/quorum', 'cluster', '#/quorum'],
  ['highwater://cluster/topics/orders?tab=configs', null, '#/topics/orders?tab=configs'],
])('%s leads to a place', (link, cluster, hash) => {
  expect(parseDeepLink(link)).toEqual({ cluster, hash });
});

test.each([
  'https://cluster/topics',
  'highwater://broker/kill/1',
  'highwater://cluster/default/nowhere',
  'highwater://cluster/topics/%2e%2e%2fetc',
  'highwater://cluster/topics/<script>',
  'highwater://cluster/%00',
  'highwater://cluster/%',
  `highwater://cluster/topics/${'a'.repeat(3000)}`,
  'not a link',
])('%s leads nowhere', (link) => {
  expect(parseDeepLink(link)).toBeNull();
});

test('a link is found among other arguments', () => {
  expect(deepLinkOf(['/usr/bin/highwater', '--flag', 'highwater://cluster/events'])).toEqual({
    cluster: null,
    hash: '#/events',
  });
  expect(deepLinkOf(['/usr/bin/highwater'])).toBeNull();
});

test('only YAML is a drill file', () => {
  expect(drillFileHash('/tmp/my drill.yaml')).toBe('#/drills?file=%2Ftmp%2Fmy+drill.yaml');
  expect(drillFileHash('/tmp/page.html')).toBeNull();
});
