// AddPartitionsToTxn, versions 0 to 5. KIP-98, 588 (PRODUCER_FENCED from 2), 890: from 4 on between brokers, several
// transactions at once, to verify (`verifyOnly`) or to add on behalf of a client that speaks transaction version 2.

import type { TransactionPartitions } from '../../coordinators/transaction/transaction-metadata.ts';
import type { TransactionCoordinator } from '../../coordinators/transaction/transaction-coordinator.ts';
import { partitionsOf } from '../../coordinators/transaction/transaction-records.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from '../../protocol/messages/add-partitions-to-txn.ts';
import type { Writable } from '../../protocol/schema.ts';
import { fencedCode } from './end-txn.ts';

type Transaction = AddPartitionsToTxnRequest['transactions'][number];
type TopicResult = AddPartitionsToTxnResponse['resultsByTopicV3AndBelow'][number];
type CodeOf = (topic: string, partition: number) => number;

export type AddPartitionsDependencies = {
  readonly transactions: TransactionCoordinator;
  readonly image: () => MetadataImage;
};

const batchesFrom = 4;
const fencedFrom = 2;
const clientVersionOfBatches = 2;

export function createAddPartitionsToTxnHandler(
  dependencies: AddPartitionsDependencies,
): Handler<AddPartitionsToTxnRequest, Writable<AddPartitionsToTxnResponse>> {
  return async ({ apiVersion }, request) => {
    if (apiVersion < batchesFrom) {
      const single: Transaction = {
        transactionalId: request.v3AndBelowTransactionalId,
        producerId: request.v3AndBelowProducerId,
        producerEpoch: request.v3AndBelowProducerEpoch,
        verifyOnly: false,
        topics: request.v3AndBelowTopics,
      };
      return { resultsByTopicV3AndBelow: await serve(dependencies, single, apiVersion) };
    }
    const results = request.transactions.map(async (transaction) => ({
      transactionalId: transaction.transactionalId,
      topicResults: await serve(dependencies, transaction, apiVersion),
    }));
    return { errorCode: ErrorCode.NONE, resultsByTransaction: await Promise.all(results) };
  };
}

async function serve(
  { transactions, image }: AddPartitionsDependencies,
  transaction: Transaction,
  apiVersion: number,
): Promise<TopicResult[]> {
  const partitions = partitionsOf(transaction.topics);
  const missing = missingCodes(partitions, image());
  if (missing !== null) return results(partitions, missing);
  if (transaction.verifyOnly) {
    const verified = await transactions.verify(transaction);
    if (verified.partitions === null) return results(partitions, () => verified.errorCode);
    const known = verified.partitions;
    return results(partitions, (topic, partition) =>
      known.get(topic)?.has(partition) === true ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE,
    );
  }
  const clientVersion = apiVersion >= batchesFrom ? clientVersionOfBatches : 0;
  const errorCode = await transactions.addPartitions(transaction, partitions, clientVersion);
  return results(partitions, () => fencedCode(errorCode, apiVersion, fencedFrom));
}

/** One partition that is not there fails them all; null when all are. */
function missingCodes(partitions: TransactionPartitions, { topics }: MetadataImage): CodeOf | null {
  const isThere = (topic: string, partition: number): boolean =>
    topics.byName.get(topic)?.partitions.has(partition) === true;
  const areAllThere = [...partitions].every(([topic, ids]) => [...ids].every((id) => isThere(topic, id)));
  if (areAllThere) return null;
  return (topic, partition) =>
    isThere(topic, partition) ? ErrorCode.OPERATION_NOT_ATTEMPTED : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

function results(partitions: TransactionPartitions, codeOf: CodeOf): TopicResult[] {
  return [...partitions].map(([name, ids]) => ({
    name,
    resultsByPartition: [...ids].map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: codeOf(name, partitionIndex),
    })),
  }));
}
