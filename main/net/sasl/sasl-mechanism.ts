// What the authenticator wants of a SASL mechanism: a fresh exchange for each attempt, which takes tokens and gives
// tokens until it knows who the client is.

export type SaslMechanism = {
  readonly name: string;
  /** `connections.max.reauth.ms`: how long a login holds before the client must repeat it; 0: for ever. */
  readonly sessionMsMax: number;
  begin(): SaslExchange;
};

export type SaslStep = {
  readonly token: Buffer;
  /** Who the client is, once it has proved it; null: it has another token to send. */
  readonly user: string | null;
};

export type SaslExchange = {
  /** Throws SaslError. */
  evaluate(token: Buffer): SaslStep;
};

/** The client has not proved who it is. */
export class SaslError extends Error {
  override readonly name = 'SaslError';
  /** The client may read the message; otherwise it might tell, for example, which users there are. */
  readonly isForClient: boolean;
  constructor(message: string, options: { readonly isForClient: boolean }) {
    super(message);
    this.isForClient = options.isForClient;
  }
}
