// `/metrics` of one broker. Everything is read when the page is asked for; between scrapes it costs nothing but the
// counters that are kept anyway.

import type { HttpAnswer } from '../../net/http-server.ts';
import { readMetadata, type MetadataSources } from './metadata-readings.ts';
import { MBeanReadings } from './mbean-readings.ts';
import { prometheusContentType, prometheusText } from './prometheus-text.ts';
import { readServers, type ServerSources } from './server-readings.ts';

export type MetricsSources = {
  readonly servers: () => ServerSources;
  readonly metadata: () => MetadataSources;
  /** Replicas and groups. */
  readonly services: (readings: MBeanReadings) => void;
};

export function metricsPage(sources: MetricsSources): HttpAnswer {
  const readings = new MBeanReadings();
  sources.services(readings);
  readMetadata(readings, sources.metadata());
  readServers(readings, sources.servers());
  return { contentType: prometheusContentType, body: prometheusText(readings.families) };
}
