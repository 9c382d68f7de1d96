// What the metadata said of every partition, and when: read from the metadata log as it lies on a disk, with the times at
// which its high watermark passed each record. So the checker knows the ISR of each moment without asking the engine.

import { decodeMetadataRecord, type MetadataRecord } from '../../main/protocol/metadata-record-frame.ts';
import { batchesIn } from '../../main/records/record-batch.ts';
import { recordsOf } from '../../main/records/record.ts';
import type { SimulatedDisk } from '../../main/runtime/simulated/simulated-disk.ts';
import type { InSyncFact } from '../../main/workloads/history.ts';

type Known = {
  readonly topic: string;
  readonly partition: number;
  leader: number;
  inSync: readonly number[];
  eligible: readonly number[];
  replicas: readonly number[];
};

type Registration = { readonly broker: number; readonly atMs: number };

type Partitions = {
  readonly names: Map<string, string>;
  readonly partitions: Map<string, Known>;
};

const momentMs = 1e-6;
const leaderUnchanged = -2;
const directory = '/data/__cluster_metadata-0';

export class MetadataFacts {
  /** By offset; a log that is trimmed in between is read before that. */
  readonly #records = new Map<number, MetadataRecord[]>();
  readonly #passed: { readonly highWatermark: number; readonly atMs: number }[] = [];

  /** A node of the quorum reports how far the log is committed. */
  onHighWatermark(highWatermark: number, atMs: number): void {
    if (highWatermark > (this.#passed.at(-1)?.highWatermark ?? 0)) this.#passed.push({ highWatermark, atMs });
  }

  /** Takes what is committed in the log on this disk. */
  collect(disk: SimulatedDisk): void {
    const found = disk.find(directory);
    if (found?.kind !== 'directory') return;
    const committed = this.#passed.at(-1)?.highWatermark ?? 0;
    for (const [name, file] of found.names) {
      if (file.kind !== 'file' || !/^\d{20}\.log$/.test(name)) continue;
      for (const batch of batchesIn(file.contents())) {
        if (batch.isControl || batch.nextOffset > committed || this.#records.has(batch.baseOffset)) continue;
        const records = [...recordsOf(batch)].flatMap(({ value }) =>
          value === null ? [] : [decodeMetadataRecord(value)],
        );
        this.#records.set(batch.baseOffset, records);
      }
    }
  }

  /** In the order of the log; each has a moment of its own, so that this order can be told from the times. */
  read(): { readonly inSync: InSyncFact[]; readonly registrations: Registration[] } {
    const state: Partitions = { names: new Map(), partitions: new Map() };
    const inSync: InSyncFact[] = [];
    const registrations: Registration[] = [];
    let atMs = 0;
    for (const [offset, records] of [...this.#records].sort(([a], [b]) => a - b)) {
      // One decision: what a registration does to partitions stands before it.
      const isRegistration = (record: MetadataRecord): boolean => record.name === 'RegisterBrokerRecord';
      const inOrder = [...records.filter(isRegistration), ...records.filter((record) => !isRegistration(record))];
      for (const record of inOrder) {
        atMs = Math.max(this.#passedAtMs(offset), atMs + momentMs);
        const fact = take(state, record);
        if (fact !== null) inSync.push({ ...fact, atMs });
        if (record.name === 'RegisterBrokerRecord') registrations.push({ broker: record.value.brokerId, atMs });
      }
    }
    return { inSync, registrations };
  }

  #passedAtMs(offset: number): number {
    return this.#passed.find(({ highWatermark }) => highWatermark > offset)?.atMs ?? Infinity;
  }
}

function take({ names, partitions }: Partitions, record: MetadataRecord): Omit<InSyncFact, 'atMs'> | null {
  if (record.name === 'TopicRecord') names.set(record.value.topicId, record.value.name);
  if (record.name === 'PartitionRecord') {
    const { topicId, partitionId: partition, leader, isr, eligibleLeaderReplicas, replicas } = record.value;
    const topic = names.get(topicId) ?? topicId;
    const known = { topic, partition, leader, inSync: isr, eligible: eligibleLeaderReplicas ?? [], replicas };
    partitions.set(`${topicId} ${partition}`, known);
    return factOf(known, false);
  }
  if (record.name !== 'PartitionChangeRecord') return null;
  const { topicId, partitionId, leader, isr, eligibleLeaderReplicas, replicas } = record.value;
  const known = partitions.get(`${topicId} ${partitionId}`);
  if (known === undefined) return null;
  const electable = [...known.inSync, ...known.eligible];
  const isUnclean = leader >= 0 && !electable.includes(leader);
  if (leader !== leaderUnchanged) known.leader = leader;
  known.inSync = isr ?? known.inSync;
  known.eligible = eligibleLeaderReplicas ?? known.eligible;
  known.replicas = replicas ?? known.replicas;
  return factOf(known, isUnclean);
}

function factOf({ topic, partition, leader, inSync, eligible, replicas }: Known, isUnclean: boolean) {
  const inSyncReplicas = [...inSync, ...eligible];
  return { topic, partition, leader, inSyncReplicas, eligibleOnly: eligible, replicas, isUnclean };
}
