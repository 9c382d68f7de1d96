import { expect, test } from 'vitest';
import type { ActiveFault, Fault } from '../core/faults.ts';
import { noFaults } from '../runtime/faulty/broker-faults.ts';
import { nodeClock } from '../runtime/node/node-clock.ts';
import { ActiveFaults } from './active-faults.ts';
import { brokerFaults, brokersConcerned } from './fault-plan.ts';

const brokerIds = [1, 2, 3];
const active = (...faults: Fault[]): ActiveFault[] =>
  faults.map((fault, index) => ({ id: `fault-${index}`, fault, sinceWallMs: 0, sinceMonotonicMs: 5 }));
const links = (brokerId: number, ...faults: Fault[]) =>
  brokerFaults(brokerId, active(...faults), brokerIds).links.map(({ peer, out, in: incoming }) => [
    peer,
    out.isCut,
    incoming.isCut,
  ]);

test('a one-way cut is done by both ends, each on the connections that it opened', () => {
  const cut: Fault = { kind: 'cut', brokerId: 1, peer: 2, direction: 'out' };
  expect(links(1, cut)).toEqual([[2, true, false]]);
  expect(links(2, cut)).toEqual([[1, false, true]]);
  expect(links(3, cut)).toEqual([]);
  expect(brokersConcerned(cut, brokerIds)).toEqual([1, 2]);
});

test('everyone is all other brokers and the clients; only the broker itself cuts its clients off', () => {
  const cut: Fault = { kind: 'cut', brokerId: 2, peer: 'everyone', direction: 'in' };
  expect(links(2, cut)).toEqual([
    [1, false, true],
    [3, false, true],
    ['clients', false, true],
  ]);
  expect(links(3, cut)).toEqual([[2, true, false]]);
  expect(links(2, { ...cut, peer: 'brokers' }).map(([peer]) => peer)).toEqual([1, 3]);
  expect(links(3, { ...cut, peer: 'clients' })).toEqual([]);
});

test('faults on one link add up', () => {
  const link = { brokerId: 1, peer: 2, direction: 'out' } as const;
  const [found] = brokerFaults(
    1,
    active(
      { kind: 'delay', ...link, delayMs: 10, jitterMs: 1 },
      { kind: 'delay', ...link, peer: 'brokers', delayMs: 5, jitterMs: 0 },
      { kind: 'loss', ...link, share: 0.5 },
      { kind: 'loss', ...link, share: 0.5 },
      { kind: 'bandwidth', ...link, bytesPerSecond: 100 },
      { kind: 'bandwidth', ...link, bytesPerSecond: 50 },
    ),
    brokerIds,
  ).links;
  expect(found?.out).toEqual({ isCut: false, delayMs: 15, jitterMs: 1, loss: 0.75, bytesPerSecond: 50 });
});

test('disk and clock faults are the broker’s own', () => {
  const faults = active(
    { kind: 'disk-full', brokerId: 1, freeBytes: 7 },
    { kind: 'slow-disk', brokerId: 1, syncMs: 3, writeMs: 0 },
    { kind: 'disk-error', brokerId: 1, operations: ['sync'], path: 'log' },
    { kind: 'clock-skew', brokerId: 1, offsetMs: -9, rate: 2 },
  );
  expect(brokerFaults(1, faults, brokerIds)).toEqual({
    links: [],
    disk: { freeBytes: 7, syncDelayMs: 3, writeDelayMs: 0, errors: [{ operations: ['sync'], path: 'log' }] },
    clock: [{ offsetMs: -9, rate: 2, sinceMonotonicMs: 5 }],
  });
  expect(brokerFaults(2, faults, brokerIds)).toEqual(noFaults);
});

test.each([
  [{ kind: 'cut', brokerId: 9, peer: 1, direction: 'both' }, 'there is no broker 9: this cluster has 1, 2, 3'],
  [{ kind: 'cut', brokerId: 1, peer: 9, direction: 'both' }, 'there is no broker 9'],
  [{ kind: 'cut', brokerId: 1, peer: 1, direction: 'both' }, 'no link to itself'],
  [{ kind: 'loss', brokerId: 1, peer: 2, direction: 'both', share: 1 }, '0 to 0.99, not 1'],
  [{ kind: 'delay', brokerId: 1, peer: 2, direction: 'both', delayMs: -1, jitterMs: 0 }, 'not -1'],
  [{ kind: 'disk-error', brokerId: 1, operations: [], path: null }, 'at least one of read, write, sync'],
] as const satisfies readonly (readonly [Fault, string])[])('%j is refused', (fault, message) => {
  expect(() => new ActiveFaults(nodeClock(), brokerIds).add(fault)).toThrow(message);
});

test('what is cleared is named; ids are never used again', () => {
  const faults = new ActiveFaults(nodeClock(), brokerIds);
  const first = faults.add({ kind: 'disk-full', brokerId: 1, freeBytes: 0 });
  faults.remove(first.id);
  const second = faults.add({ kind: 'disk-full', brokerId: 2, freeBytes: 0 });
  expect([first.id, second.id]).toEqual(['fault-1', 'fault-2']);
  expect(() => faults.remove('fault-1')).toThrow('there is no fault fault-1');
});
