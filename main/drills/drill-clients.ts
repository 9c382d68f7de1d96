// The clients of one run: producers and groups by name, their history and their marks in the timeline.

import type { ClientMark, DrillSample } from '../api/drill-views.ts';
import type { ClusterView } from '../api/views.ts';
import { seededRandom } from '../runtime/simulated/seeded-random.ts';
import type { HistoryEvent } from '../workloads/history.ts';
import { CopierLoad } from './clients/copier-load.ts';
import { GroupLoad } from './clients/group-load.ts';
import { PacedProducer } from './clients/paced-producer.ts';
import type { DrillPlan } from './drill-plan.ts';
import type { DrillWorld } from './drill-world.ts';

/** The same said again within this time is one mark with a count. */
const sameMarkMs = 1000;
const marksMax = 2000;
const producerCloseMs = 35_000;

export class DrillClients {
  readonly history: HistoryEvent[] = [];
  /** Every producer that was ever started. */
  readonly producers = new Map<string, PacedProducer>();
  readonly groups = new Map<string, GroupLoad>();
  readonly copiers = new Map<string, CopierLoad>();
  readonly #plan: DrillPlan;
  readonly #world: DrillWorld;
  readonly #seed: number;
  readonly #originMs: number;
  readonly #marks: ClientMark[] = [];
  #marksTaken = 0;

  constructor(plan: DrillPlan, world: DrillWorld, seed: number, originMs: number) {
    this.#plan = plan;
    this.#world = world;
    this.#seed = seed;
    this.#originMs = originMs;
  }

  get marks(): readonly ClientMark[] {
    return this.#marks;
  }

  /** Marks that were not taken before; one that was counted on is not told again. */
  newMarks(): readonly ClientMark[] {
    const fresh = this.#marks.slice(this.#marksTaken);
    this.#marksTaken = this.#marks.length;
    return fresh;
  }

  async startProducer(name: string): Promise<void> {
    const plan = this.#plan.producers.find((each) => each.name === name);
    if (plan === undefined || this.producers.has(name)) return;
    const { runtime, bootstrap, prefix } = this.#world;
    const producer = new PacedProducer({
      runtime,
      bootstrap,
      plan,
      topic: prefix + plan.topic,
      random: seededRandom(this.#seed, 'producer', name),
      history: this.history,
      tell: (mark) => this.#tell(mark),
    });
    this.producers.set(name, producer);
    await producer.start();
  }

  startGroup(name: string): void {
    const plan = this.#plan.groups.find((each) => each.name === name);
    if (plan === undefined) return;
    const { runtime, bootstrap, prefix } = this.#world;
    const group = new GroupLoad({
      runtime,
      bootstrap,
      plan,
      groupId: prefix + plan.name,
      topic: prefix + plan.topic,
      random: seededRandom(this.#seed, 'group', name),
      history: this.history,
      tell: (mark) => this.#tell(mark),
    });
    this.groups.set(name, group);
    for (let count = 0; count < plan.members; count++) group.addMember();
  }

  /** Another process of the program; the first call makes the program. */
  startCopier(name: string): string {
    const plan = this.#plan.copiers.find((each) => each.name === name);
    if (plan === undefined) return '';
    const { runtime, bootstrap, prefix } = this.#world;
    const load =
      this.copiers.get(name) ??
      new CopierLoad({
        runtime,
        bootstrap,
        plan,
        identity: prefix + plan.name,
        from: prefix + plan.from,
        to: prefix + plan.to,
        random: seededRandom(this.#seed, 'copier', name),
        tell: (mark) => this.#tell(mark),
      });
    this.copiers.set(name, load);
    return load.startProcess();
  }

  sample(nowMs: number, view: ClusterView): DrillSample {
    for (const group of this.groups.values()) {
      const topic = this.#world.prefix + group.plan.topic;
      for (const each of view.partitions) {
        if (each.topic === topic && each.highWatermark !== null) group.noteLogEnd(each.partition, each.highWatermark);
      }
    }
    return {
      atMs: Math.round(nowMs - this.#originMs),
      producers: Object.fromEntries([...this.producers].map(([name, each]) => [name, each.sample(nowMs)])),
      groups: Object.fromEntries([...this.groups].map(([name, each]) => [name, each.sample(nowMs)])),
    };
  }

  stopSending(): void {
    for (const producer of this.producers.values()) producer.stop();
  }

  /** Every record is settled after this. */
  async closeProducers(): Promise<void> {
    await Promise.all([...this.producers.values()].map((producer) => producer.close(producerCloseMs)));
  }

  async stopCopiers(): Promise<void> {
    await Promise.all([...this.copiers.values()].map((each) => each.stop()));
  }

  async stopGroups(): Promise<void> {
    await Promise.all([...this.groups.values()].map((group) => group.stop()));
  }

  #tell(mark: Omit<ClientMark, 'count' | 'untilMs'>): void {
    const atMs = Math.round(mark.atMs - this.#originMs);
    for (let index = this.#marks.length - 1; index >= Math.max(0, this.#marks.length - 20); index--) {
      const before = this.#marks[index];
      if (before === undefined || before.client !== mark.client || before.text !== mark.text) continue;
      if (atMs - before.untilMs > sameMarkMs) break;
      this.#marks[index] = { ...before, count: before.count + 1, untilMs: atMs };
      return;
    }
    if (this.#marks.length < marksMax) this.#marks.push({ ...mark, atMs, count: 1, untilMs: atMs });
  }
}
