// TxnOffsetCommit: offsets that count once their producer's transaction is committed (KIP-98, 447). Their records
// stand in transactional batches; replay keeps them aside until the marker comes.

import { ErrorCode } from '../../protocol/errors.ts';
import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import type { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '../../protocol/messages/txn-offset-commit.ts';
import type { Writable } from '../../protocol/schema.ts';
import { zeroUuid } from '../../protocol/uuid.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import { ClassicGroup } from './classic-group.ts';
import type { GroupContext } from './group-context.ts';
import type { CommitTopics } from './group-offsets.ts';
import { type GroupDecision, offsetCommitRecord } from './group-records.ts';
import type { Group } from './group-registry.ts';

/** The OffsetCommit version whose errors are the newest. */
const newestErrors = 9;

export class TransactionalOffsets {
  readonly #context: GroupContext;

  constructor(context: GroupContext) {
    this.#context = context;
  }

  commit(request: TxnOffsetCommitRequest): GroupDecision<Writable<TxnOffsetCommitResponse>> {
    const group = this.#context.groups.get(request.groupId);
    const idOf = (name: string): string => this.#context.image().topics.byName.get(name)?.id ?? zeroUuid;
    const named = request.topics.map((topic) => ({ ...topic, topicId: idOf(topic.name) }));
    validate(group, request, named);
    const commitTimestampMs = this.#context.clock.wallMs();
    const records: GroupCoordinatorRecord[] = [];
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
        const metadata = committedMetadata ?? '';
        if (metadata.length > this.#context.config.offsetMetadataMaxBytes) {
          return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE };
        }
        const committed = {
          offset: committedOffset,
          leaderEpoch: committedLeaderEpoch,
          metadata,
          commitTimestampMs,
          expireTimestampMs: -1,
          topicId: zeroUuid,
        };
        records.push(offsetCommitRecord(request.groupId, name, partitionIndex, committed));
        return { partitionIndex, errorCode: ErrorCode.NONE };
      }),
    }));
    return { records, response: { topics } };
  }
}

function validate(group: Group | null, request: TxnOffsetCommitRequest, topics: CommitTopics): void {
  const { memberId, groupInstanceId, generationId } = request;
  if (group === null) {
    // Without a generation it is a group of offsets only, which replay makes.
    if (generationId >= 0) throw new CoordinatorError(ErrorCode.ILLEGAL_GENERATION);
    return;
  }
  // Producers before version 3 say nothing of a membership.
  const saysNothing = generationId < 0 && memberId === '' && groupInstanceId === null;
  if (group instanceof ClassicGroup) {
    if (group.state === 'Dead') throw new CoordinatorError(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    if (saysNothing || (generationId < 0 && group.isEmpty)) return;
    group.validateMember(memberId, groupInstanceId);
    if (generationId !== group.generationId) throw new CoordinatorError(ErrorCode.ILLEGAL_GENERATION);
    return;
  }
  if (saysNothing) return;
  try {
    group.validateOffsetCommit(memberId, generationId, newestErrors, topics);
  } catch (error) {
    if (!(error instanceof CoordinatorError) || error.code !== ErrorCode.STALE_MEMBER_EPOCH) throw error;
    // The API knows no member epochs.
    throw new CoordinatorError(ErrorCode.ILLEGAL_GENERATION);
  }
}
