// What the Groups screen asks of a cluster and does to it, over the wire like any admin client: describe, reset
// offsets with a preview, delete a group or its offsets. What Kafka refuses is refused in Kafka's words.

import type { OffsetResetInput, OffsetTarget } from '../api/endpoints/groups.ts';
import type { GroupDetail, GroupMemberDetail, OffsetResetPlan, OffsetResetResult } from '../api/group-views.ts';
import type { EndpointHandlers } from '../api/host.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { deleteGroupsApi } from '../protocol/messages/delete-groups.ts';
import { describeGroupsApi, type DescribeGroupsResponse } from '../protocol/messages/describe-groups.ts';
import { consumerProtocolAssignment, consumerProtocolSubscription } from '../protocol/messages/embedded-messages.ts';
import { listOffsetsApi } from '../protocol/messages/list-offsets.ts';
import { offsetCommitApi } from '../protocol/messages/offset-commit.ts';
import { offsetDeleteApi } from '../protocol/messages/offset-delete.ts';
import { offsetFetchApi } from '../protocol/messages/offset-fetch.ts';
import type { Api, Writable } from '../protocol/schema.ts';
import { WireReader } from '../protocol/wire-reader.ts';
import type { Clock } from '../runtime/runtime.ts';
import type { ClusterClient } from './cluster-client.ts';
import { ClusterError } from './cluster-error.ts';
import { describeNewerGroup } from './newer-groups.ts';
import { planOffsetReset, type PartitionOffsets } from './offset-reset.ts';

type GroupHandlers = Pick<
  EndpointHandlers,
  'groups.describe' | 'groups.previewReset' | 'groups.reset' | 'groups.delete' | 'groups.deleteOffsets'
>;

const earliest = -2;
const latest = -1;
const coordinatorTries = 8;
const retryMs = 150;
/** The commit of a group without members: Kafka's "simple" commit. */
const noMember = { generationIdOrMemberEpoch: -1, memberId: '' };

export class GroupAdmin {
  readonly #client: ClusterClient;
  readonly #clock: Clock;

  constructor(client: ClusterClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  handlers(): GroupHandlers {
    return {
      'groups.describe': ({ groupId }) => this.describe(groupId),
      'groups.previewReset': (input) => this.previewReset(input),
      'groups.reset': (input) => this.reset(input),
      'groups.delete': ({ groupId }) => this.delete(groupId).then(() => null),
      'groups.deleteOffsets': ({ groupId, topic }) => this.deleteOffsets(groupId, topic).then(() => null),
    };
  }

  async describe(groupId: string): Promise<GroupDetail> {
    const answer = await this.#coordinated(groupId, describeGroupsApi, { groups: [groupId] }, (each) => each.groups[0]);
    const group = answer.groups[0];
    // A group of the new protocol is "Dead" for the old request.
    if (group?.errorCode !== ErrorCode.NONE || group.groupState === 'Dead') {
      const modern = await describeNewerGroup(this.#client, groupId);
      if (modern !== null) return modern;
    }
    requireOk(group?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, group?.errorMessage ?? null);
    return {
      groupId,
      type: 'classic',
      state: group?.groupState ?? 'Dead',
      protocolType: group?.protocolType ?? '',
      protocol: group?.protocolData ?? '',
      coordinator: await this.#client.coordinatorOf(groupId),
      members: (group?.members ?? []).map((member) => classicMember(member, group?.protocolType ?? '')),
    };
  }

  async previewReset(input: OffsetResetInput): Promise<OffsetResetPlan> {
    const [partitions, blocked] = [await this.#offsetsOf(input), await this.#blockedBy(input.groupId)];
    return planOffsetReset(partitions, input.target, blocked);
  }

  async reset(input: OffsetResetInput): Promise<OffsetResetResult> {
    const plan = await this.previewReset(input);
    if (plan.blocked !== null) throw new ClusterError('NON_EMPTY_GROUP', plan.blocked, 'stop its members first');
    if (plan.rows.length === 0) throw new ClusterError('NOTHING_TO_RESET', 'no partition is concerned');
    const names = [...new Set(plan.rows.map((row) => row.topic))];
    const topics = names.map((name) => ({
      name,
      topicId: this.#client.topic(name)?.topicId ?? '',
      partitions: plan.rows
        .filter((row) => row.topic === name)
        .map(({ partition, after }) => ({ partitionIndex: partition, committedOffset: after, committedMetadata: '' })),
    }));
    const body = { groupId: input.groupId, ...noMember, topics };
    const answer = await this.#coordinated(
      input.groupId,
      offsetCommitApi,
      body,
      (each) => each.topics[0]?.partitions[0],
    );
    const rows = plan.rows.map((row) => {
      const topicId = this.#client.topic(row.topic)?.topicId;
      const topic = answer.topics.find((each) => each.name === row.topic || each.topicId === topicId);
      const errorCode = topic?.partitions.find((each) => each.partitionIndex === row.partition)?.errorCode ?? -1;
      return { ...row, error: errorCode === ErrorCode.NONE ? null : errorName(errorCode) };
    });
    return { rows };
  }

  async delete(groupId: string): Promise<void> {
    const answer = await this.#coordinated(
      groupId,
      deleteGroupsApi,
      { groupsNames: [groupId] },
      (each) => each.results[0],
    );
    requireOk(answer.results[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, null);
    this.#client.forgetCoordinator(groupId);
  }

  async deleteOffsets(groupId: string, topic: string): Promise<void> {
    const committed = await this.#committed(groupId);
    const partitions = [...(committed.get(topic)?.keys() ?? [])].map((partitionIndex) => ({ partitionIndex }));
    if (partitions.length === 0) {
      throw new ClusterError('UNKNOWN_TOPIC_OR_PARTITION', `group ${groupId} has no offsets for ${topic}`);
    }
    const body = { groupId, topics: [{ name: topic, partitions }] };
    const answer = await this.#coordinated(groupId, offsetDeleteApi, body, (each) => each);
    requireOk(answer.errorCode, null);
    for (const each of answer.topics[0]?.partitions ?? []) requireOk(each.errorCode, null);
  }

  /** Why offsets can't be reset; the words are those of kafka-consumer-groups. */
  async #blockedBy(groupId: string): Promise<string | null> {
    const { type, state, members } = await this.describe(groupId);
    if (type === 'share') return `Group '${groupId}' is a share group: it commits no offsets that could be reset`;
    if (state === 'Empty' || state === 'Dead') return null;
    const names = members.map((member) => member.clientId).join(', ');
    return `Assignments can only be reset if the group '${groupId}' is inactive, but the current state is ${state} (members: ${names})`;
  }

  async #offsetsOf(input: OffsetResetInput): Promise<PartitionOffsets[]> {
    const committed = await this.#committed(input.groupId);
    const names = input.topic === null ? [...committed.keys()] : [input.topic];
    await this.#client.refresh(names);
    const asked = names.flatMap((topic) => {
      const count = this.#client.topic(topic)?.partitions.length ?? 0;
      const all = Array.from({ length: count }, (_, partition) => partition);
      // Without a topic only what the group has read: other partitions were never its own.
      const chosen = input.topic === null ? all.filter((partition) => committed.get(topic)?.has(partition)) : all;
      return chosen
        .filter((partition) => input.partitions?.includes(partition) ?? true)
        .map((partition) => ({ topic, partition }));
    });
    const starts = await this.#listOffsets(asked, earliest);
    const ends = await this.#listOffsets(asked, latest);
    const timeMs = this.#timeOf(input.target);
    const atTimes = timeMs === null ? null : await this.#listOffsets(asked, timeMs);
    return asked.map(({ topic, partition }) => {
      const key = `${topic}-${partition}`;
      const atTime = atTimes?.get(key) ?? -1;
      return {
        topic,
        partition,
        committed: committed.get(topic)?.get(partition) ?? null,
        logStartOffset: starts.get(key) ?? 0,
        logEndOffset: ends.get(key) ?? 0,
        atTime: atTime < 0 ? null : atTime,
      };
    });
  }

  #timeOf(target: OffsetTarget): number | null {
    if (target.to === 'timestamp') return target.timestampMs;
    return target.to === 'duration' ? this.#clock.wallMs() - target.durationMs : null;
  }

  async #committed(groupId: string): Promise<Map<string, Map<number, number>>> {
    const body = { groups: [{ groupId, topics: null }], requireStable: true };
    const answer = await this.#coordinated(groupId, offsetFetchApi, body, (each) => each.groups[0] ?? each);
    await this.#client.refresh(null);
    const nameOf = new Map(this.#client.topics().map(({ topicId, name }) => [topicId, name]));
    const group = answer.groups[0] ?? { ...answer, groupId };
    requireOk(group.errorCode, null);
    const committed = new Map<string, Map<number, number>>();
    for (const topic of group.topics) {
      const name = topic.name === '' && 'topicId' in topic ? (nameOf.get(topic.topicId) ?? '') : topic.name;
      const offsets = topic.partitions.filter((each) => each.committedOffset >= 0);
      if (name === '' || offsets.length === 0) continue;
      committed.set(name, new Map(offsets.map((each) => [each.partitionIndex, each.committedOffset])));
    }
    return committed;
  }

  /** By `topic-partition`; −1 where no record is that young. */
  async #listOffsets(
    partitions: readonly { topic: string; partition: number }[],
    timestamp: number,
  ): Promise<Map<string, number>> {
    const byLeader = new Map<number, { topic: string; partition: number }[]>();
    for (const each of partitions) {
      const leader = this.#client.leaderOf(each.topic, each.partition);
      if (leader < 0) throw new ClusterError('LEADER_NOT_AVAILABLE', `${each.topic}-${each.partition} has no leader`);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), each]);
    }
    const offsets = new Map<string, number>();
    for (const [leader, led] of byLeader) {
      const topics = [...new Set(led.map((each) => each.topic))].map((name) => ({
        name,
        partitions: led
          .filter((each) => each.topic === name)
          .map(({ partition }) => ({ partitionIndex: partition, timestamp })),
      }));
      const answer = await this.#client.send(leader, listOffsetsApi, { replicaId: -1, topics });
      for (const topic of answer.topics) {
        for (const { partitionIndex, errorCode, offset } of topic.partitions) {
          requireOk(errorCode, null);
          offsets.set(`${topic.name}-${partitionIndex}`, offset);
        }
      }
    }
    return offsets;
  }

  /** Asks the group's coordinator, finding it again while it moves or loads. */
  async #coordinated<Q, P>(
    groupId: string,
    api: Api<Q, P>,
    body: Writable<Q>,
    part: (answer: P) => { readonly errorCode: number } | undefined,
  ): Promise<P> {
    let last: unknown = null;
    for (let tries = 0; tries < coordinatorTries; tries++) {
      try {
        const answer = await this.#client.send(await this.#client.coordinatorOf(groupId), api, body);
        const errorCode = part(answer)?.errorCode ?? ErrorCode.NONE;
        if (!coordinatorErrors.has(errorCode)) return answer;
        last = new ClusterError(
          errorName(errorCode),
          `the coordinator of ${groupId} is not ready: ${errorName(errorCode)}`,
        );
      } catch (error) {
        last = error;
      }
      this.#client.forgetCoordinator(groupId);
      await new Promise<void>((resolve) => this.#clock.at(this.#clock.monotonicMs() + retryMs, resolve));
    }
    throw last instanceof Error
      ? last
      : new ClusterError('COORDINATOR_NOT_AVAILABLE', `group ${groupId} has no coordinator`);
  }
}

const coordinatorErrors: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
]);

function classicMember(
  member: DescribeGroupsResponse['groups'][number]['members'][number],
  protocolType: string,
): GroupMemberDetail {
  const { memberId, groupInstanceId, clientId, clientHost } = member;
  const facts = { memberId, instanceId: groupInstanceId, clientId, host: clientHost };
  if (protocolType !== 'consumer') return { ...facts, topics: [], assignment: [] };
  const subscription = decodeEmbedded(consumerProtocolSubscription, member.memberMetadata);
  const assignment = decodeEmbedded(consumerProtocolAssignment, member.memberAssignment);
  return { ...facts, topics: subscription?.topics ?? [], assignment: assignment?.assignedPartitions ?? [] };
}

type Embedded<T> = { decode(reader: WireReader, version: number): T; readonly versions: { readonly max: number } };

/** A version number stands before the message; a client may write one that we do not know, which reads as the newest. */
function decodeEmbedded<T>(schema: Embedded<T>, bytes: Buffer): T | null {
  if (bytes.length < 2) return null;
  try {
    return schema.decode(new WireReader(bytes.subarray(2)), Math.min(bytes.readInt16BE(0), schema.versions.max));
  } catch {
    // Bytes of a client's own making: shown as a member without topics.
    return null;
  }
}

function requireOk(errorCode: number, message: string | null): void {
  if (errorCode === ErrorCode.NONE) return;
  const name = errorName(errorCode);
  throw new ClusterError(name, message ?? kafkaMessages.get(errorCode) ?? name, advice.get(errorCode) ?? null);
}

const kafkaMessages: ReadonlyMap<number, string> = new Map([
  [ErrorCode.NON_EMPTY_GROUP, 'The group is not empty.'],
  [ErrorCode.GROUP_ID_NOT_FOUND, 'The group id does not exist.'],
  [
    ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,
    'Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it.',
  ],
]);

const advice: ReadonlyMap<number, string> = new Map([
  [ErrorCode.NON_EMPTY_GROUP, 'stop its members first'],
  [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, 'stop the members that subscribe to it first'],
]);
