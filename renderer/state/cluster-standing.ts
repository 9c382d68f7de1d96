// How the cluster stands as a whole. The engine says whether it runs; whether it is whole is counted from the same
// brokers and partitions that the matrix shows, so that the two never disagree. Pure.

import type { ClusterView } from '../../main/api/views.ts';
import type { ClusterModel } from './cluster-model.ts';
import { isUnderReplicated, isUp } from './matrix-rows.ts';

export function clusterStanding(model: ClusterModel): ClusterView['state'] {
  const { state } = model.facts;
  if (state !== 'ready') return state;
  if (!model.brokers.every(isUp) || model.facts.quorum.leaderId === null) return 'degraded';
  for (const partitions of model.partitions.values()) if (partitions.some(isUnderReplicated)) return 'degraded';
  return state;
}
