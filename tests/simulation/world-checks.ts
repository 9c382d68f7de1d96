// What must hold in the cluster itself, whatever clients saw: checked from the brokers' reports while they run, and
// from their disks once everything is whole. The simulation may look where no client can.

import type { JournalEvent } from '../../main/core/journal.ts';
import type { BrokerReport, ReplicaReport } from '../../main/broker/contract.ts';
import { batchesIn } from '../../main/records/record-batch.ts';
import type { SimulatedDisk } from '../../main/runtime/simulated/simulated-disk.ts';

type Telemetry = Extract<BrokerReport, { type: 'telemetry' }>;
type IsrExpanded = Extract<JournalEvent['entry'], { kind: 'partition.isrShrunk' | 'partition.isrExpanded' }>;

/** A report that is later than this (its node was frozen) is not held against disks as they are now. */
const lateMs = 100;
const compactedTopic = 'table';
const recreatedTopic = 'reborn';
type InSync = { readonly sinceMs: number; readonly size: number };
export type Report = (rule: string, message: string) => void;

export class WorldChecks {
  readonly #report: Report;
  readonly #quorumLeaders = new Map<number, number>();
  readonly #votes = new Map<string, number>();
  readonly #partitionLeaders = new Map<string, number>();
  readonly #leaderEpochs = new Map<string, number>();
  readonly #highWatermarks = new Map<string, number>();
  #quorumEpochs = new Map<number, number>();
  /** What each leader last said of its ISR, with the time since when. */
  readonly #inSync = new Map<string, InSync>();
  /** Acknowledgements that the leader's next report clears, or doesn't. */
  #suspected: { readonly leader: number; readonly key: string; readonly known: InSync; readonly message: string }[] =
    [];
  /** When a broker's memory of a partition's producers began: its start, or the last cut of its log. */
  readonly #memories = new Map<string, number>();
  readonly #lives = new Map<number, number>();
  /** Brokers whose present life the cluster knows: what it grants to others it grants to what they were before. */
  readonly #registered = new Set<number>();
  /** Who came into an ISR though its life is over or not registered yet, by partition and life. */
  readonly #joinedAway = new Set<string>();

  /** Of each partition the leader that reported last. */
  readonly #leaders = new Map<string, { readonly leaderEpoch: number; readonly highWatermark: number }>();
  /** Of a broker that runs; null: it is down. */
  readonly #diskInUse: (broker: number) => SimulatedDisk | null;

  constructor(report: Report, diskInUse: (broker: number) => SimulatedDisk | null) {
    this.#report = report;
    this.#diskInUse = diskInUse;
  }

  /**
   * A producer was told so with acks=all: its leader must not have had fewer in sync than asked for all the while. A set
   * that has just grown is told in the leader's next report: until then there is no judgement.
   */
  onAcknowledged(leader: number, partition: string, startMs: number, inSyncMin: number): void {
    const key = `${partition} on broker ${leader}`;
    const known = this.#inSync.get(key);
    if (known === undefined || known.size >= inSyncMin || known.sinceMs > startMs) return;
    const what = `${partition}: broker ${leader} acknowledged with ${known.size} in sync since ${known.sinceMs.toFixed(0)} ms`;
    this.#suspected.push({ leader, key, known, message: `${what}, asked at ${startMs.toFixed(0)} ms` });
  }

  #judge(leader: number): void {
    const suspected = this.#suspected.filter((each) => each.leader === leader);
    if (suspected.length === 0) return;
    this.#suspected = this.#suspected.filter((each) => each.leader !== leader);
    for (const { key, known, message } of suspected) {
      if (this.#inSync.get(key) === known) this.#report('acknowledged-below-min-isr', message);
    }
  }

  /** Since when the broker can know each of the last five batches of a producer. */
  remembersSinceMs(broker: number, partition: string): number {
    return Math.max(this.#lives.get(broker) ?? 0, this.#memories.get(`${partition} on broker ${broker}`) ?? 0);
  }

  onStart(broker: number, atMs: number): void {
    this.#lives.set(broker, atMs);
    this.#registered.delete(broker);
    for (const name of [...this.#inSync.keys()]) if (name.endsWith(` on broker ${broker}`)) this.#inSync.delete(name);
  }

  onRegistered(broker: number): void {
    this.#registered.add(broker);
  }

  /** `life` counts the broker's starts: what is in memory only begins anew with each. */
  onTelemetry(broker: number, life: number, report: Telemetry, atMs: number): void {
    for (const event of report.events) this.#onEvent(broker, event, atMs, report.monotonicMs - event.monotonicMs);
    for (const replica of report.replicas) this.#onReplica(broker, life, replica, atMs);
    if (report.quorum !== null) this.#onQuorum(broker, report.quorum.epoch);
    this.#judge(broker);
  }

  #onEvent(broker: number, { entry }: JournalEvent, atMs: number, ageMs: number): void {
    if (entry.kind === 'replica.truncated') {
      this.#memories.set(`${entry.topic}-${entry.partition} on broker ${broker}`, atMs);
    }
    if (entry.kind === 'partition.isrExpanded' && ageMs <= lateMs) this.#onJoined(entry);
    if (entry.kind === 'quorum.leaderElected') {
      this.#atMostOne('two-quorum-leaders', this.#quorumLeaders, entry.epoch, entry.leader, `epoch ${entry.epoch}`);
    }
    if (entry.kind === 'quorum.voteAnswered' && entry.granted && !entry.preVote) {
      const key = `${entry.voter} in epoch ${entry.epoch}`;
      this.#atMostOne('two-votes', this.#votes, key, entry.candidate, `the vote of ${key}`);
    }
    // The journal names topics, and this name stands for many.
    if (entry.kind === 'replica.leading' && entry.topic !== recreatedTopic) {
      const key = `${entry.topic}-${entry.partition} in leader epoch ${entry.leaderEpoch}`;
      this.#atMostOne('two-leaders', this.#partitionLeaders, key, broker, key);
    }
  }

  /**
   * Who comes into the ISR holds all that is committed. One that lost power meanwhile did when it was proposed: such a
   * proposal may reach the controller late, but only one, for the next is made when it is answered.
   */
  #onJoined({ topic, partition, leaderEpoch, changed }: IsrExpanded): void {
    const name = `${topic}-${partition}`;
    const leader = this.#leaders.get(name);
    if (topic === recreatedTopic || leader?.leaderEpoch !== leaderEpoch) return;
    for (const broker of changed) {
      const disk = this.#diskInUse(broker);
      if (disk === null || !this.#registered.has(broker)) {
        const key = `${name} broker ${broker} after its life from ${this.#lives.get(broker) ?? 0}, epoch ${leaderEpoch}`;
        if (this.#joinedAway.has(key)) this.#report('joined-while-away', `${name}: broker ${broker} twice`);
        this.#joinedAway.add(key);
        continue;
      }
      const end = logEndOf(disk, name);
      if (end >= leader.highWatermark) continue;
      const what = `${name}: broker ${broker} came into the ISR with its log ending at ${end}`;
      this.#report('joined-too-early', `${what}, below the high watermark ${leader.highWatermark}`);
    }
  }

  #atMostOne<K>(rule: string, known: Map<K, number>, key: K, value: number, what: string): void {
    const before = known.get(key);
    if (before !== undefined && before !== value) this.#report(rule, `${what}: ${before} and ${value}`);
    known.set(key, value);
  }

  #onQuorum(broker: number, epoch: number): void {
    const before = this.#quorumEpochs.get(broker) ?? 0;
    if (epoch < before) this.#report('quorum-epoch-fell', `node ${broker} went from epoch ${before} to ${epoch}`);
    this.#quorumEpochs.set(broker, epoch);
  }

  #onReplica(broker: number, life: number, replica: ReplicaReport, atMs: number): void {
    if (replica.topic === recreatedTopic) return;
    const name = `${replica.topic}-${replica.partition} on broker ${broker}`;
    const size = replica.inSyncReplicas?.length ?? null;
    if (size === null) this.#inSync.delete(name);
    else if (this.#inSync.get(name)?.size !== size) this.#inSync.set(name, { sinceMs: atMs, size });
    const epochBefore = this.#leaderEpochs.get(name) ?? -1;
    if (replica.leaderEpoch < epochBefore) {
      this.#report('leader-epoch-fell', `${name}: from ${epochBefore} to ${replica.leaderEpoch}`);
    }
    this.#leaderEpochs.set(name, replica.leaderEpoch);
    if (replica.highWatermark > replica.logEndOffset) {
      const what = `${name}: high watermark ${replica.highWatermark}, log end ${replica.logEndOffset}`;
      this.#report('high-watermark-beyond-log', what);
    }
    if (replica.role !== 'leader') return;
    const { leaderEpoch, highWatermark } = replica;
    this.#leaders.set(`${replica.topic}-${replica.partition}`, { leaderEpoch, highWatermark });
    const key = `${name} life ${life} epoch ${replica.leaderEpoch}`;
    const before = this.#highWatermarks.get(key) ?? 0;
    if (replica.highWatermark < before) {
      this.#report('high-watermark-fell', `${key}: from ${before} to ${replica.highWatermark}`);
    }
    this.#highWatermarks.set(key, replica.highWatermark);
  }
}

/** Where one log of a broker ends; an empty one where its last segment begins. */
function logEndOf(disk: SimulatedDisk, name: string): number {
  const directory = disk.find(`/data/${name}`);
  if (directory?.kind !== 'directory') return 0;
  let end = 0;
  for (const each of directory.names.keys()) if (/^\d{20}\.log$/.test(each)) end = Math.max(end, parseInt(each, 10));
  for (const { nextOffset } of batchesOf(directory)) end = Math.max(end, nextOffset);
  return end;
}

type Directory = SimulatedDisk['root'];

/** Every partition on the disks holds the same bytes at the same offsets; `untilOf` bounds what must be equal. */
export function compareReplicas(disks: ReadonlyMap<number, SimulatedDisk>, report: Report): number {
  const batches = new Map<string, Map<number, { readonly broker: number; readonly bytes: Buffer }>>();
  let compared = 0;
  for (const [broker, disk] of disks) {
    const data = disk.find('/data');
    if (data?.kind !== 'directory') continue;
    for (const [name, directory] of data.names) {
      if (directory.kind !== 'directory' || !/-\d+$/.test(name)) continue;
      // Each replica compacts by itself, and may have come less far.
      if (name.startsWith(`${compactedTopic}-`)) continue;
      const known = batches.get(name) ?? new Map<number, { broker: number; bytes: Buffer }>();
      batches.set(name, known);
      for (const { baseOffset, bytes } of batchesOf(directory)) {
        const other = known.get(baseOffset);
        if (other === undefined) known.set(baseOffset, { broker, bytes });
        else if (other.bytes.equals(bytes)) compared++;
        else report('replicas-differ', `${name} at offset ${baseOffset}: brokers ${other.broker} and ${broker}`);
      }
    }
  }
  return compared;
}

/** How far each log of a broker reaches. */
export function logEnds(disk: SimulatedDisk): Map<string, number> {
  const ends = new Map<string, number>();
  const data = disk.find('/data');
  if (data?.kind !== 'directory') return ends;
  for (const [name, directory] of data.names) {
    if (directory.kind !== 'directory' || !/-\d+$/.test(name)) continue;
    let end = 0;
    for (const { nextOffset } of batchesOf(directory)) end = Math.max(end, nextOffset);
    ends.set(name, end);
  }
  return ends;
}

function* batchesOf(directory: Directory): Generator<{ baseOffset: number; nextOffset: number; bytes: Buffer }> {
  for (const [name, file] of [...directory.names].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (file.kind !== 'file' || !/^\d{20}\.log$/.test(name)) continue;
    for (const batch of batchesIn(file.contents())) {
      yield { baseOffset: batch.baseOffset, nextOffset: batch.nextOffset, bytes: batch.bytes };
    }
  }
}
