// DescribeAcls 1-3, CreateAcls 1-3, DeleteAcls 1-3 and the delegation token APIs, as Kafka answers them without an
// authorizer and on plaintext listeners: there is nothing to administer, and clients are told so.

import { route, type Route } from '../../net/route.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { createAclsApi } from '../../protocol/messages/create-acls.ts';
import { createDelegationTokenApi } from '../../protocol/messages/create-delegation-token.ts';
import { deleteAclsApi } from '../../protocol/messages/delete-acls.ts';
import { describeAclsApi } from '../../protocol/messages/describe-acls.ts';
import { describeDelegationTokenApi } from '../../protocol/messages/describe-delegation-token.ts';
import { expireDelegationTokenApi } from '../../protocol/messages/expire-delegation-token.ts';
import { renewDelegationTokenApi } from '../../protocol/messages/renew-delegation-token.ts';

const errorCode = ErrorCode.SECURITY_DISABLED;
const noAuthorizer = { errorCode, errorMessage: 'No Authorizer is configured.' };
const noTokens = { errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED };

/** For both listeners. */
export function securityRoutes(): Route[] {
  return [
    route(describeAclsApi, {}, () => ({ errorCode, errorMessage: 'No Authorizer is configured on the broker' })),
    route(createAclsApi, {}, (_context, request) => ({ results: request.creations.map(() => noAuthorizer) })),
    route(deleteAclsApi, {}, (_context, request) => ({ filterResults: request.filters.map(() => noAuthorizer) })),
    route(createDelegationTokenApi, {}, () => noTokens),
    route(renewDelegationTokenApi, {}, () => noTokens),
    route(expireDelegationTokenApi, {}, () => noTokens),
    route(describeDelegationTokenApi, {}, () => noTokens),
  ];
}
