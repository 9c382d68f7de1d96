// Carries the quorum's requests over sockets. Fetches wait at the leader, so they have connections of their own:
// a vote must never stand in line behind a long poll.

import { NodeConnections } from '../net/node-connections.ts';
import { addRaftVoterApi } from '../protocol/messages/add-raft-voter.ts';
import { apiVersionsApi } from '../protocol/messages/api-versions.ts';
import { beginQuorumEpochApi } from '../protocol/messages/begin-quorum-epoch.ts';
import { endQuorumEpochApi } from '../protocol/messages/end-quorum-epoch.ts';
import { fetchSnapshotApi } from '../protocol/messages/fetch-snapshot.ts';
import { fetchApi } from '../protocol/messages/fetch.ts';
import { removeRaftVoterApi } from '../protocol/messages/remove-raft-voter.ts';
import { updateRaftVoterApi } from '../protocol/messages/update-raft-voter.ts';
import { voteApi } from '../protocol/messages/vote.ts';
import type { Api } from '../protocol/schema.ts';
import type { RaftApiName, RaftApis, RaftTransport, Voter } from '../raft/contract.ts';
import type { Runtime } from '../runtime/runtime.ts';

const apis: {
  readonly [Name in RaftApiName]: Api<RaftApis[Name]['request'], RaftApis[Name]['response']>;
} = {
  vote: voteApi,
  beginQuorumEpoch: beginQuorumEpochApi,
  endQuorumEpoch: endQuorumEpochApi,
  fetch: fetchApi,
  fetchSnapshot: fetchSnapshotApi,
  addRaftVoter: addRaftVoterApi,
  removeRaftVoter: removeRaftVoterApi,
  updateRaftVoter: updateRaftVoterApi,
  apiVersions: apiVersionsApi,
};

export type NetworkRaftTransport = RaftTransport & { close(): void };

/** A dead peer is asked for again and again while nobody leads: the pause between attempts stays short. */
const reconnectBackoffMs = 20;
const reconnectBackoffMsMax = 200;

export function createRaftTransport(runtime: Runtime, nodeId: number, connectTimeoutMs: number): NetworkRaftTransport {
  const { clock, network, random } = runtime;
  // The quorum says with each request where to: voters come and go, and may move.
  const addresses = new Map<number, Voter>();
  const endpointOf = (id: number): Voter | null => addresses.get(id) ?? null;
  const open = (purpose: string): NodeConnections =>
    new NodeConnections({
      clock,
      network,
      random,
      clientId: `raft-client-${nodeId}${purpose}`,
      endpointOf,
      connectTimeoutMs,
      reconnectBackoffMs,
      reconnectBackoffMsMax,
      negotiate: true,
    });
  const elections = open('');
  const fetches = open('-fetch');
  return {
    send: (to, name, request, timeoutMs) => {
      addresses.set(to.id, to);
      const isFetch = name === 'fetch' || name === 'fetchSnapshot';
      return (isFetch ? fetches : elections).send(to.id, apis[name], request, { timeoutMs });
    },
    close: () => {
      elections.closeAll();
      fetches.closeAll();
    },
  };
}
