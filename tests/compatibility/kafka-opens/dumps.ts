// Kafka's own DumpLogSegments over every file of a log directory: what it complains about.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { java } from './nodes.ts';

const dumped = /\.(log|index|timeindex|txnindex|snapshot)$/;
/** What the tool says of a file that it can't make sense of, or whose index and log disagree. */
const complaint = /exception|mismatch|isvalid: false|out of order|not consecutive|not supported|could not|Invalid/i;

const zeros = ' (zeros kept ahead)';

export type Dump = { readonly files: number; readonly complaints: readonly string[] };

/**
 * `directory`: a node's, with a directory a partition. After a kill the indexes end in the zeros that were kept ahead;
 * the tool takes them for entries, of Kafka's own files as of ours.
 */
export async function dump(jars: string, directory: string, outputDirectory: string, isKilled: boolean): Promise<Dump> {
  const files = {
    data: [] as string[],
    metadata: [] as string[],
    offsets: [] as string[],
    transactions: [] as string[],
  };
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const folder = join(directory, entry.name);
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const isLog = name.endsWith('.log');
      if (entry.name === '__cluster_metadata-0' && (isLog || name.endsWith('.checkpoint'))) files.metadata.push(path);
      else if (isLog && entry.name.startsWith('__consumer_offsets')) files.offsets.push(path);
      else if (isLog && entry.name.startsWith('__transaction_state')) files.transactions.push(path);
      else if (dumped.test(name)) files.data.push(path);
    }
  }
  files.metadata.push(join(directory, 'bootstrap.checkpoint'));
  const all = [
    ...(await run(jars, outputDirectory, 'data', files.data, ['--deep-iteration', '--print-data-log'])),
    ...(await run(jars, outputDirectory, 'metadata', files.metadata, ['--cluster-metadata-decoder'])),
    ...(await run(jars, outputDirectory, 'offsets', files.offsets, ['--offsets-decoder'])),
    ...(await run(jars, outputDirectory, 'transactions', files.transactions, ['--transaction-log-decoder'])),
  ];
  const complaints = isKilled ? all.filter((line) => !line.endsWith(zeros)) : all;
  return { files: Object.values(files).flat().length, complaints };
}

async function run(
  jars: string,
  outputDirectory: string,
  name: string,
  files: readonly string[],
  flags: readonly string[],
): Promise<string[]> {
  if (files.length === 0) return [];
  const output = join(outputDirectory, `dump-${name}.txt`);
  const child = java(jars, output, ['org.apache.kafka.tools.DumpLogSegments', ...flags, '--files', files.join(',')]);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('exit', resolve);
    child.on('error', reject);
  });
  const lines = readFileSync(output, 'utf8').split('\n');
  const found = lines.flatMap((line, index) => {
    if (!complaint.test(line)) return [];
    return /^ +Index (offset|timestamp): 0,/.test(lines[index + 1] ?? '') ? `${line}${zeros}` : line;
  });
  return code === 0 ? found : [`DumpLogSegments ended with code ${code}`, ...found.slice(0, 10), ...lines.slice(-5)];
}
