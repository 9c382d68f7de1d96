// A server with a few routes for the tests of main/net, and raw request bytes.

import { ApiKey } from '../../main/protocol/api-keys.ts';
import { encodeRequest } from '../../main/protocol/headers.ts';
import { apiVersionsApi } from '../../main/protocol/messages/api-versions.ts';
import { heartbeatApi, type HeartbeatRequest, type HeartbeatResponse } from '../../main/protocol/messages/heartbeat.ts';
import { metadataApi } from '../../main/protocol/messages/metadata.ts';
import { produceApi, type ProduceRequest, type ProduceResponse } from '../../main/protocol/messages/produce.ts';
import type { Writable } from '../../main/protocol/schema.ts';
import { nodeClock } from '../../main/runtime/node/node-clock.ts';
import { nodeNetwork } from '../../main/runtime/node/node-network.ts';
import type { Clock, Network } from '../../main/runtime/runtime.ts';
import { createApiVersionsHandler } from '../../main/net/api-versions-handler.ts';
import type { Handler } from '../../main/net/handler.ts';
import { route } from '../../main/net/route.ts';
import type { ConnectionProblem } from '../../main/net/server-connection.ts';
import { RpcServer, type ServerLimits } from '../../main/net/server.ts';

export type TestServer = { readonly server: RpcServer; readonly problems: ConnectionProblem[] };

export type TestHandlers = {
  readonly heartbeat?: Handler<HeartbeatRequest, Writable<HeartbeatResponse>>;
  readonly produce?: Handler<ProduceRequest, Writable<ProduceResponse>>;
};

export const testFeatures = {
  supported: [
    { name: 'group.version', minVersion: 0, maxVersion: 1 },
    { name: 'metadata.version', minVersion: 7, maxVersion: 30 },
  ],
  finalized: [
    { name: 'kraft.version', minVersionLevel: 0, maxVersionLevel: 0 },
    { name: 'metadata.version', minVersionLevel: 30, maxVersionLevel: 30 },
  ],
  finalizedEpoch: 5,
};

export async function startTestServer(
  handlers: TestHandlers = {},
  limits: Partial<ServerLimits> = {},
  machine: { readonly clock: Clock; readonly network: Network } = { clock: nodeClock(), network: nodeNetwork() },
  mutedUntilMs: (connectionId: string) => number = () => 0,
): Promise<TestServer> {
  const problems: ConnectionProblem[] = [];
  const server: RpcServer = new RpcServer({
    clock: machine.clock,
    network: machine.network,
    host: '127.0.0.1',
    port: 0,
    listener: 'client',
    limits,
    mutedUntilMs,
    onProblem: (problem) => problems.push(problem),
    routes: [
      route(
        apiVersionsApi,
        {},
        createApiVersionsHandler({ advertised: () => server.router.advertised, features: () => testFeatures }),
      ),
      route(heartbeatApi, {}, handlers.heartbeat ?? (() => ({}))),
      route(produceApi, { isPipelined: true }, handlers.produce ?? (() => null)),
      route(metadataApi, {}, () => ({ controllerId: 7 })),
    ],
  });
  await server.listen();
  return { server, problems };
}

/** A Heartbeat whose generation says which one it is; the answer carries nothing but its correlation id. */
export function heartbeatFrame(correlationId: number): Buffer {
  const body = { groupId: 'g', generationId: correlationId, memberId: 'm' };
  return Buffer.concat(encodeRequest(heartbeatApi, 4, { correlationId, clientId: 'test' }, body).chunks);
}

export function produceFrame(correlationId: number, records: Buffer = Buffer.alloc(0)): Buffer {
  const body = {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
  };
  return Buffer.concat(encodeRequest(produceApi, 9, { correlationId, clientId: 'test' }, body).chunks);
}

/** Header without body, for requests that nobody can encode. */
export function bareFrame(
  apiKey: number,
  apiVersion: number,
  correlationId: number,
  rest: Buffer = Buffer.alloc(0),
): Buffer {
  const isFlexible = apiKey === ApiKey.ApiVersions && apiVersion >= 3;
  const header = Buffer.alloc(14 + (isFlexible ? 1 : 0));
  header.writeInt32BE(header.length - 4 + rest.length, 0);
  header.writeInt16BE(apiKey, 4);
  header.writeInt16BE(apiVersion, 6);
  header.writeInt32BE(correlationId, 8);
  header.writeInt16BE(-1, 12);
  return Buffer.concat([header, rest]);
}
