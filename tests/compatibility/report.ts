// The matrix as a table for the terminal and as docs/CLIENTS.md.

import { steps, type Outcome, type Outcomes } from './scenario.ts';

export type Row =
  | { readonly name: string; readonly version: string; readonly outcomes: Outcomes }
  | { readonly name: string; readonly version: null; readonly missing: string };

const words: Record<Outcome['is'], string> = { ok: 'ok', failed: 'FAILED', without: '–', 'not-reached': '…' };

function cells(row: Row): string[] {
  if ('missing' in row) return [row.name, 'not here', ...steps.map(() => '')];
  return [row.name, row.version, ...steps.map((step) => words[row.outcomes[step].is])];
}

export function table(rows: readonly Row[]): string {
  const lines = [['client', 'version', ...steps], ...rows.map(cells)];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const [head = [], ...body] = lines;
  return [format(head), rule, ...body.map(format)].join('\n');
}

export function page(rows: readonly Row[], target: string): string {
  const failures = rows.flatMap((row) =>
    'missing' in row
      ? [`- **${row.name}** is not here: ${oneLine(row.missing)}`]
      : steps.flatMap((step) => {
          const outcome = row.outcomes[step];
          return outcome.is === 'failed' ? [`- **${row.name}, ${step}**: ${oneLine(outcome.why)}`] : [];
        }),
  );
  return `# Clients

Written by \`npm run clients -- --write-docs\`; what each step asserts and how to run it: \`tests/compatibility/README.md\`.
Each client creates a topic with replication factor 3, produces with acks=all and idempotence in every codec it has,
reads alone, shares the partitions with a second member that joins later, commits, restarts and resumes without a
duplicate or a gap, and deletes the topic. Last run against ${target}:

${table(rows)}

\`–\` the client (here) has no such thing; \`…\` not reached, because an earlier step failed.
${failures.length === 0 ? '' : `\n## Failures\n\n${failures.join('\n')}\n`}`;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 500);
