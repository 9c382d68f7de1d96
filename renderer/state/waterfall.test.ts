import { expect, it } from 'vitest';
import type { ClientMark, ElectionRecord } from '../../main/api/drill-views.ts';
import { outageAt, outagesOf, phasesOf } from './waterfall.ts';

const mark = (atMs: number, kind: ClientMark['kind'], text = kind as string, count = 1): ClientMark => ({
  atMs,
  client: 'checkout',
  kind,
  text,
  count,
  untilMs: atMs,
  partition: 'orders-0',
});
const election = (changes: Partial<ElectionRecord> = {}): ElectionRecord => ({
  of: 'orders-0',
  epoch: 3,
  leader: 2,
  previousLeader: 1,
  isUnclean: false,
  faultAtMs: 1000,
  decidedAtMs: 1900,
  detectionMs: 880,
  voteMs: null,
  metadataMs: 5,
  discoveryMs: 60,
  totalMs: 1000,
  ...changes,
});

it('an outage runs from the first error over metadata and the new leader to the next acknowledgement', () => {
  const marks = [
    mark(1050, 'error', 'NETWORK_EXCEPTION from orders-0', 4),
    mark(1100, 'refresh', 'still broker 1', 7),
    mark(1950, 'leader', 'broker 2 leads'),
    mark(2000, 'recovered'),
    // Not a client of its own trouble: nothing follows from a note alone.
    { ...mark(2500, 'note'), partition: 'orders-1' },
  ];
  const [outage, ...others] = outagesOf(marks, [election({ of: 'orders-1' }), election()]);
  expect(others).toEqual([]);
  expect(outage).toMatchObject({
    errors: 4,
    refreshes: 8,
    leaderAtMs: 1950,
    recoveredAtMs: 2000,
    election: { epoch: 3 },
  });
  expect(outage === undefined ? [] : phasesOf(outage, 9000)).toEqual([
    { name: 'unnoticed', fromMs: 1000, toMs: 1050 },
    { name: 'deciding', fromMs: 1050, toMs: 1900 },
    { name: 'learning', fromMs: 1900, toMs: 1950 },
    { name: 'writing', fromMs: 1950, toMs: 2000 },
  ]);
});

it('an error without an election has none to jump to; one that nothing followed lasts to the end', () => {
  const outages = outagesOf(
    [mark(500, 'error')],
    [election({ decidedAtMs: 90_000, faultAtMs: 89_000, of: 'orders-9' })],
  );
  expect(outages).toMatchObject([{ election: null, recoveredAtMs: null }]);
  expect(outages[0] === undefined ? [] : phasesOf(outages[0], 800)).toEqual([
    { name: 'writing', fromMs: 500, toMs: 800 },
  ]);
});

it('the moment lies in the outage that began last before it', () => {
  const marks = [mark(100, 'error'), mark(200, 'recovered'), mark(400, 'error'), mark(600, 'recovered')];
  const outages = outagesOf(marks, []);
  expect([50, 150, 300, 500].map((atMs) => outageAt(outages, atMs)?.errorAtMs ?? null)).toEqual([null, 100, null, 400]);
});
