// Java programs: Apache Kafka's jars from Maven, a source of ours compiled against them, a JVM run to its end or left
// running while others work.

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot, until } from '../../benchmarks/clusters/cluster.ts';
import { NotHere, need, pinned, run, type Setting } from '../clients.ts';

const quiet = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-Dlog4j2.level=ERROR'];
/** The least work for a virtual machine that lives for seconds. */
const shortLived = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

/** A directory with the jars of the server, of every tool, of Streams and of Connect with its file connectors. */
export async function kafkaJars({ cache, kafkaLibs }: Setting): Promise<string> {
  if (kafkaLibs !== null) return kafkaLibs;
  const directory = join(cache, `kafka-${pinned.java}`);
  const jars = join(directory, 'jars');
  if (existsSync(jars) && readdirSync(jars).some((file) => file.startsWith('connect-file-'))) return jars;
  await need('mvn', ['--version'], 'apt-get install maven, or give --kafka-libs');
  mkdirSync(directory, { recursive: true });
  const artifacts = ['kafka_2.13', 'kafka-tools', 'kafka-shell', 'kafka-streams', 'connect-runtime', 'connect-file'];
  const dependency = (group: string, artifact: string, version: string): string =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  const project = [
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>',
    '<groupId>highwater.test</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>',
    ...artifacts.map((artifact) => dependency('org.apache.kafka', artifact, pinned.java)),
    dependency('org.slf4j', 'slf4j-simple', '1.7.36'),
    '</dependencies></project>',
  ];
  writeFileSync(join(directory, 'pom.xml'), project.join('\n'));
  await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`], directory);
  return jars;
}

/** Compiles `clients/java/NAME.java` of each name; gives the class path to run them with. */
export async function compile(names: readonly string[], jars: string, { cache }: Setting): Promise<string> {
  await need('javac', ['-version'], 'apt-get install default-jdk-headless (17 or newer)');
  const classes = join(cache, 'java', 'classes');
  mkdirSync(classes, { recursive: true });
  const sources = names.map((name) => join(projectRoot(), 'tests/compatibility/clients/java', `${name}.java`));
  await run('javac', ['-cp', `${jars}/*`, '-d', classes, ...sources]);
  return `${classes}:${jars}/*`;
}

export async function needJava(): Promise<void> {
  try {
    await need('java', ['-version'], '');
  } catch {
    throw new NotHere('apt-get install default-jdk-headless (17 or newer)');
  }
}

export type Ended = { readonly code: number | string; readonly out: string };

export type JavaOptions = {
  readonly stdin?: string;
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** More for the virtual machine. */
  readonly flags?: readonly string[];
};

/** A virtual machine at work; both of its outputs are one text. */
export class Jvm {
  readonly #child: ChildProcess;
  #out = '';
  #end: number | string | null = null;

  constructor(classPath: string, main: string, args: readonly string[], options: JavaOptions = {}) {
    const all = [...quiet, ...shortLived, ...(options.flags ?? []), '-cp', classPath, main, ...args];
    const cwd = options.cwd === undefined ? {} : { cwd: options.cwd };
    this.#child = spawn('java', all, { stdio: ['pipe', 'pipe', 'pipe'], ...cwd });
    const onChunk = (chunk: Buffer): void => void (this.#out += chunk.toString());
    this.#child.stdout?.on('data', onChunk);
    this.#child.stderr?.on('data', onChunk);
    // A program that ends without reading all of it is judged by its output.
    this.#child.stdin?.on('error', () => {});
    if (options.stdin !== undefined) this.#child.stdin?.end(options.stdin);
    const onExit = (): void => void this.#child.kill('SIGKILL');
    process.on('exit', onExit);
    this.#child.on('error', (error) => {
      this.#out += error.message;
      this.#end = -1;
    });
    this.#child.on('close', (code, signal) => {
      process.off('exit', onExit);
      this.#end = code ?? signal ?? -1;
    });
  }

  get out(): string {
    return this.#out;
  }

  get hasEnded(): boolean {
    return this.#end !== null;
  }

  closeInput(): void {
    this.#child.stdin?.end();
  }

  /** Until its output holds this; throws when it ends before. */
  async says(pattern: RegExp, timeoutMs = 60_000): Promise<void> {
    await until(`${pattern} from ${this.#child.spawnargs.join(' ').slice(-200)}: ${this.#out}`, timeoutMs, () => {
      if (pattern.test(this.#out)) return Promise.resolve(true);
      if (this.hasEnded) throw new Error(`ended with ${this.#end} without saying ${pattern}: ${this.#out}`);
      return Promise.resolve(null);
    });
  }

  async ended(timeoutMs = 120_000): Promise<Ended> {
    try {
      await until('the end', timeoutMs, () => Promise.resolve(this.hasEnded ? true : null));
    } catch (error) {
      this.#child.kill('SIGKILL');
      throw new Error(`not ended within ${timeoutMs} ms: ${this.#out}`, { cause: error });
    }
    return { code: this.#end ?? -1, out: this.#out };
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT'): Promise<Ended> {
    if (!this.hasEnded) this.#child.kill(signal);
    return this.ended();
  }
}

export async function runJava(
  classPath: string,
  main: string,
  args: readonly string[],
  options: JavaOptions = {},
): Promise<Ended> {
  return new Jvm(classPath, main, args, { stdin: '', ...options }).ended(options.timeoutMs);
}
