// The delegation token APIs as Kafka answers them on plaintext listeners: there are none, and clients are told so.

import { route, type Route } from '../../net/route.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { createDelegationTokenApi } from '../../protocol/messages/create-delegation-token.ts';
import { describeDelegationTokenApi } from '../../protocol/messages/describe-delegation-token.ts';
import { expireDelegationTokenApi } from '../../protocol/messages/expire-delegation-token.ts';
import { renewDelegationTokenApi } from '../../protocol/messages/renew-delegation-token.ts';

const noTokens = { errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED };

/** For both listeners. */
export function securityRoutes(): Route[] {
  return [
    route(createDelegationTokenApi, {}, () => noTokens),
    route(renewDelegationTokenApi, {}, () => noTokens),
    route(expireDelegationTokenApi, {}, () => noTokens),
    route(describeDelegationTokenApi, {}, () => noTokens),
  ];
}
