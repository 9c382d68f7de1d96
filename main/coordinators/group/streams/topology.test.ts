import { describe, expect, it } from 'vitest';
import { GroupHarness } from '../../coordinators.test-kit.ts';
import { configureTopology, sameTopology, type Topology } from './topology.ts';

type Part = Partial<Topology['subtopologies'][number]>;

function topologyOf(...parts: Part[]): Topology {
  return {
    epoch: 0,
    subtopologies: parts.map((part, index) => ({
      subtopologyId: String(index),
      sourceTopics: [],
      sourceTopicRegex: [],
      stateChangelogTopics: [],
      repartitionSinkTopics: [],
      repartitionSourceTopics: [],
      copartitionGroups: [],
      ...part,
    })),
  };
}

function internal(name: string, partitions = 0) {
  return { name, partitions, replicationFactor: 0, topicConfigs: [{ key: 'cleanup.policy', value: 'compact' }] };
}

function joined(sources: readonly number[], repartition: readonly number[]) {
  return { sourceTopics: [...sources], sourceTopicRegex: [], repartitionSourceTopics: [...repartition] };
}

function configured(topology: Topology, topics: Readonly<Record<string, number>>) {
  const harness = new GroupHarness();
  harness.createTopics(topics);
  return configureTopology(topology, harness.image);
}

/** Words are counted: by way of a repartition topic, with a changelog. */
const counting = topologyOf(
  { sourceTopics: ['words'], repartitionSinkTopics: ['app-repartition'] },
  {
    repartitionSourceTopics: [internal('app-repartition')],
    stateChangelogTopics: [internal('app-changelog')],
  },
);

describe('what a topology comes to', () => {
  it('internal topics have as many partitions as what flows into them; missing ones are named', () => {
    const { subtopologies, missingTopics, problem } = configured(counting, { words: 6 });
    expect(subtopologies?.get('1')).toMatchObject({ taskCount: 6, isStateful: true });
    expect(subtopologies?.get('0')).toMatchObject({ taskCount: 6, isStateful: false });
    expect(missingTopics).toMatchObject([
      { name: 'app-repartition', partitions: 6, replicationFactor: -1 },
      { name: 'app-changelog', partitions: 6, configs: [{ name: 'cleanup.policy', value: 'compact' }] },
    ]);
    expect(problem).toEqual({
      statusCode: 3,
      statusDetail: 'Internal topics are missing: app-repartition, app-changelog',
    });
  });

  it('with all topics there it can run', () => {
    const { problem, missingTopics } = configured(counting, { words: 2, 'app-repartition': 2, 'app-changelog': 2 });
    expect(problem).toBeNull();
    expect(missingTopics).toEqual([]);
  });

  it('sources that are missing are named first', () => {
    const { problem, subtopologies } = configured(counting, {});
    expect(problem).toEqual({ statusCode: 1, statusDetail: 'Source topics words are missing.' });
    expect(subtopologies).toBeNull();
  });

  it('more than three missing topics are counted', () => {
    const sourceTopics = ['a', 'b', 'c', 'd', 'e'];
    expect(configured(topologyOf({ sourceTopics }), {}).problem?.statusDetail).toBe(
      'Source topics a, b, c and 2 additional topics are missing.',
    );
  });

  it('an existing internal topic of another size is an error', () => {
    expect(configured(counting, { words: 6, 'app-repartition': 4 }).problem).toEqual({
      statusCode: 2,
      statusDetail: 'Existing topic app-repartition has different number of partitions: expected 6, found 4',
    });
  });

  it('joined sources have equally many partitions, and what is repartitioned for a join takes their number', () => {
    const join = topologyOf({ sourceTopics: ['a', 'b'], copartitionGroups: [joined([0, 1], [])] });
    expect(configured(join, { a: 2, b: 3 }).problem).toEqual({
      statusCode: 2,
      statusDetail: 'Following topics do not have the same number of partitions: [{a=2, b=3}]',
    });
    const flexible = topologyOf(
      { sourceTopics: ['big'], repartitionSinkTopics: ['app-r'] },
      {
        sourceTopics: ['small'],
        repartitionSourceTopics: [internal('app-r')],
        copartitionGroups: [joined([0], [0])],
      },
    );
    expect(configured(flexible, { big: 8, small: 3 }).missingTopics).toMatchObject([{ name: 'app-r', partitions: 3 }]);
  });

  it('a repartition topic that nobody writes to is no topology for any cluster', () => {
    const broken = topologyOf({ repartitionSourceTopics: [internal('app-r')] });
    expect(() => configured(broken, {})).toThrow(/a repartition source topic is never used as a sink topic/);
  });

  it('the order of its parts is none of a topology', () => {
    const reversed = { ...counting, subtopologies: [...counting.subtopologies].reverse() };
    expect(sameTopology(counting, reversed)).toBe(true);
    expect(sameTopology(counting, topologyOf({ sourceTopics: ['words'] }))).toBe(false);
  });
});
