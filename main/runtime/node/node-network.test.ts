import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Connection, Listener, Network } from '../runtime.ts';
import { nodeClock } from './node-clock.ts';
import { nodeNetwork } from './node-network.ts';

const host = '127.0.0.1';

type Side = {
  readonly connection: Connection;
  readonly chunks: Buffer[];
  closed: Promise<Error | null>;
  drained: () => number;
};

function take(connection: Connection, onBytes: (total: number) => void = () => undefined): Side {
  const chunks: Buffer[] = [];
  let total = 0;
  let drains = 0;
  const closed = new Promise<Error | null>((resolve) => {
    connection.handle({
      onData: (chunk) => {
        chunks.push(Buffer.from(chunk));
        total += chunk.length;
        onBytes(total);
      },
      onClose: resolve,
      onDrain: () => drains++,
    });
  });
  return { connection, chunks, closed, drained: () => drains };
}

async function pair(network: Network): Promise<{
  listener: Listener;
  near: Side;
  far: Side;
  bytesAtFar: (count: number) => Promise<void>;
}> {
  const waits: { count: number; resolve: () => void }[] = [];
  let total = 0;
  let accept: (side: Side) => void = () => undefined;
  const accepted = new Promise<Side>((resolve) => {
    accept = resolve;
  });
  const listener = await network.listen({ host, port: 0 }, (connection) => {
    accept(
      take(connection, (received) => {
        total = received;
        for (const wait of waits) if (total >= wait.count) wait.resolve();
      }),
    );
  });
  const near = take(await network.connect({ host, port: listener.port, timeoutMs: 5000 }));
  const bytesAtFar = (count: number): Promise<void> =>
    new Promise((resolve) => (total >= count ? resolve() : waits.push({ count, resolve })));
  return { listener, near, far: await accepted, bytesAtFar };
}

describe.each(['reused-buffer', 'stream'] as const)('sockets that receive by %s', (receive) => {
  const network = nodeNetwork({ receive });

  it('carry bytes both ways in order, and end reports no error at both ends', async () => {
    const { listener, near, far, bytesAtFar } = await pair(network);
    const sent = Array.from({ length: 200 }, (_, index) => Buffer.alloc(5000, index));
    near.connection.write(sent);
    await bytesAtFar(1_000_000);
    expect(Buffer.concat(far.chunks).equals(Buffer.concat(sent))).toBe(true);
    expect(far.connection.remoteAddress).toBe(host);
    far.connection.write([Buffer.from('bye')]);
    far.connection.end();
    expect(await near.closed).toBe(null);
    expect(await far.closed).toBe(null);
    expect(Buffer.concat(near.chunks).toString()).toBe('bye');
    await listener.close();
  });

  it('a paused reader makes write say no; once it reads, drain is told', async () => {
    const { listener, near, far, bytesAtFar } = await pair(network);
    far.connection.pause();
    const chunk = Buffer.alloc(1024 * 1024);
    let count = 1;
    while (near.connection.write([chunk]) && count < 100) count++;
    expect(count).toBeLessThan(100);
    expect(near.connection.bufferedBytes).toBeGreaterThan(0);
    expect(near.drained()).toBe(0);
    far.connection.resume();
    await bytesAtFar(count * chunk.length);
    expect(near.drained()).toBe(1);
    near.connection.destroy();
    await Promise.all([near.closed, far.closed]);
    await listener.close();
  });

  it('a connection torn down is reported once at the other end', async () => {
    const { listener, near, far } = await pair(network);
    far.connection.destroy();
    await Promise.all([near.closed, far.closed]);
    expect(near.connection.write([Buffer.from('x')])).toBe(false);
    await listener.close();
  });

  it('a closed listener refuses, and its port is free again', async () => {
    const { listener, near } = await pair(network);
    await listener.close();
    const connecting = network.connect({ host, port: listener.port, timeoutMs: 1000 });
    await expect(connecting).rejects.toMatchObject({ name: 'NetworkError', code: 'refused' });
    const again = await network.listen({ host, port: listener.port }, () => undefined);
    expect(again.port).toBe(listener.port);
    await again.close();
    near.connection.destroy();
  });

  it('a taken port is named', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, host, resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(network.listen({ host, port }, () => undefined)).rejects.toMatchObject({
      code: 'address-in-use',
      message: `${host}:${port} is in use by another program`,
    });
    await new Promise((resolve) => other.close(resolve));
  });
});

describe('clock', () => {
  it('never runs an action before its deadline, nor one that was cancelled', async () => {
    const clock = nodeClock();
    const early: number[] = [];
    const cancelled = clock.at(clock.monotonicMs() + 5, () => early.push(-1));
    cancelled.cancel();
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const deadlineMs = clock.monotonicMs() + index * 0.37;
        return new Promise<void>((resolve) => {
          clock.at(deadlineMs, () => {
            if (clock.monotonicMs() < deadlineMs) early.push(index);
            resolve();
          });
        });
      }),
    );
    expect(early).toEqual([]);
  });
});
