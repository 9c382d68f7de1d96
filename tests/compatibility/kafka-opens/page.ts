// docs/COMPATIBILITY.md from the outcome of a run.

import type { Stage } from './stage.ts';

export function page(outcomes: readonly { stage: Stage; problems: readonly string[] }[]): string {
  const rows = outcomes.map(
    ({ stage, problems }) =>
      `| ${stage.title} | ${problems.length === 0 ? 'holds' : `**fails**: ${problems.length} findings`} |`,
  );
  const findings = outcomes.flatMap(({ stage, problems }) =>
    problems.length === 0 ? [] : [`**${stage.title}**`, '', ...problems.slice(0, 20).map((line) => `- ${line}`), ''],
  );
  return `${[
    '# Directories and clusters shared with Apache Kafka 4.3.1',
    '',
    'Written by `npm run kafka-opens -- --kafka-libs DIR --write-docs` (needs Java 17 and the jars of Apache Kafka 4.3.1).',
    'Three nodes, rolling node by node or all at once, same node ids, ports and directories.',
    '',
    '| what | |',
    '| --- | --- |',
    ...rows,
    '',
    'Compared before and after: cluster id, topics with their ids, replicas and settings, cluster-wide settings, start,',
    'end and last stable offset of each partition, the bytes of all its batches (SHA-256), the producers it knows, and',
    'the offsets of two groups, one of them committed inside a transaction. The contents: all five codecs, an idempotent',
    'producer, a compacted topic, server timestamps, deleted records, a deleted topic, a committed and an aborted',
    'transaction. After each change the producer sends its last batch again (answered with the old offset), leaves a gap',
    '(refused) and goes on. `DumpLogSegments` reads every file of every node, the metadata log and its snapshots, group',
    'offsets and transaction state with their decoders; Kafka’s metadata shell finds the topics in the metadata log and in',
    'its snapshots (needs the jar of `kafka-shell`, which the server does without).',
    '',
    'Where it stands, exactly: in the exchange each node catches up, votes, and leads the partitions that it is preferred',
    'for, with three Kafka nodes in the middle; one producer writes between the steps. Of the compacted topic only ends,',
    'settings and producers are compared, since either cleaner may run. After a kill, the zeros that are kept ahead in',
    'indexes are taken for entries, of Kafka’s own files as of ours. Under kills, one and then two of three nodes are',
    'Kafka’s; each node is killed once and the active controller twice, a producer per partition sends on until it is',
    'answered, and at the end every record stands at the offset that was acknowledged, once, and the replicas of both',
    'products hold the same bytes.',
    '',
    'Not tried: kraft.version 1 (dynamic voters), several log directories, KIP-848 and share groups, hours of traffic.',
    '',
    ...(findings.length === 0 ? [] : ['## Findings', '', ...findings]),
  ].join('\n')}`;
}
