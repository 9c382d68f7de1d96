// ShareFetch, versions 1 to 2 (KIP-932, 1206, 1222): records for a member of a share group, and what it says of those
// it has.

import type { Access } from '../../access/access.ts';
import { AclOperation } from '../../access/acl.ts';
import { toTopicId } from '../../core/ids.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Handler, RequestContext } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { ShareFetchRequest, ShareFetchResponse } from '../../protocol/messages/share-fetch.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';
import type { ShareAccess } from '../../sharing/share-requests.ts';
import type { ShareServices } from '../share-services.ts';
import { servesShareGroups } from './group-protocols.ts';
import { LeaderHints } from './leader-hints.ts';

export type ShareFetchDependencies = {
  readonly shares: ShareServices;
  readonly replicas: ReplicaManager;
  readonly image: () => MetadataImage;
  /** Null: no authorizer. */
  readonly access: Access | null;
};

export function createShareFetchHandler({
  shares,
  replicas,
  image,
  access,
}: ShareFetchDependencies): Handler<ShareFetchRequest, Writable<ShareFetchResponse>> {
  return async (context, request) => {
    if (!servesShareGroups(image())) return { errorCode: ErrorCode.UNSUPPORTED_VERSION };
    const response = await shares.requests.fetch(request, context, shareAccess(access, context));
    return withCurrentLeaders(replicas, context.listenerName, response);
  };
}

/** Which topics a member of a share group may read and acknowledge. */
export function shareAccess(access: Access | null, context: RequestContext): ShareAccess {
  if (access === null) return () => ErrorCode.NONE;
  return (topic) =>
    access.topic(context, AclOperation.READ, topic) ? ErrorCode.NONE : ErrorCode.TOPIC_AUTHORIZATION_FAILED;
}

type Row = { readonly partitionIndex?: number | undefined; readonly errorCode?: number | undefined };
type Topic = { readonly topicId?: string | undefined; readonly partitions?: readonly Row[] | undefined };

/** Who leads the partitions that this broker does not lead any more (KIP-951). */
export function withCurrentLeaders<Response extends { readonly responses?: readonly Topic[] | undefined }>(
  replicas: ReplicaManager,
  listenerName: string,
  response: Response,
): Response {
  const hints = new LeaderHints(replicas, listenerName);
  const responses = response.responses?.map((topic) => ({
    ...topic,
    partitions: topic.partitions?.map((row) => {
      if (row.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER && row.errorCode !== ErrorCode.FENCED_LEADER_EPOCH) {
        return row;
      }
      const currentLeader = hints.leaderOf(toTopicId(topic.topicId ?? ''), '', row.partitionIndex ?? -1);
      return { ...row, currentLeader };
    }),
  }));
  const { nodeEndpoints } = hints;
  return nodeEndpoints.length === 0 ? response : { ...response, responses, nodeEndpoints };
}
