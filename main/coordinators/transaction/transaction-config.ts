// The broker settings that transaction coordination reads, by Kafka's names with the dots taken out.

import type { BrokerSettings } from '../../metadata/configs/broker-settings.ts';

export type TransactionCoordinatorConfig = {
  readonly transactionMaxTimeoutMs: number;
  readonly transactionalIdExpirationMs: number;
  readonly transactionStateLogNumPartitions: number;
  readonly transactionStateLogLoadBufferSize: number;
  /** How often transactions are looked at for their time-out. */
  readonly abortTimedOutIntervalMs: number;
  readonly removeExpiredIntervalMs: number;
  readonly requestTimeoutMs: number;
  /** Largest batch that goes into the topic. */
  readonly messageMaxBytes: number;
};

export function transactionCoordinatorConfig(settings: BrokerSettings): TransactionCoordinatorConfig {
  return {
    transactionMaxTimeoutMs: settings.number('transaction.max.timeout.ms'),
    transactionalIdExpirationMs: settings.number('transactional.id.expiration.ms'),
    transactionStateLogNumPartitions: settings.number('transaction.state.log.num.partitions'),
    transactionStateLogLoadBufferSize: settings.number('transaction.state.log.load.buffer.size'),
    abortTimedOutIntervalMs: settings.number('transaction.abort.timed.out.transaction.cleanup.interval.ms'),
    removeExpiredIntervalMs: settings.number('transaction.remove.expired.transaction.cleanup.interval.ms'),
    requestTimeoutMs: settings.number('request.timeout.ms'),
    messageMaxBytes: settings.number('message.max.bytes'),
  };
}
