// Who sent a request, as groups remember their members.

import type { Access } from '../../access/access.ts';
import { AclOperation } from '../../access/acl.ts';
import type { ClientIdentity } from '../../coordinators/group/group-context.ts';
import type { RequestContext } from '../../net/handler.ts';

export function clientIdentity(context: RequestContext, access: Access | null = null): ClientIdentity {
  return {
    clientId: context.clientId ?? '',
    // As Java prints an address that was never looked up.
    clientHost: `/${context.clientAddress}`,
    apiVersion: context.apiVersion,
    mayDescribe: access === null ? null : (topic) => access.topic(context, AclOperation.DESCRIBE, topic),
  };
}
