// Asks a cluster of either product over the wire, patiently: leaders move and coordinators load while nodes change
// hands, so that every question is asked again until it is answered or its time is over.

import type { Api, Writable } from '../../../main/protocol/schema.ts';
import { findCoordinatorApi } from '../../../main/protocol/messages/find-coordinator.ts';
import { metadataApi, type MetadataResponse } from '../../../main/protocol/messages/metadata.ts';
import { RawClient } from '../../support/raw-client.ts';
import { pause } from '../../benchmarks/clusters/cluster.ts';

const answerTimeoutMs = 10_000;
const patienceMs = 90_000;
const pauseMs = 150;

/** An error code in an answer; whoever asks decides whether to ask again. */
export class Refused extends Error {
  readonly errorCode: number;
  constructor(what: string, errorCode: number) {
    super(`${what}: error ${errorCode}`);
    this.errorCode = errorCode;
  }
}

export function accept(what: string, errorCode: number): void {
  if (errorCode !== 0) throw new Refused(what, errorCode);
}

/** Tries until it works; the last reason stands in the error. */
export async function persist<T>(what: string, attempt: () => Promise<T>, timeoutMs = patienceMs): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause: error });
      await pause(pauseMs);
    }
  }
}

export class Wire {
  readonly addresses: readonly string[];

  constructor(bootstrap: string) {
    this.addresses = bootstrap.split(',');
  }

  /** One question to one broker on a connection of its own. */
  async ask<Q, P>(address: string, api: Api<Q, P>, version: number, body: Writable<Q>): Promise<P> {
    const client = await RawClient.connect(address);
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${address} did not answer ${api.name}`)), answerTimeoutMs);
      });
      return await Promise.race([client.ask(api, version, body), late]);
    } finally {
      clearTimeout(timer);
      client.close();
    }
  }

  /** To whichever broker answers. */
  async askAny<Q, P>(api: Api<Q, P>, version: number, body: Writable<Q>): Promise<P> {
    let reason: unknown = null;
    for (const address of this.addresses) {
      try {
        return await this.ask(address, api, version, body);
      } catch (error) {
        reason = error;
      }
    }
    throw new Error(`no broker answers ${api.name}`, { cause: reason });
  }

  metadata(topics: readonly string[] | null, address?: string): Promise<MetadataResponse> {
    const body = {
      topics: topics?.map((name) => ({ name, topicId: zeroUuid })) ?? null,
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: false,
    };
    return address === undefined ? this.askAny(metadataApi, 12, body) : this.ask(address, metadataApi, 12, body);
  }

  /** Asks the partition's leader, and again when it is another one by now. */
  toLeader<Q, P>(
    topic: string,
    partition: number,
    api: Api<Q, P>,
    version: number,
    body: Writable<Q>,
    check: (answer: P) => void,
  ): Promise<P> {
    return persist(`${api.name} of ${topic}-${partition}`, async () => {
      const { brokers, topics } = await this.metadata([topic]);
      const leader = topics[0]?.partitions.find((each) => each.partitionIndex === partition)?.leaderId;
      const broker = brokers.find((each) => each.nodeId === leader);
      if (broker === undefined) throw new Error(`${topic}-${partition} has no leader`);
      const answer = await this.ask(`${broker.host}:${broker.port}`, api, version, body);
      check(answer);
      return answer;
    });
  }

  /** Asks the group's coordinator. */
  toCoordinator<Q, P>(
    group: string,
    api: Api<Q, P>,
    version: number,
    body: Writable<Q>,
    check: (answer: P) => void,
  ): Promise<P> {
    return persist(`${api.name} of group ${group}`, async () => {
      const { coordinators } = await this.askAny(findCoordinatorApi, 4, { keyType: 0, coordinatorKeys: [group] });
      const found = coordinators[0];
      accept('FindCoordinator', found?.errorCode ?? -1);
      const answer = await this.ask(`${found?.host}:${found?.port}`, api, version, body);
      check(answer);
      return answer;
    });
  }
}

const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA';
