// The messages that the Messages screen holds: asks on from where the last answer ended, follows the end of the log
// while it is live, and keeps a bounded number. A new question ends the one before.

import type { Bridge, Refusal } from '../../main/api/contract.ts';
import type { MessageView, PartitionBounds, Position } from '../../main/api/endpoints/messages.ts';
import { toRefusal } from '../engine/engine-link.ts';

export type FeedFrom =
  | { readonly kind: 'oldest' }
  | { readonly kind: 'last'; readonly count: number }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'time'; readonly wallMs: number }
  | { readonly kind: 'newest' };

export type FeedQuestion = {
  readonly topic: string;
  readonly partitions: number[] | null;
  readonly from: FeedFrom;
  readonly live: boolean;
  readonly isolation: 'read_uncommitted' | 'read_committed';
  readonly text: string;
  readonly expression: string;
  readonly control: boolean;
};

/** Messages kept; older ones leave the view, and the screen says how many. */
export const messagesKeptMax = 5_000;
const pageSize = 200;
const scanMax = 20_000;
const liveWaitMs = 5_000;
const previewBytes = 4_096;
const retryMs = 1_000;

export class MessageFeed {
  messages = $state.raw<readonly MessageView[]>([]);
  bounds = $state.raw<readonly PartitionBounds[]>([]);
  positions = $state.raw<readonly Position[]>([]);
  /** Where reading began. */
  started = $state.raw<readonly Position[]>([]);
  refusal = $state.raw<Refusal | null>(null);
  problems = $state.raw<readonly { readonly partition: number; readonly message: string }[]>([]);
  scanned = $state(0);
  scannedBytes = $state(0);
  failed = $state(0);
  dropped = $state(0);
  loading = $state(false);
  atEnd = $state(false);
  paused = $state(false);
  /** The newest answer's messages, to mark them for a moment. */
  question = $state.raw<FeedQuestion | null>(null);
  readonly #bridge: Bridge;
  #number = 0;
  #until: readonly Position[] = [];

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  /** Begins anew. */
  async ask(question: FeedQuestion): Promise<void> {
    const number = ++this.#number;
    this.question = question;
    this.messages = [];
    this.scanned = 0;
    this.scannedBytes = 0;
    this.failed = 0;
    this.dropped = 0;
    this.atEnd = false;
    this.refusal = null;
    this.problems = [];
    this.paused = false;
    this.loading = true;
    try {
      const { topic, partitions, from, isolation } = question;
      const begin = await this.#bridge.request('messages.positions', { topic, partitions, from, isolation });
      if (number !== this.#number) return;
      this.positions = begin.positions;
      this.started = begin.positions;
      this.bounds = begin.bounds;
      // A search ends where the log ended when it was asked; only a live one goes on.
      this.#until = question.live
        ? []
        : begin.bounds.map(({ partition, endOffset }) => ({ partition, offset: endOffset }));
    } catch (error) {
      if (number !== this.#number) return;
      this.refusal = toRefusal(error);
      this.loading = false;
      return;
    }
    if (question.live) void this.#follow(number);
    else await this.more();
  }

  /** Reads on until a page is full or the end is reached; a search over much may take several answers. */
  async more(): Promise<void> {
    const number = this.#number;
    this.loading = true;
    const wanted = this.messages.length + pageSize;
    try {
      while (number === this.#number && !this.atEnd && this.messages.length < wanted) {
        const progress = await this.#read(number, wanted - this.messages.length, 0);
        if (!progress) break;
      }
    } finally {
      if (number === this.#number) this.loading = false;
    }
  }

  stop(): void {
    this.#number += 1;
    this.loading = false;
  }

  togglePause(): void {
    this.paused = !this.paused;
    if (!this.paused && this.question?.live) void this.#follow(++this.#number);
  }

  /** Records behind the view while it stands still: what the log holds beyond the last answer. */
  behind(ends: ReadonlyMap<number, number>): number {
    return this.positions.reduce(
      (sum, one) => sum + Math.max(0, (ends.get(one.partition) ?? one.offset) - one.offset),
      0,
    );
  }

  async #follow(number: number): Promise<void> {
    this.loading = false;
    while (number === this.#number && !this.paused) {
      const answered = await this.#read(number, pageSize, liveWaitMs);
      if (!answered && number === this.#number) await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }

  /** False when nothing was answered. */
  async #read(number: number, limit: number, waitMs: number): Promise<boolean> {
    const { question } = this;
    if (question === null) return false;
    const { topic, isolation, text, expression, control } = question;
    try {
      const answer = await this.#bridge.request('messages.read', {
        topic,
        positions: [...this.positions],
        until: [...this.#until],
        isolation,
        limit,
        scanMax,
        waitMs,
        text,
        expression,
        control,
        previewBytes,
      });
      // What came while the view was paused is asked for again when it goes on.
      if (number !== this.#number || this.paused) return true;
      const moved = answer.positions.some((one, index) => one.offset !== this.positions[index]?.offset);
      this.positions = answer.positions;
      if (answer.bounds.length > 0) this.bounds = mergeBounds(this.bounds, answer.bounds);
      this.problems = answer.problems;
      this.scanned += answer.scanned;
      this.scannedBytes += answer.scannedBytes;
      this.failed += answer.failed;
      this.atEnd = answer.atEnd;
      this.refusal = null;
      this.#add(answer.messages);
      return question.live || moved || answer.atEnd;
    } catch (error) {
      if (number === this.#number) this.refusal = toRefusal(error);
      return false;
    }
  }

  #add(messages: readonly MessageView[]): void {
    if (messages.length === 0) return;
    const all = [...this.messages, ...messages];
    const over = this.question?.live ? Math.max(0, all.length - messagesKeptMax) : 0;
    this.dropped += over;
    this.messages = over > 0 ? all.slice(over) : all;
  }
}

function mergeBounds(known: readonly PartitionBounds[], newer: readonly PartitionBounds[]): readonly PartitionBounds[] {
  const byPartition = new Map(known.map((one) => [one.partition, one]));
  for (const one of newer) byPartition.set(one.partition, one);
  return [...byPartition.values()].sort((a, b) => a.partition - b.partition);
}
