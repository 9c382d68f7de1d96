import { expect, test } from 'vitest';
import { anEvent, aView } from './fixtures.test-data.ts';
import { gapsSince, marksSince } from './workload-gaps.ts';

const { workload } = aView();
const recovered = (sequence: number, atMs: number, unavailableMs: number) =>
  anEvent(sequence, atMs, { kind: 'client.recovered', client: 'producer', unavailableMs }, 'workload');

test('a gap ends when the journal says so and is as long as it says', () => {
  expect(gapsSince([recovered(0, 1_000, 10), recovered(1, 5_000, 1_200)], workload, 6_000, 2_000)).toEqual([
    { fromMs: 3_800, untilMs: 5_000 },
  ]);
});

test('the gap that lasts comes from the workload', () => {
  expect(gapsSince([], { ...workload, unavailableForMs: 300 }, 6_000, 0)).toEqual([{ fromMs: 5_700, untilMs: null }]);
});

test('many elections of one moment are one mark, a fault is its own', () => {
  const elected = (sequence: number, atMs: number) =>
    anEvent(sequence, atMs, { kind: 'controller.active', epoch: sequence });
  const marks = marksSince(
    [
      anEvent(0, 100, { kind: 'process.killed', brokerId: 1, pid: 1 }),
      elected(1, 700),
      elected(2, 760),
      elected(3, 2_000),
    ],
    0,
  );
  expect(marks.map((mark) => [mark.atMs, mark.tone])).toEqual([
    [100, 'bad'],
    [700, 'good'],
    [2_000, 'good'],
  ]);
});
