// What a client is told besides NOT_LEADER_OR_FOLLOWER (KIP-951): who leads now, and where that broker listens.

import type { BrokerId, TopicId } from '../../core/ids.ts';
import type { ClusterMetadata } from '../../replication/contract.ts';
import type { ReplicaManager } from '../../replication/replica-manager.ts';

export type LeaderHint = { readonly leaderId: number; readonly leaderEpoch: number };
export type NodeEndpoint = {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
};

export class LeaderHints {
  private readonly replicas: ReplicaManager;
  private readonly metadata: ClusterMetadata;
  private readonly listenerName: string;
  private readonly endpoints = new Map<number, NodeEndpoint>();

  /** `listenerName`: the one that the client came by. */
  constructor(replicas: ReplicaManager, listenerName: string) {
    this.replicas = replicas;
    this.listenerName = listenerName;
    this.metadata = replicas.metadata;
  }

  /** The leader of a partition as this broker knows it; its endpoint joins `nodeEndpoints`. */
  leaderOf(topicId: TopicId, topic: string, index: number): LeaderHint {
    const hint = this.find(topicId, topic, index);
    if (hint.leaderId < 0 || this.endpoints.has(hint.leaderId)) return hint;
    const endpoint = this.metadata.endpoint(hint.leaderId as BrokerId, this.listenerName);
    if (endpoint !== null) this.endpoints.set(hint.leaderId, { nodeId: hint.leaderId, ...endpoint });
    return hint;
  }

  get nodeEndpoints(): NodeEndpoint[] {
    return [...this.endpoints.values()];
  }

  private find(topicId: TopicId, topic: string, index: number): LeaderHint {
    const hosted = this.replicas.find(topicId, topic, index);
    if (typeof hosted !== 'number') {
      const { role, leaderEpoch } = hosted;
      if (role.kind === 'leader') return { leaderId: this.replicas.nodeId, leaderEpoch };
      return { leaderId: role.kind === 'follower' ? role.leader : -1, leaderEpoch };
    }
    const id = topic === '' ? topicId : (this.metadata.topicId(topic) ?? topicId);
    const known = this.metadata.partitionLeader(id, index);
    return known === null
      ? { leaderId: -1, leaderEpoch: -1 }
      : { leaderId: known.leader, leaderEpoch: known.leaderEpoch };
  }
}
