import { expect, it } from 'vitest';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { ThrottleRelease } from './throttle-release.ts';

function start(remembered: readonly string[] = []) {
  const world = new SimulatedWorld({ seed: 1 });
  const state = { remembered, moving: new Set<string>(), released: [] as string[], isReachable: true };
  const release = new ThrottleRelease({
    clock: world.runtimeFor(1).clock,
    memory: { read: () => state.remembered, write: (topics) => (state.remembered = topics) },
    underWay: () => (state.isReachable ? Promise.resolve(state.moving) : Promise.reject(new Error('nobody answers'))),
    release: (topic, withRates) => {
      state.released.push(withRates ? `${topic} and rates` : topic);
      return Promise.resolve();
    },
  });
  return { world, state, release };
}

it('a throttle goes when its move is over, and the brokers’ rates with the last of them', async () => {
  const { world, state, release } = start();
  for (const topic of ['orders', 'payments']) {
    release.throttled(topic);
    state.moving.add(topic);
    release.moved(topic);
  }
  expect(state.remembered).toEqual(['orders', 'payments']);
  await world.runFor(5000);
  expect(state.released).toEqual([]);
  state.moving.delete('orders');
  await world.runFor(1500);
  expect(state.released).toEqual(['orders']);
  state.moving.clear();
  await world.runFor(1500);
  expect(state.released).toEqual(['orders', 'payments and rates']);
  expect(state.remembered).toEqual([]);
});

it('it is not taken before the move was asked for, unless that never comes', async () => {
  const { world, state, release } = start();
  release.throttled('orders');
  await world.runFor(20_000);
  expect(state.released).toEqual([]);
  await world.runFor(15_000);
  expect(state.released).toEqual(['orders and rates']);
});

it('after a restart, and once somebody answers again, the remembered one goes', async () => {
  const { world, state } = start(['orders']);
  state.isReachable = false;
  await world.runFor(5000);
  expect(state.released).toEqual([]);
  state.isReachable = true;
  await world.runFor(1500);
  expect(state.released).toEqual(['orders and rates']);
});

it('a closed one takes nothing any more', async () => {
  const { world, state, release } = start(['orders']);
  release.close();
  await world.runFor(5000);
  expect(state.released).toEqual([]);
});
