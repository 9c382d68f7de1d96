// Connections to the other nodes, by node id: opened when first needed, shared, reopened after a failure no sooner
// than the backoff allows. A node that is waiting for a long poll answers nothing else on that connection, so
// fetchers and control requests each have an object of this class of their own.

import type { Api, Writable } from '../protocol/schema.ts';
import { NetworkError, type Clock, type Network, type Random } from '../runtime/runtime.ts';
import { RpcClient, type SendOptions } from './rpc-client.ts';

export type NodeEndpoint = { readonly host: string; readonly port: number };

export type NodeConnectionsOptions = {
  readonly clock: Clock;
  readonly network: Network;
  readonly random: Random;
  readonly clientId: string;
  /** Where a node listens now; null while nobody knows. Asked at each request, so a moved node is found again. */
  readonly endpointOf: (nodeId: number) => NodeEndpoint | null;
  readonly connectTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** `reconnect.backoff.ms` and `reconnect.backoff.max.ms`: doubles with each failure, ±20 %. */
  readonly reconnectBackoffMs?: number;
  readonly reconnectBackoffMsMax?: number;
  readonly negotiate?: boolean;
};

const defaultBackoffMs = 50;
const defaultBackoffMsMax = 1000;
const jitter = 0.2;

type NodeState = {
  readonly endpoint: NodeEndpoint;
  /** Being connected, or what `open` holds. */
  client: Promise<RpcClient> | null;
  /** The client once connected; may have closed since. */
  open: RpcClient | null;
  failureCount: number;
  blockedUntilMs: number;
};

export class NodeConnections {
  readonly #options: NodeConnectionsOptions;
  readonly #nodes = new Map<number, NodeState>();
  #isClosed = false;

  constructor(options: NodeConnectionsOptions) {
    this.#options = options;
  }

  /** Sends in the order of the calls. Throws NetworkError at once while the node's backoff lasts. */
  async send<Q, P>(nodeId: number, api: Api<Q, P>, body: Writable<Q>, options: SendOptions = {}): Promise<P> {
    // Always through the promise, so that a request never overtakes one that waited for the connection.
    const client = await this.#connected(nodeId, this.#state(nodeId));
    return client.send(api, body, options);
  }

  /** Sends a request that has no answer; false when the connection was lost meanwhile. */
  async post<Q, P>(nodeId: number, api: Api<Q, P>, body: Writable<Q>, version?: number): Promise<boolean> {
    const client = await this.#connected(nodeId, this.#state(nodeId));
    return client.post(api, body, version);
  }

  isConnected(nodeId: number): boolean {
    return this.#nodes.get(nodeId)?.open?.isOpen === true;
  }

  /** Closes what there is and forgets the failures: the next request connects at once. */
  close(nodeId: number): void {
    const state = this.#nodes.get(nodeId);
    this.#nodes.delete(nodeId);
    if (state !== undefined) discard(state);
  }

  closeAll(): void {
    this.#isClosed = true;
    for (const nodeId of [...this.#nodes.keys()]) this.close(nodeId);
  }

  #state(nodeId: number): NodeState {
    if (this.#isClosed) throw new NetworkError('closed', 'the connections of this node are closed');
    const endpoint = this.#options.endpointOf(nodeId);
    if (endpoint === null) throw new NetworkError('unreachable', `nobody knows where node ${nodeId} listens`);
    const known = this.#nodes.get(nodeId);
    if (known !== undefined && known.endpoint.host === endpoint.host && known.endpoint.port === endpoint.port)
      return known;
    if (known !== undefined) discard(known);
    const state: NodeState = { endpoint, client: null, open: null, failureCount: 0, blockedUntilMs: 0 };
    this.#nodes.set(nodeId, state);
    return state;
  }

  #connected(nodeId: number, state: NodeState): Promise<RpcClient> {
    const isUsable = state.open === null || state.open.isOpen;
    if (state.client !== null && isUsable) return state.client;
    const { clock } = this.#options;
    if (clock.monotonicMs() < state.blockedUntilMs) {
      throw new NetworkError('refused', `node ${nodeId} could not be reached just now; trying again after the backoff`);
    }
    state.open = null;
    state.client = this.#connect(nodeId, state);
    return state.client;
  }

  async #connect(nodeId: number, state: NodeState): Promise<RpcClient> {
    const { clock, network, clientId, negotiate, connectTimeoutMs, requestTimeoutMs } = this.#options;
    try {
      const client = await RpcClient.connect({
        clock,
        network,
        clientId,
        ...state.endpoint,
        ...(negotiate === undefined ? {} : { negotiate }),
        ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
        ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
        onClose: () => {
          state.blockedUntilMs = clock.monotonicMs() + this.#backoffMs(state.failureCount);
        },
      });
      if (this.#nodes.get(nodeId) !== state) {
        client.close();
        throw new NetworkError('closed', `the connection to node ${nodeId} was closed here`);
      }
      state.open = client;
      state.failureCount = 0;
      return client;
    } catch (error) {
      state.client = null;
      state.blockedUntilMs = clock.monotonicMs() + this.#backoffMs(state.failureCount++);
      throw error;
    }
  }

  #backoffMs(failureCount: number): number {
    const { random, reconnectBackoffMs, reconnectBackoffMsMax } = this.#options;
    const most = reconnectBackoffMsMax ?? defaultBackoffMsMax;
    const steady = Math.min((reconnectBackoffMs ?? defaultBackoffMs) * 2 ** failureCount, most);
    return steady * (1 - jitter + 2 * jitter * random.next());
  }
}

function discard(state: NodeState): void {
  state.open?.close();
}
