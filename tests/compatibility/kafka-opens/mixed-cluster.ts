// A cluster whose nodes are of either product, each able to be exchanged, killed and started again.

import { KafkaNode, Ours, upArguments, whole } from './nodes.ts';
import type { Wire } from './wire.ts';

export type Product = 'ours' | 'kafka';

export class MixedCluster {
  static async up(jars: string, directory: string): Promise<MixedCluster> {
    return new MixedCluster(jars, directory, await Ours.up(`${directory}/cluster`, await upArguments()));
  }

  readonly #jars: string;
  /** Where Kafka's properties and output are. */
  readonly #directory: string;
  readonly #ours: Ours;
  readonly #kafka = new Map<number, KafkaNode>();

  private constructor(jars: string, directory: string, ours: Ours) {
    this.#jars = jars;
    this.#directory = directory;
    this.#ours = ours;
  }

  get wire(): Wire {
    return this.#ours.wire;
  }

  product(id: number): Product {
    return this.#kafka.has(id) ? 'kafka' : 'ours';
  }

  logDirectory(id: number): string {
    return `${this.#ours.directory}/node-${id}`;
  }

  /** Every node sees all nodes, and every replica of every partition is in sync. */
  async whole(): Promise<void> {
    await whole(this.wire, [...this.#kafka.values()]);
  }

  /** Stops a node in order; the other product stands in its place, on its directory, until the cluster is whole. */
  async exchange(id: number, to: Product, meanwhile: () => Promise<void>): Promise<void> {
    if (to === 'kafka') await this.#ours.broker('stop', id);
    else await this.#kafka.get(id)?.stop();
    this.#kafka.delete(id);
    await meanwhile();
    if (to === 'kafka') this.#startKafka(id);
    else await this.#ours.broker('start', id);
    await this.whole();
  }

  /** SIGKILL; `meanwhile` runs while the node is gone. Ends when the node is back and the cluster whole. */
  async killed(id: number, meanwhile: () => Promise<void>): Promise<void> {
    const product = this.product(id);
    if (product === 'kafka') await this.#kafka.get(id)?.kill();
    else await this.#ours.broker('kill', id);
    this.#kafka.delete(id);
    await meanwhile();
    if (product === 'kafka') this.#startKafka(id);
    else await this.#ours.broker('start', id);
    await this.whole();
  }

  #startKafka(id: number): void {
    this.#kafka.set(id, KafkaNode.start(this.#jars, this.#directory, this.#ours.properties(id)));
  }

  /** In order, the nodes of Kafka one after another first. */
  async stop(): Promise<void> {
    for (const node of this.#kafka.values()) await node.stop();
    this.#kafka.clear();
    await this.#ours.down();
  }

  /** Whatever state it is in. */
  async down(): Promise<void> {
    await Promise.all([...this.#kafka.values()].map((node) => node.kill()));
    await this.#ours.down();
  }
}
