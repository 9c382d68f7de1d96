// What people and programs write as text: drill files, config values, filters of messages, topics' regular
// expressions, links, and the small text files of a directory. Each reader refuses in its own words, in bounded time.

import { parseDeepLink } from '../../app/electron/deep-links.ts';
import { compileFilter, FilterError } from '../../main/cluster/messages/filter-expression.ts';
import { compileTopicRegex, InvalidRegex } from '../../main/core/topic-regex.ts';
import { DrillFileError, parseDrillFile } from '../../main/drills/drill-file.ts';
import { DamagedSnapshot, decodeProducerSnapshot, encodeProducerSnapshot } from '../../main/log/producer-snapshot.ts';
import { DamagedCheckpoint, readEpochCheckpoint, readOffsetCheckpoint } from '../../main/log/checkpoints.ts';
import { LogDirectoryError } from '../../main/log/log-error.ts';
import { readMetaProperties } from '../../main/log/meta-properties.ts';
import { configError } from '../../main/metadata/configs/config-definition.ts';
import {
  brokerConfigs,
  clientMetricsConfigs,
  groupConfigs,
  topicConfigs,
} from '../../main/metadata/configs/config-schema.ts';
import { ClusterDirectory } from '../../main/cluster/cluster-directory.ts';
import { ClusterError } from '../../main/cluster/cluster-error.ts';
import { readElectionFile } from '../../main/raft/election-state-file.ts';
import type { Disk, Random } from '../../main/runtime/runtime.ts';
import { SimulatedWorld } from '../../main/runtime/simulated/simulated-world.ts';
import { cpuMs, Finding, isBug, oneOf, type FuzzTarget } from './fuzz-target.ts';
import { mutate } from './mutate.ts';

const takesMsMax = 1000;
const spoiltPerSeed = 40;

/** Runs a reader: only errors that `isRefusal` knows may come out, and soon. */
function refuses(what: string, text: string, isRefusal: (error: unknown) => boolean, read: () => unknown): void {
  const startMs = cpuMs();
  try {
    read();
  } catch (error) {
    if (!isRefusal(error)) {
      throw new Finding(`${what}: ${String(error)} for ${JSON.stringify(text.slice(0, 300))}`, { cause: error });
    }
  }
  const tookMs = cpuMs() - startMs;
  if (tookMs > takesMsMax)
    throw new Finding(`${what}: ${Math.round(tookMs)} ms for ${JSON.stringify(text.slice(0, 300))}`);
}

/** Words put together at random, some of them many times over, then spoilt now and then. */
function sentence(random: Random, words: readonly string[], separator: string): string {
  const chosen = Array.from({ length: 1 + random.below(12) }, () => {
    const word = oneOf(random, words);
    return random.below(12) === 0 ? word.repeat(1 + random.below(3000)) : word;
  });
  const text = chosen.join(separator);
  return random.below(3) === 0 ? mutate(Buffer.from(text), random).toString('utf8') : text;
}

const drillText = `title: A leader dies
topics:
  payments: { partitions: 2, replicationFactor: 3, configs: { min.insync.replicas: 2 } }
producers:
  orders: { topic: payments, preset: durable, rate: 100, keys: 10 }
groups:
  readers: { topic: payments, members: 2 }
steps:
  - wait: { acknowledged: { by: orders, more: 100 } }
  - kill: leader of payments-0
    as: victim
  - wait: { newLeader: payments-0, within: 10s }
  - start: victim
`;
const drillWords = [
  ...drillText.split('\n'),
  'a: &a [x,x,x,x,x,x,x,x,x]',
  'b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]',
  'c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]',
  'd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]',
  '__proto__: { a: 1 }',
  '<<: *a',
  '? [1, 2]',
  '!!binary aGVsbG8=',
  '- - - -',
  '[',
  '{',
];

const drillFiles: FuzzTarget = {
  name: 'text:drill-files',
  run: (random) => {
    for (let count = 0; count < spoiltPerSeed; count++) {
      const text =
        random.below(2) === 0
          ? mutate(Buffer.from(drillText), random).toString('utf8')
          : sentence(random, drillWords, '\n');
      refuses(
        'drill file',
        text,
        (error) => error instanceof DrillFileError,
        () => parseDrillFile(text, 'x.yaml'),
      );
    }
    return spoiltPerSeed;
  },
};

const filterWords = [
  'value',
  'key',
  'headers',
  'offset',
  '.a',
  '["b"]',
  '[0]',
  '(',
  ')',
  'and',
  'or',
  'not',
  '!',
  '-',
  '+',
  '==',
  '<',
  'contains',
  'matches',
  '"(a+)+$"',
  '"(x*)*y"',
  'in',
  '[',
  ']',
  ',',
  '1',
  '"text"',
  'lower(',
  'exists(',
  'constructor',
  '__proto__',
  'length(',
  'toString',
  '%',
  '/',
  "'",
];
const filterScope = {
  key: 'a'.repeat(2000),
  value: { a: [1, { b: 'x'.repeat(5000) }], big: 'a'.repeat(20_000) },
  headers: { b: null, c: 'a'.repeat(50) + '!' },
  offset: 1,
  partition: 0,
  timestamp: 5,
  size: 10,
};

const filters: FuzzTarget = {
  name: 'text:filters',
  run: (random) => {
    for (let count = 0; count < spoiltPerSeed; count++) {
      const text = sentence(random, filterWords, ' ');
      const isRefusal = (error: unknown): boolean => error instanceof FilterError;
      refuses('filter', text, isRefusal, () => {
        const filter = compileFilter(text);
        // A record that it can't be asked of may throw what it likes: it is counted as such.
        try {
          filter(filterScope);
        } catch {
          return;
        }
      });
    }
    return spoiltPerSeed;
  },
};

const regexWords = [
  'a',
  '.',
  '*',
  '+',
  '?',
  '(',
  ')',
  '[',
  ']',
  '^',
  '$',
  '|',
  '{1000}',
  '{2,}',
  '\\d',
  '\\',
  '(?i)',
  '(?:',
  '[[:alpha:]]',
  '\\p{L}',
  'orders',
  '(a*)*',
  '(?=',
  '\\1',
];

const regexes: FuzzTarget = {
  name: 'text:topic-regexes',
  run: (random) => {
    for (let count = 0; count < spoiltPerSeed; count++) {
      const text = sentence(random, regexWords, '');
      refuses(
        'regular expression',
        text,
        (error) => error instanceof InvalidRegex,
        () => compileTopicRegex(text).matches('a'.repeat(249)),
      );
    }
    return spoiltPerSeed;
  },
};

const configWords = [
  '1',
  '-1',
  '9223372036854775807',
  '9223372036854775808',
  'true',
  'TRUE',
  ' ',
  ',',
  '0:1',
  '*',
  'compact',
  'delete',
  'ms',
  '1e5',
  '0x10',
  'NaN',
  'Infinity',
  '\u0000',
  'PLAINTEXT://:9092',
  '{"a":1}',
  '__proto__',
];

const configValues: FuzzTarget = {
  name: 'text:config-values',
  run: (random) => {
    const tables = [brokerConfigs, topicConfigs, groupConfigs, clientMetricsConfigs];
    const definitions = [...oneOf(random, tables).values()];
    for (const definition of definitions) {
      const text = sentence(random, configWords, oneOf(random, ['', ',']));
      refuses(
        definition.name,
        text,
        () => false,
        () => configError(definition, text),
      );
    }
    return definitions.length;
  },
};

const links: FuzzTarget = {
  name: 'text:deep-links',
  run: (random) => {
    const words = [
      'highwater://',
      'cluster',
      '/',
      'topics',
      '..',
      '%2e%2e',
      '%',
      '%ff',
      'orders',
      '?a=',
      '#',
      '\\',
      'javascript:',
      '@',
      ':80',
    ];
    for (let count = 0; count < spoiltPerSeed; count++) {
      const text = `${random.below(3) === 0 ? '' : 'highwater://cluster/'}${sentence(random, words, '')}`;
      refuses(
        'link',
        text,
        () => false,
        () => {
          const link = parseDeepLink(text);
          if (link !== null && !/^#\/[a-z]/.test(link.hash)) throw new Finding(`${text} leads to ${link.hash}`);
        },
      );
    }
    return spoiltPerSeed;
  },
};

type SmallFile = {
  readonly name: string;
  readonly text: string | Buffer;
  readonly read: (disk: Disk) => unknown;
  readonly isRefusal: (error: unknown) => boolean;
};

/** Says which file it is: what it takes to repair or remove it. */
const namesFile = (name: string) => (error: unknown) =>
  !isBug(error) && error instanceof Error && error.message.includes(name);

const smallFiles: readonly SmallFile[] = [
  {
    name: 'recovery-point-offset-checkpoint',
    text: '0\n2\norders 0 12\npayments 11 9007199254740991\n',
    read: (disk) => readOffsetCheckpoint(disk, '/d/recovery-point-offset-checkpoint'),
    isRefusal: (error) => error instanceof DamagedCheckpoint,
  },
  {
    name: 'leader-epoch-checkpoint',
    text: '0\n2\n0 0\n5 100\n',
    read: (disk) => readEpochCheckpoint(disk, '/d/leader-epoch-checkpoint'),
    isRefusal: (error) => error instanceof DamagedCheckpoint,
  },
  {
    name: 'meta.properties',
    text: '#\n#Thu Jan 01 00:00:00 UTC 1970\ncluster.id=abc\ndirectory.id=GOTMrur6GjUcg58XWgCh-A\nnode.id=1\nversion=1\n',
    read: (disk) => readMetaProperties(disk, '/d'),
    isRefusal: (error) => error instanceof LogDirectoryError && namesFile('meta.properties')(error),
  },
  {
    name: 'quorum-state',
    text: '{"leaderId":1,"leaderEpoch":3,"votedId":-1,"votedDirectoryId":"GOTMrur6GjUcg58XWgCh-A","data_version":1}',
    read: (disk) => readElectionFile(disk, '/d'),
    isRefusal: namesFile('quorum-state'),
  },
  {
    name: 'highwater/cluster.json',
    text: JSON.stringify({
      formatVersion: 1,
      clusterId: 'abc',
      profile: 'laptop',
      host: '127.0.0.1',
      brokers: [{ id: 1, port: 1000, controllerPort: 1100, rack: null }],
      configs: {},
    }),
    read: (disk) => {
      const topology = new ClusterDirectory('/d', disk).readTopology();
      // As `up` does with it.
      return topology?.brokers.map(({ id, port }) => ({ id, port: port + 1 })).length;
    },
    isRefusal: (error) => error instanceof ClusterError && namesFile('cluster.json')(error),
  },
  {
    name: 'highwater/running.json',
    text: JSON.stringify({ supervisorPid: 5, controlPort: 80, token: 't', uiUrl: null, brokers: [{ id: 1, pid: 7 }] }),
    read: (disk) => {
      const running = new ClusterDirectory('/d', disk).readRunning();
      return running?.brokers.map(({ pid }) => pid);
    },
    isRefusal: (error) => error instanceof ClusterError && namesFile('running.json')(error),
  },
  {
    name: '00000000000000000007.snapshot',
    text: encodeProducerSnapshot([
      {
        producerId: 5,
        producerEpoch: 1,
        coordinatorEpoch: 0,
        lastTimestamp: 7,
        currentTxnFirstOffset: -1,
        batches: [],
      },
    ]),
    read: (disk) => decodeProducerSnapshot(Buffer.from(disk.readFile('/d/00000000000000000007.snapshot'))),
    isRefusal: (error) => error instanceof DamagedSnapshot,
  },
];

const jsonWords = ['null', '{}', '[]', '"x"', '-1', '1e999', '{"__proto__":{"a":1}}', '[null]'];

function spoiltText(text: string | Buffer, random: Random): Buffer {
  const isJson = typeof text === 'string' && text.startsWith('{');
  if (!isJson || random.below(2) === 0) return mutate(Buffer.from(text), random);
  // A whole value exchanged for another kind: what bytes alone hardly make.
  const fields = [...text.matchAll(/:("[^"]*"|-?\d+|null|\[[^\]]*\]|\{\})/g)];
  const field = oneOf(random, fields);
  return Buffer.from(
    `${text.slice(0, field.index)}:${oneOf(random, jsonWords)}${text.slice(field.index + field[0].length)}`,
  );
}

const files: FuzzTarget = {
  name: 'text:small-files',
  run: (random) => {
    const { disk } = new SimulatedWorld({ seed: 1 }).runtimeFor(1);
    disk.makeDirectory('/d/highwater');
    for (const { name, text, read, isRefusal } of smallFiles) {
      for (let count = 0; count < 10; count++) {
        const bytes = count === 0 ? Buffer.from(text) : spoiltText(text, random);
        disk.writeFileAtomic(`/d/${name}`, bytes);
        refuses(
          name,
          bytes.toString('utf8'),
          (error) => count > 0 && isRefusal(error),
          () => read(disk),
        );
      }
    }
    return smallFiles.length * 10;
  },
};

export const textTargets: readonly FuzzTarget[] = [drillFiles, filters, regexes, configValues, links, files];
