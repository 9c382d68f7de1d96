// The metadata log and snapshots of a data directory vector, decoded.

import { readFileSync } from 'node:fs';
import { decodeMetadataRecord, type MetadataRecord } from '../../../main/protocol/metadata-record-frame.ts';
import { batchesIn } from '../../../main/records/record-batch.ts';
import { recordsOf } from '../../../main/records/record.ts';
import { readTarGz } from '../log/tar.ts';

export type DecodedRecord = { readonly frame: Buffer; readonly record: MetadataRecord };
export type DecodedBatch = {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly epoch: number;
  readonly appendTimeMs: number;
  readonly records: readonly DecodedRecord[];
};
export type DecodedSnapshot = {
  readonly offset: number;
  readonly epoch: number;
  readonly records: readonly DecodedRecord[];
};
export type DecodedMetadata = {
  readonly batches: readonly DecodedBatch[];
  readonly snapshots: readonly DecodedSnapshot[];
  readonly bootstrap: readonly DecodedRecord[];
};

export function readMetadata(archive: string): DecodedMetadata {
  const entries = readTarGz(readFileSync(archive));
  const batches: DecodedBatch[] = [];
  const snapshots: DecodedSnapshot[] = [];
  let bootstrap: readonly DecodedRecord[] = [];
  for (const { name, bytes } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const snapshot = /__cluster_metadata-0\/(\d{20})-(\d{10})\.checkpoint$/.exec(name);
    if (/__cluster_metadata-0\/\d{20}\.log$/.test(name)) batches.push(...decodeBatches(bytes));
    if (name.endsWith('/bootstrap.checkpoint')) bootstrap = decodeBatches(bytes).flatMap((batch) => batch.records);
    if (snapshot === null) continue;
    const records = decodeBatches(bytes).flatMap((batch) => batch.records);
    snapshots.push({ offset: Number(snapshot[1]), epoch: Number(snapshot[2]), records });
  }
  return { batches, snapshots, bootstrap };
}

function decodeBatches(bytes: Buffer): DecodedBatch[] {
  return [...batchesIn(bytes)].map((batch) => {
    const records: DecodedRecord[] = [];
    if (!batch.isControl) {
      for (const { value } of recordsOf(batch)) {
        if (value !== null) records.push({ frame: value, record: decodeMetadataRecord(value) });
      }
    }
    return {
      baseOffset: Number(batch.baseOffset),
      lastOffset: Number(batch.lastOffset),
      epoch: batch.partitionLeaderEpoch,
      appendTimeMs: Number(batch.maxTimestamp),
      records,
    };
  });
}
