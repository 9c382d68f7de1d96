// A short campaign: random kills, freezes, stops, cuts and power losses on real brokers under load. `npm run campaign`
// runs it for minutes.

import { expect, test } from 'vitest';
import { runCampaign } from '../campaign/campaign.ts';

test('half a minute of trouble loses, repeats, reorders and un-reads nothing', async () => {
  const story: string[] = [];
  const { counts, troubles, violations } = await runCampaign({
    seed: 4,
    durationMs: 30_000,
    note: (text) => story.push(text),
  });
  expect(violations, story.join('\n')).toEqual([]);
  expect(counts.acknowledged).toBeGreaterThan(500);
  expect(counts.read).toBeGreaterThan(500);
  expect(counts.commits).toBeGreaterThan(0);
  expect([...troubles.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(3);
}, 240_000);
