// Gives the users who were named on the command line their SCRAM credentials, as `kafka-configs` would: the password
// stays here, the cluster is told what it makes of a salt.

import { RpcClient } from '../net/rpc-client.ts';
import { saltedPassword, scramMechanisms } from '../net/sasl/scram-keys.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { alterUserScramCredentialsApi } from '../protocol/messages/alter-user-scram-credentials.ts';
import { describeUserScramCredentialsApi } from '../protocol/messages/describe-user-scram-credentials.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { ClusterError } from './cluster-error.ts';
import type { Topology } from './topology.ts';

const saltBytes = 20;
const requestTimeoutMs = 10_000;

/** `renewed`: users whose password may have changed. Others keep the credentials that they have. */
export async function provideScramUsers(
  { network, clock, random }: Runtime,
  { host, brokers, secured }: Topology,
  renewed: Iterable<string>,
): Promise<void> {
  const users = Object.entries(secured?.users ?? {});
  if (users.length === 0) return;
  const port = brokers[0]?.port ?? 0;
  const where = { network, clock, host, port, clientId: 'highwater', connectTimeoutMs: 2000, requestTimeoutMs };
  const client = await RpcClient.connect(where);
  try {
    const known = await client.send(describeUserScramCredentialsApi, { users: null });
    const mustRenew = new Set(renewed);
    // One request a mechanism: a user may stand in a request once.
    for (const mechanism of scramMechanisms) {
      const has = (user: string): boolean =>
        known.results.some(
          (each) => each.user === user && each.credentialInfos.some((one) => one.mechanism === mechanism.type),
        );
      const upsertions = users
        .filter(([user]) => mustRenew.has(user) || !has(user))
        .map(([name, password]) => {
          const salt = Buffer.from(random.bytes(saltBytes));
          const iterations = mechanism.iterationsMin;
          const salted = saltedPassword(mechanism, password, salt, iterations);
          return { name, mechanism: mechanism.type, iterations, salt, saltedPassword: salted };
        });
      if (upsertions.length === 0) continue;
      const { results } = await client.send(alterUserScramCredentialsApi, { deletions: [], upsertions });
      const failed = results.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
      if (failed === undefined) continue;
      const name = errorName(failed.errorCode);
      throw new ClusterError(name, `user ${failed.user}: ${failed.errorMessage ?? name}`);
    }
  } finally {
    client.close();
  }
}
