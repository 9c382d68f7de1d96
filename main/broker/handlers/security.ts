// What is answered to whoever asks to authenticate where nobody must, or again; and the delegation token APIs as Kafka
// answers them where there are none (authenticators serve SASL before the routes see it: main/net/sasl).

import { route, type Route } from '../../net/route.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { createDelegationTokenApi } from '../../protocol/messages/create-delegation-token.ts';
import { describeDelegationTokenApi } from '../../protocol/messages/describe-delegation-token.ts';
import { expireDelegationTokenApi } from '../../protocol/messages/expire-delegation-token.ts';
import { renewDelegationTokenApi } from '../../protocol/messages/renew-delegation-token.ts';
import { saslAuthenticateApi } from '../../protocol/messages/sasl-authenticate.ts';
import { saslHandshakeApi } from '../../protocol/messages/sasl-handshake.ts';

const alreadyDone = {
  errorCode: ErrorCode.ILLEGAL_SASL_STATE,
  errorMessage: 'SaslAuthenticate request received after successful authentication',
};
const noTokens = { errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED };

/** For both listeners. */
export function securityRoutes(): Route[] {
  return [
    route(saslHandshakeApi, {}, () => ({ errorCode: ErrorCode.ILLEGAL_SASL_STATE })),
    route(saslAuthenticateApi, {}, () => alreadyDone),
    route(createDelegationTokenApi, {}, () => noTokens),
    route(renewDelegationTokenApi, {}, () => noTokens),
    route(expireDelegationTokenApi, {}, () => noTokens),
    route(describeDelegationTokenApi, {}, () => noTokens),
  ];
}
