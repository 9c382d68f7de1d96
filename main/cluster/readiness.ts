// "Ready" as a client means it: a Metadata request to a broker names every broker of the cluster.

import { RpcClient } from '../net/rpc-client.ts';
import { metadataApi } from '../protocol/messages/metadata.ts';
import type { Clock, Network } from '../runtime/runtime.ts';

const probeTimeoutMs = 1000;

/** Whether the broker at `address` answers and knows `count` brokers. Never throws. */
export async function seesAllBrokers(
  network: Network,
  clock: Clock,
  address: { readonly host: string; readonly port: number },
  count: number,
): Promise<boolean> {
  let client: RpcClient | null = null;
  try {
    client = await RpcClient.connect({
      network,
      clock,
      ...address,
      clientId: 'highwater-supervisor',
      connectTimeoutMs: probeTimeoutMs,
      requestTimeoutMs: probeTimeoutMs,
    });
    const response = await client.send(metadataApi, { topics: [] });
    return response.brokers.length === count;
  } catch {
    return false;
  } finally {
    client?.close();
  }
}
