// What clients pushed last, for the metrics page of the broker that they pushed it to. Deltas are added up, so that
// Prometheus sees counters. Bounded in clients, in series of a client and in the text of a series.

import type { MBeanReadings } from '../metrics/mbean-readings.ts';
import type { MetricPoint } from './otlp-metrics.ts';

const clientsMax = 100;
const seriesPerClientMax = 1000;
const seriesTextMax = 1000;

type Series = {
  readonly name: string;
  readonly isCounter: boolean;
  readonly labels: Readonly<Record<string, string>>;
  value: number;
};

type Client = { readonly clientId: string; readonly series: Map<string, Series> };

export class PushedMetrics {
  /** By client instance; the one that was silent for longest comes first. */
  readonly #clients = new Map<string, Client>();

  take(clientInstanceId: string, clientId: string, points: readonly MetricPoint[]): void {
    const client = this.#clients.get(clientInstanceId) ?? { clientId, series: new Map<string, Series>() };
    this.#clients.delete(clientInstanceId);
    this.#clients.set(clientInstanceId, client);
    for (const point of points) add(client.series, point);
    const [oldest] = this.#clients.keys();
    if (this.#clients.size > clientsMax && oldest !== undefined) this.#clients.delete(oldest);
  }

  /** The client is gone: its figures end. */
  forget(clientInstanceId: string): void {
    this.#clients.delete(clientInstanceId);
  }

  read(readings: MBeanReadings): void {
    for (const [clientInstanceId, { clientId, series }] of this.#clients) {
      for (const { name, isCounter, labels, value } of series.values()) {
        const type = isCounter ? 'counter' : 'gauge';
        const all = { ...labels, client_instance_id: clientInstanceId, client_id: clientId };
        readings.other(type, metricName(name), `pushed by clients: ${name}`, value, all);
      }
    }
  }
}

function add(known: Map<string, Series>, { name, kind, isMonotonic, isDelta, attributes, value }: MetricPoint): void {
  const pairs = Object.entries(attributes).sort(([one], [other]) => (one < other ? -1 : 1));
  const key = JSON.stringify([name, ...pairs]);
  if (key.length > seriesTextMax) return;
  const series = known.get(key);
  if (series !== undefined) {
    series.value = kind === 'sum' && isDelta ? series.value + value : value;
  } else if (known.size < seriesPerClientMax) {
    const labels = Object.fromEntries(pairs.map(([label, text]) => [labelName(label), text]));
    known.set(key, { name, isCounter: kind === 'sum' && isMonotonic, labels, value });
  }
}

function metricName(dotted: string): string {
  return dotted.replace(/^(?=\d)/, '_');
}

function labelName(attribute: string): string {
  return attribute.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d|$)/, '_');
}
