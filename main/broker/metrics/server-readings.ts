// kafka.network RequestMetrics, kafka.server socket-server-metrics and KafkaServer, and the process: what a broker's
// two request servers did. Requests of both listeners are counted together, as by a Kafka node that is both.

import { quantilesOf } from '../../net/latency-histogram.ts';
import { findApi } from '../../protocol/api-keys.ts';
import type { ApiCounters, ServerCounters } from '../../net/server-counters.ts';
import type { LifecyclePhase } from '../lifecycle.ts';
import { histogramQuantiles, type BeanType, type MBeanReadings } from './mbean-readings.ts';

const requestMetrics: BeanType = ['kafka.network', 'RequestMetrics'];
const socketServer: BeanType = ['kafka.server', 'socket-server-metrics'];
const kafkaServer: BeanType = ['kafka.server', 'KafkaServer'];

export type ServerSources = {
  /** By listener name. */
  readonly servers: readonly (readonly [listener: string, counters: ServerCounters])[];
  readonly phase: LifecyclePhase;
  readonly usage: { readonly residentBytes: number; readonly cpuMs: number };
  readonly monotonicMs: number;
};

export function readServers(readings: MBeanReadings, sources: ServerSources): void {
  const byApi = new Map<number, ApiCounters[]>();
  for (const [, counters] of sources.servers) {
    for (const [apiKey, ofApi] of counters.byApi) byApi.set(apiKey, [...(byApi.get(apiKey) ?? []), ofApi]);
  }
  for (const [apiKey, ofListeners] of byApi) readApi(readings, apiKey, ofListeners, sources.monotonicMs);
  for (const [listener, counters] of sources.servers) {
    const keys = { listener, networkProcessor: '0' };
    readings.attribute(socketServer, 'connection-count', counters.connectionsOpen, keys);
    readings.attribute(socketServer, 'connection-creation-total', counters.connectionsAccepted, keys);
    readings.attribute(
      socketServer,
      'connection-close-total',
      counters.connectionsAccepted - counters.connectionsOpen,
      keys,
    );
    readings.attribute(socketServer, 'request-total', counters.requestCount, keys);
    readings.attribute(socketServer, 'incoming-byte-total', counters.bytesIn, keys);
    readings.attribute(socketServer, 'outgoing-byte-total', counters.bytesOut, keys);
  }
  readings.gauge(kafkaServer, 'BrokerState', brokerState(sources.phase));
  const { cpuMs, residentBytes } = sources.usage;
  readings.other('counter', 'process_cpu_seconds_total', 'Processor time of this broker in seconds', cpuMs / 1000);
  readings.other('gauge', 'process_resident_memory_bytes', 'Memory of this broker in bytes', residentBytes);
}

function readApi(readings: MBeanReadings, apiKey: number, ofListeners: readonly ApiCounters[], nowMs: number): void {
  const request = findApi(apiKey)?.name ?? String(apiKey);
  const byVersion = new Map<number, number>();
  for (const { requestCountOfVersion } of ofListeners) {
    // Versions that nobody asked for are holes.
    requestCountOfVersion.forEach((count, version) => byVersion.set(version, (byVersion.get(version) ?? 0) + count));
  }
  for (const [version, count] of byVersion) {
    readings.meter(requestMetrics, 'RequestsPerSec', count, { request, version: String(version) });
  }
  const histograms = ofListeners.map((each) => each.latencies.counts(nowMs));
  const quantiles = quantilesOf(
    histograms,
    histogramQuantiles.map(([, quantile]) => quantile),
  );
  const count = ofListeners.reduce((sum, each) => sum + each.responseCount, 0);
  readings.histogram(requestMetrics, 'TotalTimeMs', count, quantiles, { request });
}

/** The numbers of Kafka's BrokerState. */
function brokerState(phase: LifecyclePhase): number {
  switch (phase) {
    case 'starting':
      return 1;
    case 'fenced':
      return 2;
    case 'running':
      return 3;
    case 'stopping':
      return 6;
    case 'stopped':
      return 7;
  }
}
