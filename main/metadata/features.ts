// The features this software supports and the levels at which a new cluster starts: those of Apache Kafka 4.3.1.

import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { featureRecord, metadataVersionFeature } from './settings-image.ts';
import type { SupportedFeature } from './cluster-image.ts';

/** metadata.version levels, from 3.3-IV3 on; the index 0 is level 7. */
const metadataVersionNames = [
  '3.3-IV3', '3.4-IV0', '3.5-IV0', '3.5-IV1', '3.5-IV2', '3.6-IV0', '3.6-IV1', '3.6-IV2',
  '3.7-IV0', '3.7-IV1', '3.7-IV2', '3.7-IV3', '3.7-IV4', '3.8-IV0', '3.9-IV0', '4.0-IV0',
  '4.0-IV1', '4.0-IV2', '4.0-IV3', '4.1-IV0', '4.1-IV1', '4.2-IV0', '4.2-IV1', '4.3-IV0',
] as const; // prettier-ignore

export const metadataVersionMin = 7;
export const metadataVersionLatest = 30;

export const supportedFeatures: readonly SupportedFeature[] = [
  { name: metadataVersionFeature, minSupportedVersion: metadataVersionMin, maxSupportedVersion: metadataVersionLatest },
  { name: 'kraft.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
  { name: 'transaction.version', minSupportedVersion: 0, maxSupportedVersion: 2 },
  { name: 'group.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
  { name: 'eligible.leader.replicas.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
  { name: 'share.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
  { name: 'streams.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
];

export function metadataVersionName(level: number): string {
  return metadataVersionNames[level - metadataVersionMin] ?? String(level);
}

/** What `bootstrap.checkpoint` of a new cluster holds, in the order in which Kafka writes it. */
export function bootstrapRecords(): MetadataRecord[] {
  return [
    featureRecord(metadataVersionFeature, metadataVersionLatest),
    featureRecord('eligible.leader.replicas.version', 1),
    featureRecord('group.version', 1),
    featureRecord('share.version', 1),
    featureRecord('streams.version', 1),
    featureRecord('transaction.version', 2),
  ];
}
