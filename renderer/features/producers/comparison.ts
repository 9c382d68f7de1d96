// The presets side by side: rows of settings and of what was measured, and which value of a row is best. Pure.

import type { PresetView, TrialResult } from '../../../main/api/producer-views.ts';
import { formatBytes, formatCount, formatDuration, formatPercent, formatShort, unknown } from '../../text/format.ts';

export type MeasuredRow = {
  readonly id: string;
  readonly label: string;
  /** How it was measured, for the tooltip. */
  readonly tip: string;
  readonly value: (result: TrialResult) => number | null;
  readonly text: (value: number) => string;
  /** Null: neither is better by itself. */
  readonly better: 'more' | 'less' | null;
  /** Anything above zero is bad news, whoever else has it. */
  readonly isHarm?: true;
};

export const measuredRows: readonly MeasuredRow[] = [
  {
    id: 'rate',
    label: 'Records /s',
    tip: 'As fast as the producer takes them, until all are answered; exact count over the measured time',
    value: (result) => result.recordsPerSecond,
    text: (value) => formatShort(Math.round(value)),
    better: 'more',
  },
  {
    id: 'p50',
    label: 'Latency p50',
    tip: 'From send to acknowledgement at 1,000 records a second; exact. With acks=0 nothing is acknowledged: until handed to the socket',
    value: (result) => result.latencyP50Ms,
    text: formatDuration,
    better: 'less',
  },
  {
    id: 'p95',
    label: 'Latency p95',
    tip: 'As p50',
    value: (result) => result.latencyP95Ms,
    text: formatDuration,
    better: 'less',
  },
  {
    id: 'p99',
    label: 'Latency p99',
    tip: 'As p50',
    value: (result) => result.latencyP99Ms,
    text: formatDuration,
    better: 'less',
  },
  {
    id: 'bytes',
    label: 'Bytes after compression',
    tip: 'Of what the batches held before it; exact, headers included',
    value: (result) => (result.uncompressedBytes === 0 ? null : result.compressedBytes / result.uncompressedBytes),
    text: formatPercent,
    better: 'less',
  },
  {
    id: 'batch',
    label: 'Records a batch',
    tip: 'At full speed; exact mean',
    value: (result) => result.recordsPerBatch,
    text: (value) => formatCount(Math.round(value)),
    better: null,
  },
];

export const killRows: readonly MeasuredRow[] = [
  {
    id: 'acknowledged',
    label: 'Acknowledged',
    tip: 'Told to the sender; exact',
    value: (result) => result.kill?.acknowledged ?? null,
    text: formatCount,
    better: null,
  },
  {
    id: 'lost',
    label: 'Lost',
    tip: 'Acknowledged and not in the log when all of it was read back; exact',
    value: (result) => result.kill?.lost ?? null,
    text: formatCount,
    better: 'less',
    isHarm: true,
  },
  {
    id: 'duplicated',
    label: 'Duplicated',
    tip: 'Copies in the log beyond the first; exact',
    value: (result) => result.kill?.duplicated ?? null,
    text: formatCount,
    better: 'less',
    isHarm: true,
  },
  {
    id: 'reordered',
    label: 'Reordered',
    tip: 'Records behind one that was sent later to the same partition; exact',
    value: (result) => result.kill?.reordered ?? null,
    text: formatCount,
    better: 'less',
    isHarm: true,
  },
  {
    id: 'failed',
    label: 'Failed, told so',
    tip: 'The sender was told that it failed; the application must deal with it. Exact',
    value: (result) => result.kill?.failed ?? null,
    text: formatCount,
    better: 'less',
  },
  {
    id: 'silence',
    label: 'Longest silence',
    tip: 'Longest time in which a partition acknowledged nothing, after the kill; exact',
    value: (result) => result.kill?.longestSilenceMs ?? null,
    text: (value) => (value === 0 ? unknown : formatDuration(value)),
    better: 'less',
  },
];

/** Names of the presets whose value is the best of the row; none when they do not differ. */
export function bestOf(row: MeasuredRow, results: readonly TrialResult[]): ReadonlySet<string> {
  if (row.better === null || row.isHarm === true) return new Set();
  const values = results.flatMap((result) => {
    const value = row.value(result);
    return value === null ? [] : [{ preset: result.preset, value }];
  });
  const numbers = values.map(({ value }) => value);
  const best = row.better === 'more' ? Math.max(...numbers) : Math.min(...numbers);
  if (values.length < 2 || numbers.every((value) => value === best)) return new Set();
  return new Set(values.filter(({ value }) => value === best).map(({ preset }) => preset));
}

/** Settings in which the presets differ first, then those that are the same everywhere. */
export function settingNames(presets: readonly PresetView[]): readonly { name: string; differs: boolean }[] {
  const names = presets[0]?.settings.map((setting) => setting.name) ?? [];
  const rows = names.map((name) => ({
    name,
    differs: new Set(presets.map((preset) => settingOf(preset, name)?.value)).size > 1,
  }));
  return [...rows.filter((row) => row.differs), ...rows.filter((row) => !row.differs)];
}

export function settingOf(preset: PresetView, name: string): PresetView['settings'][number] | undefined {
  return preset.settings.find((setting) => setting.name === name);
}

/** Large round numbers as people say them. */
export function settingText(name: string, value: string): string {
  if (name === 'retries' && Number(value) === 2_147_483_647) return 'max';
  if (name === 'batch.size') return `${formatCount(Number(value) / 1024)} KiB`;
  if (name === 'buffer.memory') return `${formatCount(Number(value) / 1_048_576)} MiB`;
  if (name.endsWith('.ms')) return formatDuration(Number(value));
  return value;
}

/** What a person reads in a sentence once a kill was measured. */
export function verdictOf(
  result: TrialResult,
): { readonly tone: 'ok' | 'degraded' | 'lost'; readonly text: string } | null {
  const { kill } = result;
  if (kill === null) return null;
  const harm = [
    kill.lost > 0 ? `${formatCount(kill.lost)} lost` : '',
    kill.duplicated > 0 ? `${formatCount(kill.duplicated)} duplicated` : '',
    kill.reordered > 0 ? `${formatCount(kill.reordered)} reordered` : '',
  ].filter(Boolean);
  if (harm.length > 0) return { tone: kill.lost > 0 ? 'lost' : 'degraded', text: harm.join(', ') };
  if (kill.failed > 0) return { tone: 'degraded', text: `${formatCount(kill.failed)} failed, none lost in silence` };
  return { tone: 'ok', text: 'Nothing lost, doubled or reordered' };
}

export function bytesText(result: TrialResult): string {
  return `${formatBytes(result.uncompressedBytes)} → ${formatBytes(result.compressedBytes)}`;
}
