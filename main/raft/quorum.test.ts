// Plays testdata/*.txt against the pure quorum. With UPDATE_SCENARIOS=1 the expected lines are written anew: do that
// only when you can explain every line that changes.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Scenario } from './quorum-scenario.test-kit.ts';

const directory = new URL('./testdata/', import.meta.url);

/** The file with the effects as they really are. A heading (`== …`) begins a new node. */
function replay(text: string): string {
  let scenario = new Scenario();
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('    ')) continue;
    lines.push(line);
    if (line.startsWith('==')) scenario = new Scenario();
    if (line === '' || line.startsWith('#') || line.startsWith('==')) continue;
    lines.push(...scenario.play(line).map((effect) => `    ${effect}`));
  }
  return lines.join('\n');
}

describe('quorum scenarios', () => {
  it.each(readdirSync(directory).filter((name) => name.endsWith('.txt')))('%s', (name) => {
    const path = new URL(name, directory);
    const expected = readFileSync(path, 'utf8');
    const actual = replay(expected);
    if (process.env['UPDATE_SCENARIOS'] === '1') writeFileSync(path, actual);
    else expect(actual).toBe(expected);
  });
});
