// The words of the Drills screen: measures, states, levels.

import type { RunState } from '../../main/api/drill-views.ts';

const labels: Readonly<Record<string, string>> = {
  sent: 'Sent',
  acknowledged: 'Acknowledged',
  failed: 'Failed for the client',
  failedButWritten: 'Failed for the client, yet written',
  lost: 'Acknowledged and lost',
  duplicated: 'Duplicated',
  reordered: 'Reordered',
  writesUnavailableMs: 'Longest time without an answer',
  readsUnavailableMs: 'Longest time with nothing read',
  latencyP99Ms: 'Latency, p99',
  refusedAttempts: 'Refused attempts',
  consumed: 'Read',
  deliveredAgain: 'Read again',
  maxLag: 'Highest lag',
  drainMs: 'Lag drained in',
  rebalances: 'Rebalances',
  partitionsMoved: 'Partitions that changed their owner',
  unownedMs: 'Longest time without an owner',
  elections: 'Partition elections',
  uncleanElections: 'Unclean elections',
  controllerElections: 'Controller elections',
  electionMs: 'Fault to first acknowledgement',
  detectionMs: 'Fault to noticing',
  isrShrinks: 'Times a replica left the ISR',
  isrRecoveryMs: 'ISR whole again after',
  truncatedRecords: 'Records cut off by replicas',
  offlineMs: 'Longest time without a leader',
  hottestPartitionShare: 'Share of the hottest partition',
  violations: 'Broken promises',
};

/** `lost.checkout` → `Acknowledged and lost, checkout`. */
export function measureLabel(name: string): string {
  const [measure = '', client] = name.split('.', 2);
  const label = labels[measure] ?? measure;
  return client === undefined ? label : `${label}, ${client}`;
}

export function measureValue(name: string, value: number | null): string {
  if (value === null) return 'not seen';
  const [measure = ''] = name.split('.', 1);
  if (measure.endsWith('Ms')) return `${Math.round(value)} ms`;
  if (measure.endsWith('Share')) return `${Math.round(value * 100)} %`;
  return String(value);
}

export const stateWords: Readonly<Record<RunState, string>> = {
  preparing: 'Preparing',
  running: 'Running',
  settling: 'Reading everything back',
  passed: 'Passed',
  failed: 'Failed',
  aborted: 'Stopped by hand',
};

export const levelWords = { first: 'Start here', basic: 'Basic', advanced: 'Advanced' } as const;
