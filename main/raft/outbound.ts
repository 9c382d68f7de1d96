// Sends the quorum's questions over the transport in Kafka's form and brings the answers back in its own.

import { unreachable } from '../core/assert.ts';
import type { RaftTransport, Voter } from './contract.ts';
import type { RaftAnswer, RaftAsk } from './quorum-types.ts';
import {
  addVoterRequest,
  parseChangeResponse,
  parseUpdateResponse,
  parseVersionsResponse,
  removeVoterRequest,
  updateVoterRequest,
  versionsRequest,
} from './voter-messages.ts';
import {
  beginQuorumEpochRequest,
  endQuorumEpochRequest,
  fetchRequest,
  fetchSnapshotRequest,
  parseEpochResponse,
  parseFetchResponse,
  parseFetchSnapshotResponse,
  parseVoteResponse,
  voteRequest,
  type NodeAddress,
  type WireContext,
} from './wire-messages.ts';

/** Null: the other node refused the request as a whole. Rejects when there was no answer, or none that makes sense. */
export async function sendAsk(
  transport: RaftTransport,
  wire: WireContext,
  to: Voter,
  ask: RaftAsk,
): Promise<RaftAnswer | null> {
  const timeoutMs = wire.config.requestTimeoutMs;
  const noted = <W extends { readonly nodeEndpoints: readonly NodeAddress[] }>(response: W): W => {
    wire.noteAddresses(response.nodeEndpoints);
    return response;
  };
  switch (ask.api) {
    case 'vote':
      return parseVoteResponse(noted(await transport.send(to, ask.api, voteRequest(wire, ask), timeoutMs)));
    case 'beginQuorumEpoch': {
      const request = beginQuorumEpochRequest(wire, ask);
      return parseEpochResponse(ask.api, noted(await transport.send(to, ask.api, request, timeoutMs)));
    }
    case 'endQuorumEpoch': {
      const request = endQuorumEpochRequest(wire, ask);
      return parseEpochResponse(ask.api, noted(await transport.send(to, ask.api, request, timeoutMs)));
    }
    case 'fetch':
      return parseFetchResponse(noted(await transport.send(to, ask.api, fetchRequest(wire, ask), timeoutMs)));
    case 'fetchSnapshot': {
      const request = fetchSnapshotRequest(wire, ask);
      return parseFetchSnapshotResponse(noted(await transport.send(to, ask.api, request, timeoutMs)));
    }
    case 'addVoter': {
      const request = addVoterRequest(wire, ask, timeoutMs);
      return parseChangeResponse(ask.api, await transport.send(to, 'addRaftVoter', request, timeoutMs));
    }
    case 'removeVoter': {
      const request = removeVoterRequest(wire, ask);
      return parseChangeResponse(ask.api, await transport.send(to, 'removeRaftVoter', request, timeoutMs));
    }
    case 'updateVoter':
      return parseUpdateResponse(await transport.send(to, 'updateRaftVoter', updateVoterRequest(wire, ask), timeoutMs));
    case 'apiVersions':
      return parseVersionsResponse(await transport.send(to, 'apiVersions', versionsRequest(), timeoutMs));
    default:
      return unreachable(ask);
  }
}
