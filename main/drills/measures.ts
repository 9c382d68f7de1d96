// The names of the figures in a verdict, as expectations and questions use them. Pure.

const perClient = [
  'sent',
  'acknowledged',
  'failed',
  'failedButWritten',
  'lost',
  'duplicated',
  'reordered',
  'writesUnavailableMs',
  'latencyP99Ms',
  'refusedAttempts',
  'hottestPartitionShare',
  'consumed',
  'deliveredAgain',
  'maxLag',
  'drainMs',
  'readsUnavailableMs',
  'rebalances',
  'partitionsMoved',
  'unownedMs',
  'unownedTotalMs',
  'partitionsUnowned',
  'copies',
  'copiesLost',
  'copiesDuplicated',
  'fenced',
] as const;

const perRun = [
  'elections',
  'uncleanElections',
  'controllerElections',
  'electionMs',
  'detectionMs',
  'voteMs',
  'metadataMs',
  'discoveryMs',
  'isrShrinks',
  'isrRecoveryMs',
  'truncatedRecords',
  'offlineMs',
  'violations',
] as const;

export const measureNames: readonly string[] = [...perClient, ...perRun];

/** Whether a verdict has this figure: `lost`, or `lost.checkout` for one of the clients. */
export function isMeasure(name: string, clients: readonly string[]): boolean {
  const [measure = '', client] = name.split('.', 2);
  if (client === undefined) return measureNames.includes(measure);
  return (perClient as readonly string[]).includes(measure) && clients.includes(client);
}

/** How a figure is said: `412 ms`, `3 records`. */
export function measureText(name: string, value: number | null): string {
  if (value === null) return 'not seen';
  const [measure = ''] = name.split('.', 1);
  if (measure.endsWith('Ms')) return `${Math.round(value)} ms`;
  if (measure.endsWith('Share')) return `${Math.round(value * 100)} %`;
  return String(value);
}
