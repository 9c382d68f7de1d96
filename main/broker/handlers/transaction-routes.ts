// The part of the handler table that transactions take, for clients and between brokers.

import type { GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { TransactionCoordinator } from '../../coordinators/transaction/transaction-coordinator.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { route, type Route } from '../../net/route.ts';
import { addOffsetsToTxnApi } from '../../protocol/messages/add-offsets-to-txn.ts';
import { addPartitionsToTxnApi } from '../../protocol/messages/add-partitions-to-txn.ts';
import { describeTransactionsApi } from '../../protocol/messages/describe-transactions.ts';
import { endTxnApi } from '../../protocol/messages/end-txn.ts';
import { listTransactionsApi } from '../../protocol/messages/list-transactions.ts';
import { txnOffsetCommitApi } from '../../protocol/messages/txn-offset-commit.ts';
import { writeTxnMarkersApi } from '../../protocol/messages/write-txn-markers.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';
import type { Clock } from '../../runtime/runtime.ts';
import type { TransactionVerification } from '../transaction-verification.ts';
import { createAddOffsetsToTxnHandler } from './add-offsets-to-txn.ts';
import { createAddPartitionsToTxnHandler } from './add-partitions-to-txn.ts';
import { createDescribeTransactionsHandler } from './describe-transactions.ts';
import { createEndTxnHandler } from './end-txn.ts';
import { createListTransactionsHandler } from './list-transactions.ts';
import { createTxnOffsetCommitHandler } from './txn-offset-commit.ts';
import { createWriteTxnMarkersHandler } from './write-txn-markers.ts';

export type TransactionRoutesDependencies = {
  readonly transactions: TransactionCoordinator;
  readonly groups: GroupCoordinator;
  readonly replicas: ReplicaManager;
  readonly transactionVerification: TransactionVerification;
  readonly image: () => MetadataImage;
  readonly clock: Clock;
  /** How long a marker's append may wait for its commit (`request.timeout.ms`). */
  readonly requestTimeoutMs: number;
};

const onClient = { listeners: ['client'] } as const;

export function transactionRoutes(dependencies: TransactionRoutesDependencies): Route[] {
  return [
    route(addPartitionsToTxnApi, onClient, createAddPartitionsToTxnHandler(dependencies)),
    route(addOffsetsToTxnApi, onClient, createAddOffsetsToTxnHandler(dependencies)),
    route(endTxnApi, onClient, createEndTxnHandler(dependencies)),
    route(txnOffsetCommitApi, onClient, createTxnOffsetCommitHandler(dependencies)),
    route(writeTxnMarkersApi, onClient, createWriteTxnMarkersHandler(dependencies)),
    route(describeTransactionsApi, onClient, createDescribeTransactionsHandler(dependencies)),
    route(listTransactionsApi, onClient, createListTransactionsHandler(dependencies)),
  ];
}
