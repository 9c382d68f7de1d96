// Options that several commands share, parsed and checked.

import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UsageError } from './usage.ts';

export type Parsed = {
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: string[];
};

export const clusterOptions = {
  brokers: { type: 'string' },
  data: { type: 'string' },
  port: { type: 'string' },
  config: { type: 'string', multiple: true },
  'log-dirs': { type: 'string' },
  profile: { type: 'string' },
  ephemeral: { type: 'boolean' },
  sasl: { type: 'boolean' },
  user: { type: 'string', multiple: true },
} as const satisfies ParseArgsConfig['options'];

export function parse(args: string[], options: NonNullable<ParseArgsConfig['options']>, positionals = false): Parsed {
  try {
    const parsed = parseArgs({ args, options, allowPositionals: positionals, strict: true });
    return { values: parsed.values as Parsed['values'], positionals: parsed.positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function text(parsed: Parsed, name: string): string | undefined {
  const value = parsed.values[name];
  return typeof value === 'string' ? value : undefined;
}

export function integer(parsed: Parsed, name: string): number | undefined {
  const value = text(parsed, name);
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value)) throw new UsageError(`--${name} must be a whole number, not "${value}"`);
  return Number(value);
}

/** Where clusters live when --data is not given. */
export function dataDir(parsed: Parsed): string {
  const given = text(parsed, 'data');
  if (given !== undefined) return resolve(given);
  return process.env['HIGHWATER_DATA'] ?? join(homedir(), '.highwater', 'default');
}

/** Where the app's workspaces live. */
export function workspacesDir(): string {
  return process.env['HIGHWATER_HOME'] ?? join(homedir(), '.highwater');
}

export function profile(parsed: Parsed): 'laptop' | 'kafka' | undefined {
  const value = text(parsed, 'profile');
  if (value === undefined || value === 'laptop' || value === 'kafka') return value;
  throw new UsageError(`--profile must be laptop or kafka, not "${value}"`);
}

/** `--config k=v` pairs. */
export function configs(parsed: Parsed): Record<string, string> {
  const pairs = parsed.values['config'];
  const result: Record<string, string> = {};
  for (const pair of Array.isArray(pairs) ? (pairs as string[]) : []) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new UsageError(`--config needs name=value, not "${pair}"`);
    result[pair.slice(0, equals).trim()] = pair.slice(equals + 1).trim();
  }
  return result;
}

/** `--sasl` and `--user name:password` pairs. */
export function securedAccess(parsed: Parsed): { users: Record<string, string> } | undefined {
  const pairs = parsed.values['user'];
  const users: Record<string, string> = {};
  for (const pair of Array.isArray(pairs) ? (pairs as string[]) : []) {
    const colon = pair.indexOf(':');
    if (colon < 1 || colon === pair.length - 1) throw new UsageError('--user needs name:password');
    users[pair.slice(0, colon)] = pair.slice(colon + 1);
  }
  return parsed.values['sasl'] === true || Object.keys(users).length > 0 ? { users } : undefined;
}

const distDir = join(dirname(fileURLToPath(import.meta.url)), '..', import.meta.url.includes('/chunks/') ? '..' : '');

export const brokerScript = join(distDir, 'broker', 'process.js');
/** The drill files that come with Highwater. */
export const drillDirectory = join(distDir, 'drills');
export const rendererDir = join(distDir, 'renderer');
