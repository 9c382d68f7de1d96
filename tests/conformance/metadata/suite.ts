// Kafka's own metadata logs: every record encodes to its bytes again; replaying the log up to a snapshot gives the
// image that the snapshot holds; and the image written as a snapshot holds the snapshot's records.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { bootstrapRecords } from '../../../main/metadata/features.ts';
import { MetadataLoader } from '../../../main/metadata/metadata-loader.ts';
import { imageToRecords, type MetadataImage } from '../../../main/metadata/metadata-image.ts';
import { encodeMetadataRecord, type MetadataRecord } from '../../../main/protocol/metadata-record-frame.ts';
import type { Report, Suite } from '../suite.ts';
import { readMetadata, type DecodedMetadata, type DecodedSnapshot } from './metadata-log.ts';

export const metadataSuite: Suite = {
  name: 'metadata logs of a live cluster',
  run(directory, report) {
    const place = join(directory, 'datadir');
    if (!existsSync(place)) return;
    for (const name of readdirSync(place)
      .filter((file) => file.endsWith('.tar.gz'))
      .sort()) {
      try {
        check(`metadata/${name}`, readMetadata(join(place, name)), report);
      } catch (error) {
        report(false, `metadata/${name}`, error instanceof Error ? error.stack : String(error));
      }
    }
  },
};

function check(name: string, metadata: DecodedMetadata, report: Report): void {
  const { batches, snapshots, bootstrap } = metadata;
  const all = [...batches, ...snapshots].flatMap((each) => each.records);
  const differing = all.find(({ frame, record }) => !encodeMetadataRecord(record).equals(frame));
  report(differing === undefined, `${name} encodes as read`, JSON.stringify(differing?.record));
  const bootstrapFrames = bootstrapRecords().map((record) => encodeMetadataRecord(record).toString('hex'));
  report(isDeepStrictEqual(bootstrapFrames, hex(bootstrap)), `${name} bootstrap`);
  const loader = new MetadataLoader();
  const waiting = [...snapshots];
  for (const batch of batches) {
    while (waiting[0] !== undefined && waiting[0].offset <= batch.baseOffset) {
      const snapshot = waiting.shift();
      if (snapshot !== undefined && snapshot.offset > 0) checkSnapshot(name, loader.image, snapshot, report);
    }
    loader.onCommit({ ...batch, records: batch.records.map(({ record }) => record) });
  }
}

function hex(records: DecodedSnapshot['records']): string[] {
  return records.map(({ frame }) => frame.toString('hex'));
}

/** A record as text, features by name: Kafka writes them in no order. */
function canonical(record: MetadataRecord): string {
  const sorts = record.name === 'RegisterBrokerRecord' || record.name === 'RegisterControllerRecord';
  if (!sorts) return JSON.stringify(record);
  const features = [...record.value.features].sort((a, b) => (a.name < b.name ? -1 : 1));
  return JSON.stringify({ ...record, value: { ...record.value, features } });
}

function canonicalImage(image: MetadataImage): string[] {
  return [...imageToRecords(image)].map(canonical).sort();
}

function checkSnapshot(name: string, image: MetadataImage, snapshot: DecodedSnapshot, report: Report): void {
  const replayed = canonicalImage(image);
  const theirs = snapshot.records.map(({ record }) => canonical(record)).sort();
  const missing = theirs.find((record) => !replayed.includes(record));
  report(isDeepStrictEqual(replayed, theirs), `${name} snapshot ${snapshot.offset} from replay`, missing);
  const families = (names: readonly string[]): string[] => names.filter((each, index) => names[index - 1] !== each);
  const kafkaOrder = families(snapshot.records.map(({ record }) => record.name));
  const ownOrder = families([...imageToRecords(image)].map((record) => record.name));
  report(isDeepStrictEqual(ownOrder, kafkaOrder), `${name} snapshot ${snapshot.offset} order of families`);
  const loader = new MetadataLoader();
  loader.onSnapshot({
    snapshotId: snapshot,
    lastContainedLogTimestampMs: 0,
    batches: () => [snapshot.records.map(({ record }) => record)],
  });
  report(isDeepStrictEqual(canonicalImage(loader.image), theirs), `${name} snapshot ${snapshot.offset} read back`);
}
