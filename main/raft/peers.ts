// What is on its way to each other node: one request at a time each, a deadline for its answer, a pause after a
// failure. Pure; the quorum asks it whether it may send.

import type { RaftAsk } from './quorum-types.ts';

type Peer = {
  correlation: number;
  inFlight: { readonly ask: RaftAsk; readonly deadlineMs: number } | null;
  notBeforeMs: number;
};

export class Peers {
  readonly #requestTimeoutMs: number;
  readonly #retryBackoffMs: number;
  readonly #peers = new Map<number, Peer>();
  #lastCorrelation = 0;

  constructor(requestTimeoutMs: number, retryBackoffMs: number) {
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#retryBackoffMs = retryBackoffMs;
  }

  /** When the next request to this node may go: now, after its pause, or never while one is on its way. */
  readyAtMs(id: number): number {
    const peer = this.#peers.get(id);
    if (peer === undefined) return 0;
    return peer.inFlight === null ? peer.notBeforeMs : Infinity;
  }

  /** Notes a request and returns its correlation. */
  begin(id: number, ask: RaftAsk, nowMs: number): number {
    const correlation = ++this.#lastCorrelation;
    const inFlight = { ask, deadlineMs: nowMs + this.#requestTimeoutMs };
    this.#peers.set(id, { correlation, inFlight, notBeforeMs: 0 });
    return correlation;
  }

  /** The request that this answers, or null when it was given up. */
  finish(id: number, correlation: number): RaftAsk | null {
    const peer = this.#peers.get(id);
    if (peer === undefined || peer.inFlight === null || peer.correlation !== correlation) return null;
    const { ask } = peer.inFlight;
    peer.inFlight = null;
    return ask;
  }

  /** Nothing goes to this node before then. */
  pause(id: number, untilMs: number): void {
    const peer = this.#peers.get(id);
    if (peer !== undefined) peer.notBeforeMs = untilMs;
  }

  /** Gives up what was not answered in time; returns to whom. */
  expire(nowMs: number): number[] {
    const expired: number[] = [];
    for (const [id, peer] of this.#peers) {
      if (peer.inFlight === null || nowMs < peer.inFlight.deadlineMs) continue;
      peer.inFlight = null;
      peer.notBeforeMs = nowMs + this.#retryBackoffMs;
      expired.push(id);
    }
    return expired;
  }

  /** Forgets everything: a new role asks new questions, and late answers to the old ones don't count. */
  reset(): void {
    this.#peers.clear();
  }

  get deadlineMs(): number {
    let deadlineMs = Infinity;
    for (const peer of this.#peers.values()) {
      if (peer.inFlight !== null) deadlineMs = Math.min(deadlineMs, peer.inFlight.deadlineMs);
    }
    return deadlineMs;
  }
}
