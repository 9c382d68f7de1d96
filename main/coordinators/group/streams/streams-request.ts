// Requests of StreamsGroupHeartbeat that make no sense whatever the group's state, with Kafka's words.

import { ErrorCode } from '../../../protocol/errors.ts';
import type { StreamsGroupHeartbeatRequest } from '../../../protocol/messages/streams-group-heartbeat.ts';

export type StreamsRefusal = { readonly errorCode: number; readonly errorMessage: string };

const leaveStaticEpoch = -2;

/** Null when nothing speaks against it. */
export function streamsRefusal(request: StreamsGroupHeartbeatRequest): StreamsRefusal | null {
  const mistake = unsupported(request) ?? identityMistake(request) ?? epochMistake(request) ?? taskMistake(request);
  if (mistake !== null) return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: mistake };
  if (request.memberEpoch !== 0 || request.topology === null) return null;
  for (const { stateChangelogTopics } of request.topology.subtopologies) {
    for (const { name, partitions } of stateChangelogTopics) {
      if (partitions === 0) continue;
      return {
        errorCode: ErrorCode.STREAMS_INVALID_TOPOLOGY,
        errorMessage: `Changelog topic ${name} must have an undefined partition count, but it is set to ${partitions}.`,
      };
    }
  }
  return null;
}

function unsupported(request: StreamsGroupHeartbeatRequest): string | null {
  if (request.instanceId !== null) return 'Static membership is not yet supported.';
  if (request.taskOffsets !== null) return 'TaskOffsets are not supported yet.';
  if (request.taskEndOffsets !== null) return 'TaskEndOffsets are not supported yet.';
  if (request.warmupTasks !== null && request.warmupTasks.length > 0) return 'WarmupTasks are not supported yet.';
  const hasRegex = request.topology?.subtopologies.some(({ sourceTopicRegex }) => sourceTopicRegex.length > 0);
  return hasRegex === true ? 'Regular expressions for source topics are not supported yet.' : null;
}

function identityMistake({ memberId, groupId, rackId }: StreamsGroupHeartbeatRequest): string | null {
  if (memberId.trim() === '') return "MemberId can't be empty.";
  if (groupId.trim() === '') return "GroupId can't be empty.";
  return rackId !== null && rackId.trim() === '' ? "RackId can't be empty." : null;
}

function epochMistake(request: StreamsGroupHeartbeatRequest): string | null {
  const { memberEpoch, topology, activeTasks, standbyTasks, warmupTasks } = request;
  const isFilled = (tasks: readonly unknown[] | null): boolean => tasks !== null && tasks.length > 0;
  if (memberEpoch < leaveStaticEpoch) return `MemberEpoch is ${memberEpoch}, but must be greater than or equal to -2.`;
  if (memberEpoch === leaveStaticEpoch) return "InstanceId can't be null.";
  if (memberEpoch !== 0) return null;
  if (request.rebalanceTimeoutMs === -1) return 'RebalanceTimeoutMs must be provided in first request.';
  if (isFilled(activeTasks)) return 'ActiveTasks must be empty when (re-)joining.';
  if (isFilled(standbyTasks)) return 'StandbyTasks must be empty when (re-)joining.';
  if (isFilled(warmupTasks)) return 'WarmupTasks must be empty when (re-)joining.';
  return topology === null ? 'Topology must be non-null when (re-)joining.' : null;
}

function taskMistake(request: StreamsGroupHeartbeatRequest): string | null {
  const { activeTasks, standbyTasks, warmupTasks } = request;
  const isGiven = [activeTasks, standbyTasks, warmupTasks].filter((tasks) => tasks !== null).length;
  if (isGiven === 1 || isGiven === 2) return 'If one task-type is non-null, all must be non-null.';
  return request.memberEpoch !== 0 && request.topology !== null
    ? 'Topology can only be provided when (re-)joining.'
    : null;
}
