import { afterEach, describe, expect, it } from 'vitest';
import { encodeRequest } from '../protocol/headers.ts';
import { apiVersionsApi } from '../protocol/messages/api-versions.ts';
import { metadataApi } from '../protocol/messages/metadata.ts';
import { byteClient } from '../../tests/support/byte-client.ts';
import { nodeClock } from '../runtime/node/node-clock.ts';
import { nodeNetwork } from '../runtime/node/node-network.ts';
import { CloseConnection } from './router.ts';
import {
  bareFrame,
  heartbeatFrame,
  produceFrame,
  startTestServer,
  type TestHandlers,
  type TestServer,
} from '../../tests/support/test-server.ts';
import type { RequestContext } from './handler.ts';
import type { ServerLimits } from './server.ts';

const running: TestServer[] = [];

async function start(handlers: TestHandlers = {}, limits: Partial<ServerLimits> = {}): Promise<TestServer> {
  const started = await startTestServer(handlers, limits);
  running.push(started);
  return started;
}

afterEach(async () => {
  for (const { server } of running.splice(0)) await server.close();
});

function correlationIds(frames: readonly Buffer[]): number[] {
  return frames.map((frame) => frame.readInt32BE(0));
}

/** Requests whose handler waits until the test answers them. */
function gate(): {
  handler: (context: RequestContext) => Promise<object>;
  started: number[];
  release: (id: number) => void;
  contexts: RequestContext[];
} {
  const started: number[] = [];
  const contexts: RequestContext[] = [];
  const waiting = new Map<number, () => void>();
  return {
    started,
    contexts,
    handler: (context) => {
      started.push(context.correlationId);
      contexts.push(context);
      return new Promise((resolve) => waiting.set(context.correlationId, () => resolve({})));
    },
    release: (id) => waiting.get(id)?.(),
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('order', () => {
  it('a hundred pipelined requests in one write are answered in order', async () => {
    const { server } = await start();
    const client = await byteClient(server.port);
    const ids = Array.from({ length: 100 }, (_, index) => index + 1);
    client.send(Buffer.concat(ids.map(heartbeatFrame)));
    expect(correlationIds(await client.frames(100))).toEqual(ids);
  });

  it('byte by byte is as good as all at once', async () => {
    const { server } = await start();
    const client = await byteClient(server.port);
    client.socket.setNoDelay(true);
    for (const byte of Buffer.concat([heartbeatFrame(1), heartbeatFrame(2)])) {
      client.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(correlationIds(await client.frames(2))).toEqual([1, 2]);
  });

  it('a request starts when the one before is answered, as in Kafka', async () => {
    const { handler, started, release } = gate();
    const { server } = await start({ heartbeat: handler });
    const client = await byteClient(server.port);
    client.send(Buffer.concat([heartbeatFrame(1), heartbeatFrame(2)]));
    await until(() => started.length === 1);
    expect(started).toEqual([1]);
    release(1);
    await until(() => started.length === 2);
    release(2);
    expect(correlationIds(await client.frames(2))).toEqual([1, 2]);
  });

  it('pipelined Produce starts at once, is answered in order whatever ends first, and holds up what follows', async () => {
    const produce = gate();
    const heartbeat = gate();
    const { server } = await start({ produce: produce.handler, heartbeat: heartbeat.handler });
    const client = await byteClient(server.port);
    client.send(Buffer.concat([produceFrame(1), produceFrame(2), heartbeatFrame(3), produceFrame(4)]));
    await until(() => produce.started.length === 2);
    produce.release(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect([produce.started, heartbeat.started]).toEqual([[1, 2], []]);
    produce.release(1);
    expect(correlationIds(await client.frames(2))).toEqual([1, 2]);
    await until(() => heartbeat.started.length === 1);
    expect(produce.started).toEqual([1, 2]);
    heartbeat.release(3);
    await until(() => produce.started.length === 3);
    produce.release(4);
    expect(correlationIds(await client.frames(4))).toEqual([1, 2, 3, 4]);
  });

  it('a handler that answers null sends nothing, and the next one is served', async () => {
    const { server } = await start({ produce: () => null });
    const client = await byteClient(server.port);
    client.send(Buffer.concat([produceFrame(1), heartbeatFrame(2)]));
    expect(correlationIds(await client.frames(1))).toEqual([2]);
  });

  it('record bytes reach the handler whole although the network reuses its memory', async () => {
    const seen: Buffer[] = [];
    const { server } = await start({
      produce: async (_context, request) => {
        const records = request.topicData[0]?.partitionData[0]?.records;
        await new Promise((resolve) => setImmediate(resolve));
        if (records) seen.push(records);
        return {};
      },
    });
    const client = await byteClient(server.port);
    const sent = [10, 3000, 1_000_000, 5_000_000].map((size, index) => Buffer.alloc(size, index + 1));
    client.send(Buffer.concat(sent.map((records, index) => produceFrame(index, records))));
    await client.frames(4);
    expect(seen.map((each, index) => sent[index]?.equals(each))).toEqual([true, true, true, true]);
  });
});

describe('what the context says', () => {
  it('names client, software and connection, and knows when nobody waits any more', async () => {
    const { handler, contexts } = gate();
    const { server } = await start({ heartbeat: handler });
    const client = await byteClient(server.port);
    const hello = encodeRequest(
      apiVersionsApi,
      4,
      { correlationId: 0, clientId: 'test' },
      { clientSoftwareName: 'my-lib', clientSoftwareVersion: '1.2' },
    );
    client.send(Buffer.concat([...hello.chunks, heartbeatFrame(1)]));
    await until(() => contexts.length === 1);
    const [context] = contexts;
    expect(context).toMatchObject({
      apiKey: 12,
      apiVersion: 4,
      correlationId: 1,
      clientId: 'test',
      listener: 'client',
      clientAddress: '127.0.0.1',
      principal: 'User:ANONYMOUS',
      clientSoftware: { name: 'my-lib', version: '1.2' },
    });
    expect(context?.requestFrame.equals(heartbeatFrame(1).subarray(4))).toBe(true);
    expect(context?.isOpen()).toBe(true);
    client.socket.destroy();
    await until(() => context?.isOpen() === false);
    expect(server.counters.connectionsOpen).toBe(0);
  });
});

describe('ApiVersions', () => {
  it('from the future is answered in version 0 with error 35 and its own range', async () => {
    const { server } = await start();
    const client = await byteClient(server.port);
    client.send(Buffer.concat([bareFrame(18, 99, 7), heartbeatFrame(8)]));
    const [answer, next] = await client.frames(2);
    expect(answer?.toString('hex')).toBe('00000007002300000001001200000004');
    expect(next?.readInt32BE(0)).toBe(8);
  });

  it('says what the routes serve, with Produce from 0 on', async () => {
    const { server } = await start();
    expect(server.router.advertised).toEqual([
      { apiKey: 0, minVersion: 0, maxVersion: 13 },
      { apiKey: 3, minVersion: 0, maxVersion: 13 },
      { apiKey: 12, minVersion: 0, maxVersion: 4 },
      { apiKey: 18, minVersion: 0, maxVersion: 4 },
    ]);
  });

  it('leaves features with lowest level 0 out below version 4, and refuses a bad software name', async () => {
    const { server } = await start();
    const client = await byteClient(server.port);
    const ask = (version: number, clientSoftwareName: string): Buffer =>
      Buffer.concat(
        encodeRequest(
          apiVersionsApi,
          version,
          { correlationId: version, clientId: '' },
          { clientSoftwareName, clientSoftwareVersion: '1' },
        ).chunks,
      );
    client.send(Buffer.concat([ask(3, 'lib'), ask(4, 'lib'), ask(4, '-bad name')]));
    const answers = (await client.frames(3)).map((frame, index) =>
      apiVersionsApi.response.decodeFrom(frame.subarray(4), index === 0 ? 3 : 4),
    );
    expect(answers[1]?.finalizedFeatures.map((each) => each.name)).toEqual(['metadata.version']);
    expect(answers.map((each) => each.supportedFeatures.map((feature) => feature.name))).toEqual([
      ['metadata.version'],
      ['group.version', 'metadata.version'],
      [],
    ]);
    expect(answers.map((each) => [each.errorCode, each.finalizedFeaturesEpoch])).toEqual([
      [0, 5],
      [0, 5],
      [42, -1],
    ]);
  });
});

describe('what is refused closes the connection and is reported', () => {
  const cases: readonly [string, Buffer, string][] = [
    ['Metadata beyond the highest version', bareFrame(3, 99, 1), 'Metadata version 99'],
    ['Produce 2, advertised but not valid', bareFrame(0, 2, 1), 'Produce version 2'],
    ['an API that was removed', bareFrame(6, 0, 1), 'API key 6'],
    ['an API that never was', bareFrame(999, 0, 1), 'API key 999'],
    ['a negative API key', bareFrame(-1, 0, 1), 'API key -1'],
    ['a frame too short for a header', Buffer.from([0, 0, 0, 2, 0, 0]), 'too short'],
    ['an empty frame', Buffer.from([0, 0, 0, 0]), 'too short'],
    ['a request cut short', cutShort(), 'Metadata version 13'],
    ['a length prefix of 2 GB', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 1]), 'frame of 2147483647 bytes'],
    ['a negative length prefix', Buffer.from([0xff, 0xff, 0xff, 0xff]), 'frame of -1 bytes'],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'frame of 1195725856 bytes'],
    ['a TLS hello', Buffer.from('16030100a5010000a1030300', 'hex'), 'frame of 369295616 bytes'],
  ];

  it.each(cases)('%s', async (_name, bytes, message) => {
    const { server, problems } = await start();
    const client = await byteClient(server.port);
    client.send(bytes);
    expect((await client.untilClosed()).length).toBe(0);
    expect(problems.map((each) => each.message)).toEqual([expect.stringContaining(message)]);
    expect(server.counters.connectionsOpen).toBe(0);
  });

  it('answers to the requests before it still arrive', async () => {
    const { server } = await start();
    const client = await byteClient(server.port);
    client.send(Buffer.concat([heartbeatFrame(1), bareFrame(999, 0, 2), heartbeatFrame(3)]));
    const received = await client.untilClosed();
    expect(received.readInt32BE(4)).toBe(1);
    expect(received.length).toBe(4 + received.readInt32BE(0));
  });

  it('random bytes never do more than close', async () => {
    const { server } = await start({}, { requestBytesMax: 100_000 });
    let seed = 12345;
    for (let round = 0; round < 40; round++) {
      const bytes = Buffer.alloc(64);
      for (let index = 0; index < bytes.length; index++) {
        seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
        bytes[index] = seed >>> 16;
      }
      bytes.writeInt32BE(60, 0);
      bytes.writeInt16BE([0, 3, 12, 18][round % 4] ?? 0, 4);
      bytes.writeInt16BE(round % 14, 6);
      const client = await byteClient(server.port);
      client.send(bytes);
      client.socket.end();
      await client.untilClosed();
    }
    const client = await byteClient(server.port);
    client.send(heartbeatFrame(1));
    await client.frames(1);
  });

  function cutShort(): Buffer {
    const whole = Buffer.concat(
      encodeRequest(metadataApi, 13, { correlationId: 1, clientId: 'c' }, { topics: [{ name: 'topic' }] }).chunks,
    );
    const bytes = Buffer.from(whole.subarray(0, whole.length - 6));
    bytes.writeInt32BE(bytes.length - 4, 0);
    return bytes;
  }
});

describe('handlers that fail', () => {
  it('close the connection and are reported, thrown or rejected', async () => {
    for (const heartbeat of [
      () => {
        throw new Error('boom');
      },
      () => Promise.reject(new Error('boom')),
      () => ({ errorCode: 1_000_000 }),
    ]) {
      const { server, problems } = await start({ heartbeat });
      const client = await byteClient(server.port);
      client.send(heartbeatFrame(1));
      await client.untilClosed();
      expect(problems.map((each) => each.kind)).toEqual(['handler-failed']);
      expect(server.counters.handlersFailed).toBe(1);
    }
  });

  it('can ask for the connection to be closed without an outcry', async () => {
    const { server, problems } = await start({
      produce: () => {
        throw new CloseConnection('acks=0 failed');
      },
    });
    const client = await byteClient(server.port);
    client.send(Buffer.concat([heartbeatFrame(1), produceFrame(2)]));
    await client.untilClosed();
    expect(problems).toEqual([]);
    expect(server.counters.requestCount).toBe(2);
  });
});

describe('limits', () => {
  it('half a request holds its bytes and nothing else, and costs nothing when it goes away', async () => {
    const { server } = await start();
    const client = await byteClient(server.port);
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(100_000_000);
    client.send(Buffer.concat([prefix, Buffer.alloc(1000)]));
    await until(() => server.counters.bytesIn === 1004);
    client.socket.destroy();
    await until(() => server.counters.connectionsOpen === 0);
  });

  it('reading stops when too many requests of a connection have no answer', async () => {
    const { handler, started, release } = gate();
    const { server } = await start({ heartbeat: handler }, { connectionInFlightMax: 4 });
    const client = await byteClient(server.port);
    client.send(heartbeatFrame(1));
    await until(() => started.length === 1);
    client.send(Buffer.concat([2, 3, 4].map(heartbeatFrame)));
    await until(() => server.counters.bytesIn === 4 * heartbeatFrame(1).length);
    const bytesBefore = server.counters.bytesIn;
    client.send(heartbeatFrame(5));
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(server.counters.bytesIn).toBe(bytesBefore);
    for (const id of [1, 2, 3, 4, 5]) {
      await until(() => started.includes(id));
      release(id);
    }
    expect(correlationIds(await client.frames(5))).toEqual([1, 2, 3, 4, 5]);
  });

  it('a client that does not read its answers stops being served, and is served again when it does', async () => {
    const big = 'x'.repeat(30_000);
    let served = 0;
    const { server } = await start({
      produce: () => {
        served++;
        const recordErrors = Array.from({ length: 20 }, (_, batchIndex) => ({
          batchIndex,
          batchIndexErrorMessage: big,
        }));
        return { responses: [{ name: 't', partitionResponses: [{ index: 0, recordErrors }] }] };
      },
    });
    const client = await byteClient(server.port);
    client.socket.pause();
    const total = 100;
    for (let id = 0; id < total; id++) client.send(produceFrame(id));
    let quietTurns = 0;
    for (let last = -1; quietTurns < 50; last = served) {
      quietTurns = served === last && served > 0 ? quietTurns + 1 : 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    // 100 answers are 60 MB; only what the sockets hold and a turn's worth more were made.
    expect(served).toBeLessThan(total);
    client.socket.resume();
    expect(correlationIds(await client.frames(total))).toEqual(Array.from({ length: total }, (_, id) => id));
  });

  it('one connection too many waits until another ends', async () => {
    const { server } = await start({}, { connectionCountMax: 2 });
    const first = await byteClient(server.port);
    const second = await byteClient(server.port);
    first.send(heartbeatFrame(1));
    second.send(heartbeatFrame(1));
    await Promise.all([first.frames(1), second.frames(1)]);
    const third = await byteClient(server.port);
    third.send(heartbeatFrame(7));
    await until(() => server.counters.connectionsWaiting === 1);
    first.send(heartbeatFrame(2));
    await first.frames(2);
    expect(server.counters).toMatchObject({ connectionsOpen: 2, connectionsAccepted: 2, connectionsRefused: 0 });
    first.socket.destroy();
    expect(correlationIds(await third.frames(1))).toEqual([7]);
    expect(server.counters).toMatchObject({ connectionsOpen: 2, connectionsAccepted: 3, connectionsWaiting: 0 });
  });

  it('one connection too many of its address is closed at once, unless the address may have more', async () => {
    const { server } = await start({}, { connectionsPerAddressMax: 1 });
    const first = await byteClient(server.port);
    first.send(heartbeatFrame(1));
    await first.frames(1);
    const second = await byteClient(server.port);
    expect((await second.untilClosed()).length).toBe(0);
    expect(server.counters).toMatchObject({ connectionsOpen: 1, connectionsRefused: 1 });
    server.updateLimits({ connectionsPerAddressOverrides: new Map([['127.0.0.1', 2]]) });
    const third = await byteClient(server.port);
    third.send(heartbeatFrame(3));
    expect(correlationIds(await third.frames(1))).toEqual([3]);
  });

  it('counts requests, bytes and time by API', async () => {
    const { server } = await start();
    const client = await byteClient(server.port);
    client.send(Buffer.concat([heartbeatFrame(1), heartbeatFrame(2)]));
    const frames = await client.frames(2);
    const bytesOut = frames.reduce((sum, frame) => sum + frame.length + 4, 0);
    expect(server.counters.byApi.get(12)).toMatchObject({
      requestCount: 2,
      bytesIn: 2 * heartbeatFrame(1).length,
      bytesOut,
    });
    expect(server.counters).toMatchObject({ requestCount: 2, bytesOut });
    expect(server.counters.byApi.get(12)?.latencyMsMax).toBeGreaterThanOrEqual(0);
  });
});

describe('limits that change', () => {
  it('close the connection that was silent for longest, and let in who waits when they rise', async () => {
    const { server } = await start();
    const silent = await byteClient(server.port);
    silent.send(heartbeatFrame(1));
    await silent.frames(1);
    const busy = await byteClient(server.port);
    busy.send(heartbeatFrame(1));
    await busy.frames(1);
    server.updateLimits({ connectionCountMax: 1 });
    await silent.untilClosed();
    busy.send(heartbeatFrame(2));
    expect(correlationIds(await busy.frames(2))).toEqual([1, 2]);
    const late = await byteClient(server.port);
    late.send(heartbeatFrame(9));
    await until(() => server.counters.connectionsWaiting === 1);
    server.updateLimits({ connectionCountMax: 2 });
    expect(correlationIds(await late.frames(1))).toEqual([9]);
  });
});

describe('a client that is slowed down', () => {
  it('gets its answer at once, and the next one when its time is over', async () => {
    const clock = nodeClock();
    const untilMs = clock.monotonicMs() + 100;
    const isOver = (): boolean => clock.monotonicMs() >= untilMs;
    const answeredWhen: boolean[] = [];
    const heartbeat = (): object => {
      answeredWhen.push(isOver());
      return {};
    };
    const machine = { clock, network: nodeNetwork() };
    const muted = (): number => (answeredWhen.length > 0 && !isOver() ? untilMs : 0);
    const started = await startTestServer({ heartbeat }, {}, machine, muted);
    running.push(started);
    const client = await byteClient(started.server.port);
    client.send(Buffer.concat([heartbeatFrame(1), heartbeatFrame(2)]));
    expect(correlationIds(await client.frames(2))).toEqual([1, 2]);
    expect(answeredWhen).toEqual([false, true]);
  });
});

describe('memory of all connections together (queued.max.request.bytes)', () => {
  /** The head of a Produce frame of `bytes` bytes, and what is missing of it. */
  function largeFrame(correlationId: number, bytes: number): { head: Buffer; rest: Buffer } {
    const frame = Buffer.alloc(4 + bytes);
    frame.writeInt32BE(bytes, 0);
    heartbeatFrame(correlationId).copy(frame, 4, 4);
    return { head: frame.subarray(0, 1000), rest: frame.subarray(1000) };
  }

  it('beyond the bound nobody begins a request, what has begun ends, and then the others go on', async () => {
    const { server } = await start({}, { queuedRequestBytesMax: 100_000 });
    const slow = await byteClient(server.port);
    const { head, rest } = largeFrame(1, 150_000);
    slow.send(head);
    await until(() => server.counters.bytesIn >= head.length);
    const other = await byteClient(server.port);
    other.send(heartbeatFrame(2));
    await until(() => server.counters.bytesIn > head.length);
    // Came whole and was served; the connection begins no further one while the memory is taken.
    expect(correlationIds(await other.frames(1))).toEqual([2]);
    other.send(heartbeatFrame(3));
    const before = server.counters.bytesIn;
    const third = await byteClient(server.port);
    await until(() => server.counters.connectionsOpen === 3);
    expect(server.counters.bytesIn).toBe(before);
    slow.send(rest);
    expect(correlationIds(await slow.frames(1))).toEqual([1]);
    expect(correlationIds(await other.frames(2))).toEqual([2, 3]);
    third.send(heartbeatFrame(4));
    expect(correlationIds(await third.frames(1))).toEqual([4]);
  });

  it('a client that goes away gives back what its half request took', async () => {
    const { server } = await start({}, { queuedRequestBytesMax: 10_000 });
    const slow = await byteClient(server.port);
    slow.send(largeFrame(1, 50_000).head);
    await until(() => server.counters.bytesIn >= 1000);
    const other = await byteClient(server.port);
    other.send(heartbeatFrame(2));
    expect(correlationIds(await other.frames(1))).toEqual([2]);
    other.send(heartbeatFrame(3));
    slow.socket.destroy();
    expect(correlationIds(await other.frames(2))).toEqual([2, 3]);
  });
});
