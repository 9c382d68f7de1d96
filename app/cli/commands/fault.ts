// `highwater fault add|list|clear …`: gives the brokers of a running cluster faults, and takes them away.

import { describeFault } from '../../../main/api/fault-text.ts';
import type { ActiveFault, Fault, FaultDirection, FaultPeer } from '../../../main/api/views.ts';
import type { ClusterView } from '../../../main/api/views.ts';
import { askRunning } from '../running.ts';
import { dataDir, parse, text, type Parsed } from '../options.ts';
import { table } from '../output/table.ts';
import { UsageError } from '../usage.ts';

const form = `highwater fault add KIND --broker ID [options] | list | clear ID… | clear --all
  cut         [--peer ID|brokers|clients|everyone] [--direction both|in|out]
  delay       --ms N [--jitter N] [--peer …] [--direction …]
  loss        --percent N [--peer …] [--direction …]
  bandwidth   --bytes-per-second N [--peer …] [--direction …]
  disk-full   [--free-bytes N]
  slow-disk   [--sync-ms N] [--write-ms N]
  disk-error  [--on read,write,sync] [--path PART]
  clock-skew  [--offset-ms N] [--rate N]
  power-loss  [--torn]            at once, nothing to clear; --broker 1,2 or all`;

const optionTypes = {
  data: { type: 'string' },
  json: { type: 'boolean' },
  all: { type: 'boolean' },
  broker: { type: 'string' },
  peer: { type: 'string' },
  direction: { type: 'string' },
  ms: { type: 'string' },
  jitter: { type: 'string' },
  percent: { type: 'string' },
  'bytes-per-second': { type: 'string' },
  'free-bytes': { type: 'string' },
  'sync-ms': { type: 'string' },
  'write-ms': { type: 'string' },
  on: { type: 'string' },
  path: { type: 'string' },
  'offset-ms': { type: 'string' },
  rate: { type: 'string' },
  torn: { type: 'boolean' },
} as const;

type OptionName = keyof typeof optionTypes;

const linkOptions: readonly OptionName[] = ['peer', 'direction'];

/** The options that each kind takes besides --broker. */
const optionsOf: Readonly<Record<Fault['kind'] | 'power-loss', readonly OptionName[]>> = {
  cut: linkOptions,
  delay: ['ms', 'jitter', ...linkOptions],
  loss: ['percent', ...linkOptions],
  bandwidth: ['bytes-per-second', ...linkOptions],
  'disk-full': ['free-bytes'],
  'slow-disk': ['sync-ms', 'write-ms'],
  'disk-error': ['on', 'path'],
  'clock-skew': ['offset-ms', 'rate'],
  'power-loss': ['torn'],
};

export async function run(args: string[]): Promise<number> {
  const parsed = parse(args, optionTypes, true);
  const [verb, ...rest] = parsed.positionals;
  const asJson = parsed.values['json'] === true;
  switch (verb) {
    case 'add':
      return add(parsed, rest, asJson);
    case 'list':
      return list(parsed, rest, asJson);
    case 'clear':
      return clear(parsed, rest, asJson);
    default:
      throw new UsageError(form);
  }
}

async function add(parsed: Parsed, rest: readonly string[], asJson: boolean): Promise<number> {
  const [kind, ...more] = rest;
  if (kind === undefined || more.length > 0) throw new UsageError(form);
  if (!isKind(kind)) throw new UsageError(`there is no fault "${kind}"\n${form}`);
  refuseForeignOptions(parsed, kind);
  if (kind === 'power-loss') return losePower(parsed, asJson);
  const fault = faultOf(kind, brokerOf(parsed), parsed);
  const active = (await askRunning(dataDir(parsed), { verb: 'fault.add', fault })) as ActiveFault;
  console.log(asJson ? JSON.stringify(active) : `${active.id}  ${describeFault(fault)}`);
  return 0;
}

async function losePower(parsed: Parsed, asJson: boolean): Promise<number> {
  const given = text(parsed, 'broker');
  const directory = dataDir(parsed);
  const torn = parsed.values['torn'] === true;
  const ids =
    given === 'all'
      ? ((await askRunning(directory, { verb: 'view' })) as ClusterView).brokers
          .filter((broker) => broker.pid !== null)
          .map((broker) => broker.id)
      : (given ?? '').split(',').map((each) => wholeNumber(each, '--broker'));
  await Promise.all(ids.map((brokerId) => askRunning(directory, { verb: 'powerLoss', brokerId, torn })));
  console.log(
    asJson
      ? JSON.stringify({ brokers: ids, done: 'power-loss' })
      : ids.map((id) => `broker ${id} lost its power`).join('\n'),
  );
  return 0;
}

async function list(parsed: Parsed, rest: readonly string[], asJson: boolean): Promise<number> {
  if (rest.length > 0) throw new UsageError(form);
  const { faults } = (await askRunning(dataDir(parsed), { verb: 'view' })) as ClusterView;
  console.log(asJson ? JSON.stringify(faults) : faults.length === 0 ? 'no fault is on' : faultTable(faults));
  return 0;
}

async function clear(parsed: Parsed, ids: readonly string[], asJson: boolean): Promise<number> {
  const all = parsed.values['all'] === true || (ids.length === 1 && ids[0] === 'all');
  if (!all && ids.length === 0) throw new UsageError(`which fault? ${form}`);
  const directory = dataDir(parsed);
  let cleared = ids.length;
  if (all) ({ cleared } = (await askRunning(directory, { verb: 'fault.clearAll' })) as { cleared: number });
  else for (const faultId of ids) await askRunning(directory, { verb: 'fault.clear', faultId });
  console.log(asJson ? JSON.stringify({ cleared }) : `${cleared} fault${cleared === 1 ? '' : 's'} cleared`);
  return 0;
}

export function faultTable(faults: readonly ActiveFault[]): string {
  return table(
    ['fault', 'what', 'since'],
    faults.map(({ id, fault, sinceWallMs }) => [id, describeFault(fault), new Date(sinceWallMs).toISOString()]),
  );
}

function isKind(name: string): name is keyof typeof optionsOf {
  return Object.hasOwn(optionsOf, name);
}

/** An option of another kind is a mistake that would go unnoticed. */
function refuseForeignOptions(parsed: Parsed, kind: keyof typeof optionsOf): void {
  const allowed = new Set<string>(['data', 'json', 'broker', ...optionsOf[kind]]);
  for (const name of Object.keys(parsed.values)) {
    if (allowed.has(name)) continue;
    const takes = ['broker', ...optionsOf[kind]].map((each) => `--${each}`).join(', ');
    throw new UsageError(`fault ${kind} does not take --${name}; it takes ${takes}`);
  }
}

function faultOf(kind: Fault['kind'], brokerId: number, parsed: Parsed): Fault {
  const number = (name: OptionName, otherwise: number): number => decimal(parsed, name) ?? otherwise;
  const needed = (name: OptionName): number => {
    const value = decimal(parsed, name);
    if (value === undefined) throw new UsageError(`fault ${kind} needs --${name}`);
    return value;
  };
  const link = () => ({ brokerId, peer: peerOf(parsed), direction: directionOf(parsed) });
  switch (kind) {
    case 'cut':
      return { kind, ...link() };
    case 'delay':
      return { kind, ...link(), delayMs: needed('ms'), jitterMs: number('jitter', 0) };
    case 'loss':
      return { kind, ...link(), share: needed('percent') / 100 };
    case 'bandwidth':
      return { kind, ...link(), bytesPerSecond: needed('bytes-per-second') };
    case 'disk-full':
      return { kind, brokerId, freeBytes: number('free-bytes', 0) };
    case 'slow-disk':
      return slowDisk(brokerId, decimal(parsed, 'sync-ms'), decimal(parsed, 'write-ms'));
    case 'disk-error':
      return { kind, brokerId, operations: operationsOf(parsed), path: text(parsed, 'path') ?? null };
    case 'clock-skew': {
      const [offsetMs, rate] = [decimal(parsed, 'offset-ms'), decimal(parsed, 'rate')];
      if (offsetMs === undefined && rate === undefined)
        throw new UsageError('fault clock-skew needs --offset-ms, --rate or both');
      return { kind, brokerId, offsetMs: offsetMs ?? 0, rate: rate ?? 1 };
    }
  }
}

function slowDisk(brokerId: number, syncMs: number | undefined, writeMs: number | undefined): Fault {
  if (syncMs === undefined && writeMs === undefined)
    throw new UsageError('fault slow-disk needs --sync-ms, --write-ms or both');
  return { kind: 'slow-disk', brokerId, syncMs: syncMs ?? 0, writeMs: writeMs ?? 0 };
}

function brokerOf(parsed: Parsed): number {
  return wholeNumber(text(parsed, 'broker') ?? '', '--broker');
}

function peerOf(parsed: Parsed): FaultPeer {
  const value = text(parsed, 'peer') ?? 'brokers';
  if (value === 'brokers' || value === 'clients' || value === 'everyone') return value;
  if (/^\d+$/.test(value)) return Number(value);
  throw new UsageError(`--peer must be a broker's id, brokers, clients or everyone, not "${value}"`);
}

function directionOf(parsed: Parsed): FaultDirection {
  const value = text(parsed, 'direction') ?? 'both';
  if (value === 'both' || value === 'in' || value === 'out') return value;
  throw new UsageError(`--direction must be both, in or out (as the broker sees it), not "${value}"`);
}

function operationsOf(parsed: Parsed): ('read' | 'write' | 'sync')[] {
  return (text(parsed, 'on') ?? 'read,write,sync').split(',').map((name) => {
    if (name === 'read' || name === 'write' || name === 'sync') return name;
    throw new UsageError(`--on takes read, write and sync, joined by commas, not "${name}"`);
  });
}

function decimal(parsed: Parsed, name: OptionName): number | undefined {
  const value = text(parsed, name);
  if (value === undefined) return undefined;
  if (!/^-?\d+(\.\d+)?$/.test(value)) throw new UsageError(`--${name} must be a number, not "${value}"`);
  return Number(value);
}

function wholeNumber(value: string, option: string): number {
  if (!/^\d+$/.test(value)) throw new UsageError(`${option} must be the id of a broker, not "${value}"`);
  return Number(value);
}
