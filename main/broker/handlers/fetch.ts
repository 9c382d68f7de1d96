// Fetch on the client listener, versions 4 to 18: consumers and followers alike. KIP-74, 98, 227, 392, 595 (diverging
// epoch), 516, 903, 951. Route it as pipelined: a follower's next request interrupts its own long poll.
// Not here: the metadata partition, which the controller listener serves; tiered storage; down-conversion.

import type { Access } from '../../access/access.ts';
import { fetchRefusal } from '../../access/guards/records.ts';
import { toTopicId } from '../../core/ids.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { FetchRequest, FetchResponse } from '../../protocol/messages/fetch.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';
import { LeaderHints } from './leader-hints.ts';

export type FetchCounters = { fetchRequests: number };

export type FetchDependencies = {
  readonly replicas: ReplicaManager;
  readonly counters: FetchCounters;
  /** Null: no authorizer. */
  readonly access: Access | null;
};

/** From this version on an answer names the new leader's endpoint. */
const leaderHintVersionMin = 16;

export function createFetchHandler(dependencies: FetchDependencies): Handler<FetchRequest, Writable<FetchResponse>> {
  const { replicas, counters, access } = dependencies;
  return (context, request) => {
    counters.fetchRequests++;
    const version = context.apiVersion;
    const refusal = access === null ? null : fetchRefusal(access, context, request);
    const response = replicas.fetch(request, version, refusal);
    if (version < leaderHintVersionMin) return response;
    if (response instanceof Promise)
      return response.then((settled) => withLeaderHints(replicas, context.listenerName, settled));
    return withLeaderHints(replicas, context.listenerName, response);
  };
}

function withLeaderHints(
  replicas: ReplicaManager,
  listenerName: string,
  response: Writable<FetchResponse>,
): Writable<FetchResponse> {
  let hints: LeaderHints | null = null;
  let responses = response.responses;
  for (const [topicAt, topic] of (response.responses ?? []).entries()) {
    for (const [at, row] of (topic.partitions ?? []).entries()) {
      if (row.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER && row.errorCode !== ErrorCode.FENCED_LEADER_EPOCH)
        continue;
      hints ??= new LeaderHints(replicas, listenerName);
      const currentLeader = hints.leaderOf(toTopicId(topic.topicId ?? ''), topic.topic ?? '', row.partitionIndex ?? -1);
      const partitions = (responses?.[topicAt]?.partitions ?? []).with(at, { ...row, currentLeader });
      responses = (responses ?? []).with(topicAt, { ...topic, partitions });
    }
  }
  return hints === null
    ? response
    : { ...response, ...(responses === undefined ? {} : { responses }), nodeEndpoints: hints.nodeEndpoints };
}
