// A mutation that no longer fits its file would measure nothing.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mutations } from './mutation-list.ts';

it.each(mutations)('$name: $bug', ({ file, from }) => {
  expect(readFileSync(file, 'utf8').split(from)).toHaveLength(2);
});
