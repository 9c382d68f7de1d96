import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../../../main/api/views.ts';
import { families } from '../../text/journal-sentences.ts';
import { causesOf, exportCsv, filterEvents } from './event-filter.ts';

const event = (sequence: number, entry: JournalEvent['entry'], cause: string | null = null): JournalEvent => ({
  id: `broker-1:${sequence}`,
  source: 'broker-1',
  sequence,
  wallMs: 1_700_000_000_000 + sequence,
  monotonicMs: sequence,
  cause,
  entry,
});
const shrunk = event(
  2,
  { kind: 'partition.isrShrunk', topic: 'orders', partition: 3, changed: [2], inSyncReplicas: [1, 3], leaderEpoch: 4 },
  'broker-1:1',
);
const killed = event(1, { kind: 'process.killed', brokerId: 2, pid: 7 }, 'broker.kill');
const all = { text: '', families: new Set(families), source: '' };

describe('the filter of events', () => {
  it('finds a partition by its name, and wants every word', () => {
    expect(filterEvents([killed, shrunk], { ...all, text: 'orders-3 isr' })).toEqual([shrunk]);
    expect(filterEvents([killed, shrunk], { ...all, text: 'orders-3 killed' })).toEqual([]);
  });

  it('keeps to the chosen kinds and the chosen source', () => {
    expect(filterEvents([killed, shrunk], { ...all, families: new Set(['process'] as const) })).toEqual([killed]);
    expect(filterEvents([killed, shrunk], { ...all, source: 'broker-2' })).toEqual([]);
  });
});

it('causes lead back to the first event, and a circle ends', () => {
  expect(causesOf(shrunk, [killed, shrunk])).toEqual([shrunk, killed]);
  const circle = { ...killed, cause: shrunk.id };
  expect(causesOf(shrunk, [circle, shrunk])).toEqual([shrunk, circle]);
});

it('a spreadsheet gets no formula from a client’s error text', () => {
  const hostile = event(3, { kind: 'client.error', client: 'producer', error: '=cmd', detail: 'a "quoted", text' });
  const cells = exportCsv([hostile, { ...hostile, cause: '=1+1' }]).split('\n');
  expect(cells[1]).toContain('""quoted""');
  expect(cells[2]).toContain("'=1+1");
});
