// StreamsGroupHeartbeat, version 0 (KIP-1071): looks at the names of topics, asks the group's coordinator, and has the
// internal topics made that the topology misses.

import type { Access } from '../../access/access.ts';
import { AclOperation } from '../../access/acl.ts';
import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { StreamsHeartbeatOutcome } from '../../coordinators/group/streams/streams-heartbeat.ts';
import { StreamsStatus } from '../../coordinators/group/streams/topology.ts';
import { topicNameError } from '../../controller/topic-names.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Handler, RequestContext } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from '../../protocol/messages/streams-group-heartbeat.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { StreamsTopicCreation } from '../streams-topic-creation.ts';
import { clientIdentity } from './client-identity.ts';
import { servesStreamsGroups } from './group-protocols.ts';
import { isInternalTopic } from '../../metadata/internal-topics.ts';

export type StreamsGroupHeartbeatDependencies = {
  /** Null: no authorizer. */
  readonly access: Access | null;
  readonly groups: GroupCoordinator;
  readonly streamsTopics: Pick<StreamsTopicCreation, 'request'>;
  readonly image: () => MetadataImage;
};

type Response = Writable<StreamsGroupHeartbeatResponse>;
type Topology = NonNullable<StreamsGroupHeartbeatRequest['topology']>;

const failuresToldMax = 3;
/** Heartbeats after which a topic that could not be made is tried again. */
const heartbeatsUntilRetry = 2;

export function createStreamsGroupHeartbeatHandler({
  access,
  groups,
  streamsTopics,
  image,
}: StreamsGroupHeartbeatDependencies): Handler<StreamsGroupHeartbeatRequest, Response> {
  return async (context, request) => {
    if (!servesStreamsGroups(image())) return { errorCode: ErrorCode.UNSUPPORTED_VERSION };
    const mistake = request.topology === null ? null : namesMistake(request.topology);
    if (mistake !== null) return { errorCode: ErrorCode.STREAMS_INVALID_TOPOLOGY, errorMessage: mistake };
    const { streams } = groups;
    if (streams === null) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE };
    const outcome = await streams.heartbeat(clientIdentity(context), request);
    if (outcome.missingTopics.length === 0) return outcome.response;
    const refused = access === null ? [] : notCreatable(access, context, outcome);
    return refused.length === 0 ? withFailures(outcome, streamsTopics) : withRefusals(outcome, refused);
  };
}

function namesMistake({ subtopologies }: Topology): string | null {
  const names = new Set(
    subtopologies.flatMap(({ sourceTopics, repartitionSinkTopics, repartitionSourceTopics, stateChangelogTopics }) => [
      ...sourceTopics,
      ...repartitionSinkTopics,
      ...[...repartitionSourceTopics, ...stateChangelogTopics].map(({ name }) => name),
    ]),
  );
  const prohibited = [...names].filter(isInternalTopic);
  if (prohibited.length > 0) {
    return `Use of Kafka internal topics ${prohibited.join(',')} in a Kafka Streams topology is prohibited.`;
  }
  const invalid = [...names].filter((name) => topicNameError(name) !== null);
  return invalid.length === 0 ? null : `Topic names ${invalid.join(',')} are not valid topic names.`;
}

function notCreatable(access: Access, context: RequestContext, { missingTopics }: StreamsHeartbeatOutcome): string[] {
  if (access.cluster(context, AclOperation.CREATE)) return [];
  return missingTopics.map(({ name }) => name).filter((name) => !access.topic(context, AclOperation.CREATE, name));
}

/** None is made unless the member may create them all. */
function withRefusals({ response }: StreamsHeartbeatOutcome, refused: readonly string[]): Response {
  const detail = `Unauthorized to CREATE on topics ${refused.join(', ')}.`;
  const statusCode = StreamsStatus.MISSING_INTERNAL_TOPICS;
  const isTold = (response.status ?? []).some((each) => each.statusCode === statusCode);
  const status = (response.status ?? []).map((each) =>
    each.statusCode === statusCode ? { ...each, statusDetail: `${each.statusDetail ?? ''}; ${detail}` } : each,
  );
  return { ...response, status: isTold ? status : [...status, { statusCode, statusDetail: detail }] };
}

/** Has the topics made; adds to the status why an earlier attempt failed. */
function withFailures(
  { response, missingTopics }: StreamsHeartbeatOutcome,
  topics: Pick<StreamsTopicCreation, 'request'>,
): Response {
  const retryAfterMs = (response.heartbeatIntervalMs ?? 0) * heartbeatsUntilRetry;
  const failures = [...topics.request(missingTopics, retryAfterMs)];
  if (failures.length === 0) return response;
  const told = failures.slice(0, failuresToldMax).map(([name, message]) => `${name} (${message})`);
  const rest = failures.length - told.length;
  const why = `; Creation failed: ${told.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}.`;
  const status = (response.status ?? []).map((each) =>
    each.statusCode === StreamsStatus.MISSING_INTERNAL_TOPICS
      ? { ...each, statusDetail: `${each.statusDetail ?? ''}${why}` }
      : each,
  );
  return { ...response, status };
}
