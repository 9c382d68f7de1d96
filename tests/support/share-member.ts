// A member of a share group that joins and stays, heartbeat by heartbeat: no client library in this repo speaks KIP-932.

import { ErrorCode } from '../../main/protocol/errors.ts';
import { findCoordinatorApi } from '../../main/protocol/messages/find-coordinator.ts';
import { shareGroupHeartbeatApi } from '../../main/protocol/messages/share-group-heartbeat.ts';
import { randomUuid } from '../../main/protocol/uuid.ts';
import { nodeRuntime } from '../../main/runtime/node/node-runtime.ts';
import { eventually } from './cluster.ts';
import { RawClient } from './raw-client.ts';

const joinEpoch = 0;
const leaveEpoch = -1;

export class ShareMember {
  readonly #client: RawClient;
  readonly #groupId: string;
  readonly #memberId: string;
  readonly #timer: NodeJS.Timeout;

  private constructor(client: RawClient, groupId: string, memberId: string, epoch: number, intervalMs: number) {
    this.#client = client;
    this.#groupId = groupId;
    this.#memberId = memberId;
    this.#timer = setInterval(
      () =>
        void this.#heartbeat(epoch).then(
          (next) => (epoch = next),
          // The cluster ended first: there is nobody left to be a member of.
          () => clearInterval(this.#timer),
        ),
      intervalMs,
    );
  }

  /** Resolves when the coordinator gave it partitions. */
  static async join(bootstrap: string, groupId: string, topic: string): Promise<ShareMember> {
    const memberId = randomUuid(nodeRuntime().random);
    let client = await RawClient.connect(bootstrap.split(',')[0] ?? '');
    const coordinator = { host: '', port: 0 };
    await eventually('the group has a coordinator', async () => {
      const { coordinators } = await client.ask(findCoordinatorApi, 4, { keyType: 0, coordinatorKeys: [groupId] });
      Object.assign(coordinator, coordinators[0]);
      return coordinators[0]?.errorCode === ErrorCode.NONE;
    });
    client.close();
    client = await RawClient.connect(`${coordinator.host}:${coordinator.port}`);
    const join = { groupId, memberId, memberEpoch: joinEpoch, subscribedTopicNames: [topic] };
    let answer = await client.ask(shareGroupHeartbeatApi, 1, join);
    await eventually('the member has partitions', async () => {
      if ((answer.assignment?.topicPartitions.length ?? 0) > 0) return true;
      const isIn = answer.errorCode === ErrorCode.NONE;
      answer = await client.ask(shareGroupHeartbeatApi, 1, {
        ...join,
        memberEpoch: isIn ? answer.memberEpoch : joinEpoch,
      });
      return false;
    });
    return new ShareMember(client, groupId, memberId, answer.memberEpoch, answer.heartbeatIntervalMs);
  }

  async leave(): Promise<void> {
    clearInterval(this.#timer);
    await this.#heartbeat(leaveEpoch);
    this.#client.close();
  }

  async #heartbeat(memberEpoch: number): Promise<number> {
    const body = { groupId: this.#groupId, memberId: this.#memberId, memberEpoch, subscribedTopicNames: null };
    const answer = await this.#client.ask(shareGroupHeartbeatApi, 1, body);
    return answer.errorCode === ErrorCode.NONE ? answer.memberEpoch : memberEpoch;
  }
}
