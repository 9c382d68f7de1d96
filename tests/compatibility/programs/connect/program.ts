// Kafka Connect, standalone, as connect-standalone runs it: a file's lines become records, the records another file's
// lines; stopped and started again it goes on where it was, without a line lost or repeated.

import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, until } from '../../../benchmarks/clusters/cluster.ts';
import { pinned, type Setting } from '../../clients.ts';
import { Jvm, kafkaJars, needJava } from '../jvm.ts';
import { expectEqual, expectThat, observing, type Around, type Case, type Program } from '../program.ts';

const linesEach = 500;
const patienceMs = 120_000;

export const connect: Program = {
  name: 'connect',
  prepare: async (setting: Setting) => {
    await needJava();
    const jars = await kafkaJars(setting);
    return { version: pinned.java, cases: (around) => [fileToFile(`${jars}/*`, around)] };
  },
};

function fileToFile(classPath: string, around: Around): Case {
  return {
    name: 'file source, file sink, stopped and started again',
    run: async () => {
      const directory = join(around.directory, 'connect');
      mkdirSync(directory);
      const [from, to] = [join(directory, 'from.txt'), join(directory, 'to.txt')];
      const restPort = (await freePorts(1))[0] ?? 0;
      const files = propertyFiles(directory, { bootstrap: around.bootstrap, from, to, restPort });
      await observing(around, (observer) => observer.createTopic('lines', 1));

      writeFileSync(from, lines(0));
      const first = new Jvm(classPath, 'org.apache.kafka.connect.cli.ConnectStandalone', files);
      await untilFileHas(to, linesEach, first);
      await first.end('SIGTERM');
      appendFileSync(from, lines(linesEach));
      const second = new Jvm(classPath, 'org.apache.kafka.connect.cli.ConnectStandalone', files);
      await untilFileHas(to, 2 * linesEach, second);
      await second.end('SIGTERM');
      expectEqual(readFileSync(to, 'utf8'), readFileSync(from, 'utf8'), 'the same lines in both files');
      const end = await observing(around, async (observer) => (await observer.endOffsets('lines')).get(0));
      expectThat(end === 2 * linesEach, `${2 * linesEach} records`, String(end));
      return `${end} lines through the topic, in order`;
    },
  };
}

function propertyFiles(
  directory: string,
  { bootstrap, from, to, restPort }: { bootstrap: string; from: string; to: string; restPort: number },
): string[] {
  const converter = 'org.apache.kafka.connect.storage.StringConverter';
  const file = (name: string, properties: Readonly<Record<string, string>>): string => {
    const path = join(directory, `${name}.properties`);
    const text = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(path, text.join(''));
    return path;
  };
  return [
    file('worker', {
      'bootstrap.servers': bootstrap,
      'key.converter': converter,
      'value.converter': converter,
      'offset.storage.file.filename': join(directory, 'offsets'),
      'offset.flush.interval.ms': '500',
      'plugin.discovery': 'only_scan',
      listeners: `http://127.0.0.1:${restPort}`,
    }),
    file('source', {
      name: 'source',
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
      file: from,
      topic: 'lines',
    }),
    file('sink', {
      name: 'sink',
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
      file: to,
      topics: 'lines',
    }),
  ];
}

const lines = (first: number): string =>
  Array.from({ length: linesEach }, (_, index) => `line ${first + index}: what stands here goes through\n`).join('');

async function untilFileHas(path: string, count: number, worker: Jvm): Promise<void> {
  await until(`${count} lines: ${worker.out}`, patienceMs, () => {
    if (worker.hasEnded) throw new Error(`Connect ended: ${worker.out.slice(-3000)}`);
    const found = existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
    return Promise.resolve(found >= count ? true : null);
  });
}
