// A client in the simulated world: a node of its own that speaks the wire, finds leaders by asking any broker, and
// believes only news that are not older than what it knows. What producers, readers and group members share.

import { NodeConnections } from '../../../main/net/node-connections.ts';
import { metadataApi, type MetadataResponse } from '../../../main/protocol/messages/metadata.ts';
import { ProtocolError } from '../../../main/protocol/protocol-error.ts';
import type { Api, Writable } from '../../../main/protocol/schema.ts';
import { NetworkError, type Clock, type Random, type Runtime } from '../../../main/runtime/runtime.ts';
import { clientPortOf } from '../ports.ts';

export type Leader = { readonly id: number; readonly epoch: number };

/** The simulated world, or the real one (tests/campaign), as a client needs it. */
export type ClientWorld = {
  readonly nowMs: number;
  runtimeFor(nodeId: number): Pick<Runtime, 'clock' | 'network' | 'random'>;
  /** Where a broker listens; the simulated places when absent. */
  readonly endpointOf?: (brokerId: number) => { readonly host: string; readonly port: number };
};

const requestTimeoutMs = 2000;
/** The last version of Fetch and Produce that names topics instead of giving their ids. */
export const versionWithNames = 12;

export class SimulatedClient {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly #world: ClientWorld;
  readonly #connections: NodeConnections;
  readonly #brokerIds: readonly number[];
  readonly #leaders = new Map<string, Map<number, Leader>>();
  readonly #refreshing = new Map<string, Promise<void>>();
  #asked: number;
  isStopped = false;

  constructor(world: ClientWorld, nodeId: number, name: string, brokerIds: readonly number[]) {
    const { clock, network, random } = world.runtimeFor(nodeId);
    this.name = name;
    this.clock = clock;
    this.random = random;
    this.#world = world;
    this.#brokerIds = brokerIds;
    this.#asked = random.below(brokerIds.length);
    const endpointOf = world.endpointOf ?? ((id: number) => ({ host: `node-${id}`, port: clientPortOf(id) }));
    const options = { connectTimeoutMs: 1000, reconnectBackoffMs: 20, reconnectBackoffMsMax: 300, negotiate: true };
    this.#connections = new NodeConnections({ clock, network, random, clientId: name, endpointOf, ...options });
  }

  /** Of the world: what all clients share, whatever their own clocks show. */
  get nowMs(): number {
    return this.#world.nowMs;
  }

  sleep(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.at(this.clock.monotonicMs() + durationMs, resolve);
    });
  }

  stop(): void {
    this.isStopped = true;
  }

  /** Null when no answer came: nobody knows whether the request was carried out. */
  async ask<Q, P>(
    broker: number,
    api: Api<Q, P>,
    request: Writable<Q>,
    version?: number,
    timeoutMs = requestTimeoutMs,
  ) {
    try {
      const options = { timeoutMs, ...(version === undefined ? {} : { version }) };
      return await this.#connections.send(broker, api, request, options);
    } catch (error) {
      // A broker that is shutting down serves less and less: as good as no answer.
      if (error instanceof NetworkError || error instanceof ProtocolError) return null;
      throw error;
    }
  }

  /** The next broker in turn, so that a dead one is not asked for ever. */
  anyBroker(): number {
    return this.#brokerIds[this.#asked++ % this.#brokerIds.length] ?? 1;
  }

  leaderOf(topic: string, partition: number): Leader | null {
    const leader = this.#leaders.get(topic)?.get(partition) ?? null;
    return leader === null || leader.id < 0 ? null : leader;
  }

  partitionsOf(topic: string): number[] {
    return [...(this.#leaders.get(topic)?.keys() ?? [])].sort((a, b) => a - b);
  }

  async describe(broker: number, topic: string): Promise<MetadataResponse['topics'][number] | null> {
    const request = { topics: [{ name: topic }], allowAutoTopicCreation: false };
    return (await this.ask(broker, metadataApi, request))?.topics[0] ?? null;
  }

  /** Asks anybody who leads now; calls at the same time share one question. */
  refresh(topic: string): Promise<void> {
    const running = this.#refreshing.get(topic);
    if (running !== undefined) return running;
    const question = this.#refresh(topic).finally(() => this.#refreshing.delete(topic));
    this.#refreshing.set(topic, question);
    return question;
  }

  async #refresh(topic: string): Promise<void> {
    const answer = await this.describe(this.anyBroker(), topic);
    const known = this.#leaders.get(topic) ?? new Map<number, Leader>();
    this.#leaders.set(topic, known);
    for (const { partitionIndex, leaderId, leaderEpoch } of answer?.partitions ?? []) {
      if (leaderEpoch >= (known.get(partitionIndex)?.epoch ?? -1)) {
        known.set(partitionIndex, { id: leaderId, epoch: leaderEpoch });
      }
    }
  }
}
