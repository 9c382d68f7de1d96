// Numbers, sizes and times as people read them. `—` means "not reported", never zero.

export const unknown = '—';

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function formatCount(value: number | null): string {
  return value === null ? unknown : grouped.format(value);
}

/** Per second: whole numbers from 10 on, one decimal below. */
export function formatRate(value: number): string {
  if (value === 0) return '0';
  if (value < 10) return value.toFixed(1);
  return formatShort(value);
}

/** 1,234 stays; from 100,000 on `123 k`, `1.2 M`. */
export function formatShort(value: number): string {
  if (value < 100_000) return grouped.format(value);
  if (value < 1_000_000) return `${Math.round(value / 1000)} k`;
  return `${(value / 1_000_000).toFixed(1)} M`;
}

const byteUnits = ['B', 'KB', 'MB', 'GB', 'TB'];

/** Decimal units with three figures, as Kafka's own tools count. */
export function formatBytes(value: number): string {
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < byteUnits.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || scaled >= 100 ? 0 : scaled >= 10 || unit === 1 ? 0 : 1;
  return `${scaled.toFixed(digits)} ${byteUnits[unit] ?? ''}`;
}

export function formatByteRate(value: number): string {
  return `${formatBytes(value)}/s`;
}

export function formatPercent(share: number): string {
  const percent = share * 100;
  return `${percent < 9.95 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** 612 ms · 1.2 s · 2 m 04 s · 3 h 12 m. */
export function formatDuration(ms: number): string {
  if (ms < 0) return formatDuration(0);
  if (ms < 1 && ms > 0) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`;
}

/** Whole seconds and up, for ages that tick. */
export function formatAge(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} m ago` : `${Math.floor(minutes / 60)} h ago`;
}

/** Local time of day with milliseconds. */
export function formatClock(wallMs: number): string {
  const at = new Date(wallMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `1`, `1 and 2`, `1, 2 and 3`. */
export function listed(items: readonly (number | string)[]): string {
  if (items.length <= 1) return String(items[0] ?? 'none');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}

export function isrText(inSyncReplicas: readonly number[]): string {
  return `[${inSyncReplicas.join(', ')}]`;
}
