// Kafka's own metadata shell over a node's metadata log and its snapshots: which topics it finds in them.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { java } from './nodes.ts';

/** The shell is in a jar (kafka-shell) that the server does without. */
export function hasMetadataShell(jars: string): boolean {
  return readdirSync(jars).some((name) => name.startsWith('kafka-shell-'));
}

/** What is wrong; `topics`: all that the cluster has, internal ones too. A snapshot knows only those of its time. */
export async function askMetadataShell(
  jars: string,
  directory: string,
  outputDirectory: string,
  topics: readonly string[],
): Promise<{ files: number; problems: string[] }> {
  const folder = join(directory, '__cluster_metadata-0');
  const snapshots = readdirSync(folder).filter((name) => name.endsWith('.checkpoint'));
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
  const problems: string[] = [];
  for (const name of [...snapshots, ...logs].sort()) {
    const found = await askUntilTold(jars, join(folder, name), join(outputDirectory, `shell-${name}`));
    const strange = found.filter((topic) => !topics.includes(topic) && topic !== 'doomed');
    if (strange.length > 0) problems.push(`${name} holds ${strange.join(', ')}`);
    const isWhole = name === '00000000000000000000.log';
    const missing = topics.filter((topic) => !found.includes(topic));
    if (isWhole && missing.length > 0) problems.push(`${name} lacks ${missing.join(', ')}`);
  }
  if (snapshots.length === 0) problems.push('the node has no snapshot of its metadata');
  return { files: snapshots.length + logs.length, problems };
}

/**
 * The shell obeys as soon as a record is loaded, now and then before what it loaded is on show, and then finds nothing:
 * so it is asked up to five times.
 */
async function askUntilTold(jars: string, file: string, output: string): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    const found = await topicsIn(jars, file, `${output}-${attempt}.txt`);
    if (found.length > 0 || attempt === 5) return found;
  }
}

async function topicsIn(jars: string, file: string, output: string): Promise<string[]> {
  const args = ['org.apache.kafka.shell.MetadataShell', '--snapshot', file, 'ls', '/image/topics/byName'];
  const child = java(jars, output, args);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('exit', resolve);
    child.on('error', reject);
  });
  const lines = existsSync(output) ? readFileSync(output, 'utf8').split('\n') : [];
  if (code !== 0)
    throw new Error(`the metadata shell ended with code ${code} on ${file}: ${lines.slice(-5).join(' ')}`);
  // Log lines begin with the thread's name; control records are none of the shell's business.
  return lines.filter((line) => line !== '' && !line.startsWith('[') && !line.startsWith('SLF4J'));
}
