// Makes a snapshot of the metadata when raft says that one is due, from the image that the loader holds.

import { imageToRecords } from '../metadata/metadata-image.ts';
import type { MetadataLoader } from '../metadata/metadata-loader.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import type { RaftListener } from '../raft/contract.ts';
import type { RaftNode } from '../raft/raft-node.ts';

/** A raft listener to be registered after the loader. */
export function metadataSnapshots(
  raft: RaftNode<MetadataRecord>,
  loader: MetadataLoader,
  log: (text: string) => void,
): RaftListener<MetadataRecord> {
  return {
    onCommit() {
      const reason = raft.snapshotDue();
      if (reason === null) return;
      const { provenance } = loader.image;
      // In the middle of a metadata transaction the image is older than what is committed: it still is a true one.
      const id = { offset: provenance.lastContainedOffset + 1, epoch: provenance.lastContainedEpoch };
      if (id.offset <= (raft.latestSnapshotId()?.offset ?? 0)) return;
      raft.createSnapshot(id, provenance.lastContainedLogTimeMs, imageToRecords(loader.image));
      log(`snapshot of the metadata up to offset ${id.offset}: ${reason}`);
    },
    onSnapshot() {},
    onLeaderChange() {},
    onShutdown() {},
  };
}
