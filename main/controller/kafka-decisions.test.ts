// What Kafka's controller wrote when brokers came and went, against what ours decides from the same image.

import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readMetadata } from '../../tests/conformance/metadata/metadata-log.ts';
import { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import { MetadataDelta } from '../metadata/metadata-delta.ts';
import { MetadataLoader } from '../metadata/metadata-loader.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { BrokerHeartbeats } from './broker-heartbeats.ts';
import { brokerHeartbeat, fenceBroker, registerBroker } from './cluster-control.ts';
import type { ControllerView } from './decision.ts';

const directory = 'tests/conformance/vectors/datadir';
const clusterId = 'any';

function viewOf(image: MetadataImage): ControllerView {
  const settings = new BrokerSettings({ 'node.id': '1', 'min.insync.replicas': '2' });
  const heartbeats = new BrokerHeartbeats(9000);
  const random = { next: () => 0, below: () => 0, bytes: (count: number) => new Uint8Array(count) };
  const nextOffset = image.provenance.lastContainedOffset + 1;
  return { image, settings, clusterId, random, heartbeats, nowMs: 0, nextOffset };
}

const heartbeat = { wantFence: false, wantShutDown: false, offlineLogDirs: [], cordonedLogDirs: null };

/** What ours decides on the event that `trigger` records; null when it records none of interest. */
function decide(image: MetadataImage, trigger: MetadataRecord): readonly MetadataRecord[] | null {
  const view = viewOf(image);
  if (trigger.name === 'RegisterBrokerRecord') {
    const { brokerId, incarnationId, endPoints, features, rack, logDirs, brokerEpoch } = trigger.value;
    const request = { brokerId, clusterId, incarnationId, features, rack, logDirs, listeners: endPoints };
    const registration = { ...request, isMigratingZkBroker: false, previousBrokerEpoch: -1 };
    return registerBroker({ ...view, nextOffset: brokerEpoch }, registration).records;
  }
  if (trigger.name !== 'BrokerRegistrationChangeRecord') return null;
  const { brokerId, brokerEpoch, fenced, inControlledShutdown } = trigger.value;
  const request = { ...heartbeat, brokerId, brokerEpoch, currentMetadataOffset: 1_000_000 };
  const broker = image.cluster.brokers.get(brokerId);
  if (broker === undefined) return null;
  if (fenced === 1) return fenceBroker(view, broker);
  if (fenced === -1) return brokerHeartbeat(view, request).records;
  if (inControlledShutdown === 1) return brokerHeartbeat(view, { ...request, wantShutDown: true }).records;
  return null;
}

const text = (records: readonly MetadataRecord[]): string[] => records.map((record) => JSON.stringify(record)).sort();

it('brokers that register, return, are fenced or shut down lead to Kafka’s records', () => {
  let sameCount = 0;
  let withManyRecords = 0;
  const differences: unknown[] = [];
  for (const file of readdirSync(directory).filter((name) => name.includes('node-1') && name.endsWith('.tar.gz'))) {
    const loader = new MetadataLoader();
    for (const batch of readMetadata(`${directory}/${file}`).batches) {
      const records = batch.records.map(({ record }) => record);
      let { image } = loader;
      // Kafka's batches hold several decisions one after another: take each off the front.
      for (let at = 0; at < records.length;) {
        const found = records.slice(at).flatMap((trigger) => {
          const ours = decide(image, trigger);
          if (ours === null || ours.length === 0) return [];
          const theirs = records.slice(at, at + ours.length);
          return [{ trigger, ours, isSame: JSON.stringify(text(theirs)) === JSON.stringify(text(ours)) }];
        });
        const same = found.find((each) => each.isSame);
        if (same !== undefined) {
          sameCount++;
          if (same.ours.length > 100) withManyRecords++;
        } else if (found.length > 0 && records[at] === found[0]?.trigger) {
          differences.push({ file, batch: batch.baseOffset, at, theirs: records.slice(at, at + 3), ours: found[0] });
        }
        const taken = same?.ours.length ?? 1;
        const provenance = {
          lastContainedOffset: batch.baseOffset + at + taken - 1,
          lastContainedEpoch: 0,
          lastContainedLogTimeMs: 0,
        };
        image = new MetadataDelta(image).replayAll(records.slice(at, at + taken)).apply(provenance);
        at += taken;
      }
      loader.onCommit({ ...batch, records });
    }
  }
  expect(differences).toEqual([]);
  // Fencings, unfencings and registrations that moved more than a hundred leaders or ISRs each.
  expect(sameCount).toBeGreaterThan(30);
  expect(withManyRecords).toBeGreaterThanOrEqual(10);
});
