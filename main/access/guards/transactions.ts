// Guards of producers and transactions: InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, WriteTxnMarkers,
// DescribeTransactions, ListTransactions. As KafkaApis checks them.

import { isInternalTopic } from '../../metadata/internal-topics.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { addOffsetsToTxnApi } from '../../protocol/messages/add-offsets-to-txn.ts';
import { addPartitionsToTxnApi } from '../../protocol/messages/add-partitions-to-txn.ts';
import { describeTransactionsApi } from '../../protocol/messages/describe-transactions.ts';
import { endTxnApi } from '../../protocol/messages/end-txn.ts';
import { initProducerIdApi } from '../../protocol/messages/init-producer-id.ts';
import { listTransactionsApi } from '../../protocol/messages/list-transactions.ts';
import { writeTxnMarkersApi } from '../../protocol/messages/write-txn-markers.ts';
import { AclOperation } from '../acl.ts';
import { mayRead } from './groups.ts';
import { afterwards, guard, refusals, split, type GuardEntry } from './guard.ts';

/** AddPartitionsToTxn comes from brokers from this version on. */
const brokersFrom = 4;
const { errorCode: transactionalIdCode } = refusals.transactionalId;

export const transactionGuards: readonly GuardEntry[] = [
  guard(initProducerIdApi, (access, asking, request, serve) => {
    const { transactionalId } = request;
    if (transactionalId !== null) {
      const may = (operation: AclOperation): boolean => access.transactionalId(asking, operation, transactionalId);
      const isAllowed = may(AclOperation.WRITE) && (!request.enable2Pc || may(AclOperation.TWO_PHASE_COMMIT));
      return isAllowed ? serve(request) : { errorCode: transactionalIdCode, producerEpoch: -1 };
    }
    // Whoever may write to any topic may be idempotent (KIP-679).
    const isAllowed =
      access.cluster(asking, AclOperation.IDEMPOTENT_WRITE) || access.anyTopic(asking, AclOperation.WRITE);
    return isAllowed ? serve(request) : { errorCode: refusals.cluster.errorCode, producerEpoch: -1 };
  }),
  guard(addPartitionsToTxnApi, (access, asking, request, serve) => {
    if (asking.apiVersion >= brokersFrom) {
      if (access.cluster(asking, AclOperation.CLUSTER_ACTION)) return serve(request);
      return { errorCode: refusals.cluster.errorCode };
    }
    const topics = request.v3AndBelowTopics;
    const results = (codeOf: (topic: string) => number) => ({
      resultsByTopicV3AndBelow: topics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({ partitionIndex, partitionErrorCode: codeOf(name) })),
      })),
    });
    if (!access.transactionalId(asking, AclOperation.WRITE, request.v3AndBelowTransactionalId)) {
      return results(() => transactionalIdCode);
    }
    // An internal topic is no client's to write to: as in Kafka it is not even asked about.
    const mayWrite = (name: string): boolean =>
      !isInternalTopic(name) && access.topic(asking, AclOperation.WRITE, name);
    const { refused } = split(topics, ({ name }) => mayWrite(name));
    if (refused.length === 0) return serve(request);
    // One that is refused fails them all.
    return results((name) => {
      if (!mayWrite(name)) return refusals.topic.errorCode;
      return access.hasTopic(name) ? ErrorCode.OPERATION_NOT_ATTEMPTED : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    });
  }),
  guard(addOffsetsToTxnApi, (access, asking, request, serve) => {
    if (!access.transactionalId(asking, AclOperation.WRITE, request.transactionalId)) {
      return { errorCode: transactionalIdCode };
    }
    return mayRead(access, asking, request.groupId) ? serve(request) : { errorCode: refusals.group.errorCode };
  }),
  guard(endTxnApi, (access, asking, request, serve) =>
    access.transactionalId(asking, AclOperation.WRITE, request.transactionalId)
      ? serve(request)
      : { errorCode: transactionalIdCode },
  ),
  guard(writeTxnMarkersApi, (access, asking, request, serve) => {
    const isAllowed = access.cluster(asking, AclOperation.ALTER) || access.cluster(asking, AclOperation.CLUSTER_ACTION);
    if (isAllowed) return serve(request);
    return {
      markers: request.markers.map(({ producerId, topics }) => ({
        producerId,
        topics: topics.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => ({
            partitionIndex,
            errorCode: refusals.cluster.errorCode,
          })),
        })),
      })),
    };
  }),
  guard(describeTransactionsApi, (access, asking, request, serve) => {
    const { allowed, refused } = split(request.transactionalIds, (transactionalId) =>
      access.transactionalId(asking, AclOperation.DESCRIBE, transactionalId),
    );
    return afterwards(serve({ ...request, transactionalIds: allowed }), (response) => ({
      ...response,
      transactionStates: [
        ...(response.transactionStates ?? []).map((state) => ({
          ...state,
          topics: (state.topics ?? []).filter(({ topic }) => access.topic(asking, AclOperation.DESCRIBE, topic ?? '')),
        })),
        ...refused.map((transactionalId) => ({ transactionalId, errorCode: transactionalIdCode })),
      ],
    }));
  }),
  guard(listTransactionsApi, (access, asking, request, serve) =>
    afterwards(serve(request), (response) => ({
      ...response,
      transactionStates: (response.transactionStates ?? []).filter(({ transactionalId }) =>
        access.transactionalId(asking, AclOperation.DESCRIBE, transactionalId ?? ''),
      ),
    })),
  ),
];
