// One client's connection: cuts frames, starts requests in Kafka's order, sends responses in request order, and
// stops reading when there is too much to do or the client does not take its answers.

import { javaAddress } from '../core/ip-address.ts';
import { FrameSplitter } from '../protocol/framing.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';
import type { EncodedChunks } from '../protocol/schema.ts';
import type { Clock, Connection, Timer } from '../runtime/runtime.ts';
import type { Authentication, AuthenticationStep, Authenticator } from './authentication.ts';
import { anonymousPrincipal, type ClientSoftware } from './handler.ts';
import {
  CloseConnection,
  isOpened,
  RequestRefused,
  type OpenedRequest,
  type RequestSource,
  type Router,
} from './router.ts';
import type { RequestMemory } from './request-memory.ts';
import type { ServerCounters } from './server-counters.ts';

export type ConnectionLimits = {
  /** `socket.request.max.bytes`. */
  readonly requestBytesMax: number;
  /** So many requests of one connection may wait or run; then its reading stops. */
  readonly connectionInFlightMax: number;
  /** So many bytes of requests that wait; then its reading stops. One request is always taken. */
  readonly connectionWaitingBytesMax: number;
};

export type ConnectionProblem = {
  readonly kind: 'request-refused' | 'handler-failed' | 'bad-frame' | 'authentication-failed';
  readonly connectionId: string;
  readonly clientAddress: string;
  readonly message: string;
  readonly error: unknown;
};

export type ConnectionEnvironment = {
  readonly clock: Clock;
  readonly router: Router;
  readonly limits: ConnectionLimits;
  readonly counters: ServerCounters;
  /** Shared by all connections of the listener. */
  readonly memory: RequestMemory;
  /** Null: nobody has to say who they are. */
  readonly authentication: Authentication | null;
  /** Monotonic time until which no further request of a connection is served: its client is slowed down; 0: none. */
  mutedUntilMs(connectionId: string): number;
  /** The connection closes because of it; a request of ours that went wrong is for the log. */
  onProblem(problem: ConnectionProblem): void;
  onClosed(connection: ServerConnection): void;
};

/** A request that was started and is not answered, or answered and behind one that is not. */
type InFlight = { readonly opened: OpenedRequest; encoded: EncodedChunks | null; isDone: boolean };

type Waiting = { readonly frame: Buffer; readonly receivedMs: number };

const lengthPrefixBytes = 4;

export class ServerConnection implements RequestSource {
  readonly connectionId: string;
  readonly clientAddress: string;
  principal: string = anonymousPrincipal;
  clientSoftware: ClientSoftware | null = null;
  readonly isOpen: () => boolean;
  lastActiveMs: number;
  readonly #connection: Connection;
  readonly #environment: ConnectionEnvironment;
  readonly #splitter: FrameSplitter;
  readonly #authenticator: Authenticator | null;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  readonly #inFlight: InFlight[] = [];
  /** Responses of the present turn; they leave in one write. */
  #outgoing: Buffer[] = [];
  /** False from the moment no request of it is served any more; its last answers may still be on their way. */
  #isOpen = true;
  #isGone = false;
  #isPaused = false;
  /** The client takes its answers; while it does not, no request of it is started. */
  #isDrained = true;
  #isStarting = false;
  /** Set while the client is slowed down. */
  #unmute: Timer | null = null;
  /** What the shared memory counts for this connection. */
  #heldBytes = 0;
  /** Set while a client that could not say who it is waits for its refusal. */
  #refusal: Timer | null = null;
  readonly #goOn = (): void => {
    if (this.#isOpen) this.#proceed();
  };

  constructor(connection: Connection, connectionId: string, environment: ConnectionEnvironment) {
    this.#connection = connection;
    this.#environment = environment;
    this.connectionId = connectionId;
    this.clientAddress = javaAddress(connection.remoteAddress);
    const { authentication, limits } = environment;
    this.#authenticator = authentication?.begin() ?? null;
    this.#splitter = new FrameSplitter({
      frameBytesMax: Math.min(limits.requestBytesMax, authentication?.tokenBytesMax ?? Infinity),
    });
    this.lastActiveMs = environment.clock.monotonicMs();
    this.isOpen = () => this.#isOpen;
    connection.handle({
      onData: (chunk) => this.#onData(chunk),
      onDrain: () => this.#onDrain(),
      onClose: () => this.#onClose(),
    });
  }

  /** Requests received and not answered. */
  get unansweredCount(): number {
    return this.#waiting.length + this.#inFlight.length;
  }

  destroy(): void {
    if (this.#isGone) return;
    this.#connection.destroy();
    this.#onClose();
  }

  #onData(chunk: Buffer): void {
    if (!this.#isOpen) return;
    const { clock, counters } = this.#environment;
    const nowMs = clock.monotonicMs();
    this.lastActiveMs = nowMs;
    counters.bytesIn += chunk.length;
    try {
      this.#splitter.push(chunk, (frame) => {
        // The chunk's memory is the network's: what outlives this call is copied, once.
        const owned = frame.buffer === chunk.buffer ? Buffer.from(frame) : frame;
        this.#waiting.push({ frame: owned, receivedMs: nowMs });
        this.#waitingBytes += owned.length;
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      // What came whole before it is still served, as by Kafka; the answers of it that are ready at once leave.
      this.#startRequests();
      this.#flush();
      return this.#close('bad-frame', error);
    }
    this.#proceed();
  }

  /** Starts what may start, sends what is ready, and decides whether to go on reading. */
  #proceed(): void {
    this.#startRequests();
    this.#flush();
    this.#regulate();
  }

  #startRequests(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    while (this.#isOpen && this.#isDrained && !this.#isMuted()) {
      const next = this.#waiting[0];
      if (next === undefined || !this.#mayStart(next.frame)) break;
      this.#waiting.shift();
      this.#waitingBytes -= next.frame.length;
      this.#start(next);
    }
    this.#isStarting = false;
  }

  /** What was answered already leaves; nothing more is read or started until the time is over. */
  #isMuted(): boolean {
    if (this.#unmute !== null) return true;
    const { clock, mutedUntilMs } = this.#environment;
    const untilMs = mutedUntilMs(this.connectionId);
    if (untilMs === 0) return false;
    this.#unmute = clock.at(untilMs, () => {
      this.#unmute = null;
      this.lastActiveMs = clock.monotonicMs();
      if (this.#isOpen) this.#proceed();
    });
    return true;
  }

  #mayStart(frame: Buffer): boolean {
    if (this.#inFlight.length === 0) return true;
    return this.#environment.router.isPipelined(frame) && this.#inFlight.every((each) => each.opened.route.isPipelined);
  }

  #start({ frame, receivedMs }: Waiting): void {
    const { router, counters } = this.#environment;
    try {
      if (this.#authenticator !== null && !this.#authenticate(this.#authenticator, frame)) return;
      const opened = router.open(frame, this, receivedMs);
      if (!isOpened(opened)) {
        this.#outgoing.push(...opened.chunks);
        return;
      }
      counters.countRequest(opened.context.apiKey, opened.context.apiVersion, frame.length + lengthPrefixBytes);
      const response = opened.route.handler(opened.context, opened.body);
      if (response instanceof Promise) return this.#await(opened, response);
      this.#answer({ opened, encoded: response === null ? null : router.encode(opened, response), isDone: true });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** False: the frame was the authenticator's, and is dealt with. */
  #authenticate(authenticator: Authenticator, frame: Buffer): boolean {
    const step = authenticator.take(frame, this);
    if (authenticator.isAuthenticated) this.#splitter.frameBytesMax = this.#environment.limits.requestBytesMax;
    if (step.kind === 'answer') this.#outgoing.push(...step.answer.chunks);
    else if (step.kind === 'refuse') this.#refuse(step);
    return step.kind === 'serve';
  }

  /** The client hears late that it failed, and is not read meanwhile: guessing takes time. */
  #refuse({ answer, isDelayed, message }: AuthenticationStep & { kind: 'refuse' }): void {
    const { clock, authentication, counters, onProblem } = this.#environment;
    this.#flush();
    this.#connection.pause();
    this.#stop();
    counters.authenticationsFailed++;
    const { connectionId, clientAddress } = this;
    onProblem({ kind: 'authentication-failed', connectionId, clientAddress, message, error: null });
    const finish = (): void => {
      if (answer !== null) this.#connection.write(answer.chunks);
      this.#connection.end();
    };
    const delayMs = isDelayed ? (authentication?.failureDelayMs ?? 0) : 0;
    if (delayMs > 0) this.#refusal = clock.at(clock.monotonicMs() + delayMs, finish);
    else finish();
  }

  #await(opened: OpenedRequest, response: Promise<unknown>): void {
    const entry: InFlight = { opened, encoded: null, isDone: false };
    this.#inFlight.push(entry);
    response.then(
      (value) => {
        if (!this.#isOpen) return;
        try {
          entry.encoded = value === null ? null : this.#environment.router.encode(opened, value);
        } catch (error) {
          return this.#fail(error);
        }
        entry.isDone = true;
        this.#sendDone();
        this.#proceed();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** A response that is ready at once: out, unless earlier ones are not. */
  #answer(entry: InFlight): void {
    if (this.#inFlight.length > 0) this.#inFlight.push(entry);
    else this.#send(entry);
  }

  #sendDone(): void {
    for (let first = this.#inFlight[0]; first?.isDone === true; first = this.#inFlight[0]) {
      this.#inFlight.shift();
      this.#send(first);
    }
  }

  #send({ opened, encoded }: InFlight): void {
    const { clock, counters } = this.#environment;
    const latencyMs = clock.monotonicMs() - opened.context.receivedMs;
    counters.countResponse(opened.context.apiKey, encoded?.size ?? 0, latencyMs);
    if (encoded !== null) for (const chunk of encoded.chunks) this.#outgoing.push(chunk);
  }

  #flush(): void {
    const chunks = this.#outgoing;
    if (chunks.length === 0 || !this.#isOpen) return;
    this.#outgoing = [];
    for (const chunk of chunks) this.#environment.counters.bytesOut += chunk.length;
    this.#isDrained = this.#connection.write(chunks);
    this.lastActiveMs = this.#environment.clock.monotonicMs();
  }

  #onDrain(): void {
    this.#isDrained = true;
    this.lastActiveMs = this.#environment.clock.monotonicMs();
    this.#proceed();
  }

  #regulate(): void {
    if (!this.#isOpen) return;
    const { connectionInFlightMax, connectionWaitingBytesMax } = this.#environment.limits;
    this.#countHeld();
    const isFull =
      this.#mustWaitForRoom() ||
      !this.#isDrained ||
      this.#unmute !== null ||
      this.unansweredCount >= connectionInFlightMax ||
      (this.#waiting.length > 0 && this.#waitingBytes >= connectionWaitingBytesMax);
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (isFull) this.#connection.pause();
    else this.#connection.resume();
  }

  /** What is waiting, what has begun to arrive, and the records of what is under way, as Kafka counts them. */
  #countHeld(): void {
    let held = this.#waitingBytes + this.#splitter.announcedBytes;
    for (const { opened } of this.#inFlight) if (opened.route.isPipelined) held += opened.context.requestFrame.length;
    const before = this.#heldBytes;
    this.#heldBytes = held;
    if (held !== before) this.#environment.memory.change(before, held);
  }

  /** A request that has begun may end: its room is taken already. */
  #mustWaitForRoom(): boolean {
    const { memory } = this.#environment;
    if (!memory.isFull || this.#splitter.announcedBytes > 0) return false;
    memory.whenRoom(this.#goOn);
    return true;
  }

  #fail(error: unknown): void {
    if (!this.#isOpen) return;
    if (error instanceof CloseConnection) {
      this.#flush();
      this.destroy();
    } else if (error instanceof RequestRefused) {
      // Requests before it were answered before it was opened; their bytes may still be in hand.
      this.#flush();
      this.#environment.counters.requestsRefused++;
      this.#close('request-refused', error);
    } else {
      this.#environment.counters.handlersFailed++;
      this.#close('handler-failed', error);
    }
  }

  #close(kind: ConnectionProblem['kind'], error: unknown): void {
    const { connectionId, clientAddress } = this;
    const message = error instanceof Error ? error.message : String(error);
    // Ends rather than resets where answers may be on their way.
    this.#connection.end();
    this.#stop();
    this.#environment.onProblem({ kind, connectionId, clientAddress, message, error });
  }

  #onClose(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#refusal?.cancel();
    this.#stop();
    this.#environment.onClosed(this);
  }

  #stop(): void {
    this.#isOpen = false;
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#inFlight.length = 0;
    this.#outgoing = [];
    this.#unmute?.cancel();
    const { memory } = this.#environment;
    memory.forget(this.#goOn);
    const held = this.#heldBytes;
    this.#heldBytes = 0;
    memory.change(held, 0);
  }
}
