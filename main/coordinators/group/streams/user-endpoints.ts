// Where members of a streams group answer questions about their state, and about which partitions (KIP-1071).

import type { MetadataImage } from '../../../metadata/metadata-image.ts';
import type { StreamsGroupHeartbeatResponse } from '../../../protocol/messages/streams-group-heartbeat.ts';
import type { Writable } from '../../../protocol/schema.ts';
import type { StreamsGroupMember } from './streams-group-member.ts';
import type { TaskEpochs, TaskSet } from './tasks.ts';
import type { ConfiguredSubtopology, ConfiguredTopology } from './topology.ts';

type Endpoints = NonNullable<Writable<StreamsGroupHeartbeatResponse>['partitionsByUserEndpoint']>;

export function userEndpoints(
  members: readonly StreamsGroupMember[],
  { subtopologies }: ConfiguredTopology,
  image: MetadataImage,
): Endpoints {
  if (subtopologies === null) return [];
  return members.flatMap(({ userEndpoint, assigned }) => {
    if (userEndpoint === null) return [];
    const activePartitions = partitionsOf(assigned.active, subtopologies, image);
    const standbyPartitions = partitionsOf(assigned.standby, subtopologies, image);
    return [{ userEndpoint, activePartitions, standbyPartitions }];
  });
}

function partitionsOf(
  tasks: TaskSet | TaskEpochs,
  subtopologies: ReadonlyMap<string, ConfiguredSubtopology>,
  image: MetadataImage,
): { topic: string; partitions: number[] }[] {
  return [...tasks].flatMap(([id, numbers]) => {
    const subtopology = subtopologies.get(id);
    if (subtopology === undefined) return [];
    const sources = [...subtopology.sourceTopics, ...subtopology.repartitionSourceTopics.map(({ name }) => name)];
    return sources.map((topic) => {
      const count = image.topics.byName.get(topic)?.partitions.size ?? 0;
      // A task may have a number that the smaller of its topics does not reach.
      const partitions = [...numbers.keys()].filter((partition) => partition < count).sort((a, b) => a - b);
      return { topic, partitions };
    });
  });
}
