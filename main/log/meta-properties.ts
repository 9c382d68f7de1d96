// meta.properties: which cluster, which node and which directory this is. Written once by formatting, read and
// compared at every start, so that a directory never ends up under another node or cluster.

import type { Disk } from '../runtime/runtime.ts';
import { LogDirectoryError } from './log-error.ts';
import { joinPath } from './segment-names.ts';

export const metaPropertiesName = 'meta.properties';

export type MetaProperties = {
  readonly clusterId: string;
  readonly nodeId: number;
  /** 22 characters of url-safe base64. */
  readonly directoryId: string;
};

/** Null: not formatted. */
export function readMetaProperties(disk: Disk, directory: string): MetaProperties | null {
  const path = joinPath(directory, metaPropertiesName);
  if (!disk.exists(path)) return null;
  const properties = parseProperties(Buffer.from(disk.readFile(path)).toString('latin1'));
  const version = properties.get('version');
  if (version !== '1') {
    throw new LogDirectoryError(
      `${path} has version ${version ?? '(none)'}: only version 1 (KRaft) is known. Use another directory, or one that Kafka 3.3 or later has formatted.`,
    );
  }
  const clusterId = properties.get('cluster.id');
  const nodeId = Number(properties.get('node.id'));
  if (clusterId === undefined || !Number.isSafeInteger(nodeId) || nodeId < 0) {
    throw new LogDirectoryError(`${path} lacks cluster.id or node.id. Restore it, or format a new directory.`);
  }
  return { clusterId, nodeId, directoryId: properties.get('directory.id') ?? '' };
}

/** `wallMs`: the date noted on top; null leaves it out. */
export function writeMetaProperties(disk: Disk, directory: string, meta: MetaProperties, wallMs: number | null): void {
  const lines = [
    '#',
    ...(wallMs === null ? [] : [`#${javaDate(wallMs)}`]),
    `cluster.id=${meta.clusterId}`,
    `directory.id=${meta.directoryId}`,
    `node.id=${meta.nodeId}`,
    'version=1',
  ];
  disk.writeFileAtomic(joinPath(directory, metaPropertiesName), Buffer.from(`${lines.join('\n')}\n`, 'latin1'));
}

const days = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const dayMs = 86_400_000;

/** Java's Date.toString in UTC: `Sun Nov 22 14:52:44 UTC 2026`. */
function javaDate(wallMs: number): string {
  const day = Math.floor(wallMs / dayMs);
  const second = Math.floor((wallMs - day * dayMs) / 1000);
  // Days since 1 March of year 0, so that leap days come last in a year of 365.25 days less the skipped ones.
  const sinceMarch = day + 719_468;
  const era = Math.floor(sinceMarch / 146_097);
  const dayOfEra = sinceMarch - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = (monthFromMarch + 2) % 12;
  const year = yearOfEra + era * 400 + (month < 2 ? 1 : 0);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`;
  return `${days[((day % 7) + 7) % 7] ?? ''} ${months[month] ?? ''} ${two(dayOfMonth)} ${time} UTC ${year}`;
}

/** The part of Java's properties format that Kafka writes. */
function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([^#!=:\s][^=:\s]*)\s*[=:]\s*(.*)$/.exec(line);
    if (match?.[1] !== undefined) properties.set(match[1], (match[2] ?? '').replace(/\\(.)/g, '$1').trimEnd());
  }
  return properties;
}
