// Real child processes. A broker is this same executable (Electron's with ELECTRON_RUN_AS_NODE) so that it takes
// every signal; its channel is Node's IPC pipe, whose closing tells the child that its supervisor is gone.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { isRunning } from './lock-file.ts';
import type { ChildProcess, ExitStatus, Processes, SpawnOptions } from '../processes.ts';

/**
 * V8 counts the bytes of Buffers against a limit that it derives from the live heap. A broker's heap is small and its
 * Buffers are many, so that a full collection ran every 20 MB or so: a third of all CPU under load. A larger initial old
 * space only raises that limit; idle memory stays as it is, under load a broker holds about 40 MB more.
 */
const engineFlags = ['--max-semi-space-size=4', '--initial-old-space-size=128'];

export function nodeProcesses(): Processes {
  return {
    pid: process.pid,
    spawn: spawnChild,
    isAlive: isRunning,
    commandLine,
    signal: signalProcess,
    residentBytes,
  };
}

function spawnChild(options: SpawnOptions): ChildProcess {
  const output = options.outputFile === null ? 'ignore' : openSync(options.outputFile, 'a', 0o600);
  const child = spawn(process.execPath, [...engineFlags, options.script, ...options.args], {
    stdio: ['ignore', output, output, 'ipc'],
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    // A group of its own: Ctrl-C in the terminal reaches the supervisor only, which then shuts the brokers down in order.
    detached: true,
    windowsHide: true,
  });
  if (typeof output === 'number') closeSync(output);
  const pid = child.pid;
  if (pid === undefined) throw new Error(`cannot start ${process.execPath} ${options.script}`);
  let exited: ExitStatus | null = null;
  const exitReceivers: ((status: ExitStatus) => void)[] = [];
  child.on('exit', (code, signal) => {
    exited = { code, signal };
    for (const receive of exitReceivers) receive(exited);
  });
  // A child killed between two messages makes the pipe fail; its exit event says all there is to say.
  child.on('error', () => undefined);
  return {
    pid,
    send(message) {
      if (!child.connected) return false;
      return child.send(message as object, () => undefined);
    },
    onMessage(receive) {
      child.on('message', receive);
    },
    onExit(receive) {
      if (exited !== null) receive(exited);
      else exitReceivers.push(receive);
    },
    signal: (name) => child.exitCode === null && child.signalCode === null && signalProcess(pid, name),
  };
}

function signalProcess(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function commandLine(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return null;
  }
}

function residentBytes(pid: number): number | null {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return Number.isFinite(pages) ? pages * 4096 : null;
  } catch {
    return null;
  }
}
