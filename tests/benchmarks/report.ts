// Medians side by side and their ratio.

import { median, type Figure, type Samples } from './parts/figures.ts';
import type { ClusterName } from './clusters/cluster.ts';

export type Results = ReadonlyMap<ClusterName, Samples>;

const titles: Record<ClusterName, string> = { highwater: 'Highwater', kafka: 'Apache Kafka 4.3.1' };

export function resultTable(figures: readonly Figure[], results: Results): string {
  const names = [...results.keys()];
  const head = ['figure', 'unit', ...names.map((name) => titles[name]), ...(names.length > 1 ? ['ratio'] : [])];
  const body = figures
    .filter(({ key }) => names.some((name) => (results.get(name)?.get(key)?.length ?? 0) > 0))
    .map((figure) => {
      const values = names.map((name) => median(results.get(name)?.get(figure.key) ?? []));
      return [figure.title, figure.unit, ...values.map(show), ...(names.length > 1 ? [ratio(figure, results)] : [])];
    });
  const rows = [head, ...body];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, n) => (n < 2 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, n) => (n < 2 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...body.map(line)].join('\n');
}

/** Ours to Kafka's, told the way that is easy to read: how many times better or worse. */
function ratio({ key, better }: Figure, results: Results): string {
  if (key === 'others') return '';
  const ours = median(results.get('highwater')?.get(key) ?? []);
  const theirs = median(results.get('kafka')?.get(key) ?? []);
  if (!Number.isFinite(ours) || !Number.isFinite(theirs) || ours === 0 || theirs === 0) return '';
  const advantage = better === 'less' ? theirs / ours : ours / theirs;
  return advantage >= 1 ? `${advantage.toFixed(1)} × better` : `${(1 / advantage).toFixed(1)} × worse`;
}

function show(value: number): string {
  if (!Number.isFinite(value)) return '';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function asJson(figures: readonly Figure[], results: Results): string {
  const rows = figures.map((figure) => ({
    ...figure,
    samples: Object.fromEntries([...results].map(([name, samples]) => [name, samples.get(figure.key) ?? []])),
  }));
  return `${JSON.stringify({ node: process.version, figures: rows }, null, 2)}\n`;
}
