// Where the nodes of the quorum listen, for one node: voters as configured or as the log says, leaders that are no
// voters as other nodes spoke of them, the bootstrap servers. Pure.

import { toBrokerId } from '../core/ids.ts';
import type { RaftNodeOptions, Voter } from './contract.ts';
import type { VoterHistory } from './voter-history.ts';
import type { NodeAddress } from './wire-messages.ts';

/** Only leaders are learned; a quorum has had few. When there are too many, all are learned anew. */
const learnedMax = 1000;

/** What this software can do (KIP-853). */
export const supportedKraftVersions = { min: 0, max: 1 };

type AddressOptions = Pick<
  RaftNodeOptions<never>,
  'nodeId' | 'directoryId' | 'voters' | 'listenerName' | 'endpoint' | 'bootstrapServers'
>;

export class NodeAddresses {
  /** This node as a voter; null when it does not know where it can be reached. */
  readonly own: Voter | null;
  /** Ids that stand for the bootstrap servers: −2, −3 …, as in Kafka. */
  readonly bootstrapIds: readonly number[];
  readonly #configured: ReadonlyMap<number, Voter>;
  readonly #history: VoterHistory;
  readonly #bootstrap: ReadonlyMap<number, Voter>;
  readonly #learned = new Map<number, Voter>();

  constructor(options: AddressOptions, history: VoterHistory) {
    const { nodeId: id, directoryId, listenerName: name, endpoint } = options;
    this.#history = history;
    this.#configured = new Map(options.voters.map((voter) => [voter.id, voter]));
    const address = endpoint ?? this.#configured.get(id) ?? null;
    this.own = address && {
      id,
      host: address.host,
      port: address.port,
      directoryId,
      endpoints: [{ name, host: address.host, port: address.port }],
      kraftVersions: supportedKraftVersions,
    };
    const servers = (options.bootstrapServers ?? []).map(({ host, port }, index) => ({ id: -2 - index, host, port }));
    this.bootstrapIds = servers.map((server) => server.id);
    this.#bootstrap = new Map(servers.map((server) => [server.id, { ...server, id: server.id as Voter['id'] }]));
  }

  of(id: number): Voter | null {
    const voter = this.#history.last.get(id);
    const configured = this.#configured.get(id);
    if (voter !== null) {
      // Our processes may have moved to other ports since: what is configured now wins over what was written then.
      return configured === undefined ? voter : { ...voter, host: configured.host, port: configured.port };
    }
    if (id === this.own?.id) return this.own;
    return this.#learned.get(id) ?? this.#bootstrap.get(id) ?? null;
  }

  note(nodes: readonly NodeAddress[]): void {
    for (const { nodeId, host, port } of nodes) {
      const known = this.#learned.get(nodeId);
      if (nodeId < 0 || host === '' || (known?.host === host && known.port === port)) continue;
      if (this.#learned.size >= learnedMax) this.#learned.clear();
      this.#learned.set(nodeId, { id: toBrokerId(nodeId), host, port });
    }
  }
}
