import { expect, it } from 'vitest';
import { metadataSuite } from './suite.ts';

it('Kafka’s metadata logs and snapshots mean the same here', () => {
  const failures: string[] = [];
  let count = 0;
  metadataSuite.run('tests/conformance/vectors', (ok, name, detail) => {
    count++;
    if (!ok) failures.push(`${name}: ${detail ?? ''}`);
  });
  expect(failures.slice(0, 10)).toEqual([]);
  expect(count).toBeGreaterThan(20);
});
