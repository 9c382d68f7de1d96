// SASL PLAIN (RFC 4616) as Kafka's PlainSaslServer: name and password in clear, so only for a line that nobody reads.

import type { SaslExchange, SaslMechanism } from './sasl-mechanism.ts';
import { SaslError } from './sasl-mechanism.ts';
import { isSameSecret } from './scram-keys.ts';

export type PlainMechanismOptions = {
  /** Passwords by user. */
  readonly users: ReadonlyMap<string, string>;
  readonly sessionMsMax: number;
};

/** Kafka looks no further than this many parts. */
const partsMax = 4;

export function plainMechanism({ users, sessionMsMax }: PlainMechanismOptions): SaslMechanism {
  const exchange: SaslExchange = {
    evaluate: (token) => ({ token: Buffer.alloc(0), user: userOf(token, users) }),
  };
  return { name: 'PLAIN', sessionMsMax, begin: () => exchange };
}

/** `[authzid] NUL user NUL password`. */
function userOf(token: Buffer, users: ReadonlyMap<string, string>): string {
  const parts = token.toString('utf8').split('\0').slice(0, partsMax);
  const [authorizationId = '', user = '', password = ''] = parts;
  if (parts.length !== 3) throw refusal(`Invalid SASL/PLAIN response: expected 3 tokens, got ${parts.length}`);
  if (user === '') throw refusal('Authentication failed: username not specified');
  if (password === '') throw refusal('Authentication failed: password not specified');
  const expected = users.get(user);
  if (expected === undefined || !isSameSecret(Buffer.from(password), Buffer.from(expected))) {
    throw refusal('Authentication failed: Invalid username or password');
  }
  if (authorizationId !== '' && authorizationId !== user) throw refusal(otherAuthorizationId);
  return user;
}

export const otherAuthorizationId =
  'Authentication failed: Client requested an authorization id that is different from username';

function refusal(message: string): SaslError {
  return new SaslError(message, { isForClient: true });
}
