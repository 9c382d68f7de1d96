// Reads the tar archives of the data directory vectors: plain files and directories, long names included.

import { gunzipSync } from 'node:zlib';

export type TarEntry = {
  readonly name: string;
  readonly isDirectory: boolean;
  readonly modifiedMs: number;
  readonly bytes: Buffer;
};

const blockBytes = 512;

export function readTarGz(archive: Uint8Array): TarEntry[] {
  const bytes = gunzipSync(archive);
  const entries: TarEntry[] = [];
  let longName: string | null = null;
  let exactMs: number | null = null;
  for (let at = 0; at + blockBytes <= bytes.length;) {
    const header = bytes.subarray(at, at + blockBytes);
    if (header.every((byte) => byte === 0)) break;
    const size = Number.parseInt(text(header, 124, 12).trim() || '0', 8);
    const content = bytes.subarray(at + blockBytes, at + blockBytes + size);
    const type = text(header, 156, 1);
    const prefix = text(header, 345, 155);
    const name = longName ?? (prefix === '' ? text(header, 0, 100) : `${prefix}/${text(header, 0, 100)}`);
    const modifiedMs = exactMs ?? Number.parseInt(text(header, 136, 12).trim() || '0', 8) * 1000;
    longName = null;
    exactMs = null;
    if (type === 'L') longName = text(content, 0, content.length);
    else if (type === 'x') {
      const extended = content.toString('utf8');
      longName = /\d+ path=(.*)\n/.exec(extended)?.[1] ?? null;
      const seconds = /\d+ mtime=([\d.]+)\n/.exec(extended)?.[1];
      exactMs = seconds === undefined ? null : Math.floor(Number(seconds) * 1000);
    } else if (type === '0' || type === '' || type === '5') {
      entries.push({ name, isDirectory: type === '5', modifiedMs, bytes: content });
    }
    at += blockBytes + Math.ceil(size / blockBytes) * blockBytes;
  }
  return entries;
}

function text(bytes: Buffer, start: number, length: number): string {
  const end = bytes.indexOf(0, start);
  return bytes.toString('utf8', start, end < 0 || end > start + length ? start + length : end);
}
