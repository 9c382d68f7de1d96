// Makes topics that somebody asked for and nobody made: what clients name in Metadata, and the brokers' own topics
// with their own settings. Asks the controller once per topic at a time; the asker tries again later.

import { ErrorCode } from '../protocol/errors.ts';
import { createTopicsApi, type CreateTopicsRequest } from '../protocol/messages/create-topics.ts';
import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { topicNameError } from '../controller/topic-names.ts';
import type { ControllerChannel } from './controller-channel.ts';

type CreatableTopic = CreateTopicsRequest['topics'][number];

/** Topics asked for and not yet made; further ones are refused. */
const inFlightMax = 1000;
const defaultTimeoutMs = 30_000;

export class AutoTopicCreation {
  readonly #channel: ControllerChannel;
  readonly #settings: BrokerSettings;
  readonly #inFlight = new Set<string>();
  readonly #timeoutMs: number;

  constructor(channel: ControllerChannel, settings: BrokerSettings, timeoutMs = defaultTimeoutMs) {
    this.#channel = channel;
    this.#settings = settings;
    this.#timeoutMs = timeoutMs;
  }

  /** Starts making the topics and says at once, topic by topic, what a client is told meanwhile. */
  request(names: readonly string[]): ReadonlyMap<string, number> {
    const errors = new Map<string, number>();
    const wanted: string[] = [];
    for (const name of names) {
      const isValid = topicNameError(name) === null;
      errors.set(name, isValid ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION);
      if (!isValid || this.#inFlight.has(name) || this.#inFlight.size >= inFlightMax) continue;
      this.#inFlight.add(name);
      wanted.push(name);
    }
    if (wanted.length > 0) void this.#create(wanted);
    return errors;
  }

  async #create(names: readonly string[]): Promise<void> {
    const topics = names.map((name) => this.#creatable(name));
    // What failed shows when the asker tries again: the topic is still not there.
    await this.#channel
      .send(createTopicsApi, { topics, timeoutMs: this.#timeoutMs }, { timeoutMs: this.#timeoutMs })
      .catch(() => null);
    for (const name of names) this.#inFlight.delete(name);
  }

  #creatable(name: string): CreatableTopic {
    const setting = (key: string): string => this.#settings.text(key) ?? '';
    const topic = (partitions: string, factor: string, configs: Readonly<Record<string, string>>): CreatableTopic => ({
      name,
      numPartitions: this.#settings.number(partitions),
      replicationFactor: this.#settings.number(factor),
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    });
    switch (name) {
      case '__consumer_offsets':
        return topic('offsets.topic.num.partitions', 'offsets.topic.replication.factor', {
          'compression.type': 'producer',
          'cleanup.policy': 'compact',
          'segment.bytes': setting('offsets.topic.segment.bytes'),
        });
      case '__transaction_state':
        return topic('transaction.state.log.num.partitions', 'transaction.state.log.replication.factor', {
          'compression.type': 'uncompressed',
          'cleanup.policy': 'compact',
          'min.insync.replicas': setting('transaction.state.log.min.isr'),
          'segment.bytes': setting('transaction.state.log.segment.bytes'),
          'unclean.leader.election.enable': 'false',
        });
      case '__share_group_state':
        return topic(
          'share.coordinator.state.topic.num.partitions',
          'share.coordinator.state.topic.replication.factor',
          {
            'compression.type': 'producer',
            'cleanup.policy': 'delete',
            'min.insync.replicas': setting('share.coordinator.state.topic.min.isr'),
            'segment.bytes': setting('share.coordinator.state.topic.segment.bytes'),
            'retention.ms': '-1',
          },
        );
      default:
        return topic('num.partitions', 'default.replication.factor', {});
    }
  }
}
