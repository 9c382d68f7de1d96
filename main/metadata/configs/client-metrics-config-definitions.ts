// Every client metrics subscription setting of Apache Kafka 4.3.1.

import type { ConfigDefinition } from './config-definition.ts';

export const clientMetricsConfigDefinitions: readonly ConfigDefinition[] = [
  { name: 'interval.ms', type: 'INT', default: '300000' },
  { name: 'match', type: 'LIST', default: '' },
  { name: 'metrics', type: 'LIST', default: '' },
];
