// Requests of ConsumerGroupHeartbeat that make no sense whatever the group's state, with Kafka's words.

import { ErrorCode } from '../../protocol/errors.ts';
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../protocol/messages/consumer-group-heartbeat.ts';
import type { Writable } from '../../protocol/schema.ts';
import { leaveEpoch, leaveStaticEpoch } from './consumer-group-member.ts';

/** From here on members choose their ids themselves. */
const ownMemberIdFrom = 1;

/** Null when nothing speaks against it. */
export function heartbeatRefusal(
  request: ConsumerGroupHeartbeatRequest,
  apiVersion: number,
  assignors: readonly string[],
): Writable<ConsumerGroupHeartbeatResponse> | null {
  const { serverAssignor } = request;
  const errorMessage = firstMistake(request, apiVersion);
  if (errorMessage !== null) return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage };
  if (serverAssignor === null || assignors.includes(serverAssignor)) return null;
  return {
    errorCode: ErrorCode.UNSUPPORTED_ASSIGNOR,
    errorMessage: `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${assignors.join(', ')}.`,
  };
}

function firstMistake(request: ConsumerGroupHeartbeatRequest, apiVersion: number): string | null {
  const { groupId, memberId, memberEpoch, instanceId, rackId } = request;
  const needsMemberId = apiVersion >= ownMemberIdFrom || memberEpoch > 0 || memberEpoch === leaveEpoch;
  if (needsMemberId && isBlank(memberId)) return "MemberId can't be empty.";
  if (isBlank(groupId)) return "GroupId can't be empty.";
  if (instanceId !== null && isBlank(instanceId)) return "InstanceId can't be empty.";
  if (rackId !== null && isBlank(rackId)) return "RackId can't be empty.";
  if (memberEpoch === 0) return joinMistake(request);
  if (memberEpoch === leaveStaticEpoch) return instanceId === null ? "InstanceId can't be null." : null;
  return memberEpoch < leaveStaticEpoch ? 'MemberEpoch is invalid.' : null;
}

function joinMistake(request: ConsumerGroupHeartbeatRequest): string | null {
  if (request.rebalanceTimeoutMs === -1) return 'RebalanceTimeoutMs must be provided in first request.';
  if (request.topicPartitions === null || request.topicPartitions.length > 0) {
    return 'TopicPartitions must be empty when (re-)joining.';
  }
  if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null) {
    return 'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.';
  }
  return null;
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}
