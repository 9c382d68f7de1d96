// What every client has to show. The checks are here, not in the clients: their programs only do and print.

import { Kafka, logLevel } from 'kafkajs';
import { until } from '../benchmarks/clusters/cluster.ts';
import type { Observer } from '../benchmarks/observer.ts';
import { codecs, type Client, type Codec, type Program } from './clients.ts';
import { Member, runVerb, type ReadRecord } from './member.ts';
import { checkTransactions } from './transactions.ts';

export const steps = ['create', ...codecs, 'read', 'join', 'commit', 'resume', 'transactions', 'delete'] as const;
export type Step = (typeof steps)[number];

export type Outcome =
  | { readonly is: 'ok' }
  | { readonly is: 'failed'; readonly why: string }
  /** The client has no such thing. */
  | { readonly is: 'without' }
  /** An earlier step failed. */
  | { readonly is: 'not-reached' };

export type Outcomes = Record<Step, Outcome>;

const partitionCount = 4;
const recordsPerProduce = 200;
const patienceMs = 60_000;
const padding = '0'.repeat(200);

export type Surroundings = {
  readonly bootstrap: string;
  readonly observer: Observer;
  /** Makes names of topics and groups unique on a cluster that is reused. */
  readonly suffix: string;
};

export async function walk(client: Client, program: Program, around: Surroundings): Promise<Outcomes> {
  const outcomes = Object.fromEntries(steps.map((step) => [step, { is: 'not-reached' }])) as Outcomes;
  const journey = new Journey(client, program, around);
  /** Whether to go on. */
  const attempt = async (step: Step, action: () => Promise<void>): Promise<boolean> => {
    try {
      await action();
      outcomes[step] = { is: 'ok' };
      return true;
    } catch (error) {
      outcomes[step] = { is: 'failed', why: error instanceof Error ? error.message : String(error) };
      return false;
    }
  };
  try {
    if (!(await attempt('create', () => journey.create()))) return outcomes;
    for (const codec of codecs) {
      if (!client.codecs.includes(codec)) outcomes[codec] = { is: 'without' };
      else await attempt(codec, () => journey.produce(codec));
    }
    const isRead = await attempt('read', () => journey.readAlone());
    const hasJoined = isRead && (await attempt('join', () => journey.secondJoins()));
    if (isRead) await attempt('commit', () => journey.untilCommitted());
    if (hasJoined) await attempt('resume', () => journey.resume());
  } finally {
    journey.abandon();
  }
  if (client.hasTransactions) {
    await attempt('transactions', () =>
      checkTransactions(program, { ...around, topic: `${journey.topic}-transactions` }),
    );
  } else outcomes.transactions = { is: 'without' };
  if (client.canDelete) {
    await attempt('delete', () => journey.delete());
  } else {
    outcomes.delete = { is: 'without' };
    await around.observer.deleteTopic(journey.topic);
  }
  return outcomes;
}

class Journey {
  readonly topic: string;
  readonly #group: string;
  readonly #program: Program;
  readonly #around: Surroundings;
  readonly #members: Member[] = [];
  /** What each record number was written with. */
  readonly #written = new Map<number, Codec>();
  #nextNumber = 0;
  #partitions = partitionCount;

  constructor({ name }: Client, program: Program, around: Surroundings) {
    this.topic = `matrix-${name}-${around.suffix}`;
    this.#group = `group-of-${this.topic}`;
    this.#program = program;
    this.#around = around;
  }

  async create(): Promise<void> {
    const { bootstrap, observer } = this.#around;
    await runVerb(this.#program, ['create', bootstrap, this.topic, String(partitionCount), '3']);
    const view = await observer.untilInSync(this.topic, 20_000);
    this.#partitions = view.partitions.length;
    if (this.#partitions !== partitionCount) throw new Error(`the topic has ${this.#partitions} partitions`);
    const replicas = view.partitions.map((each) => each.replicaNodes.length);
    if (replicas.some((count) => count !== 3)) throw new Error(`replicas per partition: ${replicas.join(', ')}`);
  }

  async produce(codec: Codec): Promise<void> {
    const first = this.#nextNumber;
    this.#nextNumber += recordsPerProduce;
    const args = ['produce', this.#around.bootstrap, this.topic, codec, String(first), String(recordsPerProduce)];
    await runVerb(this.#program, args);
    for (let n = first; n < this.#nextNumber; n++) this.#written.set(n, codec);
  }

  async readAlone(): Promise<void> {
    if (this.#written.size === 0) throw new Error('nothing was produced');
    const member = this.#start();
    await this.#untilRead([member]);
    this.#checkContents(member.records, 0);
  }

  /** All is committed, so that taking over must neither repeat nor skip a record. */
  async secondJoins(): Promise<void> {
    await this.untilCommitted();
    const second = this.#start();
    const [first] = this.#members;
    if (first === undefined) throw new Error('no first member');
    const both = [first, second];
    await this.#until('both members to hold partitions, each partition once', () => {
      const held = both.flatMap((member) => [...(member.assigned ?? [])]);
      const isShared = both.every((member) => (member.assigned?.size ?? 0) > 0);
      return isShared && held.length === this.#partitions && new Set(held).size === this.#partitions;
    });
    await this.produce('none');
    await this.#untilRead(both);
    this.#checkContents([...first.records, ...second.records], 0);
    if (second.records.length === 0) throw new Error('the second member read nothing');
  }

  /** Asked with another client: the group's offsets are the ends of the partitions. */
  async untilCommitted(): Promise<void> {
    const ends = await this.#around.observer.endOffsets(this.topic);
    const kafka = new Kafka({ brokers: this.#around.bootstrap.split(','), logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    let committed = '';
    try {
      const expected = [...ends].sort(([a], [b]) => a - b).map(([partition, end]) => `${partition}:${end}`);
      await this.#until(
        () => `offsets ${expected.join(' ')} to be committed, now ${committed}`,
        async () => {
          const [answer] = await admin.fetchOffsets({ groupId: this.#group, topics: [this.topic] });
          const offsets = (answer?.partitions ?? []).map(({ partition, offset }) => ({ partition, offset }));
          offsets.sort((a, b) => a.partition - b.partition);
          committed = offsets.map(({ partition, offset }) => `${partition}:${offset}`).join(' ');
          return committed === expected.join(' ');
        },
      );
    } finally {
      await admin.disconnect();
    }
  }

  async resume(): Promise<void> {
    await this.untilCommitted();
    await Promise.all(this.#members.map((member) => member.end()));
    this.#members.length = 0;
    const firstNew = this.#nextNumber;
    await this.produce('none');
    const member = this.#start();
    await this.#until('the new records to be read', () => member.records.length >= this.#nextNumber - firstNew);
    await this.untilCommitted();
    await member.end();
    this.#members.length = 0;
    this.#checkContents(member.records, firstNew);
  }

  async delete(): Promise<void> {
    const { bootstrap, observer } = this.#around;
    await runVerb(this.#program, ['delete', bootstrap, this.topic]);
    await until(`${this.topic} to be gone`, 20_000, async () =>
      (await observer.topic(this.topic)) === null ? true : null,
    );
  }

  abandon(): void {
    for (const member of this.#members) member.abandon();
  }

  #start(): Member {
    const member = new Member(this.#program, this.#around.bootstrap, this.topic, this.#group);
    this.#members.push(member);
    return member;
  }

  async #untilRead(members: readonly Member[]): Promise<void> {
    const count = (): number => members.reduce((sum, member) => sum + member.records.length, 0);
    await this.#until(
      () => `${this.#written.size} records to be read, ${count()} are`,
      () => count() >= this.#written.size,
    );
  }

  async #until(what: string | (() => string), isSo: () => boolean | Promise<boolean>): Promise<void> {
    try {
      await until('', patienceMs, async () => {
        for (const member of this.#members) member.check();
        return (await isSo()) ? true : null;
      });
    } catch (error) {
      if (error instanceof Error && !error.message.startsWith('not within')) throw error;
      const held = this.#members.map((member) => `[${[...(member.assigned ?? ['nothing yet'])].join(' ')}]`);
      const said = this.#members.map((member) => `${member.complaints} ${member.oddLines.join(' | ')}`).join(' ');
      const text = typeof what === 'string' ? what : what();
      throw new Error(`waited ${patienceMs} ms for ${text}; members hold ${held.join(' ')}; they say: ${said}`, {
        cause: error,
      });
    }
  }

  /** Every record written from number `first` on: once, unchanged, and within its partition in order without a gap. */
  #checkContents(records: readonly ReadRecord[], first: number): void {
    const expected = [...this.#written].filter(([n]) => n >= first);
    const seen = new Set<number>();
    for (const { partition, offset, key, value, header } of records) {
      const n = Number(key.slice('key-'.length));
      const where = `partition ${partition} offset ${offset}`;
      if (seen.has(n)) throw new Error(`record ${n} came twice, again at ${where}`);
      seen.add(n);
      const codec = this.#written.get(n);
      if (codec === undefined || n < first) throw new Error(`${where} holds ${key}, which was not expected`);
      if (value !== `value-${n}-${padding}`) throw new Error(`${where} holds a changed value: ${value.slice(0, 80)}`);
      if (header !== `codec=${codec}`) throw new Error(`${where} holds the header ${header}, not codec=${codec}`);
    }
    const missing = expected.filter(([n]) => !seen.has(n)).map(([n]) => n);
    if (missing.length > 0) throw new Error(`${missing.length} records are missing, first ${missing[0]}`);
    checkOrder(records);
  }
}

function checkOrder(records: readonly ReadRecord[]): void {
  const byPartition = new Map<number, ReadRecord[]>();
  for (const record of records) {
    const list = byPartition.get(record.partition) ?? [];
    list.push(record);
    byPartition.set(record.partition, list);
  }
  for (const [partition, list] of byPartition) {
    // Across members only offsets tell the order; each member's own records came one after the other as they lie.
    const sorted = [...list].sort((a, b) => a.offset - b.offset);
    for (const [index, record] of sorted.entries()) {
      const before = sorted[index - 1];
      if (before === undefined) continue;
      if (record.offset !== before.offset + 1) {
        throw new Error(`partition ${partition}: offset ${record.offset} follows ${before.offset}`);
      }
      if (Number(record.key.slice('key-'.length)) < Number(before.key.slice('key-'.length))) {
        throw new Error(`partition ${partition}: ${record.key} stands behind ${before.key}`);
      }
    }
  }
}
