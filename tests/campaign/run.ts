// `npm run campaign -- --minutes 10 --seed 1`: a random schedule of kills, freezes, stops, cuts and power losses against
// a real cluster under load, and the verdict. Needs `npm run build` first.

import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    brokers: { type: 'string', default: '3' },
    quiet: { type: 'boolean', default: false },
  },
});

const { counts, troubles, refusedSequences, violations, directory } = await runCampaign({
  seed: Number(values.seed),
  durationMs: Number(values.minutes) * 60_000,
  brokers: Number(values.brokers),
  note: (text) => (values.quiet ? undefined : console.log(text)),
  keepDirectory: true,
});

console.log(`\ntroubles: ${[...troubles].map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
console.log(`sent ${counts.sent}, acknowledged ${counts.acknowledged}, given up ${counts.failed}, read ${counts.read}`);
console.log(
  `lost ${counts.lost.all}, duplicated ${counts.duplicated}, reordered ${counts.reordered}; sequences refused ${refusedSequences}`,
);
for (const violation of violations) console.log(`VIOLATION ${violation}`);
if (violations.length > 0) console.log(`files are kept in ${directory}`);
console.log(violations.length === 0 ? 'no violation' : `${violations.length} violations`);
process.exit(violations.length === 0 ? 0 : 1);
