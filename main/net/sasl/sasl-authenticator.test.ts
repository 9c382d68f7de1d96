// SASL as clients see it: what is answered in which state, Kafka's words for what fails, sessions that end.

import { describe, expect, it } from 'vitest';
import { present } from '../../core/assert.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { encodeRequest, readResponseHeader } from '../../protocol/headers.ts';
import { apiVersionsApi } from '../../protocol/messages/api-versions.ts';
import { heartbeatApi } from '../../protocol/messages/heartbeat.ts';
import { metadataApi } from '../../protocol/messages/metadata.ts';
import { saslAuthenticateApi } from '../../protocol/messages/sasl-authenticate.ts';
import { saslHandshakeApi } from '../../protocol/messages/sasl-handshake.ts';
import type { Api, Writable } from '../../protocol/schema.ts';
import { WireReader } from '../../protocol/wire-reader.ts';
import { SimulatedWorld } from '../../runtime/simulated/simulated-world.ts';
import type { AuthenticationStep } from '../authentication.ts';
import type { RequestSource } from '../router.ts';
import { plainMechanism } from './plain-mechanism.ts';
import { SaslAuthenticator } from './sasl-authenticator.ts';
import { saltedPassword, scramMechanisms, serverKeyOf, storedKeyOf } from './scram-keys.ts';
import { scramMechanism } from './scram-mechanism.ts';

const sha256 = present(scramMechanisms[0], 'SCRAM-SHA-256');
/** The example of RFC 7677. */
const rfc = {
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};
const salted = saltedPassword(sha256, 'pencil', rfc.salt, 4096);
const credential = {
  salt: rfc.salt,
  iterations: 4096,
  storedKey: storedKeyOf(sha256, salted),
  serverKey: serverKeyOf(sha256, salted),
};

class Client {
  readonly world = new SimulatedWorld({ seed: 1 });
  readonly source: RequestSource = {
    connectionId: '1',
    clientAddress: '127.0.0.1',
    principal: 'User:ANONYMOUS',
    clientSoftware: null,
    isOpen: () => true,
  };
  readonly authenticator: SaslAuthenticator;

  constructor({ sessionMsMax = 0 } = {}) {
    const users = new Map([
      ['alice', 'secret'],
      ['bob', 'secret'],
    ]);
    this.authenticator = new SaslAuthenticator({
      clock: this.world.runtimeFor(1).clock,
      mechanisms: [
        plainMechanism({ users, sessionMsMax }),
        scramMechanism({
          mechanism: sha256,
          credentialOf: (user) => (user === 'user' ? credential : null),
          nonce: () => rfc.nonce,
          sessionMsMax,
        }),
      ],
    });
  }

  send<Q, P>(api: Api<Q, P>, version: number, body: Writable<Q>): { step: AuthenticationStep; response: P | null } {
    const frame = encodeRequest(api, version, { correlationId: 7, clientId: 'c' }, body).chunks;
    const step = this.authenticator.take(Buffer.concat(frame).subarray(4), this.source);
    const answer = step.kind === 'serve' ? null : step.answer;
    if (answer === null) return { step, response: null };
    const reader = new WireReader(Buffer.concat(answer.chunks).subarray(4));
    expect(readResponseHeader(reader, api as Api, version).correlationId).toBe(7);
    return { step, response: api.response.decode(reader, version) };
  }

  handshake(mechanism: string, version = 1) {
    return this.send(saslHandshakeApi, version, { mechanism });
  }

  token(text: string, version = 2) {
    return this.send(saslAuthenticateApi, version, { authBytes: Buffer.from(text) });
  }

  heartbeat() {
    return this.send(heartbeatApi, 4, { groupId: 'g', memberId: 'm' });
  }

  /** A bare token, as clients send after SaslHandshake 0. */
  bare(text: string): AuthenticationStep {
    return this.authenticator.take(Buffer.from(text), this.source);
  }
}

const mechanisms = ['PLAIN', 'SCRAM-SHA-256'];
const refused = (isDelayed: boolean) => expect.objectContaining({ kind: 'refuse', isDelayed });

describe('the states of a connection', () => {
  it('ApiVersions, SaslHandshake and SaslAuthenticate make the client known; then all is served', () => {
    const client = new Client();
    expect(client.send(apiVersionsApi, 3, {}).step).toEqual({ kind: 'serve' });
    expect(client.handshake('PLAIN').response).toMatchObject({ errorCode: ErrorCode.NONE, mechanisms });
    expect(client.source.principal).toBe('User:ANONYMOUS');
    const { response } = client.token('\0alice\0secret');
    expect(response).toMatchObject({ errorCode: ErrorCode.NONE, errorMessage: '', sessionLifetimeMs: 0 });
    expect(client.source.principal).toBe('User:alice');
    expect(client.heartbeat().step).toEqual({ kind: 'serve' });
    // The routes say ILLEGAL_SASL_STATE, as on a plaintext listener.
    expect(client.handshake('PLAIN').step).toEqual({ kind: 'serve' });
  });

  it('an ApiVersions from the future may be asked again, one that was answered may not', () => {
    const client = new Client();
    const future = Buffer.concat(encodeRequest(apiVersionsApi, 4, { correlationId: 7, clientId: 'c' }, {}).chunks);
    future.writeInt16BE(99, 6);
    expect(client.authenticator.take(future.subarray(4), client.source)).toEqual({ kind: 'serve' });
    expect(client.send(apiVersionsApi, 3, {}).step).toEqual({ kind: 'serve' });
    expect(client.send(apiVersionsApi, 3, {}).step).toEqual(refused(false));
  });

  it('any other request first closes the connection without an answer', () => {
    const { step, response } = new Client().send(metadataApi, 12, { topics: [] });
    expect(step).toEqual(refused(false));
    expect(response).toBe(null);
    expect(new Client().token('\0alice\0secret').step).toEqual(refused(false));
    expect(new Client().bare('GET / HTTP/1.1\r\n')).toEqual(refused(false));
  });

  it('another request in the middle is told ILLEGAL_SASL_STATE in its own response, where that has a place', () => {
    const client = new Client();
    client.handshake('PLAIN');
    const { step, response } = client.heartbeat();
    expect(step).toEqual(refused(true));
    expect(response).toMatchObject({ errorCode: ErrorCode.ILLEGAL_SASL_STATE });
    const other = new Client();
    other.handshake('PLAIN');
    expect(other.send(metadataApi, 12, { topics: [] }).response).toBe(null);
  });

  it('a mechanism that is not enabled is refused with those that are', () => {
    const { step, response } = new Client().handshake('GSSAPI');
    expect(step).toEqual(refused(true));
    expect(response).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM, mechanisms });
  });

  it('after SaslHandshake 0 tokens come bare, and failure has no answer', () => {
    const client = new Client();
    client.handshake('SCRAM-SHA-256', 0);
    const text = (step: AuthenticationStep) =>
      step.kind === 'answer' ? Buffer.concat(step.answer.chunks).subarray(4).toString() : step;
    expect(text(client.bare(rfc.clientFirst))).toBe(rfc.serverFirst);
    expect(text(client.bare(rfc.clientFinal))).toBe(rfc.serverFinal);
    expect(client.source.principal).toBe('User:user');
    const other = new Client();
    other.handshake('PLAIN', 0);
    expect(other.bare('\0alice\0wrong')).toMatchObject({ kind: 'refuse', answer: null });
  });
});

describe('PLAIN', () => {
  it.each([
    ['\0alice\0wrong', 'Authentication failed: Invalid username or password'],
    ['\0nobody\0secret', 'Authentication failed: Invalid username or password'],
    ['\0\0secret', 'Authentication failed: username not specified'],
    ['\0alice\0', 'Authentication failed: password not specified'],
    ['alice\0secret', 'Invalid SASL/PLAIN response: expected 3 tokens, got 2'],
    ['\0alice\0secret\0more\0still', 'Invalid SASL/PLAIN response: expected 3 tokens, got 4'],
    [
      'bob\0alice\0secret',
      'Authentication failed: Client requested an authorization id that is different from username',
    ],
  ])('%j fails in Kafka’s words', (token, errorMessage) => {
    const client = new Client();
    client.handshake('PLAIN');
    const { step, response } = client.token(token);
    expect(step).toEqual(refused(true));
    expect(response).toMatchObject({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage });
    expect(client.authenticator.isAuthenticated).toBe(false);
  });

  it('takes an authorization id that is the user', () => {
    const client = new Client();
    client.handshake('PLAIN');
    client.token('alice\0alice\0secret');
    expect(client.source.principal).toBe('User:alice');
  });
});

describe('SCRAM', () => {
  it('is the exchange of RFC 7677, byte for byte', () => {
    const client = new Client();
    client.handshake('SCRAM-SHA-256');
    expect(client.token(rfc.clientFirst).response?.authBytes.toString()).toBe(rfc.serverFirst);
    expect(client.authenticator.isAuthenticated).toBe(false);
    expect(client.token(rfc.clientFinal).response?.authBytes.toString()).toBe(rfc.serverFinal);
    expect(client.source.principal).toBe('User:user');
  });

  const generic =
    'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256';
  it.each([
    ['an unknown user', 'n,,n=nobody,r=abc', null, generic],
    ['a message that is none', 'hello', null, generic],
    ['channel binding', 'p=tls-unique,,n=user,r=abc', null, generic],
    ['a delegation token', 'n,,n=user,r=abc,tokenauth=true', null, generic],
    [
      'an authorization id of somebody else',
      'n,a=alice,n=user,r=abc',
      null,
      'Authentication failed: Client requested an authorization id that is different from username',
    ],
    ['a wrong proof', rfc.clientFirst, rfc.clientFinal.replace('p=dHzb', 'p=AHzb'), generic],
    ['a short proof', rfc.clientFirst, rfc.clientFinal.replace(/p=.*/, 'p=AAAA'), generic],
    ['a nonce of its own', rfc.clientFirst, rfc.clientFinal.replace('$k0', '$k1'), generic],
    ['a second message that is none', rfc.clientFirst, 'c=biws', generic],
  ])('%s fails without telling what was wrong', (_name, first, final, errorMessage) => {
    const client = new Client();
    client.handshake('SCRAM-SHA-256');
    const last = final === null ? client.token(first) : (client.token(first), client.token(final));
    expect(last.step).toEqual(refused(true));
    expect(last.response).toMatchObject({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage });
    expect(client.authenticator.isAuthenticated).toBe(false);
  });
});

describe('sessions that end (KIP-368)', () => {
  async function loggedIn(): Promise<Client> {
    const client = new Client({ sessionMsMax: 5000 });
    client.handshake('PLAIN');
    expect(client.token('\0alice\0secret').response?.sessionLifetimeMs).toBe(5000);
    await client.world.runFor(4000);
    return client;
  }

  it('whoever logs in again in time goes on', async () => {
    const client = await loggedIn();
    expect(client.handshake('PLAIN').step.kind).toBe('answer');
    expect(client.token('\0alice\0secret').response).toMatchObject({ errorCode: 0, sessionLifetimeMs: 5000 });
    await client.world.runFor(4000);
    expect(client.heartbeat().step).toEqual({ kind: 'serve' });
  });

  it('whoever does not is closed at the next request', async () => {
    const client = await loggedIn();
    expect(client.heartbeat().step).toEqual({ kind: 'serve' });
    await client.world.runFor(1000);
    expect(client.heartbeat().step).toEqual(refused(false));
  });

  it('nobody becomes somebody else', async () => {
    const client = await loggedIn();
    client.handshake('PLAIN');
    const { step, response } = client.token('\0bob\0secret');
    expect(step).toEqual(refused(true));
    expect(response?.errorMessage).toBe('Cannot change principals during re-authentication from User.alice: User.bob');
    expect(client.source.principal).toBe('User:alice');
  });

  it('another mechanism fails at the token, as in Kafka', async () => {
    const client = await loggedIn();
    expect(client.handshake('SCRAM-SHA-256').response?.errorCode).toBe(ErrorCode.NONE);
    expect(client.token(rfc.clientFirst).step).toMatchObject({
      kind: 'refuse',
      answer: null,
      message:
        "SASL mechanism 'SCRAM-SHA-256' requested by client is not supported for re-authentication of mechanism 'PLAIN'",
    });
  });

  it('a second time within a second is for the routes, which refuse it', async () => {
    const client = await loggedIn();
    client.handshake('PLAIN');
    client.token('\0alice\0secret');
    expect(client.handshake('PLAIN').step).toEqual({ kind: 'serve' });
    await client.world.runFor(1000);
    expect(client.handshake('PLAIN').step.kind).toBe('answer');
  });
});
