// A read-process-write program of a drill with all its processes, one after another or, by mistake, two at once; and the
// count at the end: of each record of the input, how many copies does a reader of committed records find?

import type { ClusterClient } from '../../cluster/cluster-client.ts';
import { MessageReader } from '../../cluster/messages/message-reader.ts';
import type { Clock } from '../../runtime/runtime.ts';
import type { FinalLog } from '../../workloads/history.ts';
import type { CopierPlan } from '../drill-plan.ts';
import { Copier, originOf, type CopierOptions } from './copier.ts';

export type CopyCount = { readonly copies: number; readonly lost: number; readonly duplicated: number };

const readLimit = 1000;
const scanMax = 100_000;
const valueBytes = 200;

export class CopierLoad {
  readonly #options: Omit<CopierOptions, 'name' | 'copied' | 'fenced'>;
  readonly #processes: Copier[] = [];
  #number = 0;
  #copied = 0;
  #fenced = 0;
  /** null until it was counted. */
  count: CopyCount | null = null;

  constructor(options: Omit<CopierOptions, 'name' | 'copied' | 'fenced'>) {
    this.#options = options;
  }

  get plan(): CopierPlan {
    return this.#options.plan;
  }

  /** Records that its processes believe to have copied. */
  get copied(): number {
    return this.#copied;
  }

  get fenced(): number {
    return this.#fenced;
  }

  startProcess(): string {
    this.#number += 1;
    const name = `${this.plan.name}-${this.#number}`;
    const process = new Copier({
      ...this.#options,
      name,
      copied: (count) => (this.#copied += count),
      fenced: () => (this.#fenced += 1),
    });
    this.#processes.push(process);
    process.start();
    return name;
  }

  /** The one that was started last and works; null without one. */
  get working(): Copier | null {
    return this.#processes.findLast((each) => !each.isEnded && !each.isFrozen) ?? null;
  }

  get frozen(): Copier | null {
    return this.#processes.find((each) => each.isFrozen) ?? null;
  }

  /** Before the last count somebody must be there to copy what is left. */
  beginDrain(): void {
    for (const process of this.#processes) process.thaw();
    if (this.working === null) this.startProcess();
    this.working?.beginDrain();
  }

  get isDrained(): boolean {
    return this.working?.isDrained === true;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
  }

  /** Reads the output as any consumer with isolation.level=read_committed would. */
  async countCopies(client: ClusterClient, clock: Clock, inputs: readonly FinalLog[]): Promise<void> {
    const { from, to } = this.#options;
    const found = new Map<string, number>();
    await client.refresh([to]);
    const reader = new MessageReader(client, clock);
    let positions = [...(client.topic(to)?.partitions.keys() ?? [])].map((partition) => ({ partition, offset: 0 }));
    for (let atEnd = false; !atEnd;) {
      const answer = await reader.read({
        topic: to,
        positions,
        until: [],
        isolation: 'read_committed',
        limit: readLimit,
        scanMax,
        waitMs: 0,
        text: '',
        expression: '',
        control: false,
        previewBytes: valueBytes,
      });
      for (const { value } of answer.messages) {
        const origin = originOf(Buffer.from(value ?? '', 'base64').toString('utf8'));
        if (origin !== null) found.set(origin, (found.get(origin) ?? 0) + 1);
      }
      const [problem] = answer.problems;
      if (problem !== undefined) throw new Error(`${to}-${problem.partition} could not be read: ${problem.message}`);
      positions = [...answer.positions];
      ({ atEnd } = answer);
    }
    let [copies, lost, duplicated] = [0, 0, 0];
    for (const { topic, partition, records } of inputs) {
      if (topic !== from) continue;
      for (const { offset } of records) {
        const count = found.get(`${partition} ${offset}`) ?? 0;
        copies += count;
        if (count === 0) lost += 1;
        else duplicated += count - 1;
      }
    }
    this.count = { copies, lost, duplicated };
  }
}
