// What stands between a connection and the routes until its client has said who it is. A connection without one serves
// everything at once, as anonymous.

import type { EncodedChunks } from '../protocol/schema.ts';
import type { RequestSource } from './router.ts';

/** What to do with a frame. */
export type AuthenticationStep =
  /** An ordinary request: for the routes. */
  | { readonly kind: 'serve' }
  /** It belonged to the authentication and is answered. */
  | { readonly kind: 'answer'; readonly answer: EncodedChunks }
  /**
   * The connection closes, after `answer` when there is one. `isDelayed`: only after
   * `connection.failed.authentication.delay.ms`, so that passwords are not guessed fast.
   */
  | {
      readonly kind: 'refuse';
      readonly answer: EncodedChunks | null;
      readonly isDelayed: boolean;
      readonly message: string;
    };

export type Authenticator = {
  /** Once true it stays so: frames may have the size that requests may have. */
  readonly isAuthenticated: boolean;
  /** Tells `source` who it is when that is known. */
  take(frame: Buffer, source: RequestSource): AuthenticationStep;
};

export type Authentication = {
  /** One for each connection. */
  begin(): Authenticator;
  /** `connection.failed.authentication.delay.ms`. */
  readonly failureDelayMs: number;
  /** `sasl.server.max.receive.size`: of a frame while the client is unknown. */
  readonly tokenBytesMax: number;
};
