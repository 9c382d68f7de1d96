// `npm run protocol-table`: writes docs/PROTOCOL.md from a running broker. Run it from the project's folder, after a build.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { protocolTable } from './protocol-table.ts';

const args = ['dist/cli/main.js', 'up', '--json', '--ephemeral', '--brokers', '1', '--port', '0'];
const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
const line = await new Promise<string>((resolve, reject) => {
  child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
  child.once('exit', () => reject(new Error('highwater up ended; was it built?')));
});
const { brokers } = JSON.parse(line) as { brokers: { port: number; controllerPort: number }[] };
const [broker] = brokers;
writeFileSync(
  'docs/PROTOCOL.md',
  await protocolTable(`127.0.0.1:${broker?.port}`, `127.0.0.1:${broker?.controllerPort}`),
);
child.kill('SIGTERM');
