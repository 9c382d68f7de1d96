// A compacted topic with a million updates of ten thousand keys: a reader finds the right last values before the
// cleaning, while the broker whose cleaner was at work is dead, when it is back, and after the cleaning; and Kafka's
// kafka-dump-log reads the segments that the cleaner left.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../../benchmarks/clusters/cluster.ts';
import { pinned, type Setting } from '../../clients.ts';
import { compile, kafkaJars, needJava, runJava } from '../jvm.ts';
import { only } from '../normal.ts';
import { expectEqual, expectMatch, expectThat, type Around, type Case, type Program } from '../program.ts';
import { Tools } from '../tools/kafka-tools.ts';

const topic = 'updates';
const keyCount = 10_000;
const updateCount = 1_000_000;
const patienceMs = 180_000;
const broker = 1;

export const compaction: Program = {
  name: 'compaction',
  prepare: async (setting: Setting) => {
    await needJava();
    const jars = await kafkaJars(setting);
    const classPath = await compile(['Updates'], jars, setting);
    return {
      version: pinned.java,
      cases: (around) => [crashOfTheCleaner(classPath, around, new Tools(`${jars}/*`, around))],
    };
  },
};

function crashOfTheCleaner(classPath: string, around: Around, tools: Tools): Case {
  return {
    name: 'a million updates of 10,000 keys, the broker killed while its cleaner works',
    run: async () => {
      const { cluster } = around;
      const updates = async (verb: 'write' | 'read'): Promise<string> => {
        const args = [verb, around.bootstrap, topic, String(keyCount), String(updateCount)];
        const { code, out } = await runJava(classPath, 'Updates', args, { timeoutMs: 300_000 });
        expectThat(code === 0, `${verb} to end with 0`, out);
        return out.trim();
      };
      const right = new RegExp(`^\\d+ records, ${keyCount} keys, 0 wrong$`);
      const configs = ['segment.bytes=2097152', 'min.cleanable.dirty.ratio=0.01', 'delete.retention.ms=0'];
      const options = configs.flatMap((each) => ['--config', each]);
      await tools.ok('topics', ['--create', '--topic', topic, '--replica-assignment', '1:2:3', ...options]);
      expectEqual(await updates('write'), '0 failed', 'the producer');
      expectEqual(await updates('read'), `${updateCount} records, ${keyCount} keys, 0 wrong`, 'before');

      const directory = await directoryOf(tools);
      // So slow that it can be met at work.
      await throttleCleaner(tools, '2000000');
      await tools.ok(
        'configs',
        `--alter --entity-type topics --entity-name ${topic} --add-config cleanup.policy=compact`,
      );
      await until('the cleaner at work', patienceMs, () => Promise.resolve(isCleaning(directory) ? true : null), 1);
      await cluster.kill(broker);
      const left = readdirSync(directory).filter((file) => file.endsWith('.cleaned'));
      expectThat(left.length > 0, 'to be killed while it cleans', readdirSync(directory).join(' '));
      expectMatch(await updates('read'), right);

      await throttleCleaner(tools, '1.7976931348623157E308');
      await cluster.start(broker);
      await until('the broker to be in sync again', patienceMs, async () =>
        (await tools.ok('topics', `--describe --topic ${topic} --under-replicated-partitions`)) === '' ? true : null,
      );
      await tools.any('leader-election', `--election-type preferred --topic ${topic} --partition 0`);
      expectMatch(await updates('read'), right);

      await until('every replica to be cleaned', patienceMs, async () =>
        (await sizes(tools)).every((bytes) => bytes < 4_000_000) ? true : null,
      );
      expectMatch(await updates('read'), right);
      await dumpIsRight(tools, directory);
      return 'right last values before, during and after';
    },
  };
}

async function throttleCleaner(tools: Tools, bytesPerSecond: string): Promise<void> {
  const config = `log.cleaner.io.max.bytes.per.second=${bytesPerSecond}`;
  await tools.ok('configs', `--alter --entity-type brokers --entity-default --add-config ${config}`);
}

const isCleaning = (directory: string): boolean => readdirSync(directory).some((file) => file.endsWith('.cleaned'));

type LogDirs = {
  readonly brokers: readonly {
    readonly broker: number;
    readonly logDirs: readonly { readonly logDir: string; readonly partitions: readonly { readonly size: number }[] }[];
  }[];
};

async function logDirs(tools: Tools): Promise<LogDirs> {
  const args = ['--bootstrap-server', tools.around.bootstrap, '--describe', '--topic-list', topic];
  const { out } = await tools.bare('log-dirs', args);
  return JSON.parse(only(out, /^\{/)) as LogDirs;
}

async function directoryOf(tools: Tools): Promise<string> {
  const { brokers } = await logDirs(tools);
  const logDir = brokers.find((each) => each.broker === broker)?.logDirs[0]?.logDir;
  if (logDir === undefined) throw new Error(`broker ${broker} names no directory`);
  return join(logDir, `${topic}-0`);
}

async function sizes(tools: Tools): Promise<number[]> {
  const { brokers } = await logDirs(tools);
  return brokers.flatMap((each) => each.logDirs.flatMap(({ partitions }) => partitions.map(({ size }) => size)));
}

/** The last value of each key, as Kafka's tool reads the segment files; and indexes that lead to what they say. */
async function dumpIsRight(tools: Tools, directory: string): Promise<void> {
  const files = readdirSync(directory).sort();
  const paths = (suffix: string): string =>
    files
      .filter((file) => file.endsWith(suffix))
      .map((file) => join(directory, file))
      .join(',');
  const dumped = await tools.bare('dump-log', ['--print-data-log', '--files', paths('.log')]);
  expectThat(dumped.code === 0, 'kafka-dump-log to end with 0', dumped.out.slice(-2000));
  const last = new Map<string, string>();
  for (const [, key = '', payload = ''] of dumped.out.matchAll(/ key: (\S+) payload: (\S+)/g)) last.set(key, payload);
  const wrong = [...last].filter(([key, value]) => Number(value) !== updateCount - keyCount + Number(key.slice(1)));
  expectThat(
    last.size === keyCount && wrong.length === 0,
    'the last value of each key',
    `${last.size} keys, wrong: ${wrong.join(' ')}`,
  );
  const checked = await tools.bare('dump-log', ['--index-sanity-check', '--files', paths('.index')]);
  expectThat(checked.code === 0 && !/mismatch|Found/i.test(checked.out), 'sound indexes', checked.out.slice(-2000));
}
