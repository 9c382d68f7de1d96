// Raft on what Apache Kafka 4.3.1 left behind: its metadata logs, snapshots and quorum-state files are continued by
// our nodes, and what we write of the same kind is the same bytes.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  leaderChangeBatch,
  readControlBatch,
  snapshotFooterBatch,
  snapshotHeaderBatch,
} from '../../../main/raft/control-batches.ts';
import { formatElection, parseElection } from '../../../main/raft/election-state-file.ts';
import { latinCodec, RaftGroup } from '../../../main/raft/raft-group.test-kit.ts';
import { encodeSnapshot } from '../../../main/raft/snapshots.ts';
import { batchesIn, type RecordBatch } from '../../../main/records/record-batch.ts';
import { recordsOf } from '../../../main/records/record.ts';
import { readTarGz, type TarEntry } from '../log/tar.ts';

const datadir = new URL('../vectors/datadir/', import.meta.url);
const nodeIds = [1, 2, 3];

function metadataFiles(name: string): Map<string, Buffer> {
  const entries: TarEntry[] = readTarGz(readFileSync(new URL(`${name}.tar.gz`, datadir)));
  const files = new Map<string, Buffer>();
  for (const entry of entries) {
    const match = /__cluster_metadata-0\/([^/]+)$/.exec(entry.name);
    if (match?.[1] !== undefined) files.set(match[1], Buffer.from(entry.bytes));
  }
  return files;
}

function first(batches: Iterable<RecordBatch>): RecordBatch {
  for (const batch of batches) return batch;
  throw new Error('no batch');
}

describe.each(['crashed', 'clean'])("the directories of Kafka's %s cluster", (kind) => {
  const files = new Map(nodeIds.map((id) => [id, metadataFiles(`${kind}-node-${id}`)]));
  const elections = nodeIds.map((id) => parseElection(String(files.get(id)?.get('quorum-state'))));

  it('are continued by our quorum, at a later epoch and with every record', async () => {
    const group = new RaftGroup({
      seed: kind,
      voterCount: 3,
      isContinued: true,
      prepareDisk: (disk, nodeId) => {
        disk.makeDirectory('/data/__cluster_metadata-0');
        for (const [name, bytes] of files.get(nodeId) ?? []) {
          disk.writeFileAtomic(`/data/__cluster_metadata-0/${name}`, bytes);
        }
      },
    });
    group.startAll();
    const ends = nodeIds.map((id) => group.member(id).node.logEndOffset);
    const offset = await group.appendAndCommit('one of ours');
    await group.converge();
    // Between Kafka's last record and ours stand only leader changes.
    expect(offset).toBeGreaterThan(Math.max(...ends));
    expect(offset).toBeLessThan(Math.max(...ends) + 5);
    const { epoch } = (await group.waitForLeader()).node.report();
    expect(epoch).toBeGreaterThan(Math.max(...elections.map((election) => election.epoch)));
    for (const id of nodeIds) expect(group.member(id).witness.snapshotsSeen).toBe(1);
    group.crash(1);
    group.start(1);
    await group.converge();
  });

  it('hold quorum-state files that we would write in the same bytes', () => {
    for (const id of nodeIds) {
      const text = String(files.get(id)?.get('quorum-state'));
      expect(formatElection(parseElection(text), 0, nodeIds)).toBe(text);
    }
  });

  it('hold leader changes that we would write in the same bytes', () => {
    const log = files.get(1)?.get('00000000000000000000.log') ?? Buffer.alloc(0);
    const batch = first(batchesIn(log));
    const place = { baseOffset: 0, epoch: batch.partitionLeaderEpoch, timestampMs: batch.baseTimestamp };
    expect(
      leaderChangeBatch(place, { leader: 3, voters: [1, 2, 3], grantingVoters: [3, 1] }, null).equals(batch.bytes),
    ).toBe(true);
  });

  it('hold snapshots that we would write in the same bytes, but for the times of their batches', () => {
    for (const id of nodeIds) {
      for (const [name, bytes] of files.get(id) ?? []) {
        if (!name.endsWith('.checkpoint')) continue;
        const batches = [...batchesIn(bytes)];
        const [header, ...rest] = batches;
        const footer = rest.pop();
        if (header === undefined || footer === undefined) throw new Error(`${name} is no snapshot`);
        const epoch = header.partitionLeaderEpoch;
        const lastContainedMs = readControlBatch(header).lastContainedLogTimestampMs ?? -1;
        const at = (batch: RecordBatch): { baseOffset: number; epoch: number; timestampMs: number } => ({
          baseOffset: batch.baseOffset,
          epoch,
          timestampMs: batch.baseTimestamp,
        });
        expect(snapshotHeaderBatch(at(header), lastContainedMs, null).equals(header.bytes)).toBe(true);
        expect(snapshotFooterBatch(at(footer)).equals(footer.bytes)).toBe(true);
        const records = rest.flatMap((batch) =>
          [...recordsOf(batch)].map(({ value }) => value?.toString('latin1') ?? ''),
        );
        const contents = {
          timestampMs: 1,
          lastContainedLogTimestampMs: lastContainedMs,
          records,
          dynamicVoters: null,
          batchBytesMax: 8 * 1024 * 1024,
        };
        const ours = encodeSnapshot(epoch, contents, latinCodec);
        const shape = (each: Buffer): unknown =>
          [...batchesIn(each)].map((batch) => [batch.baseOffset, batch.lastOffset, batch.isControl, batch.sizeInBytes]);
        expect(shape(ours)).toEqual(shape(bytes));
      }
    }
  });
});
