import { expect, test } from 'vitest';
import { aView } from '../state/fixtures.test-data.ts';
import { bufferedDeltasMax, SnapshotSync } from './snapshot-sync.ts';

const delta = (number: number): { number: number } => ({ number });

function following(number: number): SnapshotSync {
  const sync = new SnapshotSync();
  sync.connected();
  sync.snapshot(number, aView());
  return sync;
}

test('a link that comes up asks for a snapshot', () => {
  expect(new SnapshotSync().connected()).toEqual({ do: 'request-snapshot' });
});

test('deltas that overtake the snapshot are applied on top of it, older ones are dropped', () => {
  const sync = new SnapshotSync();
  sync.connected();
  for (const number of [4, 5, 6]) expect(sync.delta(delta(number))).toEqual({ do: 'nothing' });
  expect(sync.snapshot(4, aView())).toMatchObject({ do: 'replace', deltas: [{ number: 5 }, { number: 6 }] });
  expect(sync.delta(delta(7))).toEqual({ do: 'apply', delta: delta(7) });
});

test('a gap means a new snapshot', () => {
  const sync = following(10);
  expect(sync.delta(delta(11))).toMatchObject({ do: 'apply' });
  expect(sync.delta(delta(13))).toEqual({ do: 'request-snapshot' });
  expect(sync.delta(delta(14))).toEqual({ do: 'nothing' });
});

test('a gap between the snapshot and what was held back means another snapshot', () => {
  const sync = new SnapshotSync();
  sync.connected();
  sync.delta(delta(7));
  expect(sync.snapshot(4, aView())).toEqual({ do: 'request-snapshot' });
});

test('a delta told twice is applied once', () => {
  const sync = following(10);
  sync.delta(delta(11));
  expect(sync.delta(delta(11))).toEqual({ do: 'nothing' });
});

test('nothing is applied after the link broke, until the next snapshot', () => {
  const sync = following(10);
  sync.disconnected();
  expect(sync.delta(delta(11))).toEqual({ do: 'nothing' });
  expect(sync.snapshot(11, aView())).toEqual({ do: 'nothing' });
  expect(sync.connected()).toEqual({ do: 'request-snapshot' });
});

test('a snapshot that never comes does not hoard deltas', () => {
  const sync = new SnapshotSync();
  sync.connected();
  for (let number = 0; number < bufferedDeltasMax; number++) sync.delta(delta(number));
  expect(sync.delta(delta(bufferedDeltasMax))).toEqual({ do: 'request-snapshot' });
});
