// AddOffsetsToTxn, versions 0 to 4. KIP-98, 588: the group's partition of the offsets topic joins the transaction.

import { offsetsTopic, type GroupCoordinator } from '../../coordinators/group/group-coordinator.ts';
import type { TransactionCoordinator } from '../../coordinators/transaction/transaction-coordinator.ts';
import type { Handler } from '../../net/handler.ts';
import type { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from '../../protocol/messages/add-offsets-to-txn.ts';
import type { Writable } from '../../protocol/schema.ts';
import { fencedCode } from './end-txn.ts';

const fencedFrom = 2;

export function createAddOffsetsToTxnHandler({
  transactions,
  groups,
}: {
  readonly transactions: TransactionCoordinator;
  readonly groups: GroupCoordinator;
}): Handler<AddOffsetsToTxnRequest, Writable<AddOffsetsToTxnResponse>> {
  return async ({ apiVersion }, request) => {
    const partitions = new Map([[offsetsTopic, new Set([groups.partitionFor(request.groupId)])]]);
    return { errorCode: fencedCode(await transactions.addPartitions(request, partitions, 0), apiVersion, fencedFrom) };
  };
}
