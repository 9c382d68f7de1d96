// What a request handler is given and gives back: the door between net and everything that serves an API.

/** The two kinds of listener a node has: `client` is Kafka's broker listener, `controller` its controller listener. */
export type ListenerKind = 'client' | 'controller';

export type ClientSoftware = { readonly name: string; readonly version: string };

/** Whoever has not authenticated, as on every plaintext listener. */
export const anonymousPrincipal = 'User:ANONYMOUS';

/** Who asks, and from where: what access control looks at. */
export type Requester = {
  /** Type and name: `User:alice`. In a request that a broker passed on, the client's. */
  readonly principal: string;
  /** As Java prints it: without zone or zeros left out. */
  readonly clientAddress: string;
};

export type RequestContext = Requester & {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  readonly listener: ListenerKind;
  /** Its name in `listeners`: clients are told the endpoints of the listener that they came by. */
  readonly listenerName: string;
  readonly connectionId: string;
  /** What the client said of itself in ApiVersions, from version 3. */
  readonly clientSoftware: ClientSoftware | null;
  /** Monotonic time at which the whole frame was there. */
  readonly receivedMs: number;
  /** False once the connection is gone: nobody waits for the answer any more. */
  readonly isOpen: () => boolean;
  /** The whole request with its header, without the length prefix; for Envelope forwarding. */
  readonly requestFrame: Buffer;
};

/**
 * Serves one API. A value that is not a promise is answered in the same tick, without one.
 * `null` means that no response is sent (Produce with acks=0); answering with Kafka's error code for what went
 * wrong is the handler's business: whatever it throws closes the connection.
 */
export type Handler<Request, Response> = (
  context: RequestContext,
  request: Request,
) => Response | null | Promise<Response | null>;
