// SASL on one connection, as Kafka's SaslServerAuthenticator and KafkaChannel (KIP-43, 152, 368):
//
//   first → (ApiVersions → named) → SaslHandshake → exchanging → done
//   done → SaslHandshake, when sessions end → exchanging again, as the same user with the same mechanism
//
// Whatever else comes before `done` closes the connection. SaslHandshake 0 is followed by bare tokens, 1 by
// SaslAuthenticate. When a session is over, any request but a new handshake closes the connection.

import { ApiKey } from '../../protocol/api-keys.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { encodeResponse, readRequestHeader, type RequestHeader } from '../../protocol/headers.ts';
import { apiVersionsApi } from '../../protocol/messages/api-versions.ts';
import { saslAuthenticateApi, type SaslAuthenticateResponse } from '../../protocol/messages/sasl-authenticate.ts';
import { saslHandshakeApi } from '../../protocol/messages/sasl-handshake.ts';
import { ProtocolError } from '../../protocol/protocol-error.ts';
import type { EncodedChunks, Writable } from '../../protocol/schema.ts';
import { includesVersion, parseVersions } from '../../protocol/versions.ts';
import { WireReader } from '../../protocol/wire-reader.ts';
import type { Clock } from '../../runtime/runtime.ts';
import type { AuthenticationStep, Authenticator } from '../authentication.ts';
import type { RequestSource } from '../router.ts';
import { SaslError, type SaslExchange, type SaslMechanism, type SaslStep } from './sasl-mechanism.ts';

export type SaslOptions = {
  readonly clock: Clock;
  /** Those enabled on the listener. */
  readonly mechanisms: readonly SaslMechanism[];
};

type Login = { readonly user: string; readonly mechanism: string };

type State =
  | { readonly kind: 'first' }
  /** ApiVersions was answered: only a handshake may follow. */
  | { readonly kind: 'named' }
  | {
      readonly kind: 'exchanging';
      readonly mechanism: SaslMechanism;
      readonly exchange: SaslExchange;
      readonly isFramed: boolean;
      /** Who logged in before; null: nobody. */
      readonly before: Login | null;
    }
  /** Another mechanism than at first was asked for: what comes next fails, as in Kafka. */
  | { readonly kind: 'spoilt'; readonly message: string }
  | { readonly kind: 'done'; readonly login: Login; readonly expiresMs: number | null };

/** No client may log in again more often. */
const againAfterMs = 1000;

export class SaslAuthenticator implements Authenticator {
  readonly #clock: Clock;
  readonly #mechanisms: readonly SaslMechanism[];
  #state: State = { kind: 'first' };
  #isAuthenticated = false;
  #lastAgainMs: number | null = null;

  constructor({ clock, mechanisms }: SaslOptions) {
    this.#clock = clock;
    this.#mechanisms = mechanisms;
  }

  get isAuthenticated(): boolean {
    return this.#isAuthenticated;
  }

  take(frame: Buffer, source: RequestSource): AuthenticationStep {
    const state = this.#state;
    try {
      switch (state.kind) {
        case 'first':
        case 'named':
          return this.#begin(frame, state.kind === 'first');
        case 'exchanging':
          return state.isFramed ? this.#framed(frame, source, state) : this.#bare(frame, source, state);
        case 'spoilt':
          return refuse(state.message, { isDelayed: true });
        case 'done':
          return this.#goOn(frame, state);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return refuse(`not a request of the authentication: ${error.message}`, { isDelayed: false });
    }
  }

  #begin(frame: Buffer, mayAskVersions: boolean): AuthenticationStep {
    const { header, reader } = open(frame);
    if (header.api.key === ApiKey.ApiVersions && mayAskVersions) {
      // One from the future is told which versions there are, and asks again.
      if (includesVersion(apiVersionsApi.versions, header.apiVersion)) this.#state = { kind: 'named' };
      return { kind: 'serve' };
    }
    if (header.api.key === ApiKey.SaslHandshake) return this.#handshake(header, reader, null);
    return refuse(`Unexpected Kafka request of type ${header.api.name} during SASL handshake.`, { isDelayed: false });
  }

  #handshake(header: RequestHeader, reader: WireReader, before: Login | null): AuthenticationStep {
    const { mechanism: asked } = saslHandshakeApi.request.decode(reader, header.apiVersion);
    const mechanisms = this.#mechanisms.map(({ name }) => name);
    const answered = (errorCode: number): EncodedChunks =>
      encodeResponse(saslHandshakeApi, header.apiVersion, header.correlationId, { errorCode, mechanisms });
    const mechanism = this.#mechanisms.find(({ name }) => name === asked);
    if (mechanism === undefined) {
      return refuse(`Unsupported SASL mechanism ${asked}`, {
        isDelayed: true,
        answer: answered(ErrorCode.UNSUPPORTED_SASL_MECHANISM),
      });
    }
    if (before !== null && before.mechanism !== asked) {
      const message =
        `SASL mechanism '${asked}' requested by client is not supported for re-authentication ` +
        `of mechanism '${before.mechanism}'`;
      this.#state = { kind: 'spoilt', message };
    } else {
      const isFramed = header.apiVersion >= 1;
      this.#state = { kind: 'exchanging', mechanism, exchange: mechanism.begin(), isFramed, before };
    }
    return { kind: 'answer', answer: answered(ErrorCode.NONE) };
  }

  #framed(frame: Buffer, source: RequestSource, state: State & { kind: 'exchanging' }): AuthenticationStep {
    const { header, reader } = open(frame);
    if (header.api.key !== ApiKey.SaslAuthenticate) {
      return refuse(`Unexpected Kafka request of type ${header.api.name} during SASL authentication.`, {
        isDelayed: true,
        answer: illegalState(header),
      });
    }
    const { authBytes } = saslAuthenticateApi.request.decode(reader, header.apiVersion);
    const answered = (body: Writable<SaslAuthenticateResponse>): EncodedChunks =>
      encodeResponse(saslAuthenticateApi, header.apiVersion, header.correlationId, body);
    try {
      const { token, user } = this.#evaluate(authBytes, state);
      const sessionLifetimeMs = user === null ? 0 : this.#finish(user, source, state);
      return { kind: 'answer', answer: answered({ authBytes: token, sessionLifetimeMs }) };
    } catch (error) {
      if (!(error instanceof SaslError)) throw error;
      const attempt = state.before === null ? 'authentication' : 're-authentication';
      const generic = `Authentication failed during ${attempt} due to invalid credentials with SASL mechanism ${state.mechanism.name}`;
      const errorMessage = error.isForClient ? error.message : generic;
      return refuse(error.message, {
        isDelayed: true,
        answer: answered({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage }),
      });
    }
  }

  /** After SaslHandshake 0: the token is the frame. Who fails gets no answer. */
  #bare(frame: Buffer, source: RequestSource, state: State & { kind: 'exchanging' }): AuthenticationStep {
    try {
      const { token, user } = this.#evaluate(frame, state);
      if (user !== null) this.#finish(user, source, state);
      const length = Buffer.alloc(4);
      length.writeInt32BE(token.length);
      return { kind: 'answer', answer: { chunks: [length, token], size: length.length + token.length } };
    } catch (error) {
      if (!(error instanceof SaslError)) throw error;
      return refuse(error.message, { isDelayed: true });
    }
  }

  #evaluate(token: Buffer, { exchange, before }: State & { kind: 'exchanging' }): SaslStep {
    const step = exchange.evaluate(token);
    if (step.user !== null && before !== null && step.user !== before.user) {
      throw new SaslError(
        `Cannot change principals during re-authentication from User.${before.user}: User.${step.user}`,
        { isForClient: true },
      );
    }
    return step;
  }

  /** How long the session lasts, for clients that are told; 0: for ever. */
  #finish(user: string, source: RequestSource, { mechanism }: State & { kind: 'exchanging' }): number {
    const lifetimeMs = mechanism.sessionMsMax;
    const expiresMs = lifetimeMs > 0 ? this.#clock.monotonicMs() + lifetimeMs : null;
    this.#state = { kind: 'done', login: { user, mechanism: mechanism.name }, expiresMs };
    this.#isAuthenticated = true;
    source.principal = `User:${user}`;
    return lifetimeMs;
  }

  #goOn(frame: Buffer, { login, expiresMs }: State & { kind: 'done' }): AuthenticationStep {
    if (expiresMs === null) return { kind: 'serve' };
    const nowMs = this.#clock.monotonicMs();
    const isHandshake = frame.length >= 2 && frame.readInt16BE(0) === ApiKey.SaslHandshake;
    if (isHandshake && (this.#lastAgainMs === null || nowMs - this.#lastAgainMs >= againAfterMs)) {
      this.#lastAgainMs = nowMs;
      const { header, reader } = open(frame);
      return this.#handshake(header, reader, login);
    }
    if (nowMs >= expiresMs) return refuse(`the session of User:${login.user} is over`, { isDelayed: false });
    return { kind: 'serve' };
  }
}

function open(frame: Buffer): { header: RequestHeader; reader: WireReader } {
  const reader = new WireReader(frame);
  return { header: readRequestHeader(reader), reader };
}

/** The request's own response with the error, where it has a place for one. */
function illegalState({ api, apiVersion, correlationId }: RequestHeader): EncodedChunks | null {
  const place = api.response.fields['errorCode'];
  const hasPlace =
    place !== undefined &&
    includesVersion(api.versions, apiVersion) &&
    includesVersion(parseVersions(place.versions), apiVersion);
  return hasPlace
    ? encodeResponse(api, apiVersion, correlationId, { errorCode: ErrorCode.ILLEGAL_SASL_STATE } as Writable<unknown>)
    : null;
}

function refuse(
  message: string,
  { isDelayed, answer = null }: { readonly isDelayed: boolean; readonly answer?: EncodedChunks | null },
): AuthenticationStep {
  return { kind: 'refuse', answer, isDelayed, message };
}
