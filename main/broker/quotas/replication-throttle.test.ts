// Which replicas are slowed down, and how long they wait.

import { expect, it } from 'vitest';
import { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import { MetadataDelta } from '../../metadata/metadata-delta.ts';
import { emptyMetadataImage } from '../../metadata/metadata-image.ts';
import { ConfigResourceType } from '../../metadata/settings-image.ts';
import { SimulatedWorld } from '../../runtime/simulated/simulated-world.ts';
import { SharedReplicationThrottle } from './replication-throttle.ts';

const topicId = 'AAAAAAAAAAAAAAAAAAAAZA';

it('only named replicas that are out of sync share the rate', async () => {
  const delta = new MetadataDelta(emptyMetadataImage);
  delta.replay({ name: 'TopicRecord', version: 0, value: { name: 't', topicId } });
  for (const partitionId of [0, 1]) {
    const leadership = { leader: 1, leaderRecoveryState: 0, leaderEpoch: 0, partitionEpoch: 0 };
    const replicas = { replicas: [1, 2], isr: [1], removingReplicas: [], addingReplicas: [], directories: [] };
    const value = {
      topicId,
      partitionId,
      ...replicas,
      ...leadership,
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    };
    delta.replay({ name: 'PartitionRecord', version: 2, value });
  }
  const set = (resourceType: number, resourceName: string, name: string, value: string): void =>
    delta.replay({ name: 'ConfigRecord', version: 0, value: { resourceType, resourceName, name, value } });
  set(ConfigResourceType.TOPIC, 't', 'leader.replication.throttled.replicas', '0:1,1:9');
  set(ConfigResourceType.BROKER, '1', 'leader.replication.throttled.rate', '1000');
  const image = delta.apply({ lastContainedOffset: 1, lastContainedEpoch: 0, lastContainedLogTimeMs: 0 });
  const world = new SimulatedWorld({ seed: 1 });
  const { clock } = world.runtimeFor(1);
  const settings = new BrokerSettings({ 'node.id': '1' });
  const throttle = new SharedReplicationThrottle('leader', { clock, settings, image: () => image });

  expect(throttle.isThrottled('t', 0, 2)).toBe(true);
  // In sync, not named for this broker, of another topic.
  expect(throttle.isThrottled('t', 0, 1)).toBe(false);
  expect(throttle.isThrottled('t', 1, 2)).toBe(false);
  expect(throttle.isThrottled('u', 0, 2)).toBe(false);
  throttle.record(10_000);
  expect(throttle.waitMs()).toBe(0);
  throttle.record(10_000);
  expect(throttle.waitMs()).toBe(10_000);
  await world.runFor(12_000);
  expect(throttle.waitMs()).toBe(0);
});
