// What Kafka shows as MBeans, read at one moment, as samples under the names that jmx_exporter gives them with the
// rules it ships for Kafka (examples/kafka-kraft-3_0_0.yml: lower-case names, `PerSec` meters become `…_total`).
// Beans whose attributes carry their figures (Kafka's own metrics, `type=…,key=…`) keep their keys as labels.

export type SampleType = 'counter' | 'gauge';

export type Labels = Readonly<Record<string, string>>;

export type SampleFamily = {
  readonly name: string;
  readonly type: SampleType;
  /** The MBean and its attribute. */
  readonly help: string;
  readonly samples: { readonly labels: Labels; readonly value: number }[];
};

/** Attributes of a histogram that are shown, `50thPercentile` to `999thPercentile`, by their label and quantile. */
export const histogramQuantiles: readonly (readonly [label: string, quantile: number])[] = [
  ['0.50', 0.5],
  ['0.75', 0.75],
  ['0.95', 0.95],
  ['0.98', 0.98],
  ['0.99', 0.99],
  ['0.999', 0.999],
];

/** `kafka.server`, `BrokerTopicMetrics`. */
export type BeanType = readonly [domain: string, type: string];

export class MBeanReadings {
  readonly #families = new Map<string, SampleFamily>();

  /** Families in the order of their first sample. */
  get families(): Iterable<SampleFamily> {
    return this.#families.values();
  }

  /** A Yammer meter (`…PerSec`): its Count. */
  meter(bean: BeanType, name: string, count: number, keys: Labels = {}): void {
    this.#add(
      'counter',
      `${prefix(bean)}_${name.replace(/PerSec$/, '')}_total`,
      beanHelp(bean, name, 'Count'),
      keys,
      count,
    );
  }

  /** A Yammer gauge: its Value. */
  gauge(bean: BeanType, name: string, value: number, keys: Labels = {}): void {
    this.#add('gauge', `${prefix(bean)}_${name}`, beanHelp(bean, name, 'Value'), keys, value);
  }

  /** A Yammer histogram: its Count and percentiles; `values` in the order of `histogramQuantiles`. */
  histogram(bean: BeanType, name: string, count: number, values: readonly number[], keys: Labels = {}): void {
    const base = `${prefix(bean)}_${name}`;
    this.#add('counter', `${base}_count`, beanHelp(bean, name, 'Count'), keys, count);
    for (const [index, [quantile]] of histogramQuantiles.entries()) {
      const value = values[index] ?? 0;
      this.#add('gauge', base, beanHelp(bean, name, 'percentiles'), { ...keys, quantile }, value);
    }
  }

  /** An attribute of a bean of Kafka's own metrics library; counters there end with `-total` or `-count`. */
  attribute(bean: BeanType, attribute: string, value: number, keys: Labels = {}): void {
    const type = attribute.endsWith('-total') ? 'counter' : 'gauge';
    this.#add(type, `${prefix(bean)}_${attribute}`, `${bean[0]}:type=${bean[1]} attribute ${attribute}`, keys, value);
  }

  /** What is no MBean. A name that another type has already is left out: a family has one. */
  other(type: SampleType, name: string, help: string, value: number, labels: Labels = {}): void {
    this.#add(type, name, help, labels, value);
  }

  #add(type: SampleType, name: string, help: string, labels: Labels, value: number): void {
    const metricName = name.toLowerCase().replace(/[^a-z0-9_]/g, '_');
    let family = this.#families.get(metricName);
    if (family === undefined) this.#families.set(metricName, (family = { name: metricName, type, help, samples: [] }));
    if (family.type === type) family.samples.push({ labels, value });
  }
}

/** `kafka_server_brokertopicmetrics`, `kafka_coordinator_group_groupmetadatamanager`. */
function prefix([domain, type]: BeanType): string {
  return `${domain}_${type}`;
}

function beanHelp([domain, type]: BeanType, name: string, attribute: string): string {
  return `${domain}:type=${type},name=${name} attribute ${attribute}`;
}
