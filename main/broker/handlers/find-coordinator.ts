// FindCoordinator, versions 0 to 6. KIP-98 (key types), 699 (several keys), 932 (share groups). Makes the internal
// topic when it is missing.

import { offsetsTopic } from '../../coordinators/group/group-coordinator.ts';
import { shareStateTopic } from '../../coordinators/share/share-coordinator.ts';
import { transactionsTopic } from '../../coordinators/transaction/transaction-coordinator.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Handler, RequestContext } from '../../net/handler.ts';
import { ErrorCode, errorName } from '../../protocol/errors.ts';
import type { FindCoordinatorRequest, FindCoordinatorResponse } from '../../protocol/messages/find-coordinator.ts';
import type { Writable } from '../../protocol/schema.ts';

export type FindCoordinatorDependencies = {
  readonly image: () => MetadataImage;
  /** Partition of `__consumer_offsets` that a group belongs to. */
  readonly groupPartition: (groupId: string) => number;
  /** Partition of `__transaction_state` that a transactional id belongs to. */
  readonly transactionPartition: (transactionalId: string) => number;
  /** Partition of `__share_group_state` that a share partition's state lies in; by its key. */
  readonly sharePartition: (key: string) => number;
  /** Has the topic made in the background. */
  readonly ensureInternalTopic: (name: string) => void;
};

type Found = { readonly errorCode: number; readonly nodeId: number; readonly host: string; readonly port: number };

const groupKey = 0;
const transactionKey = 1;
const shareKey = 2;
const keyTypesFrom = 1;
const severalKeysFrom = 4;
const shareKeysFrom = 6;

/** Group, topic id and partition; a group id may hold colons of its own. */
const shareKeyForm = /^.+:[\w-]{22}:\d+$/s;

function isShareKey(key: string): boolean {
  return shareKeyForm.test(key);
}

const messages: ReadonlyMap<number, string> = new Map([
  [ErrorCode.COORDINATOR_NOT_AVAILABLE, 'The coordinator is not available.'],
  [
    ErrorCode.INVALID_REQUEST,
    'This most likely occurs because of a request being malformed by the client library or the message was sent ' +
      'to an incompatible broker. See the broker logs for more details.',
  ],
]);

export function createFindCoordinatorHandler(
  dependencies: FindCoordinatorDependencies,
): Handler<FindCoordinatorRequest, Writable<FindCoordinatorResponse>> {
  return (context, request) => {
    const { apiVersion } = context;
    const keyType = apiVersion < keyTypesFrom ? groupKey : request.keyType;
    if (apiVersion < severalKeysFrom) {
      const found = find(dependencies, keyType, request.key, context);
      // Kafka names every error here, also the one that is none.
      return { ...found, errorMessage: messages.get(found.errorCode) ?? errorName(found.errorCode) };
    }
    const coordinators = request.coordinatorKeys.map((key) => {
      const found = find(dependencies, keyType, key, context);
      const isMalformed = found.errorCode === ErrorCode.INVALID_REQUEST;
      return { key, ...found, errorMessage: isMalformed ? (messages.get(found.errorCode) ?? '') : '' };
    });
    return { coordinators };
  };
}

function find(
  dependencies: FindCoordinatorDependencies,
  keyType: number,
  key: string,
  { apiVersion, listenerName }: RequestContext,
): Found {
  switch (keyType) {
    case groupKey:
      return findLeader(dependencies, listenerName, offsetsTopic, () => dependencies.groupPartition(key));
    case transactionKey:
      return findLeader(dependencies, listenerName, transactionsTopic, () => dependencies.transactionPartition(key));
    case shareKey:
      if (apiVersion < shareKeysFrom || !isShareKey(key)) return notFound(ErrorCode.INVALID_REQUEST);
      return findLeader(dependencies, listenerName, shareStateTopic, () => dependencies.sharePartition(key));
    default:
      return notFound(ErrorCode.INVALID_REQUEST);
  }
}

function findLeader(
  dependencies: FindCoordinatorDependencies,
  listenerName: string,
  topicName: string,
  partition: () => number,
): Found {
  const { image, ensureInternalTopic } = dependencies;
  const { topics, cluster } = image();
  const topic = topics.byName.get(topicName);
  if (topic === undefined) {
    ensureInternalTopic(topicName);
    return notFound(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  }
  const leader = topic.partitions.get(partition())?.leader ?? -1;
  const broker = cluster.brokers.get(leader);
  const endpoint = broker?.isFenced === false ? broker.endpoints.find(({ name }) => name === listenerName) : undefined;
  if (endpoint === undefined) return notFound(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  return { errorCode: ErrorCode.NONE, nodeId: leader, host: endpoint.host, port: endpoint.port };
}

function notFound(errorCode: number): Found {
  return { errorCode, nodeId: -1, host: '', port: -1 };
}
