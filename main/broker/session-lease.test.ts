import { expect, it } from 'vitest';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { SessionLease } from './session-lease.ts';

async function create(): Promise<{ world: SimulatedWorld; lease: SessionLease }> {
  const world = new SimulatedWorld({ seed: 1 });
  const { clock } = world.runtimeFor(1);
  await world.runFor(10);
  return { world, lease: new SessionLease(clock, 1000) };
}

it('is held from the first answered heartbeat, for a session from when it was sent', async () => {
  const { world, lease } = await create();
  expect(lease.isHeld).toBe(false);
  lease.renew(world.nowMs - 5);
  expect(lease.isHeld).toBe(true);
  await world.runFor(994);
  expect(lease.isHeld).toBe(true);
  await world.runFor(1);
  expect(lease.isHeld).toBe(false);
});

it('stays held while heartbeats are answered', async () => {
  const { world, lease } = await create();
  for (let round = 0; round < 10; round++) {
    lease.renew(world.nowMs);
    await world.runFor(900);
    expect(lease.isHeld).toBe(true);
  }
});

it('once lapsed it takes a whole session of answers to be trusted again', async () => {
  const { world, lease } = await create();
  lease.renew(world.nowMs);
  await world.runFor(1500);
  lease.renew(world.nowMs);
  expect(lease.isHeld).toBe(false);
  await world.runFor(500);
  lease.renew(world.nowMs);
  expect(lease.isHeld).toBe(false);
  await world.runFor(500);
  expect(lease.isHeld).toBe(true);
});
