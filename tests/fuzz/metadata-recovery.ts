// Recovery of a node's metadata: its log, its snapshots and its vote are spoilt, then the node starts again. What it hands
// to its listeners is what was committed, from the beginning without a gap; or the node refuses and names the file.

import { LogDirectoryError, LogError } from '../../main/log/log-error.ts';
import { RaftGroup, type Member } from '../../main/raft/raft-group.test-kit.ts';
import { RecordsError } from '../../main/records/errors.ts';
import type { Disk, Random } from '../../main/runtime/runtime.ts';
import { Finding, isBug, oneOf, type FuzzTarget } from './fuzz-target.ts';
import { damage, filesUnder, replace, type Damage } from './log-recovery.ts';

const root = '/data';
const nodeId = 1;
const waitMs = 20_000;

/** By offset: what was committed. */
type Committed = ReadonlyMap<number, string>;
type Made = { readonly files: ReadonlyMap<string, Buffer>; readonly committed: Committed };

function snapshot({ node, witness }: Member): void {
  node.createSnapshot({ offset: witness.nextOffset, epoch: witness.lastEpoch }, 1, witness.snapshotRecords());
}

/** A node that leads itself writes records, makes snapshots and restarts; its files in the end. */
async function make(random: Random, config: Readonly<Record<string, number>>): Promise<Made> {
  const group = new RaftGroup({ seed: random.below(1e9), voterCount: 1, config });
  group.startAll();
  for (let step = 5 + random.below(30); step > 0; step--) {
    const leader = await group.waitForLeader();
    const records = Array.from(
      { length: 1 + random.below(4) },
      () => `r${random.below(1e9)}${'x'.repeat(random.below(60))}`,
    );
    const last = group.append(leader, ...records);
    await group.world.runUntil(() => leader.witness.nextOffset > last, waitMs);
    if (random.below(6) === 0) snapshot(leader);
    if (random.below(10) === 0) {
      group.kill(nodeId);
      group.start(nodeId);
    }
  }
  const { witness, node } = await group.waitForLeader();
  await group.world.runUntil(() => witness.nextOffset === node.logEndOffset, waitMs);
  const committed = new Map(witness.records);
  if (random.below(2) === 0) await node.shutdown(0);
  group.kill(nodeId);
  const { disk } = group.world.runtimeFor(nodeId);
  return { files: new Map(filesUnder(disk, root).map((path) => [path, Buffer.from(disk.readFile(path))])), committed };
}

function put(disk: Disk, files: Made['files']): void {
  disk.makeDirectory(`${root}/__cluster_metadata-0`);
  for (const [path, bytes] of files) replace(disk, path, bytes);
}

function refusal(error: unknown): void {
  const isTyped = error instanceof LogDirectoryError || error instanceof LogError || error instanceof RecordsError;
  const isOwn = isTyped || (error instanceof Error && !isBug(error));
  if (isOwn && error.message.includes(root)) return;
  throw error;
}

async function runOnce(random: Random): Promise<number> {
  const config = {
    segmentBytes: oneOf(random, [600, 1500, 8000]),
    retentionBytes: oneOf(random, [400, 2000, -1]),
  };
  const { files, committed } = await make(random, config);
  let spoilt: Damage | null = null;
  const errors: unknown[] = [];
  const group = new RaftGroup({
    ...{ seed: random.below(1e9), voterCount: 1, config, isContinued: true },
    prepareDisk: (disk) => {
      put(disk, files);
      spoilt = damage(disk, root, random);
    },
    onFailure: (_, error) => errors.push(error),
  });
  try {
    await startAndExamine(group, committed, errors);
  } catch (error) {
    const { path, how } = spoilt ?? { path: '', how: '' };
    if (error instanceof Error) error.message += ` [${path} ${how}]`;
    throw error;
  }
  return 1;
}

async function startAndExamine(group: RaftGroup, committed: Committed, errors: readonly unknown[]): Promise<void> {
  try {
    group.startAll();
  } catch (error) {
    return refusal(error);
  }
  const { node, witness } = group.member(nodeId);
  const isReady = (): boolean => node.isLeader && witness.leader?.leaderId === nodeId;
  await group.world.runUntil(() => errors.length > 0 || isReady(), waitMs);
  const [error] = errors;
  if (error !== undefined) return refusal(error);
  const end = witness.nextOffset;
  for (const [offset, record] of witness.records) {
    if (committed.get(offset) === record) continue;
    throw new Finding(`offset ${offset} is served as ${record}, was ${committed.get(offset) ?? 'nothing'}`);
  }
  // The last offset is the leader-change record of this start.
  for (const [offset, record] of committed) {
    if (offset < end - 1 && !witness.records.has(offset)) {
      throw new Finding(`${record} at offset ${offset} is missing below ${end}`);
    }
  }
  const last = group.append(group.member(nodeId), 'after');
  await group.world.runUntil(() => errors.length > 0 || witness.nextOffset > last, waitMs);
  if (errors.length > 0) throw errors[0];
  if (witness.records.get(last) !== 'after') throw new Finding(`what was appended at ${last} is not there`);
}

export const metadataRecovery: FuzzTarget = { name: 'recovery:metadata', run: runOnce };
