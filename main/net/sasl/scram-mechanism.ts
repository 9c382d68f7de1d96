// The server's side of SCRAM (RFC 5802, RFC 7677) as Kafka's ScramSaslServer: the client proves that it knows the
// password, and is shown that the server knows the keys made of it. No channel binding. Delegation tokens
// (`tokenauth=true`) are not known and fail as an unknown user does.

import { otherAuthorizationId } from './plain-mechanism.ts';
import { SaslError, type SaslExchange, type SaslMechanism, type SaslStep } from './sasl-mechanism.ts';
import { hmac, isSameSecret, storedKeyOfProof, type ScramCredential, type ScramMechanism } from './scram-keys.ts';

export type ScramMechanismOptions = {
  readonly mechanism: ScramMechanism;
  /** Null: there is no such user. */
  readonly credentialOf: (user: string) => ScramCredential | null;
  /** Printable without a comma, different each time. */
  readonly nonce: () => string;
  readonly sessionMsMax: number;
};

export function scramMechanism(options: ScramMechanismOptions): SaslMechanism {
  return {
    name: options.mechanism.name,
    sessionMsMax: options.sessionMsMax,
    begin: () => new ScramExchange(options),
  };
}

const saslName = String.raw`(?:[\x01-\x2b\x2d-\x3c\x3e-\x7f]|=2C|=3D)+`;
const value = String.raw`[\x01-\x2b\x2d-\x7f]+`;
const printable = String.raw`[\x21-\x2b\x2d-\x7e]+`;
const extensions = `(?:,[A-Za-z]+=${value})*`;
const base64 = '(?:[a-zA-Z0-9/+]{4})*(?:[a-zA-Z0-9/+]{3}=|[a-zA-Z0-9/+]{2}==)?';

const clientFirst = new RegExp(
  `^n,(?:a=(?<authorizationId>${saslName}))?,` +
    `(?<bare>(?:m=${value},)?n=(?<user>${saslName}),r=(?<nonce>${printable})(?<extensions>${extensions}))$`,
);
const clientFinal = new RegExp(
  `^(?<unproved>c=(?:${base64}),r=(?<nonce>${printable})${extensions}),p=(?<proof>${base64})$`,
);

/** After the first message: what both sides have said so far, and what the proof is checked with. */
type Challenged = {
  readonly user: string;
  readonly credential: ScramCredential;
  readonly nonce: string;
  readonly clientFirstBare: string;
  readonly serverFirst: string;
};

class ScramExchange implements SaslExchange {
  readonly #options: ScramMechanismOptions;
  #challenged: Challenged | null = null;

  constructor(options: ScramMechanismOptions) {
    this.#options = options;
  }

  evaluate(token: Buffer): SaslStep {
    const message = token.toString('utf8');
    if (this.#challenged !== null) return this.#finish(message, this.#challenged);
    this.#challenged = this.#challenge(message);
    return { token: Buffer.from(this.#challenged.serverFirst), user: null };
  }

  #challenge(message: string): Challenged {
    const { mechanism, credentialOf, nonce } = this.#options;
    const first = clientFirst.exec(message)?.groups;
    if (first === undefined) throw failure('Invalid SCRAM client first message format');
    if (/,tokenauth=true/i.test(first['extensions'] ?? '')) throw failure('delegation tokens are not served');
    const user = decodedName(first['user'] ?? '');
    const credential = credentialOf(user);
    if (credential === null) throw failure('Authentication failed: Invalid user credentials');
    const authorizationId = first['authorizationId'] ?? '';
    if (authorizationId !== '' && authorizationId !== user) {
      throw new SaslError(otherAuthorizationId, { isForClient: true });
    }
    if (credential.iterations < mechanism.iterationsMin) {
      throw failure(
        `Iterations ${credential.iterations} is less than the minimum ${mechanism.iterationsMin} for ${mechanism.name}`,
      );
    }
    const both = `${first['nonce'] ?? ''}${nonce()}`;
    const serverFirst = `r=${both},s=${credential.salt.toString('base64')},i=${credential.iterations}`;
    return { user, credential, nonce: both, clientFirstBare: first['bare'] ?? '', serverFirst };
  }

  #finish(message: string, { user, credential, nonce, clientFirstBare, serverFirst }: Challenged): SaslStep {
    const { mechanism } = this.#options;
    const final = clientFinal.exec(message)?.groups;
    if (final === undefined) throw failure('Invalid SCRAM client final message format');
    if (final['nonce'] !== nonce) throw failure('Invalid client nonce in the final client message.');
    const said = `${clientFirstBare},${serverFirst},${final['unproved'] ?? ''}`;
    const proof = Buffer.from(final['proof'] ?? '', 'base64');
    const storedKey = storedKeyOfProof(mechanism, hmac(mechanism, credential.storedKey, said), proof);
    if (storedKey === null || !isSameSecret(storedKey, credential.storedKey)) {
      throw failure('Invalid client credentials');
    }
    const signature = hmac(mechanism, credential.serverKey, said).toString('base64');
    return { token: Buffer.from(`v=${signature}`), user };
  }
}

/** `=2C` and `=3D` stand for what would end a field. */
function decodedName(name: string): string {
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

/** Never told to the client in these words: it could learn which users there are. */
function failure(message: string): SaslError {
  return new SaslError(message, { isForClient: false });
}
