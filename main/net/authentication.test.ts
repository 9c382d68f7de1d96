// A listener whose clients must say who they are, over connections: when refusals leave, what may be sent before.

import { afterEach, expect, it } from 'vitest';
import { byteClient } from '../../tests/support/byte-client.ts';
import { nodeClock } from '../runtime/node/node-clock.ts';
import { nodeNetwork } from '../runtime/node/node-network.ts';
import { encodeRequest } from '../protocol/headers.ts';
import { heartbeatApi } from '../protocol/messages/heartbeat.ts';
import { saslAuthenticateApi } from '../protocol/messages/sasl-authenticate.ts';
import { saslHandshakeApi } from '../protocol/messages/sasl-handshake.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import { route } from './route.ts';
import { plainMechanism } from './sasl/plain-mechanism.ts';
import { SaslAuthenticator } from './sasl/sasl-authenticator.ts';
import type { ConnectionProblem } from './server-connection.ts';
import { RpcServer } from './server.ts';

const servers: RpcServer[] = [];
const failureDelayMs = 60;
const tokenBytesMax = 1000;

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function start() {
  const clock = nodeClock();
  const problems: ConnectionProblem[] = [];
  const principals: string[] = [];
  const mechanisms = [plainMechanism({ users: new Map([['alice', 'secret']]), sessionMsMax: 0 })];
  const server = new RpcServer({
    clock,
    network: nodeNetwork(),
    host: '127.0.0.1',
    port: 0,
    listener: 'client',
    name: 'SASL_PLAINTEXT',
    authentication: { begin: () => new SaslAuthenticator({ clock, mechanisms }), failureDelayMs, tokenBytesMax },
    onProblem: (problem) => problems.push(problem),
    routes: [
      route(heartbeatApi, {}, ({ principal, listenerName }) => {
        principals.push(`${principal} by ${listenerName}`);
        return {};
      }),
    ],
  });
  servers.push(server);
  await server.listen();
  return { server, client: await byteClient(server.port), problems, principals };
}

function frame<Q>(api: Api<Q>, version: number, body: Writable<Q>): Buffer {
  return Buffer.concat(encodeRequest(api, version, { correlationId: 1, clientId: 'c' }, body).chunks);
}

const handshake = frame(saslHandshakeApi as Api<unknown>, 1, { mechanism: 'PLAIN' });
const token = (text: string) => frame(saslAuthenticateApi as Api<unknown>, 2, { authBytes: Buffer.from(text) });
const heartbeat = (groupId = 'g') => frame(heartbeatApi as Api<unknown>, 4, { groupId, memberId: 'm' });

it('requests are served as the user who logged in, on the listener that he came by', async () => {
  const { client, principals } = await start();
  client.send(Buffer.concat([handshake, token('\0alice\0secret'), heartbeat()]));
  expect(await client.frames(3)).toHaveLength(3);
  expect(principals).toEqual(['User:alice by SASL_PLAINTEXT']);
});

it('a wrong password is answered after the delay, and nothing behind it is served', async () => {
  const { client, principals, problems, server } = await start();
  client.send(handshake);
  await client.frames(1);
  const askedMs = performance.now();
  client.send(Buffer.concat([token('\0alice\0wrong'), heartbeat()]));
  const received = await client.untilClosed();
  expect(performance.now() - askedMs).toBeGreaterThan(failureDelayMs - 2);
  expect(received.includes('Authentication failed: Invalid username or password')).toBe(true);
  expect(principals).toEqual([]);
  expect(problems.map(({ kind }) => kind)).toEqual(['authentication-failed']);
  expect(server.counters.authenticationsFailed).toBe(1);
});

it('a frame larger than a token may be closes an unknown client, not one that is known', async () => {
  const { client, problems } = await start();
  client.send(heartbeat('g'.repeat(tokenBytesMax)));
  await client.untilClosed();
  expect(problems.map(({ kind }) => kind)).toEqual(['bad-frame']);

  const known = await start();
  known.client.send(Buffer.concat([handshake, token('\0alice\0secret')]));
  await known.client.frames(2);
  known.client.send(heartbeat('g'.repeat(tokenBytesMax)));
  await known.client.frames(3);
  expect(known.principals).toHaveLength(1);
});
