// One member of a classic consumer group: joins, is given partitions (the leader spreads them), reads from what the
// group committed, commits what it read, and joins again when told to. It never commits without a generation.

import { ErrorCode } from '../../../main/protocol/errors.ts';
import { findCoordinatorApi } from '../../../main/protocol/messages/find-coordinator.ts';
import { heartbeatApi } from '../../../main/protocol/messages/heartbeat.ts';
import { joinGroupApi, type JoinGroupResponse } from '../../../main/protocol/messages/join-group.ts';
import { leaveGroupApi } from '../../../main/protocol/messages/leave-group.ts';
import { offsetCommitApi } from '../../../main/protocol/messages/offset-commit.ts';
import { offsetFetchApi } from '../../../main/protocol/messages/offset-fetch.ts';
import { syncGroupApi } from '../../../main/protocol/messages/sync-group.ts';
import type { HistoryRecorder } from '../history-recorder.ts';
import { Fetcher } from './fetcher.ts';
import type { SimulatedClient } from './simulated-client.ts';

export type GroupMemberOptions = {
  readonly topic: string;
  readonly group: string;
  readonly sessionTimeoutMs: number;
  readonly pauseMs: number;
  /** How many polls between two commits. */
  readonly pollsPerCommit: number;
};

type Generation = { readonly id: number; readonly memberId: string; readonly coordinator: number };

const retryMs = 60;
const joinTimeoutMs = 6000;
/** OffsetCommit and OffsetFetch by topic names. */
const commitVersion = 9;
const offsetFetchVersion = 7;

export class GroupMember {
  readonly #client: SimulatedClient;
  readonly #options: GroupMemberOptions;
  readonly #history: HistoryRecorder;
  #memberId = '';
  #coordinator: number | null = null;

  constructor(client: SimulatedClient, options: GroupMemberOptions, history: HistoryRecorder) {
    this.#client = client;
    this.#options = options;
    this.#history = history;
  }

  async run(): Promise<void> {
    while (!this.#client.isStopped) {
      const generation = await this.#join();
      if (generation === null) await this.#client.sleep(retryMs);
      else await this.#consume(generation);
    }
    if (this.#memberId !== '' && this.#coordinator !== null) {
      const request = { groupId: this.#options.group, members: [{ memberId: this.#memberId }] };
      await this.#client.ask(this.#coordinator, leaveGroupApi, request);
    }
  }

  async #findCoordinator(): Promise<number | null> {
    const request = { keyType: 0, coordinatorKeys: [this.#options.group] };
    const answer = await this.#client.ask(this.#client.anyBroker(), findCoordinatorApi, request);
    const found = answer?.coordinators[0];
    return found?.errorCode === ErrorCode.NONE ? found.nodeId : null;
  }

  /** Null: try again. */
  async #join(): Promise<(Generation & { readonly partitions: readonly number[] }) | null> {
    const { group, topic, sessionTimeoutMs } = this.#options;
    this.#coordinator ??= await this.#findCoordinator();
    const coordinator = this.#coordinator;
    if (coordinator === null) return null;
    const request = {
      groupId: group,
      sessionTimeoutMs,
      rebalanceTimeoutMs: joinTimeoutMs / 2,
      memberId: this.#memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: encodeNames([topic]) }],
    };
    const joined = await this.#client.ask(coordinator, joinGroupApi, request, undefined, joinTimeoutMs);
    if (joined === null || joined.errorCode !== ErrorCode.NONE) {
      this.#note(joined?.errorCode ?? null, joined);
      return null;
    }
    this.#memberId = joined.memberId;
    const assignments = joined.leader === joined.memberId ? await this.#spread(joined) : [];
    const { generationId, memberId } = joined;
    const sync = {
      groupId: group,
      generationId,
      memberId,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments,
    };
    const synced = await this.#client.ask(coordinator, syncGroupApi, sync, undefined, joinTimeoutMs);
    if (synced?.errorCode !== ErrorCode.NONE) {
      this.#note(synced?.errorCode ?? null, null);
      return null;
    }
    return { id: generationId, memberId, coordinator, partitions: decodePartitions(synced.assignment) };
  }

  async #spread(joined: JoinGroupResponse): Promise<{ memberId: string; assignment: Buffer }[]> {
    const { topic } = this.#options;
    await this.#client.refresh(topic);
    // As the Java client: who doesn't know the topic's partitions (the answer was lost) asks on, and assigns then.
    while (this.#client.partitionsOf(topic).length === 0 && !this.#client.isStopped) {
      await this.#client.sleep(retryMs);
      await this.#client.refresh(topic);
    }
    const partitions = this.#client.partitionsOf(topic);
    const ids = joined.members.map((member) => member.memberId).sort();
    return ids.map((memberId, index) => ({
      memberId,
      assignment: encodeAssignment(
        topic,
        partitions.filter((_, each) => each % ids.length === index),
      ),
    }));
  }

  /** Reads until the generation ends for this member. */
  async #consume(generation: Generation & { readonly partitions: readonly number[] }): Promise<void> {
    const { topic, group, pauseMs, pollsPerCommit } = this.#options;
    const options = { topic, group, reader: this.#client.name, isolation: 'read_uncommitted', waitMs: 100 } as const;
    const fetcher = new Fetcher(this.#client, options, this.#history);
    if (!(await this.#seek(generation, fetcher))) return;
    let isOver = false;
    const watch = this.#beat(generation, () => isOver).then(() => {
      isOver = true;
    });
    for (let polls = 1; !isOver && !this.#client.isStopped; polls++) {
      await fetcher.poll(() => !isOver);
      if (polls % pollsPerCommit === 0 && !isOver) isOver = !(await this.#commit(generation, fetcher));
      await this.#client.sleep(pauseMs);
    }
    isOver = true;
    await watch;
  }

  /** Goes on where the group stands; false when that can't be learnt. */
  async #seek(generation: Generation & { readonly partitions: readonly number[] }, fetcher: Fetcher): Promise<boolean> {
    const { topic, group } = this.#options;
    if (generation.partitions.length === 0) return true;
    const startMs = this.#client.nowMs;
    const topics = [{ name: topic, partitionIndexes: [...generation.partitions] }];
    const request = { groupId: group, topics, requireStable: true };
    const answer = await this.#client.ask(generation.coordinator, offsetFetchApi, request, offsetFetchVersion);
    if (answer === null || answer.errorCode !== ErrorCode.NONE) {
      this.#note(answer?.errorCode ?? null, null);
      return false;
    }
    for (const { partitionIndex: partition, committedOffset, errorCode } of answer.topics[0]?.partitions ?? []) {
      if (errorCode !== ErrorCode.NONE) return false;
      const offset = committedOffset < 0 ? null : committedOffset;
      this.#history.committedRead({ startMs, group, topic, partition, offset });
      fetcher.positions.set(partition, offset ?? 0);
    }
    return true;
  }

  async #beat(generation: Generation, isOver: () => boolean): Promise<void> {
    const { group, sessionTimeoutMs } = this.#options;
    let lastAnswerMs = this.#client.clock.monotonicMs();
    while (!isOver() && !this.#client.isStopped) {
      await this.#client.sleep(sessionTimeoutMs / 6);
      const request = { groupId: group, generationId: generation.id, memberId: generation.memberId };
      const answer = await this.#client.ask(generation.coordinator, heartbeatApi, request);
      if (answer?.errorCode === ErrorCode.NONE) lastAnswerMs = this.#client.clock.monotonicMs();
      else if (answer !== null) return this.#note(answer.errorCode, null);
      else if (this.#client.clock.monotonicMs() - lastAnswerMs > sessionTimeoutMs) return this.#note(null, null);
    }
  }

  async #commit(generation: Generation, fetcher: Fetcher): Promise<boolean> {
    const { topic, group } = this.#options;
    const startMs = this.#client.nowMs;
    const offsets = [...fetcher.positions];
    if (offsets.length === 0) return true;
    const partitions = offsets.map(([partitionIndex, committedOffset]) => ({
      partitionIndex,
      committedOffset,
      committedMetadata: '',
    }));
    const request = {
      groupId: group,
      generationIdOrMemberEpoch: generation.id,
      memberId: generation.memberId,
      topics: [{ name: topic, partitions }],
    };
    const answer = await this.#client.ask(generation.coordinator, offsetCommitApi, request, commitVersion);
    if (answer === null) {
      this.#note(null, null);
      return false;
    }
    for (const { partitionIndex: partition, errorCode } of answer.topics[0]?.partitions ?? []) {
      const offset = offsets.find(([each]) => each === partition)?.[1] ?? 0;
      if (errorCode === ErrorCode.NONE) this.#history.committed({ startMs, group, topic, partition, offset });
      else {
        this.#note(errorCode, null);
        return false;
      }
    }
    return true;
  }

  /** What an answer means for who this member is and whom it asks. Null: there was none. */
  #note(errorCode: number | null, joined: JoinGroupResponse | null): void {
    switch (errorCode) {
      case ErrorCode.MEMBER_ID_REQUIRED:
        this.#memberId = joined?.memberId ?? '';
        return;
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
      case ErrorCode.FENCED_INSTANCE_ID:
        this.#memberId = '';
        return;
      case ErrorCode.REBALANCE_IN_PROGRESS:
        return;
      default:
        this.#coordinator = null;
    }
  }
}

/** A version 0 subscription: the topics wanted, no user data. */
function encodeNames(names: readonly string[]): Buffer {
  return Buffer.concat([Buffer.from([0, 0]), int32(names.length), ...names.map((name) => string(name)), int32(-1)]);
}

/** A version 0 assignment of partitions of one topic. */
function encodeAssignment(topic: string, partitions: readonly number[]): Buffer {
  const list = partitions.map((partition) => int32(partition));
  return Buffer.concat([Buffer.from([0, 0]), int32(1), string(topic), int32(list.length), ...list, int32(-1)]);
}

function decodePartitions(assignment: Buffer): number[] {
  if (assignment.length === 0) return [];
  const start = 8 + assignment.readInt16BE(6);
  const count = assignment.readInt32BE(start);
  return Array.from({ length: count }, (_, index) => assignment.readInt32BE(start + 4 + 4 * index));
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function string(text: string): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(text.length);
  return Buffer.concat([bytes, Buffer.from(text, 'latin1')]);
}
