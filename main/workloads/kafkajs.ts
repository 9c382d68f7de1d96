// kafkajs, loaded when first used (it costs 20 MB), with the codecs it lacks and its log kept quiet.

import type { Kafka } from 'kafkajs';

/** A client of the cluster at `bootstrap` (comma separated). */
export async function loadKafka(clientId: string, bootstrap: string): Promise<Kafka> {
  const { default: kafkajs } = await import('kafkajs');
  return new kafkajs.Kafka({
    clientId,
    brokers: bootstrap.split(','),
    // What goes wrong is told by the workload's own events.
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 5000,
    retry: { retries: 20, initialRetryTime: 50, maxRetryTime: 500 },
  });
}
