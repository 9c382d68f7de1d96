// Makes the internal topics that streams applications miss (KIP-1071): repartition topics and changelogs. One request
// per topic at a time; what failed is remembered for a while, so that members are told why they still wait.

import type { InternalTopic } from '../coordinators/group/streams/topology.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { createTopicsApi } from '../protocol/messages/create-topics.ts';
import type { Clock } from '../runtime/runtime.ts';
import type { ControllerChannel } from './controller-channel.ts';

const requestTimeoutMs = 30_000;
/** Failures remembered; the oldest make room. */
const failuresMax = 1000;

type Failure = { readonly message: string; readonly untilMs: number };

export class StreamsTopicCreation {
  readonly #channel: Pick<ControllerChannel, 'send'>;
  readonly #clock: Clock;
  readonly #inFlight = new Set<string>();
  readonly #failures = new Map<string, Failure>();

  constructor(channel: Pick<ControllerChannel, 'send'>, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
  }

  /** Starts making them, unless that is under way or has failed within `retryAfterMs`. Returns known failures by name. */
  request(topics: readonly InternalTopic[], retryAfterMs: number): ReadonlyMap<string, string> {
    const nowMs = this.#clock.monotonicMs();
    const failed = new Map<string, string>();
    const wanted: InternalTopic[] = [];
    for (const topic of topics) {
      const failure = this.#failures.get(topic.name);
      if (failure !== undefined && failure.untilMs > nowMs) failed.set(topic.name, failure.message);
      else if (!this.#inFlight.has(topic.name)) wanted.push(topic);
    }
    if (wanted.length > 0) void this.#create(wanted, retryAfterMs);
    return failed;
  }

  async #create(topics: readonly InternalTopic[], retryAfterMs: number): Promise<void> {
    for (const { name } of topics) {
      this.#inFlight.add(name);
      this.#failures.delete(name);
    }
    const request = {
      topics: topics.map(({ name, partitions, replicationFactor, configs }) => ({
        name,
        numPartitions: partitions,
        replicationFactor,
        assignments: [],
        configs,
      })),
      timeoutMs: requestTimeoutMs,
    };
    try {
      const response = await this.#channel.send(createTopicsApi, request, { timeoutMs: requestTimeoutMs });
      for (const { name, errorCode, errorMessage } of response.topics) {
        if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) continue;
        this.#remember(name, errorMessage ?? errorName(errorCode), retryAfterMs);
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      for (const { name } of topics) this.#remember(name, message, retryAfterMs);
    } finally {
      for (const { name } of topics) this.#inFlight.delete(name);
    }
  }

  #remember(name: string, message: string, retryAfterMs: number): void {
    if (this.#failures.size >= failuresMax) {
      const [oldest] = this.#failures.keys();
      if (oldest !== undefined) this.#failures.delete(oldest);
    }
    this.#failures.set(name, { message, untilMs: this.#clock.monotonicMs() + retryAfterMs });
  }
}
