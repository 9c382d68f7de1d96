// Copies and measures directories without holding up the brokers' telemetry: it gives way after each piece.

import type { Clock, Disk } from '../runtime/runtime.ts';

const pieceBytes = 4 * 1024 * 1024;

export async function copyTree(disk: Disk, clock: Clock, from: string, to: string): Promise<void> {
  disk.makeDirectory(to);
  for (const name of disk.list(from)) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    if (disk.isDirectory(source)) await copyTree(disk, clock, source, target);
    else await copyFile(disk, clock, source, target);
  }
  disk.syncDirectory(to);
}

async function copyFile(disk: Disk, clock: Clock, from: string, to: string): Promise<void> {
  const source = disk.open(from, 'read');
  const target = disk.open(to, 'create');
  try {
    const size = source.size();
    const piece = new Uint8Array(Math.max(1, Math.min(pieceBytes, size)));
    for (let position = 0; position < size;) {
      const count = source.read(piece, 0, piece.length, position);
      if (count === 0) break;
      target.write(piece.subarray(0, count), position);
      position += count;
      await new Promise<void>((resolve) => clock.soon(resolve));
    }
    target.syncNow();
  } finally {
    source.close();
    target.close();
  }
  // Retention and the newest segment are judged by it.
  disk.setModifiedMs(to, disk.modifiedMs(from));
}

/** Bytes of all files below a path; 0 when it is missing. */
export function treeBytes(disk: Disk, path: string): number {
  if (!disk.exists(path)) return 0;
  if (!disk.isDirectory(path)) return fileBytes(disk, path);
  return disk.list(path).reduce((sum, name) => sum + treeBytes(disk, `${path}/${name}`), 0);
}

function fileBytes(disk: Disk, path: string): number {
  const file = disk.open(path, 'read');
  try {
    return file.size();
  } finally {
    file.close();
  }
}
