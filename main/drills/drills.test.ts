import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toJsonSchema } from '@valibot/to-json-schema';
import { describe, expect, test } from 'vitest';
import type { ClusterView } from '../api/views.ts';
import type { JournalEntry, JournalEvent } from '../core/journal.ts';
import { seededRandom } from '../runtime/simulated/seeded-random.ts';
import { keySource } from './clients/keys.ts';
import { DrillFileError, drillSchema, parseDrillFile } from './drill-file.ts';
import { electionsOf, isrFacts } from './elections.ts';
import { planDrill } from './plan-drill.ts';
import { parseRole, resolveRole, type RoleContext } from './roles.ts';
import { writeGaps } from './verdict.ts';
import type { Sending } from './clients/paced-producer.ts';

const catalog = fileURLToPath(new URL('./catalog/', import.meta.url));

describe('the library', () => {
  const files = readdirSync(catalog);

  test('has at least sixteen drills, each planned without a problem under its own name', () => {
    expect(files.length).toBeGreaterThanOrEqual(16);
    for (const file of files) {
      const plan = planDrill(readFileSync(`${catalog}${file}`, 'utf8'), file);
      expect(`${plan.name}.yaml`).toBe(file);
      expect(plan.expectations.length).toBeGreaterThan(0);
      expect(plan.questions.length).toBeGreaterThan(0);
    }
  });

  test('the published schema is the one that files are checked against', () => {
    const path = fileURLToPath(new URL('../../docs/drill.schema.json', import.meta.url));
    const current = toJsonSchema(drillSchema, { typeMode: 'input', errorMode: 'ignore' });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(JSON.parse(JSON.stringify(current)));
  });
});

describe('a drill file', () => {
  const file = (steps: string, more = '') => `name: mine
title: Mine
teaches: Something.
story: Something happens.
topics: { payments: { partitions: 2 } }
producers: { checkout: { topic: payments${more} } }
steps:
${steps}
`;
  const problemsOf = (text: string): string => {
    try {
      planDrill(text, 'mine.yaml');
      return '';
    } catch (error) {
      if (!(error instanceof DrillFileError)) throw error;
      return error.problems.join('\n');
    }
  };

  test.each([
    ['  - kil: leader of payments-0', 'line 8', 'kil'],
    ['  - kill: leader of payment-0', 'line 8', 'there is no topic "payment" (there are payments)'],
    ['  - kill: victim', 'line 8', 'no step before it has `as`'],
    ['  - kill: The Leader', 'line 8', 'is no role'],
    ['  - hold: 1s\n  - hold: soon', 'line 9', 'a duration is like 250ms'],
    ['  - hold: 1s\n    kill: broker 1', 'line 8', 'write two steps'],
    ['  - wait: { newLeader: payments-7 }', 'line 8', 'payments has 2 partitions'],
    ['  - wait: { acknowledged: { by: nobody, more: 1 } }', 'line 8', 'there is no producer "nobody"'],
    ['  - hold: 1s\nexpect: { luck: 1 }', 'line 9', 'there is no measure "luck"'],
    ['  - hold: [', 'line', 'flow'],
  ])('%j is refused with its line and what is wrong', (steps, line, named) => {
    const problems = problemsOf(file(steps));
    expect(problems).toContain(line);
    expect(problems.toLowerCase()).toContain(named.toLowerCase());
  });

  test('settings have Kafka’s names, presets are checked, and idempotence needs acks=all', () => {
    const hold = '  - hold: 1s';
    const [producer] = planDrill(file(hold, ', settings: { linger.ms: 20, retries: 3 }'), 'mine').producers;
    expect(producer?.settings).toMatchObject({ lingerMs: 20, retries: 3, acks: 'all', requestTimeoutMs: 1500 });
    expect(problemsOf(file(hold, ', preset: fast'))).toContain('there is no preset "fast"');
    expect(problemsOf(file(hold, ', settings: { acks: 1 }'))).toContain('needs acks: all');
  });
});

test('roles mean brokers by what they are just now, and the seed chooses among equals', () => {
  const broker = (id: number) => ({ id, process: 'running' });
  const replicas = [1, 2, 3].map((brokerId) => ({ brokerId }));
  const view = {
    brokers: [broker(1), broker(2), broker(3)],
    quorum: { leaderId: 3 },
    partitions: [{ topic: 'drill-orders', partition: 0, leader: 2, replicas, inSyncReplicas: [2, 3] }],
    groups: [{ groupId: 'drill-billing', coordinator: 1 }],
  } as unknown as ClusterView;
  const context: RoleContext = {
    view,
    remembered: new Map([['victim', 1]]),
    random: seededRandom(1),
    topicName: (name) => `drill-${name}`,
    groupName: (name) => `drill-${name}`,
  };
  const meaning = (text: string) => {
    const role = parseRole(text);
    return typeof role === 'string' ? role : resolveRole(role, context);
  };
  expect(meaning('leader of orders-0')).toBe(2);
  expect(meaning('the active controller')).toBe(3);
  expect(meaning('follower in ISR of orders-0')).toBe(3);
  expect(meaning('plain follower of orders-0')).toBe(1);
  expect(meaning('other follower of orders-0')).toBe(3);
  expect(meaning('coordinator of billing')).toBe(1);
  expect(meaning('victim')).toBe(1);
  expect(meaning('broker 9')).toBe('there is no broker 9');
  expect(meaning('leader of orders-5')).toBe('orders-5 is not known yet');
});

test('hot keys get their share, and a composite key spreads them', () => {
  const hot = [{ key: 'shoes', share: 0.5 }];
  const count = (next: () => Buffer | null, wanted: (key: string) => boolean) =>
    Array.from({ length: 2000 }, () => next()?.toString() ?? '').filter(wanted).length / 2000;
  const skewed = keySource({ count: 100, hot }, seededRandom(5));
  expect(count(skewed, (key) => key === 'shoes')).toBeCloseTo(0.5, 1);
  const spread = keySource({ count: 100, hot, suffixes: 10 }, seededRandom(5));
  expect(count(spread, (key) => key === 'shoes|3')).toBeCloseTo(0.05, 1);
});

const sending = (sentMs: number, endMs: number, outcome: Sending['outcome'] = 'acknowledged'): Sending => {
  return { number: 0, partition: 0, sentMs, endMs, outcome, offset: 0, error: null };
};

test('unavailability is the union of waits that were too long, and failures count however short', () => {
  const sendings = [
    sending(1000, 1010),
    sending(1100, 1900),
    sending(1200, 1950),
    sending(2000, 2010),
    sending(3000, 3005, 'failed'),
  ];
  const gaps = writeGaps('checkout', 'payments', sendings, 1000);
  expect(gaps.map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
    [100, 950],
    [2000, 2005],
  ]);
});

test('an election’s time is split at what the journal and the clients say', () => {
  const at = (monotonicMs: number, source: JournalEvent['source'], entry: JournalEntry): JournalEvent => {
    return { id: `${source}:${monotonicMs}`, source, sequence: 1, wallMs: 0, monotonicMs, cause: null, entry };
  };
  const place = { topic: 'payments', partition: 0, leaderEpoch: 4 };
  const events = [
    at(1000, 'supervisor', { kind: 'process.killed', brokerId: 1, pid: 1 }),
    at(1900, 'broker-3', { kind: 'broker.fenced', brokerId: 1, reason: 'session timeout' }),
    at(1905, 'broker-3', {
      ...{ kind: 'partition.leaderElected', ...place, leader: 2, previousLeader: 1 },
      ...{ inSyncReplicas: [2, 3], unclean: false },
    }),
    at(1925, 'broker-2', { kind: 'replica.leading', ...place, logEndOffset: 10 }),
    at(4000, 'broker-3', { kind: 'partition.isrExpanded', ...place, changed: [1], inSyncReplicas: [1, 2, 3] }),
  ];
  const input = {
    originMs: 0,
    events,
    steps: [],
    topics: new Set(['payments']),
    acknowledgements: [
      { partition: 'payments-0', atMs: 990 },
      { partition: 'payments-0', atMs: 2125 },
    ],
  };
  expect(electionsOf(input)).toMatchObject([
    { of: 'payments-0', epoch: 4, detectionMs: 900, metadataMs: 20, discoveryMs: 200, totalMs: 1125, faultAtMs: 1000 },
  ]);
  expect(isrFacts(input, new Map([['payments', 3]]))).toEqual({ shrinks: 1, recoveryMs: 2095, offlineMs: 0 });
});

describe('a hostile drill file', () => {
  test.each([
    ['an alias without an anchor', 'steps: *nowhere', 'nowhere'],
    [
      'aliases of aliases',
      `a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: [${'*c,'.repeat(200)}]`,
      'alias',
    ],
    ['nesting without end', '['.repeat(20_000) + ']'.repeat(20_000), 'nested too deep'],
    ['nesting without an end', '['.repeat(20_000), '… and '],
    ['a very long text', 'a'.repeat(100_000), '65536 are allowed'],
  ])('%s is refused in words', (_, text, words) => {
    expect(() => parseDrillFile(text, 'mine.yaml')).toThrow(DrillFileError);
    expect(() => parseDrillFile(text, 'mine.yaml')).toThrow(words);
  });
});
