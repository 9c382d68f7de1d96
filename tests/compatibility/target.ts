// The cluster that the clients talk to: one of ours, one of Apache Kafka, or one that runs already.

import { startApacheKafka } from '../benchmarks/clusters/apache-cluster.ts';
import type { Cluster, Node } from '../benchmarks/clusters/cluster.ts';
import { startHighwater } from '../benchmarks/clusters/highwater-cluster.ts';
import { Observer } from '../benchmarks/observer.ts';

export type Target = {
  readonly label: string;
  readonly nodes: readonly Node[];
  readonly bootstrap: string;
  /** Null for one that runs already: its nodes can't be killed. */
  readonly cluster: Cluster | null;
  stop(): Promise<void>;
};

export type Product = 'Highwater' | 'Apache Kafka';

export async function startTarget(
  product: Product,
  jars: string | null,
  configs: Readonly<Record<string, string>>,
): Promise<Target> {
  const started = async (): Promise<Cluster> => {
    if (product === 'Highwater') return startHighwater({ configs });
    if (jars === null) throw new Error('Apache Kafka needs its jars');
    return startApacheKafka(jars, { configs });
  };
  const cluster = await started();
  return {
    label: product,
    nodes: cluster.nodes,
    bootstrap: cluster.bootstrap,
    cluster,
    stop: () => cluster.stop(),
  };
}

export async function runningTarget(bootstrap: string): Promise<Target> {
  return { label: bootstrap, bootstrap, nodes: await nodesOf(bootstrap), cluster: null, stop: async () => {} };
}

async function nodesOf(bootstrap: string): Promise<Node[]> {
  const seeds = bootstrap.split(',').map((address, index) => {
    const [host = '', port = ''] = address.split(':');
    return { id: -1 - index, host, port: Number(port), controllerPort: 0 };
  });
  const observer = new Observer(seeds);
  try {
    const { brokers } = await observer.metadata(null);
    return brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port, controllerPort: 0 }));
  } finally {
    observer.close();
  }
}
