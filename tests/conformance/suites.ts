// All conformance suites, in the order they run.

import { partitioningSuite } from './partitioning/suite.ts';
import type { Suite } from './suite.ts';
import { wireSuite } from './wire/suite.ts';

export const suites: readonly Suite[] = [wireSuite, partitioningSuite];
