// On a virtual machine memory that nobody used for a while may belong to the host: the first touch of each page then
// costs several times a write into it (measured: a GB of page cache 0.3 CPU seconds, 2.7 on fresh pages). Replicas
// write three times what is produced, so that this alone would decide the figures, of both products alike.

import { spawn } from 'node:child_process';

const touchPages = `
const blockBytes = 256 * 1024 * 1024;
const blocks = [];
for (let left = Number(process.argv[1]); left > 0; left -= blockBytes) blocks.push(Buffer.alloc(blockBytes, 1));
`;

/** Touches so many bytes in a process of its own, whose end leaves them free and backed. Call it just before measuring. */
export function warmMemory(bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', touchPages, String(bytes)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`touching memory ended with ${code}`))));
  });
}
