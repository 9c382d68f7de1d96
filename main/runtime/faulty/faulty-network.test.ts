// On real sockets: node 1 connects to a peer (its port is known) and is connected to by a peer and by a client.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeClock } from '../node/node-clock.ts';
import { nodeNetwork } from '../node/node-network.ts';
import { nodeRandom } from '../node/node-random.ts';
import type { Connection, Listener } from '../runtime.ts';
import { clearLink, type LinkCondition } from './broker-faults.ts';
import { FaultyNetwork } from './faulty-network.ts';

const host = '127.0.0.1';
const clock = nodeClock();
const peerId = 2;
let listener: Listener;
/** Answers each text in capitals. */
let echoes: Connection[];
let network: FaultyNetwork;
let opened: Connection[];

class Side {
  text = '';
  isClosed = false;
  drains = 0;
  readonly connection: Connection;
  constructor(connection: Connection) {
    this.connection = connection;
    connection.handle({
      onData: (chunk) => (this.text += chunk.toString()),
      onClose: () => (this.isClosed = true),
      onDrain: () => this.drains++,
    });
  }
  say(text: string): boolean {
    return this.connection.write([Buffer.from(text)]);
  }
}

const isFromBroker = (first: Buffer): boolean => first.toString().startsWith('broker');

beforeEach(async () => {
  echoes = [];
  opened = [];
  listener = await nodeNetwork().listen({ host, port: 0 }, (connection) => {
    echoes.push(connection);
    connection.handle({
      onData: (chunk) => void connection.write([Buffer.from(chunk.toString().toUpperCase())]),
      onClose: () => undefined,
      onDrain: () => undefined,
    });
  });
  const neighbours = [{ brokerId: peerId, ports: [listener.port] }];
  network = new FaultyNetwork({ base: nodeNetwork(), clock, random: nodeRandom(), neighbours, isFromBroker });
});

afterEach(async () => {
  network.apply([]);
  for (const each of [...opened, ...echoes]) each.destroy();
  await listener.close();
});

const link = (
  change: { in?: Partial<LinkCondition>; out?: Partial<LinkCondition> },
  peer: number | 'clients' = peerId,
) => network.apply([{ peer, in: { ...clearLink, ...change.in }, out: { ...clearLink, ...change.out } }]);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.at(clock.monotonicMs() + ms, resolve));

async function connect(timeoutMs = 2000): Promise<Side> {
  const connection = await network.connect({ host, port: listener.port, timeoutMs });
  opened.push(connection);
  return new Side(connection);
}

async function until(condition: () => boolean): Promise<void> {
  const giveUpMs = clock.monotonicMs() + 5000;
  while (!condition()) {
    if (clock.monotonicMs() > giveUpMs) throw new Error('not within 5 s');
    await sleep(2);
  }
}

/** Long enough for anything that was going to arrive on loopback. */
const quietMs = 60;

describe('a cut', () => {
  it('holds what is sent, resets nobody, and lets it through in order once it heals', async () => {
    const side = await connect();
    link({ out: { isCut: true } });
    side.say('one ');
    side.say('two');
    await sleep(quietMs);
    expect(side).toMatchObject({ text: '', isClosed: false });
    link({});
    side.say(' three');
    await until(() => side.text === 'ONE TWO THREE');
  });

  it('of the way in holds the answers and lets the questions out', async () => {
    const side = await connect();
    let heard = '';
    await until(() => echoes.length === 1);
    echoes[0]?.handle({
      onData: (chunk) => {
        heard += chunk.toString();
        echoes[0]?.write([Buffer.from('answer')]);
      },
      onClose: () => undefined,
      onDrain: () => undefined,
    });
    link({ in: { isCut: true } });
    side.say('question');
    await until(() => heard === 'question');
    await sleep(quietMs);
    expect(side.text).toBe('');
    link({});
    await until(() => side.text === 'answer');
  });

  it('keeps the news that the other end is gone, too', async () => {
    const side = await connect();
    await until(() => echoes.length === 1);
    link({ in: { isCut: true }, out: { isCut: true } });
    echoes[0]?.destroy();
    await sleep(quietMs);
    expect(side.isClosed).toBe(false);
    link({});
    await until(() => side.isClosed);
  });

  it('tells the other end of a close only when it heals', async () => {
    const side = await connect();
    await until(() => echoes.length === 1);
    let isToldThere = false;
    echoes[0]?.handle({ onData: () => undefined, onClose: () => (isToldThere = true), onDrain: () => undefined });
    link({ out: { isCut: true } });
    side.say('never');
    side.connection.destroy();
    await until(() => side.isClosed);
    await sleep(quietMs);
    expect(isToldThere).toBe(false);
    link({});
    await until(() => isToldThere);
  });

  it.each(['in', 'out'] as const)('of the way %s alone lets no connection come about', async (direction) => {
    link({ [direction]: { isCut: true } });
    await expect(connect(80)).rejects.toMatchObject({ name: 'NetworkError', code: 'timeout' });
    const connecting = connect(5000);
    await sleep(20);
    link({});
    await connecting;
  });

  it('asks a writer to wait once too much is held, and tells it when that is over', async () => {
    const side = await connect();
    link({ out: { isCut: true } });
    expect(side.say('x'.repeat(1000))).toBe(true);
    expect(side.say('x'.repeat(70_000))).toBe(false);
    expect(side.connection.bufferedBytes).toBe(71_000);
    link({});
    await until(() => side.drains > 0 && side.text.length === 71_000);
  });

  it('leaves other peers alone', async () => {
    const side = await connect();
    link({ out: { isCut: true } }, 'clients');
    side.say('hello');
    await until(() => side.text === 'HELLO');
  });
});

describe('a slow link', () => {
  it('delays both ways and the handshake, and keeps the order under jitter', async () => {
    link({ out: { delayMs: 40, jitterMs: 30 }, in: { delayMs: 40 } });
    const beginMs = clock.monotonicMs();
    const side = await connect();
    expect(clock.monotonicMs() - beginMs).toBeGreaterThanOrEqual(49);
    for (let index = 0; index < 9; index++) side.say(String(index));
    const askedMs = clock.monotonicMs();
    await until(() => side.text.length === 9);
    expect(clock.monotonicMs() - askedMs).toBeGreaterThanOrEqual(49);
    expect(side.text).toBe('012345678');
  });

  it('shares its bandwidth among all connections', async () => {
    link({ out: { bytesPerSecond: 1_000_000 } });
    const sides = [await connect(), await connect()];
    const beginMs = clock.monotonicMs();
    for (const side of sides) side.say('x'.repeat(100_000));
    await until(() => sides.every((side) => side.text.length === 100_000));
    expect(clock.monotonicMs() - beginMs).toBeGreaterThanOrEqual(199);
  });

  it('that loses segments delivers them late, by TCP’s retransmission, and all of them', async () => {
    const side = await connect();
    link({ out: { loss: 0.9 } });
    // Ten segments, of which hardly one makes it at once.
    side.say('x'.repeat(14_600));
    await sleep(150);
    expect(side.text).toBe('');
    link({});
    side.say('!');
    await until(() => side.text.endsWith('!'));
    expect(side.text.length).toBe(14_601);
  });
});

describe('a fault for clients', () => {
  it('acts on those who do not introduce themselves as a broker, from their first bytes on', async () => {
    const served: Side[] = [];
    const door = await network.listen({ host, port: 0 }, (connection) => {
      opened.push(connection);
      served.push(new Side(connection));
    });
    const dial = async () => {
      const connection = await nodeNetwork().connect({ host, port: door.port, timeoutMs: 1000 });
      opened.push(connection);
      return new Side(connection);
    };
    link({ in: { isCut: true }, out: { isCut: true } }, 'clients');
    const [broker, client] = [await dial(), await dial()];
    broker.say('broker-2');
    client.say('kcat');
    await until(() => served.some((side) => side.text === 'broker-2'));
    await sleep(quietMs);
    expect(served.map((side) => side.text).sort()).toEqual(['', 'broker-2']);
    for (const side of served) side.say('answer');
    await until(() => broker.text === 'answer');
    await sleep(quietMs);
    expect(client.text).toBe('');
    link({});
    await until(() => served.some((side) => side.text === 'kcat'));
    await door.close();
  });
});
