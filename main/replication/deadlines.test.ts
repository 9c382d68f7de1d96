import { describe, expect, test } from 'vitest';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { DeadlineQueue, deadlineTickMs } from './deadlines.ts';

function setUp(): { world: SimulatedWorld; queue: DeadlineQueue; fired: string[]; note: (name: string) => () => void } {
  const world = new SimulatedWorld({ seed: 1 });
  const { clock } = world.runtimeFor(1);
  const fired: string[] = [];
  const note = (name: string) => () => void fired.push(`${name}@${world.nowMs}`);
  return { world, queue: new DeadlineQueue(clock), fired, note };
}

describe('DeadlineQueue', () => {
  test('actions run at their deadline, never early, at most a tick late', async () => {
    const { world, queue, fired, note } = setUp();
    queue.schedule(1000, note('c'));
    queue.schedule(12, note('a'));
    queue.schedule(500, note('b'));
    await world.run(2000);
    expect(fired).toEqual(['a@15', 'b@500', 'c@1000']);
    expect(15 - 12).toBeLessThan(deadlineTickMs);
  });

  test('a cancelled action never runs, whether alone in its bucket or among others', async () => {
    const { world, queue, fired, note } = setUp();
    const alone = queue.schedule(100, note('alone'));
    const first = queue.schedule(200, note('first'));
    const middle = queue.schedule(200, note('middle'));
    queue.schedule(200, note('last'));
    queue.cancel(alone);
    queue.cancel(middle);
    queue.cancel(middle);
    queue.cancel(first);
    await world.run(300);
    expect(fired).toEqual(['last@200']);
  });

  test('an action may cancel a neighbour of its own tick and schedule new ones', async () => {
    const { world, queue, fired, note } = setUp();
    const neighbour = queue.schedule(50, note('neighbour'));
    queue.schedule(50, () => {
      queue.cancel(neighbour);
      queue.schedule(60, note('later'));
      queue.schedule(10, note('overdue'));
    });
    await world.run(100);
    expect(fired).toEqual(['overdue@50', 'later@60']);
  });

  test('an earlier deadline added later moves the timer forward', async () => {
    const { world, queue, fired, note } = setUp();
    queue.schedule(30_000, note('far'));
    await world.run(100);
    queue.schedule(200, note('near'));
    await world.run(40_000);
    expect(fired).toEqual(['near@200', 'far@30000']);
  });

  test('thousands of cancelled waits cost no wake-ups', async () => {
    const { world, queue, fired, note } = setUp();
    for (let i = 0; i < 5000; i++) queue.cancel(queue.schedule(1000 + i * 7, note('never')));
    queue.schedule(90_000, note('end'));
    await world.run(100_000);
    expect(fired).toEqual(['end@90000']);
    expect(world.eventCount).toBeLessThan(5);
  });

  test('after close nothing runs', async () => {
    const { world, queue, fired, note } = setUp();
    queue.schedule(10, note('x'));
    queue.close();
    await world.run(100);
    expect(fired).toEqual([]);
  });
});
