// A client's program at work: one verb run to its end, or a member of a group whose lines are read as they come.

import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Program } from './clients.ts';

export type ReadRecord = {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string;
  readonly header: string;
};

const stderrCharsMax = 4000;
const endTimeoutMs = 30_000;

/** Runs one verb; gives what it printed, throws what it complained about. */
export async function runVerb(program: Program, args: readonly string[], timeoutMs = 60_000): Promise<string> {
  const child = start(program, args);
  child.stdin?.end();
  let stdout = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const stderr = keepTail(child);
  const code = await exitOf(child, timeoutMs, args);
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stderr()}`);
  return stdout.trim();
}

export class Member {
  readonly records: ReadRecord[] = [];
  /** Null before the first assignment. */
  assigned: ReadonlySet<number> | null = null;
  /** Lines that the contract does not know. */
  readonly oddLines: string[] = [];
  readonly #child: ChildProcess;
  readonly #stderr: () => string;
  #exitCode: number | string | null = null;

  constructor(program: Program, bootstrap: string, topic: string, group: string) {
    this.#child = start(program, ['consume', bootstrap, topic, group]);
    this.#stderr = keepTail(this.#child);
    this.#child.on('exit', (code, signal) => (this.#exitCode = code ?? signal ?? 'unknown'));
    const stdout = this.#child.stdout;
    if (stdout !== null) createInterface({ input: stdout }).on('line', (line) => this.#onLine(line));
  }

  /** Throws when the program is gone although nobody ended it. */
  check(): void {
    if (this.#exitCode !== null) throw new Error(`a member ended with ${this.#exitCode}: ${this.#stderr()}`);
  }

  get complaints(): string {
    return this.#stderr();
  }

  /** Asks it to leave the group. */
  async end(): Promise<void> {
    this.check();
    this.#child.stdin?.end();
    const code = await exitOf(this.#child, endTimeoutMs, ['consume']);
    if (code !== 0) throw new Error(`consume ended with ${code}: ${this.#stderr()}`);
  }

  abandon(): void {
    if (this.#exitCode !== null) return;
    // Lets a wrapper end what it started; the other kind does not outlive its input for long.
    this.#child.stdin?.end();
    const child = this.#child;
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    child.on('exit', () => clearTimeout(timer));
  }

  #onLine(line: string): void {
    const [word, ...rest] = line.split(' ');
    if (word === 'assigned') {
      this.assigned = new Set(rest.filter((each) => each !== '').map(Number));
    } else if (word === 'record') {
      const [partition, offset, key = '', value = '', header = ''] = rest;
      this.records.push({ partition: Number(partition), offset: Number(offset), key, value, header });
    } else if (line !== '') {
      this.oddLines.push(line);
    }
  }
}

function start({ command, args }: Program, verb: readonly string[]): ChildProcess {
  return spawn(command, [...args, ...verb], { stdio: ['pipe', 'pipe', 'pipe'] });
}

function keepTail(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => (text = (text + chunk.toString()).slice(-stderrCharsMax)));
  return () => text.trim();
}

function exitOf(child: ChildProcess, timeoutMs: number, what: readonly string[]): Promise<number | string> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${what.join(' ')} did not end within ${timeoutMs} ms`));
    }, timeoutMs);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(code ?? signal ?? 'unknown');
    });
  });
}
