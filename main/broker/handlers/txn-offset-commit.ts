// TxnOffsetCommit, versions 0 to 5. KIP-98, 320 (leader epochs), 447 (members), 890 (from 5 on the offsets' partition
// is added to the transaction by the broker).

import {
  failedTxnOffsetCommit,
  offsetsTopic,
  type GroupCoordinator,
} from '../../coordinators/group/group-coordinator.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '../../protocol/messages/txn-offset-commit.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';
import type { TransactionOperation, TransactionVerification } from '../transaction-verification.ts';

export type TxnOffsetCommitDependencies = {
  readonly groups: GroupCoordinator;
  readonly replicas: ReplicaManager;
  readonly transactionVerification: TransactionVerification;
  readonly image: () => MetadataImage;
};

type Answer = Writable<TxnOffsetCommitResponse>;
type Topic = TxnOffsetCommitRequest['topics'][number];

const loadingKnownFrom = 2;
const abortableFrom = 4;
const addsFrom = 5;
const noSequence = -1;

export function createTxnOffsetCommitHandler(
  dependencies: TxnOffsetCommitDependencies,
): Handler<TxnOffsetCommitRequest, Answer> {
  return async ({ apiVersion }, request) => {
    const { known, missing } = sortOut(request.topics, dependencies.image());
    const refused = failedTxnOffsetCommit({ topics: missing }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION).topics ?? [];
    if (known.length === 0) return { topics: refused };
    const { topics } = await commit(dependencies, { ...request, topics: known }, apiVersion);
    const answered = (topics ?? []).map((topic) => ({
      ...topic,
      partitions: (topic.partitions ?? []).map((row) => ({
        ...row,
        errorCode: knownCode(row.errorCode ?? ErrorCode.NONE, apiVersion),
      })),
    }));
    return { topics: [...refused, ...answered] };
  };
}

async function commit(
  { groups, replicas, transactionVerification }: TxnOffsetCommitDependencies,
  request: TxnOffsetCommitRequest,
  apiVersion: number,
): Promise<Answer> {
  const partition = replicas.findByName(offsetsTopic, groups.partitionFor(request.groupId));
  if (typeof partition === 'number') return failedTxnOffsetCommit(request, ErrorCode.NOT_COORDINATOR);
  const target = { partition, baseSequence: noSequence };
  const [verification] = await transactionVerification.verify(request, operationOf(apiVersion), [target], false);
  const code = verification?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
  if (code !== ErrorCode.NONE) return failedTxnOffsetCommit(request, coordinatorCode(code));
  return groups.commitTransactionalOffsets(request, verification?.guard ?? null);
}

function operationOf(apiVersion: number): TransactionOperation {
  if (apiVersion >= addsFrom) return 'add';
  return apiVersion >= abortableFrom ? 'verify-abortable' : 'verify';
}

function coordinatorCode(code: number): number {
  if (code === ErrorCode.NOT_LEADER_OR_FOLLOWER) return ErrorCode.NOT_COORDINATOR;
  // Older clients don't retry it; this one they do, without looking for the coordinator again.
  return code === ErrorCode.NETWORK_EXCEPTION ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : code;
}

function knownCode(code: number, apiVersion: number): number {
  const isUnknown = code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS && apiVersion < loadingKnownFrom;
  return isUnknown ? ErrorCode.COORDINATOR_NOT_AVAILABLE : code;
}

function sortOut(
  topics: readonly Topic[],
  image: MetadataImage,
): { readonly known: Topic[]; readonly missing: Topic[] } {
  const known: Topic[] = [];
  const missing: Topic[] = [];
  for (const topic of topics) {
    const found = image.topics.byName.get(topic.name)?.partitions;
    const there = topic.partitions.filter(({ partitionIndex }) => found?.has(partitionIndex) === true);
    const gone = topic.partitions.filter(({ partitionIndex }) => found?.has(partitionIndex) !== true);
    if (there.length > 0) known.push({ ...topic, partitions: there });
    if (gone.length > 0) missing.push({ ...topic, partitions: gone });
  }
  return { known, missing };
}
