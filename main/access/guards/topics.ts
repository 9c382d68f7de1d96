// Guards of what the active controller decides about topics and settings: CreateTopics, DeleteTopics,
// CreatePartitions, AlterConfigs, IncrementalAlterConfigs. As ControllerApis checks them.

import { alterConfigsApi } from '../../protocol/messages/alter-configs.ts';
import { createPartitionsApi } from '../../protocol/messages/create-partitions.ts';
import { createTopicsApi } from '../../protocol/messages/create-topics.ts';
import { deleteTopicsApi } from '../../protocol/messages/delete-topics.ts';
import { incrementalAlterConfigsApi } from '../../protocol/messages/incremental-alter-configs.ts';
import { zeroUuid } from '../../protocol/uuid.ts';
import type { Access } from '../access.ts';
import { AclOperation } from '../acl.ts';
import { afterwards, guard, refusals, split, type Asking, type GuardEntry, type Refusal } from './guard.ts';
import { configRefusal } from './metadata.ts';

const metadataTopic = '__cluster_metadata';
const { errorCode } = refusals.topic;

/** What is named twice is wrong whoever asks: the handler says so. */
function namedOnce(names: readonly (string | null)[]): (name: string | null) => boolean {
  const seen = new Set<string | null>();
  const twice = new Set<string | null>();
  for (const name of names) (seen.has(name) ? twice : seen).add(name);
  return (name) => !twice.has(name);
}

export const topicGuards: readonly GuardEntry[] = [
  guard(createTopicsApi, (access, asking, request, serve) => {
    const mayCreateAll = access.cluster(asking, AclOperation.CREATE);
    const isNamedOnce = namedOnce(request.topics.map(({ name }) => name));
    const { allowed, refused } = split(
      request.topics,
      ({ name }) =>
        mayCreateAll || !isNamedOnce(name) || name === metadataTopic || access.topic(asking, AclOperation.CREATE, name),
    );
    const failed = refused.map(({ name }) => ({ name, errorCode, errorMessage: 'Authorization failed.' }));
    return afterwards(serve({ ...request, topics: allowed }), (response) => ({
      ...response,
      topics: [...(response.topics ?? []).map((topic) => withoutHiddenConfigs(access, asking, topic)), ...failed],
    }));
  }),
  guard(deleteTopicsApi, (access, asking, request, serve) => {
    if (access.cluster(asking, AclOperation.DELETE)) return serve(request);
    const refusedByName = (name: string): boolean =>
      !access.topic(asking, AclOperation.DESCRIBE, name) ||
      (access.hasTopic(name) && !access.topic(asking, AclOperation.DELETE, name));
    const isNamedOnce = namedOnce([...request.topicNames, ...request.topics.map(({ name }) => name)]);
    const isIdOnce = namedOnce(request.topics.map(({ topicId }) => topicId));
    const names = split(request.topicNames, (name) => !isNamedOnce(name) || !refusedByName(name));
    const topics = split(request.topics, ({ name, topicId }) => {
      if (name !== null) return topicId !== zeroUuid || !isNamedOnce(name) || !refusedByName(name);
      const known = access.topicName(topicId);
      return known === null || !isIdOnce(topicId) || access.topic(asking, AclOperation.DELETE, known);
    });
    if (names.refused.length + topics.refused.length === 0) return serve(request);
    const failed = [
      ...names.refused.map((name) => ({ name, topicId: zeroUuid, ...refusals.topic })),
      ...topics.refused.map(({ name, topicId }) => {
        if (name !== null) return { name, topicId: zeroUuid, ...refusals.topic };
        const known = access.topicName(topicId) ?? '';
        const mayKnow = access.topic(asking, AclOperation.DESCRIBE, known);
        return { name: mayKnow ? known : null, topicId, ...refusals.topic };
      }),
    ];
    return afterwards(serve({ ...request, topicNames: names.allowed, topics: topics.allowed }), (response) => ({
      ...response,
      responses: [...(response.responses ?? []), ...failed],
    }));
  }),
  guard(createPartitionsApi, (access, asking, request, serve) => {
    const isNamedOnce = namedOnce(request.topics.map(({ name }) => name));
    const { allowed, refused } = split(
      request.topics,
      ({ name }) => !isNamedOnce(name) || access.topic(asking, AclOperation.ALTER, name),
    );
    if (refused.length === 0) return serve(request);
    const failed = refused.map(({ name }) => ({ name, errorCode, errorMessage: null }));
    return afterwards(serve({ ...request, topics: allowed }), (response) => ({
      ...response,
      results: [...(response.results ?? []), ...failed],
    }));
  }),
  guard(alterConfigsApi, (access, asking, request, serve) => {
    const { allowed, failed } = alterable(access, asking, request.resources);
    if (failed.length === 0) return serve(request);
    return afterwards(serve({ ...request, resources: allowed }), (response) => ({
      ...response,
      responses: [...(response.responses ?? []), ...failed],
    }));
  }),
  guard(incrementalAlterConfigsApi, (access, asking, request, serve) => {
    const { allowed, failed } = alterable(access, asking, request.resources);
    if (failed.length === 0) return serve(request);
    return afterwards(serve({ ...request, resources: allowed }), (response) => ({
      ...response,
      responses: [...(response.responses ?? []), ...failed],
    }));
  }),
];

type ConfigResource = { readonly resourceType: number; readonly resourceName: string };

function alterable<Resource extends ConfigResource>(access: Access, asking: Asking, resources: readonly Resource[]) {
  const refusalOf = (resource: Resource): Refusal | null =>
    configRefusal(access, asking, AclOperation.ALTER_CONFIGS, resource);
  const { allowed, refused } = split(resources, (resource) => refusalOf(resource) === null);
  const failed = refused.map((resource) => ({
    ...(refusalOf(resource) ?? refusals.cluster),
    resourceType: resource.resourceType,
    resourceName: resource.resourceName,
  }));
  return { allowed, failed };
}

type CreatedTopic = { readonly name?: string | undefined; readonly errorCode?: number | undefined };

/** Whoever may create a topic may not therefore read its settings. */
function withoutHiddenConfigs<Topic extends CreatedTopic>(access: Access, asking: Asking, topic: Topic): Topic {
  if ((topic.errorCode ?? 0) !== 0) return topic;
  if (access.topic(asking, AclOperation.DESCRIBE_CONFIGS, topic.name ?? '')) return topic;
  return { ...topic, topicConfigErrorCode: errorCode, numPartitions: -1, replicationFactor: -1, configs: [] };
}
