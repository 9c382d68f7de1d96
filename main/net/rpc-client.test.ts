import { afterEach, describe, expect, it } from 'vitest';
import { apiVersionsApi } from '../protocol/messages/api-versions.ts';
import { fetchApi } from '../protocol/messages/fetch.ts';
import { heartbeatApi } from '../protocol/messages/heartbeat.ts';
import { metadataApi } from '../protocol/messages/metadata.ts';
import type { Api } from '../protocol/schema.ts';
import { nodeClock } from '../runtime/node/node-clock.ts';
import { nodeNetwork } from '../runtime/node/node-network.ts';
import type { Connection } from '../runtime/runtime.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { NodeConnections } from './node-connections.ts';
import { RpcClient, type RpcClientOptions } from './rpc-client.ts';
import { startTestServer, type TestHandlers, type TestServer } from '../../tests/support/test-server.ts';

const real: TestServer[] = [];

afterEach(async () => {
  for (const { server } of real.splice(0)) await server.close();
});

/** A server on node 1 of a simulated world and a client on node 2. */
async function simulated(
  handlers: TestHandlers = {},
  options: Partial<RpcClientOptions> = {},
): Promise<{ world: SimulatedWorld; server: TestServer; connect: () => Promise<RpcClient> }> {
  const world = new SimulatedWorld({ seed: 11 });
  const server = await startTestServer(handlers, {}, world.runtimeFor(1));
  const { clock, network } = world.runtimeFor(2);
  const connect = (): Promise<RpcClient> =>
    world.settle(
      RpcClient.connect({
        clock,
        network,
        host: '127.0.0.1',
        port: server.server.port,
        clientId: 'node-2',
        ...options,
      }),
    );
  return { world, server, connect };
}

const beat = { groupId: 'g', generationId: 1, memberId: 'm' };

describe('on real sockets', () => {
  it('asks for versions, then sends and reads answers as types', async () => {
    const started = await startTestServer();
    real.push(started);
    const client = await RpcClient.connect({
      clock: nodeClock(),
      network: nodeNetwork(),
      host: '127.0.0.1',
      port: started.server.port,
      clientId: 'test',
      negotiate: true,
    });
    const answers = await Promise.all([client.send(metadataApi, { topics: null }), client.send(heartbeatApi, beat)]);
    expect(answers[0].controllerId).toBe(7);
    expect(answers[1].errorCode).toBe(0);
    expect(() => client.versionOf(fetchApi as Api)).toThrow('does not serve a version of Fetch');
    await expect(client.send(fetchApi, {})).rejects.toMatchObject({ name: 'UnsupportedVersionError' });
    client.close();
    await expect(client.send(heartbeatApi, beat)).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('in the simulated world', () => {
  it('pipelines, and each answer finds its request', async () => {
    const { world, connect } = await simulated({
      heartbeat: (_context, request) => ({ throttleTimeMs: request.generationId }),
    });
    const client = await connect();
    const sent = Array.from({ length: 50 }, (_, generationId) => client.send(heartbeatApi, { ...beat, generationId }));
    expect(client.inFlightCount).toBe(50);
    const answers = await world.settle(Promise.all(sent));
    expect(answers.map((each) => each.throttleTimeMs)).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  it('a request that is not answered in time ends the connection and all requests on it', async () => {
    const { world, server, connect } = await simulated({ heartbeat: () => new Promise(() => undefined) });
    const client = await connect();
    const startMs = world.nowMs;
    const slow = client.send(heartbeatApi, beat, { timeoutMs: 500 });
    const behind = client.send(metadataApi, {}, { timeoutMs: 60_000 });
    behind.catch(() => undefined);
    await expect(world.settle(slow)).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('Heartbeat'),
    });
    expect(world.nowMs - startMs).toBe(500);
    await expect(behind).rejects.toMatchObject({ code: 'timeout' });
    expect(client.isOpen).toBe(false);
    await world.runFor(10);
    expect(server.server.counters.connectionsOpen).toBe(0);
  });

  it('an early deadline behind a late one is kept', async () => {
    const { world, connect } = await simulated({ heartbeat: () => new Promise(() => undefined) });
    const client = await connect();
    client.send(heartbeatApi, beat, { timeoutMs: 10_000 }).catch(() => undefined);
    const startMs = world.nowMs;
    await expect(world.settle(client.send(heartbeatApi, beat, { timeoutMs: 100 }))).rejects.toMatchObject({
      code: 'timeout',
    });
    expect(world.nowMs - startMs).toBe(100);
  });

  it('answered requests leave no deadline behind', async () => {
    const { world, connect } = await simulated();
    const client = await connect();
    await world.settle(client.send(heartbeatApi, beat, { timeoutMs: 100 }));
    await world.runFor(1000);
    expect(client.isOpen).toBe(true);
  });

  it('a killed server fails what has no answer', async () => {
    const { world, connect } = await simulated({ heartbeat: () => new Promise(() => undefined) });
    const client = await connect();
    const pending = client.send(heartbeatApi, beat);
    await world.runFor(10);
    world.kill(1);
    await expect(world.settle(pending)).rejects.toMatchObject({ code: 'closed' });
  });

  it('more requests than allowed are refused at once', async () => {
    const { connect } = await simulated({}, { inFlightMax: 2 });
    const client = await connect();
    client.send(heartbeatApi, beat).catch(() => undefined);
    client.send(heartbeatApi, beat).catch(() => undefined);
    await expect(client.send(heartbeatApi, beat)).rejects.toMatchObject({ code: 'overloaded' });
  });

  it('a server that answers something else is left', async () => {
    for (const bytes of [
      Buffer.from('HTTP/1.1 400 Bad Request\r\n'),
      Buffer.from('000000080000006300000000', 'hex'),
      Buffer.from('0000000400000000', 'hex'),
    ]) {
      const world = new SimulatedWorld({ seed: 1 });
      const listener = await world.runtimeFor(1).network.listen({ host: 'x', port: 0 }, (connection: Connection) => {
        connection.handle({
          onData: () => void connection.write([bytes]),
          onClose: () => undefined,
          onDrain: () => undefined,
        });
      });
      const { clock, network } = world.runtimeFor(2);
      const client = await world.settle(
        RpcClient.connect({
          clock,
          network,
          host: 'x',
          port: listener.port,
          clientId: 'c',
          responseBytesMax: 1_000_000,
        }),
      );
      await expect(world.settle(client.send(heartbeatApi, beat))).rejects.toMatchObject({
        name: expect.stringMatching(/ProtocolError|FrameSizeError/),
      });
      expect(client.isOpen).toBe(false);
    }
  });

  it('negotiation falls back when the server knows no such ApiVersions', async () => {
    const world = new SimulatedWorld({ seed: 1 });
    const listener = await world.runtimeFor(1).network.listen({ host: 'x', port: 0 }, (connection) => {
      connection.handle({
        onData: (chunk) => {
          const [version, correlationId] = [chunk.readInt16BE(6), chunk.readInt32BE(8)];
          const body =
            version > 2
              ? apiVersionsApi.response.encodeToBuffer(0, {
                  errorCode: 35,
                  apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 2 }],
                })
              : apiVersionsApi.response.encodeToBuffer(version, {
                  apiKeys: [{ apiKey: 12, minVersion: 0, maxVersion: 3 }],
                });
          const head = Buffer.alloc(8);
          head.writeInt32BE(4 + body.length, 0);
          head.writeInt32BE(correlationId, 4);
          connection.write([head, body]);
        },
        onClose: () => undefined,
        onDrain: () => undefined,
      });
    });
    const { clock, network } = world.runtimeFor(2);
    const client = await world.settle(
      RpcClient.connect({ clock, network, host: 'x', port: listener.port, clientId: 'c', negotiate: true }),
    );
    expect(client.versionOf(heartbeatApi as Api)).toBe(3);
  });
});

describe('connections by node id', () => {
  async function pool(): Promise<{
    world: SimulatedWorld;
    connections: NodeConnections;
    start: () => Promise<TestServer>;
    move: (port: number) => void;
  }> {
    const world = new SimulatedWorld({ seed: 21 });
    let port = 0;
    const start = async (): Promise<TestServer> => {
      const started = await startTestServer(
        { heartbeat: (_context, request) => ({ throttleTimeMs: request.generationId }) },
        {},
        world.runtimeFor(1),
      );
      port = started.server.port;
      return started;
    };
    const { clock, network, random } = world.runtimeFor(2);
    const connections = new NodeConnections({
      clock,
      network,
      random,
      clientId: 'node-2',
      endpointOf: (nodeId) => (nodeId === 1 && port > 0 ? { host: '127.0.0.1', port } : null),
    });
    return { world, connections, start, move: (to) => (port = to) };
  }

  it('one connection serves all requests, in order of the calls', async () => {
    const { world, connections, start } = await pool();
    const { server } = await start();
    const order: number[] = [];
    const send = (generationId: number): Promise<void> =>
      connections
        .send(1, heartbeatApi, { ...beat, generationId })
        .then((answer) => void order.push(answer.throttleTimeMs));
    await world.settle(Promise.all([send(1), send(2), send(3)]));
    await world.settle(Promise.all([send(4), send(5)]));
    expect(order).toEqual([1, 2, 3, 4, 5]);
    expect(server.counters.connectionsAccepted).toBe(1);
    expect(connections.isConnected(1)).toBe(true);
  });

  it('a node that nobody knows is unreachable', async () => {
    const { connections } = await pool();
    await expect(connections.send(9, heartbeatApi, beat)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('after a failure the next try waits for the backoff, and a node that is back is found', async () => {
    const { world, connections, start, move } = await pool();
    move(9999);
    const attempt = (): Promise<unknown> => world.settle(connections.send(1, heartbeatApi, beat));
    await expect(attempt()).rejects.toThrow('nothing listens there');
    await expect(attempt()).rejects.toThrow('after the backoff');
    await world.runFor(100);
    await expect(attempt()).rejects.toThrow('nothing listens there');
    await start();
    await attempt();
    world.kill(1);
    await world.runFor(10);
    expect(connections.isConnected(1)).toBe(false);
    await start();
    await world.runFor(100);
    await attempt();
    connections.closeAll();
    await expect(connections.send(1, heartbeatApi, beat)).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('the server under a virtual clock', () => {
  it('closes connections that were idle for too long and no others', async () => {
    const world = new SimulatedWorld({ seed: 31 });
    const { server } = await startTestServer({}, { connectionIdleMsMax: 10_000 }, world.runtimeFor(1));
    const { clock, network } = world.runtimeFor(2);
    const connect = (): Promise<RpcClient> =>
      world.settle(RpcClient.connect({ clock, network, host: '127.0.0.1', port: server.port, clientId: 'c' }));
    const [idle, busy] = [await connect(), await connect()];
    for (let round = 0; round < 8; round++) {
      await world.runFor(2000);
      await world.settle(busy.send(heartbeatApi, beat));
    }
    expect([idle.isOpen, busy.isOpen]).toEqual([false, true]);
    expect(server.counters).toMatchObject({ connectionsIdleClosed: 1, connectionsOpen: 1 });
  });
});
