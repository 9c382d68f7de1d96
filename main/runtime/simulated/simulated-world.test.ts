import { describe, expect, it } from 'vitest';
import type { Connection, Runtime } from '../runtime.ts';
import { SimulatedWorld } from './simulated-world.ts';

function collect(connection: Connection): { text: () => string; closed: () => string | null } {
  let text = '';
  let closed: string | null = null;
  connection.handle({
    onData: (chunk) => {
      text += chunk.toString();
    },
    onClose: (reason) => {
      closed = reason === null ? 'ended' : reason.message;
    },
    onDrain: () => undefined,
  });
  return { text: () => text, closed: () => closed };
}

async function connectPair(
  world: SimulatedWorld,
  a: Runtime,
  b: Runtime,
): Promise<{
  near: Connection;
  far: Connection;
  nearSide: ReturnType<typeof collect>;
  farSide: ReturnType<typeof collect>;
}> {
  let far: Connection | null = null;
  let farSide: ReturnType<typeof collect> | null = null;
  const listener = await b.network.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
    far = connection;
    farSide = collect(connection);
  });
  let nearSide: ReturnType<typeof collect> | null = null;
  const near = await world.settle(
    a.network.connect({ host: '127.0.0.1', port: listener.port, timeoutMs: 1000 }).then((connection) => {
      nearSide = collect(connection);
      return connection;
    }),
  );
  await world.runUntil(() => far !== null);
  if (far === null || farSide === null || nearSide === null) throw new Error('not connected');
  return { near, far, nearSide, farSide };
}

const hello = [Buffer.from('hello')];

describe('time', () => {
  it('events run by time and then by the order in which they were made', async () => {
    const world = new SimulatedWorld({ seed: 1 });
    const { clock } = world.runtimeFor(1);
    const order: string[] = [];
    clock.at(20, () => order.push(`c at ${clock.monotonicMs()}`));
    clock.at(10, () => order.push(`a at ${clock.monotonicMs()}`));
    clock.at(10, () => order.push(`b at ${clock.monotonicMs()}`));
    clock.at(15, () => order.push('cancelled')).cancel();
    await world.run(15);
    expect(order).toEqual(['a at 10', 'b at 10']);
    expect(clock.monotonicMs()).toBe(15);
    await world.run(30);
    expect(order).toEqual(['a at 10', 'b at 10', 'c at 20']);
  });

  it('all microtasks of an event finish before the next event', async () => {
    const world = new SimulatedWorld({ seed: 1 });
    const { clock } = world.runtimeFor(1);
    const order: string[] = [];
    clock.soon(() => {
      let chain = Promise.resolve();
      for (let step = 0; step < 50; step++) chain = chain.then(() => undefined);
      chain.then(() => order.push('microtasks')).catch(() => undefined);
    });
    clock.soon(() => order.push('next event'));
    await world.run(1);
    expect(order).toEqual(['microtasks', 'next event']);
  });

  it('many cancelled timers leave the queue', async () => {
    const world = new SimulatedWorld({ seed: 1, eventCountMax: 5000 });
    const { clock } = world.runtimeFor(1);
    for (let count = 0; count < 50_000; count++) clock.at(1_000_000, () => undefined).cancel();
    const order: number[] = [];
    for (const time of [5, 3, 4, 1, 2]) clock.at(time, () => order.push(time));
    await world.run(10);
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  it('a loop without end is an error, not a hang', async () => {
    const world = new SimulatedWorld({ seed: 1, eventCountMax: 100 });
    const { clock } = world.runtimeFor(1);
    const double = (): void => {
      clock.soon(double);
      clock.soon(double);
    };
    clock.soon(double);
    await expect(world.run(1)).rejects.toThrow('more than 100 events wait');
  });

  it('runUntil says which seed and how long it waited', async () => {
    const world = new SimulatedWorld({ seed: 42 });
    await expect(world.runUntil(() => false, 500)).rejects.toThrow(
      'seed 42: the condition did not come true within 500 ms',
    );
    expect(world.nowMs).toBe(500);
  });

  it('a wall clock can be skewed, the monotonic one not', () => {
    const world = new SimulatedWorld({ seed: 1, wallStartMs: 1000 });
    const { clock } = world.runtimeFor(1);
    world.setWallSkew(1, -300);
    expect(clock.wallMs()).toBe(700);
    expect(clock.monotonicMs()).toBe(0);
  });
});

describe('determinism', () => {
  async function trace(seed: number): Promise<string[]> {
    const world = new SimulatedWorld({ seed });
    const [a, b] = [world.runtimeFor(1), world.runtimeFor(2)];
    const lines: string[] = [];
    const { near, far } = await connectPair(world, a, b);
    expect(near).not.toBe(far);
    for (const runtime of [a, b]) {
      const tick = (): void => {
        lines.push(`${runtime.clock.monotonicMs()} ${runtime.random.below(1000)}`);
        near.write([Buffer.from(`tick ${lines.length} `)]);
        if (lines.length < 50) runtime.clock.at(runtime.clock.monotonicMs() + runtime.random.next() * 10, tick);
      };
      runtime.clock.soon(tick);
    }
    await world.run(1000);
    return [...lines, `${world.eventCount} events`];
  }

  it('one seed gives one history, another seed another', async () => {
    const first = await trace(7);
    expect(await trace(7)).toEqual(first);
    expect(await trace(8)).not.toEqual(first);
  });

  it('each life of a node has its own dice', () => {
    const world = new SimulatedWorld({ seed: 1 });
    const first = world.runtimeFor(1).random.bytes(8);
    const other = world.runtimeFor(2).random.bytes(8);
    world.kill(1);
    const second = world.runtimeFor(1).random.bytes(8);
    expect(first).not.toEqual(other);
    expect(first).not.toEqual(second);
  });
});

describe('network', () => {
  it('delivers all bytes in order, in any chunks', async () => {
    const world = new SimulatedWorld({ seed: 3 });
    const { near, farSide } = await connectPair(world, world.runtimeFor(1), world.runtimeFor(2));
    let expected = '';
    for (let index = 0; index < 500; index++) {
      expected += `${index},`;
      near.write([Buffer.from(`${index}`), Buffer.from(',')]);
    }
    await world.runFor(100);
    expect(farSide.text()).toBe(expected);
  });

  it('nobody listening refuses', async () => {
    const world = new SimulatedWorld({ seed: 3 });
    const connecting = world.runtimeFor(1).network.connect({ host: 'localhost', port: 9, timeoutMs: 100 });
    await expect(world.settle(connecting)).rejects.toMatchObject({ code: 'refused' });
  });

  it('two listeners can not have one port', async () => {
    const world = new SimulatedWorld({ seed: 3 });
    await world.runtimeFor(1).network.listen({ host: '127.0.0.1', port: 9092 }, () => undefined);
    const second = world.runtimeFor(2).network.listen({ host: '127.0.0.1', port: 9092 }, () => undefined);
    await expect(second).rejects.toMatchObject({ code: 'address-in-use' });
  });

  it('a link cut one way holds bytes back in that direction until it heals', async () => {
    const world = new SimulatedWorld({ seed: 3 });
    const { near, far, nearSide, farSide } = await connectPair(world, world.runtimeFor(1), world.runtimeFor(2));
    world.cut(1, 2);
    near.write(hello);
    far.write(hello);
    await world.runFor(5000);
    expect([nearSide.text(), farSide.text()]).toEqual(['hello', '']);
    near.write([Buffer.from(' again')]);
    world.heal(1, 2);
    await world.runFor(10);
    expect(farSide.text()).toBe('hello again');
  });

  it('connecting over a cut link times out', async () => {
    const world = new SimulatedWorld({ seed: 3 });
    await world.runtimeFor(2).network.listen({ host: '127.0.0.1', port: 9092 }, () => undefined);
    world.cut(2, 1);
    const connecting = world.runtimeFor(1).network.connect({ host: '127.0.0.1', port: 9092, timeoutMs: 100 });
    await expect(world.settle(connecting)).rejects.toMatchObject({ code: 'timeout' });
    expect(world.nowMs).toBe(100);
  });

  it('dropped connections are reported at both ends', async () => {
    const world = new SimulatedWorld({ seed: 3 });
    const { nearSide, farSide } = await connectPair(world, world.runtimeFor(1), world.runtimeFor(2));
    world.dropConnections(2, 1);
    await world.runFor(10);
    expect(nearSide.closed()).toContain('dropped');
    expect(farSide.closed()).toContain('dropped');
  });

  it('end delivers what was written before it', async () => {
    const world = new SimulatedWorld({ seed: 3 });
    const { near, nearSide, farSide } = await connectPair(world, world.runtimeFor(1), world.runtimeFor(2));
    near.write(hello);
    near.end();
    await world.runFor(10);
    expect([farSide.text(), farSide.closed(), nearSide.closed()]).toEqual(['hello', 'ended', 'ended']);
  });

  it('a peer that does not read makes write say no, and reading again drains', async () => {
    const world = new SimulatedWorld({ seed: 3 });
    const { near, far, farSide } = await connectPair(world, world.runtimeFor(1), world.runtimeFor(2));
    far.pause();
    let written = 0;
    while (near.write([Buffer.alloc(16 * 1024, 'x')])) written++;
    await world.runFor(100);
    expect(farSide.text()).toBe('');
    expect(near.bufferedBytes).toBeGreaterThan(0);
    far.resume();
    await world.runFor(100);
    expect(farSide.text().length).toBe((written + 1) * 16 * 1024);
    expect(near.bufferedBytes).toBe(0);
  });
});

describe('nodes', () => {
  it('a killed node keeps its written bytes and loses timers and connections; peers are told', async () => {
    const world = new SimulatedWorld({ seed: 5 });
    const victim = world.runtimeFor(1);
    const { nearSide, farSide } = await connectPair(world, world.runtimeFor(2), victim);
    let fired = false;
    victim.clock.at(50, () => {
      fired = true;
    });
    victim.disk.open('/data', 'create').write(Buffer.from('abc'), 0);
    world.kill(1);
    await world.run(100);
    expect([fired, farSide.closed()]).toEqual([false, null]);
    expect(nearSide.closed()).toContain('reset');
    expect(() => victim.disk.exists('/data')).toThrow('not running');
    expect(Buffer.from(world.runtimeFor(1).disk.readFile('/data')).toString()).toBe('abc');
  });

  it('a power loss takes what was not synced and leaves peers in the dark until the node is back', async () => {
    const world = new SimulatedWorld({ seed: 5 });
    const victim = world.runtimeFor(1);
    const { near, nearSide } = await connectPair(world, world.runtimeFor(2), victim);
    const file = victim.disk.open('/data', 'create');
    file.write(Buffer.from('safe'), 0);
    file.syncNow();
    file.write(Buffer.from(' lost'), 4);
    world.crash(1);
    near.write(hello);
    await world.runFor(10_000);
    expect(nearSide.closed()).toBe(null);
    expect(Buffer.from(world.runtimeFor(1).disk.readFile('/data')).toString()).toBe('safe');
    await world.runFor(10);
    expect(nearSide.closed()).toContain('reset');
  });

  it('a paused node does everything late and nothing twice', async () => {
    const world = new SimulatedWorld({ seed: 5 });
    const { near, farSide } = await connectPair(world, world.runtimeFor(1), world.runtimeFor(2));
    const { clock } = world.runtimeFor(2);
    const times: number[] = [];
    clock.at(100, () => times.push(clock.monotonicMs()));
    const cancelled = clock.at(150, () => times.push(-1));
    clock.at(120, () => cancelled.cancel());
    world.pause(2);
    near.write(hello);
    await world.run(1000);
    expect([times, farSide.text()]).toEqual([[], '']);
    world.resume(2);
    await world.run(1001);
    expect([times, farSide.text()]).toEqual([[1000], 'hello']);
  });

  it('an error out of an event kills its node, and the run unless someone takes it', async () => {
    const strict = new SimulatedWorld({ seed: 5 });
    strict.runtimeFor(1).clock.at(5, () => {
      throw new Error('broken invariant');
    });
    await expect(strict.run(10)).rejects.toThrow('broken invariant');

    const failed: string[] = [];
    const world = new SimulatedWorld({ seed: 5, onFailure: ({ nodeId, atMs }) => failed.push(`${nodeId} at ${atMs}`) });
    const node = world.runtimeFor(1);
    node.clock.at(5, () => node.fatal(new Error('gone')));
    node.clock.at(6, () => failed.push('must not run'));
    await world.run(10);
    expect(failed).toEqual(['1 at 5']);
    expect(world.isAlive(1)).toBe(false);
  });

  it('invariants are checked after each event and its microtasks', async () => {
    let value = 0;
    const seen: number[] = [];
    const world = new SimulatedWorld({ seed: 5, afterEvent: () => seen.push(value) });
    const { clock } = world.runtimeFor(1);
    clock.at(1, () => {
      Promise.resolve()
        .then(() => (value = 1))
        .catch(() => undefined);
    });
    clock.at(2, () => (value = 2));
    await world.run(3);
    expect(seen).toEqual([1, 2]);
  });
});
