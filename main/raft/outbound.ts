// Sends the quorum's questions over the transport in Kafka's form and brings the answers back in its own.

import { unreachable } from '../core/assert.ts';
import type { RaftTransport, Voter } from './contract.ts';
import type { RaftAnswer, RaftAsk } from './quorum-types.ts';
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
  switch (ask.api) {
    case 'vote':
      return parseVoteResponse(await transport.send(to, ask.api, voteRequest(wire, ask), timeoutMs));
    case 'beginQuorumEpoch': {
      const request = beginQuorumEpochRequest(wire, ask);
      return parseEpochResponse(ask.api, await transport.send(to, ask.api, request, timeoutMs));
    }
    case 'endQuorumEpoch': {
      const request = endQuorumEpochRequest(wire, ask);
      return parseEpochResponse(ask.api, await transport.send(to, ask.api, request, timeoutMs));
    }
    case 'fetch':
      return parseFetchResponse(await transport.send(to, ask.api, fetchRequest(wire, ask), timeoutMs));
    case 'fetchSnapshot': {
      const request = fetchSnapshotRequest(wire, ask);
      return parseFetchSnapshotResponse(await transport.send(to, ask.api, request, timeoutMs));
    }
    default:
      return unreachable(ask);
  }
}
