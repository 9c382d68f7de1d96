// The clients of the matrix: which codecs each can write, and how its program comes to be on this machine.
// What is installed goes below a cache directory outside the repository; what can't be had is "not here".

import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../benchmarks/clusters/cluster.ts';

export const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Codec = (typeof codecs)[number];

/** A program that takes the verbs of README.md. */
export type Program = { readonly command: string; readonly args: readonly string[] };

export type Setting = {
  readonly cache: string;
  /** A directory of Apache Kafka's jars, when one is given. */
  readonly kafkaLibs: string | null;
};

export type Client = {
  readonly name: string;
  readonly codecs: readonly Codec[];
  readonly canDelete: boolean;
  /** Its program has the verb `transact`. */
  readonly hasTransactions?: true;
  /** Throws NotHere when this machine lacks what can't be installed into the cache. */
  prepare(setting: Setting): Promise<Program>;
};

export class NotHere extends Error {
  override readonly name = 'NotHere';
}

export const pinned = {
  python: [
    'confluent-kafka==2.16.1',
    'kafka-python==3.0.12',
    'lz4==4.4.5',
    'zstandard==0.25.0',
    'python-snappy==0.7.3',
    'aiokafka==0.14.0',
    'cramjam==2.14.0',
  ],
  java: '4.3.1',
  platformatic: '1.35.0',
};

const programOf = (name: string, file: string): string =>
  join(projectRoot(), 'tests/compatibility/clients', name, file);

export const clients: readonly Client[] = [
  { name: 'kcat', codecs, canDelete: false, prepare: prepareKcat },
  {
    name: 'confluent-kafka',
    codecs,
    canDelete: true,
    hasTransactions: true,
    prepare: (setting) => preparePython(setting, 'confluent-kafka'),
  },
  {
    name: 'confluent-kafka-848',
    codecs,
    canDelete: true,
    prepare: async (setting) => inConsumerProtocol(await preparePython(setting, 'confluent-kafka')),
  },
  { name: 'kafka-python', codecs, canDelete: true, prepare: (setting) => preparePython(setting, 'kafka-python') },
  {
    name: 'aiokafka',
    codecs,
    canDelete: true,
    hasTransactions: true,
    prepare: (setting) => preparePython(setting, 'aiokafka'),
  },
  { name: 'java', codecs, canDelete: true, hasTransactions: true, prepare: prepareJava },
  {
    name: 'java-848',
    codecs,
    canDelete: true,
    prepare: async (setting) => inConsumerProtocol(await prepareJava(setting)),
  },
  {
    name: 'franz-go',
    codecs,
    canDelete: true,
    hasTransactions: true,
    prepare: (setting) => prepareGo(setting, 'franz-go'),
  },
  {
    name: 'sarama',
    codecs,
    canDelete: true,
    hasTransactions: true,
    prepare: (setting) => prepareGo(setting, 'sarama'),
  },
  { name: 'kafkajs', codecs: ['none', 'gzip'], canDelete: true, hasTransactions: true, prepare: prepareKafkajs },
  {
    name: 'platformatic',
    // Its zstd is Node's own, which Node 20 does not have.
    codecs: hasZstd() ? codecs : ['none', 'gzip', 'snappy', 'lz4'],
    canDelete: true,
    prepare: preparePlatformatic,
  },
];

/** The same program as a member of a consumer group of KIP-848. */
function inConsumerProtocol({ command, args }: Program): Program {
  return { command: 'env', args: ['GROUP_PROTOCOL=consumer', command, ...args] };
}

function hasZstd(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 15);
}

async function prepareKcat(): Promise<Program> {
  await need('kcat', ['-V'], 'apt-get install kcat');
  await need('bash', ['--version'], 'install bash');
  return { command: 'bash', args: [programOf('kcat', 'client.sh')] };
}

async function preparePython({ cache }: Setting, name: string): Promise<Program> {
  const directory = join(cache, 'python');
  const python = join(directory, 'bin/python');
  const done = join(directory, `installed-${pinned.python.join('-').replaceAll('=', '')}`);
  if (!existsSync(done)) {
    await need('python3', ['-m', 'venv', '--help'], 'apt-get install python3-venv');
    await run('python3', ['-m', 'venv', '--clear', directory]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...pinned.python]);
    writeFileSync(done, '');
  }
  return { command: python, args: ['-u', programOf(name, 'client.py')] };
}

async function prepareJava({ cache, kafkaLibs }: Setting): Promise<Program> {
  await need('javac', ['-version'], 'apt-get install default-jdk-headless (17 or newer)');
  const directory = join(cache, 'java');
  const jars = kafkaLibs ?? (await fetchJars(join(directory, `kafka-clients-${pinned.java}`)));
  const classes = join(directory, 'classes');
  mkdirSync(classes, { recursive: true });
  await run('javac', ['-cp', `${jars}/*`, '-d', classes, programOf('java', 'Client.java')]);
  return { command: 'java', args: ['-Xmx256m', '-cp', `${classes}:${jars}/*`, 'Client'] };
}

async function fetchJars(directory: string): Promise<string> {
  const jars = join(directory, 'jars');
  if (existsSync(jars) && readdirSync(jars).some((file) => file.startsWith('kafka-clients-'))) return jars;
  await need('mvn', ['--version'], 'apt-get install maven, or give --kafka-libs');
  mkdirSync(directory, { recursive: true });
  const dependency = (group: string, artifact: string, version: string): string =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  const project = [
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>',
    '<groupId>highwater.test</groupId><artifactId>java-client</artifactId><version>1</version><dependencies>',
    dependency('org.apache.kafka', 'kafka-clients', pinned.java),
    dependency('org.slf4j', 'slf4j-nop', '1.7.36'),
    '</dependencies></project>',
  ];
  writeFileSync(join(directory, 'pom.xml'), project.join('\n'));
  const goal = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
  await run('mvn', goal, directory);
  return jars;
}

async function prepareGo({ cache }: Setting, name: string): Promise<Program> {
  await need('go', ['version'], 'install Go (go.dev)');
  const directory = join(cache, name);
  mkdirSync(directory, { recursive: true });
  for (const file of ['go.mod', 'go.sum', 'main.go']) copyFileSync(programOf(name, file), join(directory, file));
  await run('go', ['build', '-o', 'client', '.'], directory);
  return { command: join(directory, 'client'), args: [] };
}

function prepareKafkajs(): Promise<Program> {
  return Promise.resolve({ command: process.execPath, args: [programOf('kafkajs', 'client.mjs')] });
}

async function preparePlatformatic({ cache }: Setting): Promise<Program> {
  const directory = join(cache, 'platformatic');
  const version = pinned.platformatic;
  mkdirSync(directory, { recursive: true });
  const done = join(directory, `installed-${version}`);
  if (!existsSync(done)) {
    writeFileSync(join(directory, 'package.json'), '{"private":true,"type":"module"}\n');
    await run('npm', ['install', '--silent', '--no-audit', '--no-fund', `@platformatic/kafka@${version}`], directory);
    writeFileSync(done, '');
  }
  copyFileSync(programOf('platformatic', 'client.mjs'), join(directory, 'client.mjs'));
  return { command: process.execPath, args: [join(directory, 'client.mjs')] };
}

/** The command answers, or else what to do about it. */
export async function need(command: string, args: readonly string[], advice: string): Promise<void> {
  try {
    await run(command, args);
  } catch {
    throw new NotHere(advice);
  }
}

export function run(command: string, args: readonly string[], cwd?: string): Promise<string> {
  const options = { ...(cwd === undefined ? {} : { cwd }), maxBuffer: 1 << 26, timeout: 600_000 };
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command} ${args.join(' ')}: ${(stderr + stdout).slice(-2000)}`, { cause: error }));
    });
  });
}
