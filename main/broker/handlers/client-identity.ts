// Who sent a request, as groups remember their members.

import type { ClientIdentity } from '../../coordinators/group/group-context.ts';
import type { RequestContext } from '../../net/handler.ts';

export function clientIdentity(context: RequestContext): ClientIdentity {
  return {
    clientId: context.clientId ?? '',
    // As Java prints an address that was never looked up.
    clientHost: `/${context.clientAddress}`,
    apiVersion: context.apiVersion,
  };
}
