// The matrix as a table for the terminal and as docs/CLIENTS.md.

import type { Difference } from './programs/differences.ts';
import type { ProgramResult } from './programs/program.ts';
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

/** Everything that docs/CLIENTS.md tells. */
export type Findings = {
  readonly rows: readonly Row[];
  readonly results: readonly ProgramResult[];
  /** Null when the programs were not run against Apache Kafka. */
  readonly differences: readonly Difference[] | null;
  readonly product: string;
};

export function page({ rows, results, differences, product }: Findings): string {
  const failures = [...rows.flatMap(failuresOfRow), ...results.flatMap(failuresOfProgram)];
  return `# Clients

Written by \`npm run clients -- --against kafka --write-docs\` on ${new Date().toISOString().slice(0, 10)}; how to run it, and what each step
asserts: \`tests/compatibility/README.md\`. Run against ${product}.

## Clients, step by step

Each client creates a topic with replication factor 3, produces with acks=all and idempotence in every codec it has,
reads alone, shares the partitions with a second member that joins later, commits, restarts and resumes without a
duplicate or a gap, commits and aborts transactions, and deletes the topic.

${table(rows)}

\`–\` the client (here) has no such thing; \`…\` not reached, because an earlier step failed.

## Programs

Each case asserts what it finds: contents, offsets, errors by their names.

${results.map(programTable).join('\n\n')}

## Where Apache Kafka 4.3.1 answers otherwise

${differences === null ? 'Not compared in this run.' : differenceList(differences)}
${failures.length === 0 ? '' : `\n## Failures\n\n${failures.join('\n')}\n`}`;
}

/** Of a difference whose reason is known, for the eye. */
const explainedLinesMax = 4;

export function differenceList(differences: readonly Difference[]): string {
  if (differences.length === 0) return 'Nowhere: every case got the same answer from both.';
  return differences
    .map(({ program, case: name, ours, kafkas, reason }) => {
      const shown = (lines: readonly string[], whose: string): string[] => {
        const most = reason === null ? lines.length : explainedLinesMax;
        const more = lines.length > most ? [`    - and ${lines.length - most} more lines`] : [];
        return [...lines.slice(0, most).map((line) => `    - ${whose}: ${line}`), ...more];
      };
      const lines = [...shown(ours, 'ours'), ...shown(kafkas, 'Kafka')];
      return [`- **${program}, ${name}**: ${reason ?? 'NOT EXPLAINED'}`, ...lines].join('\n');
    })
    .join('\n');
}

function programTable(result: ProgramResult): string {
  if ('missing' in result) return `### ${result.name}: not here`;
  const rows = result.cases.map(({ name, is }) => `| ${name} | ${is === 'ok' ? 'ok' : 'FAILED'} |`);
  return [`### ${result.name} ${result.version}`, '', '| case | result |', '| --- | --- |', ...rows].join('\n');
}

function failuresOfProgram(result: ProgramResult): string[] {
  if ('missing' in result) return [`- **${result.name}** is not here: ${oneLine(result.missing)}`];
  return result.cases.flatMap((each) =>
    each.is === 'failed' ? [`- **${result.name}, ${each.name}**: ${oneLine(each.why)}`] : [],
  );
}

function failuresOfRow(row: Row): string[] {
  if ('missing' in row) return [`- **${row.name}** is not here: ${oneLine(row.missing)}`];
  return steps.flatMap((step) => {
    const outcome = row.outcomes[step];
    return outcome.is === 'failed' ? [`- **${row.name}, ${step}**: ${oneLine(outcome.why)}`] : [];
  });
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 500);
