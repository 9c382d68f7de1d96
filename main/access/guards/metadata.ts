// Guards of what describes the cluster and its topics: Metadata, DescribeTopicPartitions, DescribeCluster,
// DescribeConfigs, DescribeAcls and the like. A topic that may not be described is not told to exist.

import { describeAclsApi } from '../../protocol/messages/describe-acls.ts';
import { describeClientQuotasApi } from '../../protocol/messages/describe-client-quotas.ts';
import { describeClusterApi } from '../../protocol/messages/describe-cluster.ts';
import { describeConfigsApi } from '../../protocol/messages/describe-configs.ts';
import { describeQuorumApi } from '../../protocol/messages/describe-quorum.ts';
import { describeTopicPartitionsApi } from '../../protocol/messages/describe-topic-partitions.ts';
import { describeUserScramCredentialsApi } from '../../protocol/messages/describe-user-scram-credentials.ts';
import { listConfigResourcesApi } from '../../protocol/messages/list-config-resources.ts';
import { metadataApi, type MetadataRequest, type MetadataResponse } from '../../protocol/messages/metadata.ts';
import type { Writable } from '../../protocol/schema.ts';
import { zeroUuid } from '../../protocol/uuid.ts';
import { ConfigResourceType } from '../../metadata/settings-image.ts';
import type { Access } from '../access.ts';
import { AclOperation, clusterName, ResourceType } from '../acl.ts';
import {
  afterwards,
  clusterGuard,
  guard,
  refusals,
  split,
  type Asking,
  type GuardEntry,
  type Refusal,
} from './guard.ts';

const { errorCode } = refusals.topic;
const topicIdsFrom = 12;
const clusterOperationsIn = (apiVersion: number): boolean => apiVersion >= 8 && apiVersion <= 10;

type MetadataTopic = NonNullable<Writable<MetadataResponse>['topics']>[number];

const metadataGuard = guard(metadataApi, (access, asking, request, serve) => {
  const mayDescribe = (name: string): boolean => access.topic(asking, AclOperation.DESCRIBE, name);
  const asksForAll = request.topics === null || (asking.apiVersion === 0 && request.topics.length === 0);
  const { allowed, refused } = asksForAll
    ? { allowed: null, refused: [] }
    : sortOut(access, asking, request.topics ?? [], request.allowAutoTopicCreation);
  // In version 0 an empty list would ask for all.
  const isNothingLeft = asking.apiVersion === 0 && allowed?.length === 0;
  const served = serve({ ...request, topics: isNothingLeft ? null : allowed });
  return afterwards(served, (response) => {
    const described = isNothingLeft ? [] : (response.topics ?? []);
    const shown = asksForAll
      ? described.filter(({ name }) => typeof name === 'string' && mayDescribe(name))
      : described;
    return {
      ...response,
      topics: [
        ...(request.includeTopicAuthorizedOperations
          ? shown.map((topic) => withOperations(access, asking, topic))
          : shown),
        ...refused,
      ],
      // A field that only some versions have stays away in the others.
      ...(request.includeClusterAuthorizedOperations && clusterOperationsIn(asking.apiVersion)
        ? { clusterAuthorizedOperations: clusterOperations(access, asking) }
        : {}),
    };
  });
});

type AskedTopic = NonNullable<MetadataRequest['topics']>[number];

function sortOut(
  access: Access,
  asking: Asking,
  topics: readonly AskedTopic[],
  allowsCreation: boolean,
): { readonly allowed: AskedTopic[]; readonly refused: MetadataTopic[] } {
  const allowed: AskedTopic[] = [];
  const refused = new Map<string, MetadataTopic>();
  const createsMissing = allowsCreation && access.createsTopics && !access.cluster(asking, AclOperation.CREATE);
  for (const topic of topics) {
    const byId = topic.topicId !== zeroUuid || topic.name === null;
    const name = byId ? access.topicName(topic.topicId) : topic.name;
    // Ids in versions that don't honour them, and ids that nothing has, are the handler's to refuse.
    if (name === null || (byId && asking.apiVersion < topicIdsFrom)) allowed.push(topic);
    else if (!access.topic(asking, AclOperation.DESCRIBE, name)) {
      // Ids are no secret, names and what belongs to which are.
      refused.set(name, { errorCode, name: byId ? null : name, topicId: byId ? topic.topicId : zeroUuid });
    } else if (createsMissing && !access.hasTopic(name) && !access.topic(asking, AclOperation.CREATE, name)) {
      refused.set(name, { errorCode, name, topicId: zeroUuid });
    } else allowed.push(topic);
  }
  return { allowed, refused: [...refused.values()] };
}

function withOperations<
  Topic extends { readonly name?: string | null | undefined; readonly errorCode?: number | undefined },
>(access: Access, asking: Asking, topic: Topic): Topic {
  if (typeof topic.name !== 'string') return topic;
  return { ...topic, topicAuthorizedOperations: access.operations(asking, ResourceType.TOPIC, topic.name) };
}

/** Nothing for whoever may not describe the cluster. */
function clusterOperations(access: Access, asking: Asking): number {
  if (!access.cluster(asking, AclOperation.DESCRIBE)) return 0;
  return access.operations(asking, ResourceType.CLUSTER, clusterName);
}

/** Which right a resource of DescribeConfigs or AlterConfigs needs, and what is said without it. */
export function configRefusal(
  access: Access,
  asking: Asking,
  operation: AclOperation,
  { resourceType, resourceName }: { readonly resourceType: number; readonly resourceName: string },
): Refusal | null {
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      return access.topic(asking, operation, resourceName) ? null : refusals.topic;
    case ConfigResourceType.GROUP:
      return access.group(asking, operation, resourceName) ? null : refusals.group;
    case ConfigResourceType.BROKER:
    case ConfigResourceType.BROKER_LOGGER:
    case ConfigResourceType.CLIENT_METRICS:
      return access.cluster(asking, operation) ? null : refusals.cluster;
    default:
      // No such resource: the handler says so.
      return null;
  }
}

/** For both listeners. */
export const describingGuards: readonly GuardEntry[] = [
  guard(describeClusterApi, (access, asking, request, serve) =>
    afterwards(serve(request), (response) =>
      request.includeClusterAuthorizedOperations
        ? { ...response, clusterAuthorizedOperations: clusterOperations(access, asking) }
        : response,
    ),
  ),
  guard(describeConfigsApi, (access, asking, request, serve) => {
    const refusalOf = (resource: (typeof request.resources)[number]): Refusal | null =>
      configRefusal(access, asking, AclOperation.DESCRIBE_CONFIGS, resource);
    const { allowed, refused } = split(request.resources, (resource) => refusalOf(resource) === null);
    if (refused.length === 0) return serve(request);
    const failed = refused.map((resource) => ({
      ...(refusalOf(resource) ?? refusals.cluster),
      resourceType: resource.resourceType,
      resourceName: resource.resourceName,
      configs: [],
    }));
    return afterwards(serve({ ...request, resources: allowed }), (response) => ({
      ...response,
      results: [...(response.results ?? []), ...failed],
    }));
  }),
  clusterGuard(describeAclsApi, AclOperation.DESCRIBE, (_request, refusal) => ({ ...refusal, resources: [] })),
  clusterGuard(describeUserScramCredentialsApi, AclOperation.DESCRIBE, (_request, refusal) => refusal),
  clusterGuard(describeQuorumApi, AclOperation.DESCRIBE, (_request, refusal) => refusal),
];

export const metadataGuards: readonly GuardEntry[] = [
  metadataGuard,
  guard(describeTopicPartitionsApi, (access, asking, request, serve) => {
    const asksForAll = request.topics.length === 0;
    const asked = asksForAll ? access.topicNames().map((name) => ({ name })) : request.topics;
    const { allowed, refused } = split(asked, ({ name }) => access.topic(asking, AclOperation.DESCRIBE, name));
    const failed = asksForAll ? [] : refused.map(({ name }) => ({ errorCode, name }));
    // An empty list would ask for all.
    if (allowed.length === 0) return { topics: failed, nextCursor: null };
    return afterwards(serve({ ...request, topics: allowed }), (response) => ({
      ...response,
      topics: [...(response.topics ?? []).map((topic) => withOperations(access, asking, topic)), ...failed],
    }));
  }),
  clusterGuard(describeClientQuotasApi, AclOperation.DESCRIBE_CONFIGS, (_request, refusal) => ({
    errorCode: refusal.errorCode,
    errorMessage: null,
    entries: null,
  })),
  clusterGuard(listConfigResourcesApi, AclOperation.DESCRIBE_CONFIGS, (_request, refusal) => ({
    errorCode: refusal.errorCode,
  })),
];
