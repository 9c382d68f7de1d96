// All conformance suites, in the order they run. The owner of a folder with vectors adds his suite here.

import { datadirSuite } from './log/datadir-suite.ts';
import { logSuites } from './log/suite.ts';
import { metadataSuite } from './metadata/suite.ts';
import { partitioningSuite } from './partitioning/suite.ts';
import { recordSuites } from './records/suite.ts';
import type { Suite } from './suite.ts';
import { wireSuite } from './wire/suite.ts';

export type { Report, Suite } from './suite.ts';

export const suites: readonly Suite[] = [
  wireSuite,
  partitioningSuite,
  ...recordSuites,
  ...logSuites,
  datadirSuite(),
  metadataSuite,
];
