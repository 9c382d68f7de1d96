// The part of the handler table that share groups take (KIP-932): members, records and acknowledgements, offsets, and
// the state that brokers keep for one another.

import type { Access } from '../../access/access.ts';
import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { ShareGroups } from '../../coordinators/group/share/share-groups.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { route, type Route } from '../../net/route.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { alterShareGroupOffsetsApi } from '../../protocol/messages/alter-share-group-offsets.ts';
import { deleteShareGroupOffsetsApi } from '../../protocol/messages/delete-share-group-offsets.ts';
import { deleteShareGroupStateApi } from '../../protocol/messages/delete-share-group-state.ts';
import { describeShareGroupOffsetsApi } from '../../protocol/messages/describe-share-group-offsets.ts';
import { initializeShareGroupStateApi } from '../../protocol/messages/initialize-share-group-state.ts';
import { readShareGroupStateSummaryApi } from '../../protocol/messages/read-share-group-state-summary.ts';
import { readShareGroupStateApi } from '../../protocol/messages/read-share-group-state.ts';
import { shareAcknowledgeApi } from '../../protocol/messages/share-acknowledge.ts';
import { shareFetchApi } from '../../protocol/messages/share-fetch.ts';
import { shareGroupDescribeApi } from '../../protocol/messages/share-group-describe.ts';
import { shareGroupHeartbeatApi } from '../../protocol/messages/share-group-heartbeat.ts';
import { writeShareGroupStateApi } from '../../protocol/messages/write-share-group-state.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';
import type { ShareServices } from '../share-services.ts';
import { clientIdentity } from './client-identity.ts';
import { servesShareGroups } from './group-protocols.ts';
import { createShareAcknowledgeHandler } from './share-acknowledge.ts';
import { createShareFetchHandler } from './share-fetch.ts';
import { createShareGroupDescribeHandler } from './share-group-describe.ts';

export type ShareRoutesDependencies = {
  readonly access: Access | null;
  readonly groups: GroupCoordinator;
  readonly shares: ShareServices;
  readonly replicas: ReplicaManager;
  readonly image: () => MetadataImage;
};

const onClient = { listeners: ['client'] } as const;
const unsupported = { errorCode: ErrorCode.UNSUPPORTED_VERSION } as const;
const unavailable = { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE } as const;

export function shareRoutes(dependencies: ShareRoutesDependencies): Route[] {
  const { shares } = dependencies;
  const { coordinator } = shares;
  return [
    ...memberRoutes(dependencies),
    route(shareFetchApi, onClient, createShareFetchHandler(dependencies)),
    route(shareAcknowledgeApi, onClient, createShareAcknowledgeHandler(dependencies)),
    route(initializeShareGroupStateApi, onClient, (_context, request) => coordinator.initialize(request)),
    route(readShareGroupStateApi, onClient, (_context, request) => coordinator.read(request)),
    route(writeShareGroupStateApi, onClient, (_context, request) => coordinator.write(request)),
    route(deleteShareGroupStateApi, onClient, (_context, request) => coordinator.delete(request)),
    route(readShareGroupStateSummaryApi, onClient, (_context, request) => coordinator.readSummary(request)),
  ];
}

/** What the group's coordinator answers. */
function memberRoutes({ groups, image }: ShareRoutesDependencies): Route[] {
  /** The group's coordinator, or the error that stands for it. */
  const door = (): ShareGroups | typeof unsupported | typeof unavailable =>
    servesShareGroups(image()) ? (groups.shares ?? unavailable) : unsupported;
  return [
    route(shareGroupHeartbeatApi, onClient, (context, request) => {
      const shares = door();
      return 'errorCode' in shares ? shares : shares.heartbeat(clientIdentity(context), request);
    }),
    route(shareGroupDescribeApi, onClient, createShareGroupDescribeHandler(door)),
    route(describeShareGroupOffsetsApi, onClient, async (_context, request) => {
      const shares = door();
      const described = request.groups.map((group) =>
        'errorCode' in shares ? { groupId: group.groupId, ...shares } : shares.describeOffsets(group),
      );
      return { groups: await Promise.all(described) };
    }),
    route(alterShareGroupOffsetsApi, onClient, (_context, request) => {
      const shares = door();
      return 'errorCode' in shares ? shares : shares.alterOffsets(request);
    }),
    route(deleteShareGroupOffsetsApi, onClient, (_context, request) => {
      const shares = door();
      return 'errorCode' in shares ? shares : shares.deleteOffsets(request);
    }),
  ];
}
