// A node whose metadata files were spoilt refuses to start and says which file, or starts with all that was committed.

import { expect, test } from 'vitest';
import type { Disk } from '../runtime/runtime.ts';
import { RaftGroup } from './raft-group.test-kit.ts';

const directory = '/data/__cluster_metadata-0';

/** The files of a node that wrote `records`, made a snapshot of the first two, and was killed. */
async function written(config: { readonly retentionBytes?: number } = {}): Promise<Map<string, Buffer>> {
  const group = new RaftGroup({ seed: 1, voterCount: 1, config: { segmentBytes: 300, ...config } });
  group.startAll();
  for (const record of ['one', 'two']) await group.appendAndCommit(record.repeat(30));
  const { node, witness } = group.member(1);
  node.createSnapshot({ offset: witness.nextOffset, epoch: witness.lastEpoch }, 1, witness.snapshotRecords());
  for (const record of ['three', 'four', 'five']) await group.appendAndCommit(record.repeat(30));
  if (config.retentionBytes !== undefined) {
    node.createSnapshot({ offset: witness.nextOffset, epoch: witness.lastEpoch }, 1, witness.snapshotRecords());
  }
  group.kill(1);
  const { disk } = group.world.runtimeFor(1);
  return new Map(disk.list(directory).map((name) => [name, Buffer.from(disk.readFile(`${directory}/${name}`))]));
}

function startOn(files: ReadonlyMap<string, Buffer>): RaftGroup {
  const prepareDisk = (disk: Disk): void => {
    disk.makeDirectory(directory);
    for (const [name, bytes] of files) disk.writeFileAtomic(`${directory}/${name}`, bytes);
  };
  const group = new RaftGroup({ seed: 2, voterCount: 1, isContinued: true, prepareDisk });
  group.startAll();
  return group;
}

function snapshotOf(files: ReadonlyMap<string, Buffer>): [string, Buffer] {
  const found = [...files].find(([name]) => name.endsWith('.checkpoint') && /^\d{20}-/.test(name));
  if (found === undefined) throw new Error('there is no snapshot');
  return found;
}

test('the files as they were start a node that knows all', async () => {
  const group = startOn(await written());
  const { witness } = await group.waitForLeader();
  expect([...witness.records.values()]).toEqual(['one', 'two', 'three', 'four', 'five'].map((each) => each.repeat(30)));
});

test('a snapshot that lost its end, between two batches, is refused by name', async () => {
  const files = await written();
  const [name, bytes] = snapshotOf(files);
  // The footer is the last batch: header of 61 bytes, one record.
  for (let length = bytes.length - 1; length >= bytes.length - 100; length--) {
    expect(() => startOn(new Map(files).set(name, bytes.subarray(0, length)))).toThrow(
      new RegExp(`the metadata snapshot .*/${name} is damaged: .*delete`),
    );
  }
});

test('a snapshot with a flipped bit is refused by name, wherever it flipped', async () => {
  const files = await written();
  const [name, bytes] = snapshotOf(files);
  for (let at = 17; at < bytes.length; at += 7) {
    const spoilt = Buffer.from(bytes);
    spoilt[at] = (spoilt[at] ?? 0) ^ 1;
    let error: unknown = null;
    try {
      const group = startOn(new Map(files).set(name, spoilt));
      const { witness } = await group.waitForLeader();
      // Offsets and epochs of batches have no checksum in Kafka's form, and nothing is read from a snapshot's.
      expect([...witness.records.values()].slice(0, 2)).toEqual(['one'.repeat(30), 'two'.repeat(30)]);
    } catch (caught) {
      error = caught;
    }
    if (error !== null) expect(String(error)).toMatch(new RegExp(`${name} is damaged`));
  }
});

test('a log that was trimmed, without the snapshot before it, is refused', async () => {
  const files = await written({ retentionBytes: 100 });
  const [name] = snapshotOf(files);
  const left = new Map(files);
  left.delete(name);
  expect(() => startOn(left)).toThrow(/the metadata log begins at offset \d+ and there is no snapshot/);
});

test('a segment that is missing in the midst ends the log there: nothing is passed over', async () => {
  const files = await written();
  const segments = [...files.keys()].filter((name) => name.endsWith('.log')).sort();
  expect(segments.length).toBeGreaterThan(3);
  const left = new Map(files);
  left.delete(segments.at(-2) ?? '');
  const group = startOn(left);
  const { witness } = await group.waitForLeader();
  const known = [...witness.records.values()];
  expect(known.length).toBeLessThan(5);
  expect(known).toEqual(['one', 'two', 'three', 'four', 'five'].slice(0, known.length).map((each) => each.repeat(30)));
});

test('a topic id that is not the metadata’s is refused by name', async () => {
  const files = await written();
  files.set('partition.metadata', Buffer.from('version: 0\ntopic_id: GOTMrur6GjUcg58XWgCh-A'));
  expect(() => startOn(files)).toThrow(/partition\.metadata names topic id GOTMrur6GjUcg58XWgCh-A/);
});
