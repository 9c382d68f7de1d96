// npm run conformance -- DIR: holds the engine's codecs, records and log against vectors of the form that
// tests/conformance/vectors has. Prints each failure; the last line is `N passed, N failed`.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { suites } from './suites.ts';

const failuresShownMax = 200;

function main(): number {
  const [given] = process.argv.slice(2);
  if (given === undefined || !existsSync(given)) {
    console.error('usage: npm run conformance -- DIR   (DIR holds wire/, records/, partitioning.json …)');
    return 2;
  }
  const directory = resolve(given);
  let passed = 0;
  let failed = 0;
  for (const suite of suites) {
    const before = { passed, failed };
    const startedMs = performance.now();
    try {
      suite.run(directory, (ok, name, detail) => {
        if (ok) {
          passed++;
          return;
        }
        failed++;
        if (failed <= failuresShownMax) console.log(`FAILED ${name}${detail === undefined ? '' : `: ${detail}`}`);
      });
    } catch (error) {
      failed++;
      console.log(
        `FAILED ${suite.name} did not finish: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
      );
    }
    const tookMs = Math.round(performance.now() - startedMs);
    console.log(`${suite.name}: ${passed - before.passed} passed, ${failed - before.failed} failed (${tookMs} ms)`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = main();
