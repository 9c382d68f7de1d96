// The pure parts of consumer groups: assignors, topic expressions, and the hash over topics that Kafka writes.

import { describe, expect, it } from 'vitest';
import { MetadataDelta } from '../../metadata/metadata-delta.ts';
import { emptyMetadataImage, type MetadataImage } from '../../metadata/metadata-image.ts';
import type { AssignedMember, AssignmentSpec } from './assignors/assignor.ts';
import { assignRange } from './assignors/range.ts';
import { assignUniform } from './assignors/uniform.ts';
import type { TopicPartitions } from './consumer-group-member.ts';
import { MetadataHashes } from './group-subscription.ts';
import { compileTopicRegex, InvalidRegex } from '../../core/topic-regex.ts';
import { xxh3 } from './xxh3.ts';

function member(memberId: string, topics: string, target: Record<string, number[]> = {}): AssignedMember {
  const entries = Object.entries(target).map(([topic, partitions]) => [topic, new Set(partitions)] as const);
  return { memberId, instanceId: null, subscribedTopicIds: new Set(topics), target: new Map(entries) };
}

function spec(counts: Record<string, number>, members: AssignedMember[]): AssignmentSpec {
  const [first] = members;
  const isHomogeneous = members.every(
    ({ subscribedTopicIds }) => subscribedTopicIds.size === first?.subscribedTopicIds.size,
  );
  return { members, isHomogeneous, partitionCount: (topicId) => counts[topicId] ?? 0 };
}

function shown(targets: Map<string, TopicPartitions>): Record<string, string> {
  const text = (target: TopicPartitions): string =>
    [...target]
      .map(([topic, partitions]) => topic + [...partitions].sort().join(''))
      .sort()
      .join(' ');
  return Object.fromEntries([...targets].map(([memberId, target]) => [memberId, text(target)]));
}

describe('the uniform assignor', () => {
  it('differs by one at most and keeps what it can', () => {
    const first = assignUniform(spec({ t: 5 }, [member('a', 't'), member('b', 't')]));
    expect(shown(first)).toEqual({ a: 't012', b: 't34' });
    const third = assignUniform(
      spec({ t: 5 }, [member('a', 't', { t: [0, 1, 2] }), member('b', 't', { t: [3, 4] }), member('c', 't')]),
    );
    expect(shown(third)).toEqual({ a: 't01', b: 't34', c: 't2' });
  });

  it('balances members of different subscriptions', () => {
    const members = [member('a', 't', { t: [0, 1, 2, 3] }), member('b', 'tu', { u: [0, 1] }), member('c', 'u')];
    expect(shown(assignUniform(spec({ t: 4, u: 2 }, members)))).toEqual({ a: 't012', b: 't3 u0', c: 'u1' });
  });

  it('leaves nothing out, whatever members come and go', () => {
    let targets: Map<string, TopicPartitions> = new Map();
    const counts = { t: 7, u: 3, v: 11 };
    const subscriptions = ['t', 'tu', 'tuv', 'v', 'uv'];
    for (let round = 0; round < 40; round++) {
      const members = subscriptions.flatMap((topics, index) => {
        const memberId = `m${index}`;
        if ((round * 7 + index * 3) % 5 === 0 && topics !== 'tuv') return [];
        return [{ ...member(memberId, topics), target: targets.get(memberId) ?? new Map() }];
      });
      targets = assignUniform(spec(counts, members));
      const given: string[] = [];
      for (const target of targets.values()) {
        for (const [topic, partitions] of target)
          for (const partition of partitions) given.push(`${topic}${partition}`);
      }
      expect(new Set(given).size).toBe(given.length);
      expect(given).toHaveLength(7 + 3 + 11);
    }
  });
});

describe('the range assignor', () => {
  it('gives the same partitions of like topics to the same member', () => {
    const members = [member('b', 'tu'), member('a', 'tu')];
    expect(shown(assignRange(spec({ t: 3, u: 3 }, members)))).toEqual({ a: 't01 u01', b: 't2 u2' });
    const [b, a] = members.map((each, index) => ({ ...each, instanceId: index === 0 ? '1' : '2' }));
    expect(b === undefined || a === undefined ? {} : shown(assignRange(spec({ t: 3 }, [a, b])))).toEqual({
      b: 't01',
      a: 't2',
    });
  });
});

describe('an expression over topic names', () => {
  it.each([
    ['orders', 'orders', true],
    ['orders', 'orders-2', false],
    ['orders.*', 'orders-2', true],
    ['(?i)ORDERS[-_.]\\d{1,3}', 'orders-42', true],
    ['a|b|', '', true],
    ['^logs-(?:eu|us)$', 'logs-us', true],
    ['[^_].*', '__consumer_offsets', false],
    ['[[:alpha:]_-]+?\\.v[2-4]', 'bank-in.v3', true],
    ['\\Qa.b\\E', 'axb', false],
    ['(x+x+)+y', 'x'.repeat(249), false],
    ['\\p{Lu}+', 'ABC', true],
    ['(?i:A)b', 'aB', false],
  ])('%s on %s: %s', (regex, name, matches) => {
    expect(compileTopicRegex(regex).matches(name)).toBe(matches);
  });

  it.each([
    ['a(', 'missing closing )'],
    ['a)', 'unexpected )'],
    ['[a', 'missing closing ]'],
    ['*a', 'missing argument to repetition operator'],
    ['a**', 'invalid nested repetition operator'],
    ['a{1001}', 'invalid repeat count'],
    ['(a{1000}){1000}', 'expression is too large'],
    ['(?=a)', 'invalid or unsupported Perl syntax'],
    ['(a)\\1', 'invalid escape sequence'],
    ['a\\', 'trailing backslash at end of expression'],
    ['[z-a]', 'invalid character class range'],
    ['('.repeat(300), 'expression nests too deeply'],
  ])('%s is refused', (regex, message) => {
    expect(() => compileTopicRegex(regex)).toThrow(new InvalidRegex(message));
  });
});

describe('the hash over topics', () => {
  // From `hash4j`, over bytes (31 n + 7).
  it.each([
    [0, 3244421341483603138n],
    [3, 1582743943441612892n],
    [8, 16052704444545341486n],
    [16, 9099606716676871632n],
    [128, 17954568492486910600n],
    [240, 14755823527060053763n],
    [241, 809349449570470400n],
    [1024, 2575082683865311686n],
    [2500, 16315903990202143474n],
  ])('is XXH3: %d bytes', (length, hash) => {
    expect(xxh3(Buffer.from(Array.from({ length }, (_, index) => (index * 31 + 7) & 0xff)))).toBe(hash);
  });

  it('is what Kafka wrote for its group `analytics`', () => {
    const image = imageOf([
      ['codecs', 'fZOYrdsgQeS0sd3Y312nGQ', 1],
      ['txn', '7QwNJq3lQ2O3C-58vcco2g', 2],
    ]);
    expect(new MetadataHashes().of(new Set(['txn', 'codecs', 'absent']), image)).toBe(-460071151672616962n);
  });
});

function imageOf(topics: readonly (readonly [name: string, topicId: string, partitions: number])[]): MetadataImage {
  const delta = new MetadataDelta(emptyMetadataImage);
  for (const [name, topicId, count] of topics) {
    delta.replay({ name: 'TopicRecord', version: 0, value: { name, topicId } });
    for (let partitionId = 0; partitionId < count; partitionId++) {
      const replicas = { replicas: [1, 2, 3], isr: [1], removingReplicas: [], addingReplicas: [], directories: [] };
      const leadership = { leader: 1, leaderRecoveryState: 0, leaderEpoch: 0, partitionEpoch: 0 };
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
  }
  return delta.apply({ lastContainedOffset: 0, lastContainedEpoch: 0, lastContainedLogTimeMs: 0 });
}
