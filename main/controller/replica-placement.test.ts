// Properties of replica placement, over many clusters from seeds.

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../runtime/simulated/seeded-random.ts';
import { placeReplicas, type UsableBroker } from './replica-placement.ts';

function brokers(count: number, rackCount: number, fenced: readonly number[] = []): UsableBroker[] {
  return Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    rack: rackCount === 0 ? null : `rack-${index % rackCount}`,
    isFenced: fenced.includes(index + 1),
  }));
}

const seeds = Array.from({ length: 50 }, (_, seed) => seed);

describe('placement', () => {
  it.each(seeds)('seed %i: every replica once, in as many racks as there are', (seed) => {
    const random = seededRandom(seed, 'placement');
    const count = 1 + random.below(9);
    const rackCount = random.below(4);
    const factor = 1 + random.below(count);
    const cluster = brokers(count, rackCount);
    const placements = placeReplicas(cluster, 1 + random.below(40), factor, random);
    const rackOf = (id: number) => cluster.find((broker) => broker.id === id)?.rack;
    const racks = new Set(cluster.map((broker) => broker.rack)).size;
    for (const replicas of placements) {
      expect(new Set(replicas).size).toBe(factor);
      // With racks of about the same size, replicas spread over as many as they can.
      expect(new Set(replicas.map(rackOf)).size).toBe(Math.min(factor, racks));
    }
  });

  it.each(seeds)('seed %i: leaders spread evenly where racks are alike', (seed) => {
    const random = seededRandom(seed, 'leaders');
    const placements = placeReplicas(brokers(6, 3), 60, 3, random);
    const leaders = new Map<number, number>();
    for (const [leader] of placements) leaders.set(leader ?? 0, (leaders.get(leader ?? 0) ?? 0) + 1);
    for (const led of leaders.values()) expect(led).toBeGreaterThanOrEqual(5);
    expect(leaders.size).toBe(6);
  });

  it.each(seeds)('seed %i: a fenced broker is never first, and only where the alive do not suffice', (seed) => {
    const random = seededRandom(seed, 'fenced');
    const placements = placeReplicas(brokers(4, 0, [2]), 20, 3, random);
    for (const replicas of placements) expect(replicas).not.toContain(2);
    for (const replicas of placeReplicas(brokers(3, 0, [2]), 20, 3, random)) {
      expect(replicas[0]).not.toBe(2);
      expect(replicas).toContain(2);
    }
  });

  it('refuses what can not be placed, in Kafka’s words', () => {
    const random = seededRandom(1, 'refusals');
    expect(() => placeReplicas(brokers(3, 0), 1, 4, random)).toThrow(
      'The target replication factor of 4 cannot be reached because only 3 broker(s) are registered or some brokers have all their log directories cordoned.',
    );
    expect(() => placeReplicas(brokers(1, 0, [1]), 1, 1, random)).toThrow(
      'All brokers are currently fenced, or have all their log directories cordoned.',
    );
    expect(() => placeReplicas(brokers(1, 0), 1, 0, random)).toThrow(
      'Invalid replication factor 0: the replication factor must be positive.',
    );
  });
});
