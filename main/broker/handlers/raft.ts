// The quorum's requests: Vote 0-2 (pre-vote, KIP-996), BeginQuorumEpoch 0-1, EndQuorumEpoch 0-1, Fetch on the
// controller listener (KIP-595, high watermark in the request from 18), FetchSnapshot 0-1 (KIP-630), DescribeQuorum
// 0-2, AddRaftVoter 0-1, RemoveRaftVoter 0, UpdateRaftVoter 0 (KIP-853; refused as Kafka does at kraft.version 0).

import { addRaftVoterApi } from '../../protocol/messages/add-raft-voter.ts';
import { beginQuorumEpochApi } from '../../protocol/messages/begin-quorum-epoch.ts';
import { describeQuorumApi } from '../../protocol/messages/describe-quorum.ts';
import { endQuorumEpochApi } from '../../protocol/messages/end-quorum-epoch.ts';
import { fetchSnapshotApi } from '../../protocol/messages/fetch-snapshot.ts';
import { fetchApi } from '../../protocol/messages/fetch.ts';
import { removeRaftVoterApi } from '../../protocol/messages/remove-raft-voter.ts';
import { updateRaftVoterApi } from '../../protocol/messages/update-raft-voter.ts';
import { voteApi } from '../../protocol/messages/vote.ts';
import { route, type Route } from '../../net/route.ts';
import type { RaftRequests } from '../../raft/requests.ts';

const onController = { listeners: ['controller'] } as const;

/** Routes of the controller listener. What clients ask of the quorum is forwarded to the active controller like other requests. */
export function raftRoutes(node: { readonly requests: RaftRequests }): Route[] {
  const { requests } = node;
  return [
    route(voteApi, onController, (_context, request) => requests.vote(request)),
    route(beginQuorumEpochApi, onController, (_context, request) => requests.beginQuorumEpoch(request)),
    route(endQuorumEpochApi, onController, (_context, request) => requests.endQuorumEpoch(request)),
    route(fetchApi, onController, (_context, request) => requests.fetch(request)),
    route(fetchSnapshotApi, onController, (_context, request) => requests.fetchSnapshot(request)),
    route(describeQuorumApi, onController, (_context, request) => requests.describeQuorum(request)),
    route(updateRaftVoterApi, onController, (_context, request) => requests.updateRaftVoter(request)),
    route(addRaftVoterApi, onController, (_context, request) => requests.addRaftVoter(request)),
    route(removeRaftVoterApi, onController, (_context, request) => requests.removeRaftVoter(request)),
  ];
}
