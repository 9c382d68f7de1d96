// A member of a share group in the simulated world: heartbeats, fetches from the leaders of what it is given, accepts
// each record, now and then releases one first, and remembers what it was told. For tests.

import type { NodeConnections } from '../net/node-connections.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { findCoordinatorApi } from '../protocol/messages/find-coordinator.ts';
import { metadataApi, type MetadataResponse } from '../protocol/messages/metadata.ts';
import { shareFetchApi, type ShareFetchResponse } from '../protocol/messages/share-fetch.ts';
import { shareGroupHeartbeatApi } from '../protocol/messages/share-group-heartbeat.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import { randomUuid } from '../protocol/uuid.ts';
import { batchesIn } from '../records/record-batch.ts';
import { recordsOf } from '../records/record.ts';
import { NetworkError, type Clock, type Random } from '../runtime/runtime.ts';

const attemptTimeoutMs = 3000;
const pauseMs = 30;
const maxWaitMs = 200;
const acceptType = 1;
const releaseType = 2;
/** One record in so many is released the first time this member sees it. */
const releaseOneIn = 8;

type Held = { readonly key: string; readonly offset: number; readonly value: string; readonly isAccepted: boolean };

/** What all members of a group have seen and been told. */
export class ShareLedger {
  /** Records whose acceptance was confirmed. */
  readonly accepted = new Set<string>();
  /** A member accepted them and was never told what became of that: its broker died. */
  readonly unknown = new Set<string>();
  /** Given out although their acceptance had been confirmed. */
  readonly givenAgain: string[] = [];
  deliveries = 0;
}

type Session = { epoch: number; held: Held[] };

export class SimulatedShareMember {
  readonly memberId: string;
  readonly #client: NodeConnections;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ids: readonly number[];
  readonly #group: string;
  readonly #topic: string;
  readonly #ledger: ShareLedger;
  readonly #sessions = new Map<number, Session>();
  readonly #released = new Set<string>();
  #memberEpoch = 0;
  #assigned: readonly number[] = [];
  #topicId = '';
  #isStopped = false;
  #asked = 0;

  constructor(
    client: NodeConnections,
    { clock, random }: { readonly clock: Clock; readonly random: Random },
    ids: readonly number[],
    options: { readonly group: string; readonly topic: string; readonly ledger: ShareLedger },
  ) {
    this.#client = client;
    this.#clock = clock;
    this.#random = random;
    this.#ids = ids;
    this.#group = options.group;
    this.#topic = options.topic;
    this.#ledger = options.ledger;
    this.memberId = randomUuid(random);
  }

  async run(): Promise<void> {
    let nextHeartbeatMs = 0;
    while (!this.#isStopped) {
      if (this.#clock.monotonicMs() >= nextHeartbeatMs) {
        await this.#heartbeat();
        nextHeartbeatMs = this.#clock.monotonicMs() + 200;
      }
      await this.#fetchAll();
      await this.#sleep();
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #heartbeat(): Promise<void> {
    const found = await this.#ask(this.#anyBroker(), findCoordinatorApi, {
      keyType: 0,
      coordinatorKeys: [this.#group],
    });
    const coordinator = found?.coordinators[0];
    if (coordinator?.errorCode !== ErrorCode.NONE) return;
    const answer = await this.#ask(coordinator.nodeId, shareGroupHeartbeatApi, {
      groupId: this.#group,
      memberId: this.memberId,
      memberEpoch: this.#memberEpoch,
      subscribedTopicNames: [this.#topic],
    });
    if (answer === null) return;
    if (answer.errorCode === ErrorCode.FENCED_MEMBER_EPOCH || answer.errorCode === ErrorCode.UNKNOWN_MEMBER_ID) {
      this.#memberEpoch = 0;
      this.#assigned = [];
    }
    if (answer.errorCode !== ErrorCode.NONE) return;
    this.#memberEpoch = answer.memberEpoch;
    const [topic] = answer.assignment?.topicPartitions ?? [];
    if (answer.assignment === null) return;
    this.#topicId = topic?.topicId ?? '';
    this.#assigned = topic?.partitions ?? [];
  }

  async #fetchAll(): Promise<void> {
    if (this.#assigned.length === 0) return;
    const metadata = await this.#ask(this.#anyBroker(), metadataApi, {
      topics: [{ name: this.#topic }],
      allowAutoTopicCreation: false,
    });
    const topic: MetadataResponse['topics'][number] | undefined = metadata?.topics[0];
    const byLeader = new Map<number, number[]>();
    for (const { partitionIndex, leaderId } of topic?.partitions ?? []) {
      if (leaderId < 0 || !this.#assigned.includes(partitionIndex)) continue;
      byLeader.set(leaderId, [...(byLeader.get(leaderId) ?? []), partitionIndex]);
    }
    await Promise.all([...byLeader].map(([leader, partitions]) => this.#fetch(leader, partitions)));
  }

  async #fetch(leader: number, partitions: readonly number[]): Promise<void> {
    const session = this.#sessions.get(leader) ?? { epoch: 0, held: [] };
    this.#sessions.set(leader, session);
    const { held } = session;
    const answer = await this.#ask(leader, shareFetchApi, {
      groupId: this.#group,
      memberId: this.memberId,
      shareSessionEpoch: session.epoch,
      maxWaitMs,
      minBytes: 1,
      maxBytes: 1024 * 1024,
      maxRecords: 20,
      batchSize: 20,
      topics: [
        {
          topicId: this.#topicId,
          partitions: partitions.map((partitionIndex) => ({
            partitionIndex,
            acknowledgementBatches: acknowledgements(held.filter(({ key }) => key === String(partitionIndex))),
          })),
        },
      ],
    });
    session.held = [];
    if (answer === null) for (const each of held) if (each.isAccepted) this.#ledger.unknown.add(each.value);
    if (answer?.errorCode !== ErrorCode.NONE) {
      session.epoch = 0;
      return;
    }
    session.epoch++;
    this.#confirm(held, answer);
    this.#take(session, answer);
  }

  #confirm(held: readonly Held[], answer: ShareFetchResponse): void {
    for (const { partitions } of answer.responses) {
      for (const { partitionIndex, acknowledgeErrorCode } of partitions) {
        if (acknowledgeErrorCode !== ErrorCode.NONE) continue;
        for (const each of held) {
          if (each.key === String(partitionIndex) && each.isAccepted) this.#ledger.accepted.add(each.value);
        }
      }
    }
  }

  #take(session: Session, answer: ShareFetchResponse): void {
    for (const { partitions } of answer.responses) {
      for (const { partitionIndex, records, acquiredRecords } of partitions) {
        const isGiven = (offset: number): boolean =>
          acquiredRecords.some(({ firstOffset, lastOffset }) => offset >= firstOffset && offset <= lastOffset);
        for (const batch of batchesIn(records ?? Buffer.alloc(0))) {
          for (const { offset, value } of recordsOf(batch)) {
            if (!isGiven(Number(offset))) continue;
            const id = `${partitionIndex}:${value?.toString() ?? ''}`;
            this.#ledger.deliveries++;
            if (this.#ledger.accepted.has(id)) this.#ledger.givenAgain.push(id);
            const isReleased = !this.#released.has(id) && this.#random.below(releaseOneIn) === 0;
            if (isReleased) this.#released.add(id);
            session.held.push({
              key: String(partitionIndex),
              offset: Number(offset),
              value: id,
              isAccepted: !isReleased,
            });
          }
        }
      }
    }
  }

  #anyBroker(): number {
    return this.#ids[this.#asked++ % this.#ids.length] ?? 1;
  }

  #ask<Q, P>(brokerId: number, api: Api<Q, P>, request: Writable<Q>): Promise<P | null> {
    return this.#client.send(brokerId, api, request, { timeoutMs: attemptTimeoutMs }).catch((error: unknown) => {
      if (error instanceof NetworkError) return null;
      throw error;
    });
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => this.#clock.at(this.#clock.monotonicMs() + pauseMs, resolve));
  }
}

function acknowledgements(held: readonly Held[]) {
  return [...held]
    .sort((a, b) => a.offset - b.offset)
    .map(({ offset, isAccepted }) => ({
      firstOffset: offset,
      lastOffset: offset,
      acknowledgeTypes: [isAccepted ? acceptType : releaseType],
    }));
}
