// Kafka Streams counts words with exactly_once_v2 (clients/java/WordCount.java) and is killed half-way: no word may be
// lost or counted twice. By both group protocols.

import { join } from 'node:path';
import { until } from '../../../benchmarks/clusters/cluster.ts';
import { Jvm, runJava } from '../jvm.ts';
import { expectEqual, expectThat, observing, type Around, type Case } from '../program.ts';

const linesBefore = 4000;
const linesAfter = 2000;
const wordCount = (linesBefore + linesAfter) * 5;
const patienceMs = 180_000;

export function streamsCases(classPath: string, around: Around): readonly Case[] {
  return (['classic', 'streams'] as const).map((protocol) => ({
    name: `Streams: exactly_once_v2, killed half-way, protocol ${protocol}`,
    run: () => countKilled(classPath, around, protocol),
  }));
}

async function countKilled(classPath: string, around: Around, protocol: 'classic' | 'streams'): Promise<string> {
  const [input, output, application] = [`lines-${protocol}`, `counts-${protocol}`, `word-count-${protocol}`];
  await observing(around, async (observer) => {
    await observer.createTopic(input, 4);
    await observer.createTopic(output, 4);
  });
  const feed = (first: number, count: number): Promise<unknown> =>
    wordCounter(classPath, ['feed', around.bootstrap, input, String(first), String(count)]);
  const directory = join(around.directory, application);
  const args = ['count', around.bootstrap, application, input, output, directory, protocol];
  const written = (): Promise<number> =>
    observing(around, async (observer) => {
      const ends = await observer.endOffsets(output);
      return [...ends.values()].reduce((sum, end) => sum + end, 0);
    });
  await feed(0, linesBefore);
  const killed = new Jvm(classPath, 'WordCount', args);
  await until('a tenth of the words to be counted', patienceMs, async () => {
    if (killed.hasEnded) throw new Error(`ended by itself: ${killed.out}`);
    return (await written()) > wordCount / 10 ? true : null;
  });
  await killed.end('SIGKILL');
  const before = await counts(classPath, around, output);
  expectThat(before.length < linesBefore * 5, 'to be killed half-way', `${before.length} words were counted already`);
  const again = new Jvm(classPath, 'WordCount', args);
  await feed(linesBefore, linesAfter);
  await until('all words to be counted', patienceMs, async () => {
    if (again.hasEnded) throw new Error(`ended by itself: ${again.out}`);
    return (await written()) >= wordCount && (await counts(classPath, around, output)).length >= wordCount
      ? true
      : null;
  });
  again.closeInput();
  const { code, out } = await again.ended();
  expectThat(code === 0 && out.includes('closed'), 'to close', out);
  checkCounts(await counts(classPath, around, output));
  return `${wordCount} words counted once each`;
}

async function counts(classPath: string, { bootstrap }: Around, output: string): Promise<string[]> {
  const out = await wordCounter(classPath, ['read', bootstrap, output]);
  return out.split('\n').filter(Boolean);
}

async function wordCounter(classPath: string, args: readonly string[]): Promise<string> {
  const { code, out } = await runJava(classPath, 'WordCount', args);
  expectThat(code === 0, `${args[0]} to end with 0`, out);
  return out;
}

/** Each word's counts are 1, 2, 3 … without a gap or a repetition, to the number of times that it was fed. */
function checkCounts(lines: readonly string[]): void {
  const truth = new Map<string, number>();
  for (let n = 0; n < linesBefore + linesAfter; n++)
    for (const word of ['every', ...[1, 2, 3, 4].map((at) => `w${(n * 7 + at * 13) % 50}`)])
      truth.set(word, (truth.get(word) ?? 0) + 1);
  const found = new Map<string, number>();
  for (const line of lines) {
    const [word = '', count = ''] = line.split(' ');
    const last = found.get(word) ?? 0;
    expectThat(Number(count) === last + 1, `${word} ${last + 1} after ${last}`, line);
    found.set(word, last + 1);
  }
  const text = (all: ReadonlyMap<string, number>): string =>
    [...all]
      .map(([word, count]) => `${word} ${count}`)
      .sort()
      .join('\n');
  expectEqual(text(found), text(truth), 'the counts');
}
