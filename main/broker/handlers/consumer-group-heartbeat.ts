// ConsumerGroupHeartbeat, versions 0 to 1 (KIP-848): version 1 brings subscriptions by regular expression, and member
// ids that clients choose (KIP-1082).

import type { Access } from '../../access/access.ts';
import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../protocol/messages/consumer-group-heartbeat.ts';
import type { Writable } from '../../protocol/schema.ts';
import { clientIdentity } from './client-identity.ts';
import { servesConsumerGroups } from './group-protocols.ts';

export function createConsumerGroupHeartbeatHandler({
  access,
  groups,
  image,
}: {
  /** Null: no authorizer. */
  readonly access: Access | null;
  readonly groups: GroupCoordinator;
  readonly image: () => MetadataImage;
}): Handler<ConsumerGroupHeartbeatRequest, Writable<ConsumerGroupHeartbeatResponse>> {
  return (context, request) =>
    servesConsumerGroups(image())
      ? groups.consumerGroupHeartbeat(clientIdentity(context, access), request)
      : { errorCode: ErrorCode.UNSUPPORTED_VERSION };
}
