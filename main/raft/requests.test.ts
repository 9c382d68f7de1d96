// What raft answers to others, in Kafka's messages: refusals, DescribeQuorum, voter changes.

import { describe, expect, it } from 'vitest';
import { metadataTopicId, metadataTopicName } from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { addRaftVoterApi } from '../protocol/messages/add-raft-voter.ts';
import { describeQuorumApi } from '../protocol/messages/describe-quorum.ts';
import { fetchSnapshotApi } from '../protocol/messages/fetch-snapshot.ts';
import { fetchApi } from '../protocol/messages/fetch.ts';
import { removeRaftVoterApi } from '../protocol/messages/remove-raft-voter.ts';
import { updateRaftVoterApi } from '../protocol/messages/update-raft-voter.ts';
import { voteApi } from '../protocol/messages/vote.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import { RaftGroup, type Member } from './raft-group.test-kit.ts';

/** A request as it arrives: with every field that the writer left out. */
function request<Q, P>(api: Api<Q, P>, body: Writable<Q>, version = api.versions.max): Q {
  return api.request.decodeFrom(api.request.encodeToBuffer(version, body), version);
}

async function settled(): Promise<{ group: RaftGroup; leader: Member; follower: Member; epoch: number }> {
  const group = new RaftGroup({ seed: 'requests', voterCount: 3, observerCount: 1, delayMaxMs: 1 });
  group.startAll();
  await group.appendAndCommit('a');
  await group.converge();
  const leader = await group.waitForLeader();
  const follower = group.member(leader.node.nodeId === 1 ? 2 : 1);
  return { group, leader, follower, epoch: leader.node.report().epoch };
}

const voteBody = (clusterId: string | null, topicName: string, epoch: number) => ({
  clusterId,
  voterId: -1,
  topics: [{ topicName, partitions: [{ replicaEpoch: epoch, replicaId: 3 }] }],
});

const fetchBody = (topicId: string, epoch: number, fetchOffset: number) => ({
  clusterId: 'test-cluster',
  maxWaitMs: 0,
  minBytes: 0,
  topics: [
    { topicId, partitions: [{ currentLeaderEpoch: epoch, fetchOffset, lastFetchedEpoch: 0, partitionMaxBytes: 0 }] },
  ],
});

describe('requests are refused with their error', () => {
  it('of another cluster, of several partitions, of another topic', async () => {
    const { leader, epoch } = await settled();
    const vote = (body: Writable<Parameters<typeof leader.node.requests.vote>[0]>) =>
      leader.node.requests.vote(request(voteApi, body));
    expect(await vote(voteBody('other', metadataTopicName, epoch))).toEqual({
      errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID,
    });
    expect(await vote({ clusterId: null, topics: [] })).toEqual({ errorCode: ErrorCode.INVALID_REQUEST });
    expect(await vote(voteBody(null, 'other', epoch))).toMatchObject({
      errorCode: ErrorCode.NONE,
      topics: [{ partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, voteGranted: false }] }],
    });
  });

  it('of an older epoch, naming the leader and where it listens', async () => {
    const { leader, follower } = await settled();
    const response = await follower.node.requests.vote(request(voteApi, voteBody(null, metadataTopicName, 0)));
    expect(response).toMatchObject({
      topics: [{ partitions: [{ errorCode: ErrorCode.FENCED_LEADER_EPOCH, leaderId: leader.node.nodeId }] }],
      nodeEndpoints: [{ nodeId: leader.node.nodeId, port: 9093 }],
    });
  });

  it('when they fetch from a follower, or an unknown topic id', async () => {
    const { leader, follower, epoch } = await settled();
    const atFollower = await follower.node.requests.fetch(request(fetchApi, fetchBody(metadataTopicId, epoch, 0)));
    expect(atFollower).toMatchObject({
      responses: [
        {
          topicId: metadataTopicId,
          partitions: [
            {
              errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
              currentLeader: { leaderId: leader.node.nodeId, leaderEpoch: epoch },
            },
          ],
        },
      ],
    });
    const unknown = await leader.node.requests.fetch(request(fetchApi, fetchBody('9s2TR477Rue951-uql9d_g', epoch, 0)));
    expect(unknown).toMatchObject({ responses: [{ partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_ID }] }] });
  });

  it('after the node has shut down', async () => {
    const { group, leader, epoch } = await settled();
    await group.world.settle(leader.node.shutdown(1000));
    const response = await leader.node.requests.vote(request(voteApi, voteBody(null, metadataTopicName, epoch + 5)));
    expect(response).toMatchObject({ topics: [{ partitions: [{ errorCode: ErrorCode.BROKER_NOT_AVAILABLE }] }] });
  });

  it('when they ask for a snapshot that is not there', async () => {
    const { leader, follower, epoch } = await settled();
    const partition = { currentLeaderEpoch: epoch, snapshotId: { endOffset: 7, epoch: 1 } };
    const body = { replicaId: follower.node.nodeId, topics: [{ name: metadataTopicName, partitions: [partition] }] };
    const response = await leader.node.requests.fetchSnapshot(request(fetchSnapshotApi, body));
    expect(response).toMatchObject({ topics: [{ partitions: [{ errorCode: ErrorCode.SNAPSHOT_NOT_FOUND }] }] });
  });
});

describe('a reader that is no replica', () => {
  it('gets the metadata log too', async () => {
    const { leader, epoch } = await settled();
    const response = await leader.node.requests.fetch(request(fetchApi, fetchBody(metadataTopicId, epoch, 0)));
    const bytes = fetchApi.response.encodeToBuffer(18, response);
    const partition = fetchApi.response.decodeFrom(bytes, 18).responses[0]?.partitions[0];
    expect(partition?.errorCode).toBe(ErrorCode.NONE);
    expect(partition?.highWatermark).toBe(2);
    expect(partition?.records?.length).toBeGreaterThan(100);
  });
});

describe('DescribeQuorum', () => {
  const body = { topics: [{ topicName: metadataTopicName, partitions: [{ partitionIndex: 0 }] }] };

  it('tells voters, observers and how far each is', async () => {
    const { group, leader } = await settled();
    const response = leader.node.requests.describeQuorum(request(describeQuorumApi, body));
    const partition = response.topics?.[0]?.partitions?.[0];
    expect(partition).toMatchObject({ errorCode: ErrorCode.NONE, leaderId: leader.node.nodeId, highWatermark: 2 });
    expect(partition?.currentVoters?.map((voter) => [voter.replicaId, voter.logEndOffset])).toEqual([
      [1, 2],
      [2, 2],
      [3, 2],
    ]);
    expect(partition?.observers?.map((observer) => observer.replicaId)).toEqual([4]);
    const wallMs = group.world.runtimeFor(1).clock.wallMs();
    for (const voter of partition?.currentVoters ?? []) {
      expect(Math.abs((voter.lastCaughtUpTimestamp ?? 0) - wallMs)).toBeLessThan(1000);
    }
    expect(response.nodes?.map((node) => node.nodeId)).toEqual([1, 2, 3]);
  });

  it('is the leader to answer', async () => {
    const { leader, follower } = await settled();
    const response = follower.node.requests.describeQuorum(request(describeQuorumApi, body));
    expect(response.topics?.[0]?.partitions?.[0]).toMatchObject({
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      leaderId: leader.node.nodeId,
    });
  });

  it('knows no other topic', async () => {
    const { leader } = await settled();
    const other = { topics: [{ topicName: 'other', partitions: [{ partitionIndex: 0 }] }] };
    const response = leader.node.requests.describeQuorum(request(describeQuorumApi, other));
    expect(response.topics?.[0]?.partitions?.[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

describe('voter changes', () => {
  const update = (epoch: number, voterId: number, name = 'CONTROLLER') =>
    request(updateRaftVoterApi, {
      clusterId: 'test-cluster',
      currentLeaderEpoch: epoch,
      voterId,
      voterDirectoryId: '6PA8LtVONMDIGoxaW_Y9TQ',
      listeners: [{ name, host: 'h', port: 1 }],
      kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
    });

  it('UpdateRaftVoter is taken note of for voters only, with the right listener', async () => {
    const { leader, follower, epoch } = await settled();
    const { requests } = leader.node;
    expect(requests.updateRaftVoter(update(epoch, 2))).toMatchObject({ errorCode: ErrorCode.NONE });
    expect(requests.updateRaftVoter(update(epoch, 4))).toMatchObject({ errorCode: ErrorCode.VOTER_NOT_FOUND });
    expect(requests.updateRaftVoter(update(epoch, 2, 'OTHER'))).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
    expect(requests.updateRaftVoter(update(epoch - 1, 2))).toMatchObject({ errorCode: ErrorCode.FENCED_LEADER_EPOCH });
    expect(follower.node.requests.updateRaftVoter(update(epoch, 2))).toMatchObject({
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
    });
  });

  it('adding and removing is unsupported where voters are configured', async () => {
    const { leader } = await settled();
    const { requests } = leader.node;
    const unsupported = (what: string) => ({
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
      errorMessage: `Cluster doesn't support ${what} voter because the kraft.version feature is 0`,
    });
    const key = { voterId: 4, voterDirectoryId: '6PA8LtVONMDIGoxaW_Y9TQ' };
    const listeners = [{ name: 'CONTROLLER', host: 'node-4', port: 9093 }];
    const add = request(addRaftVoterApi, { clusterId: null, ...key, listeners });
    expect(requests.addRaftVoter(add)).toEqual(unsupported('adding'));
    expect(requests.removeRaftVoter(request(removeRaftVoterApi, { clusterId: null, ...key }))).toEqual(
      unsupported('removing'),
    );
  });
});
