// StreamsGroupHeartbeat (KIP-1071): takes up what a member says of itself and of its topology, lets the group begin a
// new epoch when that matters, and brings the member nearer to its target. Internal topics that the topology misses
// are named to the caller, who has them made; the members are told why they wait.

import { ErrorCode } from '../../../protocol/errors.ts';
import type { GroupCoordinatorRecord } from '../../../protocol/messages/group-coordinator-records.ts';
import type {
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from '../../../protocol/messages/streams-group-heartbeat.ts';
import type { Writable } from '../../../protocol/schema.ts';
import { CoordinatorError } from '../../runtime/coordinator-error.ts';
import { ClassicGroup } from '../classic-group.ts';
import type { ClientIdentity, GroupContext } from '../group-context.ts';
import { type GroupDecision, groupTombstone } from '../group-records.ts';
import type { MetadataHashes } from '../group-subscription.ts';
import { isSameMetadata, newStreamsGroupMember, type StreamsGroupMember } from './streams-group-member.ts';
import {
  streamsAssignmentRecord,
  streamsEpochRecord,
  streamsMemberRecord,
  streamsTopologyRecord,
} from './streams-group-records.ts';
import { StreamsGroup } from './streams-group.ts';
import type { StreamsMembership } from './streams-membership.ts';
import type { StreamsProgress } from './streams-progress.ts';
import { reconcileTasks } from './streams-reconciliation.ts';
import { type StreamsTarget, StreamsTargets } from './streams-targets.ts';
import { type HeldTasks, isWithin, sameHeldTasks, storedTasks, taskSet, type Tasks } from './tasks.ts';
import {
  configureTopology,
  type ConfiguredTopology,
  type InternalTopic,
  requiredTopics,
  sameTopology,
  StreamsStatus,
  type Topology,
} from './topology.ts';
import { userEndpoints } from './user-endpoints.ts';

export type StreamsHeartbeatOutcome = {
  readonly response: Writable<StreamsGroupHeartbeatResponse>;
  /** Topics that the topology needs and the cluster lacks. */
  readonly missingTopics: readonly InternalTopic[];
};

/** Topics are looked at anew after this time even when nothing is known to have changed; Kafka's. */
const metadataRefreshIntervalMs = 2_147_483_647;
const leaveEpoch = -1;
const notValidated = -1;

type Request = StreamsGroupHeartbeatRequest;

export class StreamsHeartbeat {
  readonly #context: GroupContext;
  readonly #membership: StreamsMembership;
  readonly #hashes: MetadataHashes;
  readonly #targets: StreamsTargets;

  constructor(context: GroupContext, membership: StreamsMembership, hashes: MetadataHashes) {
    this.#context = context;
    this.#membership = membership;
    this.#hashes = hashes;
    this.#targets = new StreamsTargets(context);
  }

  /** Errors come as an answer: their messages belong to it. */
  heartbeat(client: ClientIdentity, request: Request): GroupDecision<StreamsHeartbeatOutcome> {
    try {
      return request.memberEpoch === leaveEpoch ? this.#leave(request) : this.#beat(client, request);
    } catch (error) {
      if (!(error instanceof CoordinatorError)) throw error;
      const response = { errorCode: error.code, errorMessage: error.message };
      return { records: [], response: { response, missingTopics: [] } };
    }
  }

  #leave({ groupId, memberId, memberEpoch, shutdownApplication }: Request): GroupDecision<StreamsHeartbeatOutcome> {
    const group = this.#existing(groupId);
    if (shutdownApplication) group.shutdownRequestedBy = memberId;
    const { records } = this.#membership.remove(group, group.member(memberId), 'it left');
    return { records, response: { response: { memberId, memberEpoch, status: [] }, missingTopics: [] } };
  }

  #existing(groupId: string): StreamsGroup {
    const group = this.#context.groups.get(groupId);
    if (group instanceof StreamsGroup) return group;
    const why = group === null ? `Streams group ${groupId} not found.` : `Group ${groupId} is not a streams group.`;
    throw new CoordinatorError(ErrorCode.GROUP_ID_NOT_FOUND, why);
  }

  #forJoining(groupId: string, records: GroupCoordinatorRecord[]): StreamsGroup {
    const known = this.#context.groups.get(groupId);
    if (known === null) return new StreamsGroup(groupId);
    if (!(known instanceof ClassicGroup) || !known.isEmpty) return this.#existing(groupId);
    // An empty classic group makes room for any other.
    records.push(groupTombstone(groupId));
    return new StreamsGroup(groupId);
  }

  #beat(client: ClientIdentity, request: Request): GroupDecision<StreamsHeartbeatOutcome> {
    const { groupId, memberId, memberEpoch } = request;
    const records: GroupCoordinatorRecord[] = [];
    const isJoining = memberEpoch === 0;
    const group = isJoining ? this.#forJoining(groupId, records) : this.#existing(groupId);
    if (isJoining) this.#membership.refuseIfFull(group);
    const before = isJoining
      ? (group.members.get(memberId) ?? newStreamsGroupMember(memberId))
      : group.member(memberId);
    const reported = reportedTasks(request);
    refuseWrongEpoch(before, memberEpoch, reported);
    const progress: StreamsProgress = { group, before, after: updated(before, client, request), records, status: [] };
    const configs = this.#targets.assignmentConfigs(groupId);
    const { epoch, configured } = this.#newEpochIfDue(progress, request.topology, reported, configs);
    this.#targets.awaitOthers(group);
    const target = this.#targets.ofMember(progress, epoch, configured, configs);
    const member = this.#reconcile(progress, target, reported);
    this.#membership.touch(groupId, memberId);
    if (request.shutdownApplication) group.shutdownRequestedBy = memberId;
    const response = this.#answer(progress, member, configured, request);
    return { records, response: { response, missingTopics: configured.missingTopics } };
  }

  // ── the steps ──

  #newEpochIfDue(
    progress: StreamsProgress,
    brought: Topology | null,
    reported: Tasks | null,
    configs: ReadonlyMap<string, string>,
  ): { epoch: number; configured: ConfiguredTopology } {
    const { group, before, after, records } = progress;
    const { groupId } = group;
    const reasons: string[] = [];
    if (!group.members.has(after.memberId) || !isSameMetadata(before, after)) {
      records.push(streamsMemberRecord(groupId, after));
      reasons.push('a member came or changed');
    }
    const topology = this.#topologyAfter(progress, brought);
    const { configured, metadataHash } = this.#configure(group, topology);
    if (metadataHash !== group.metadataHash) reasons.push('its topics changed');
    if (configured.problem === null) refuseUnknownTasks(reported, configured);
    const validatedTopologyEpoch = configured.problem === null ? topology.epoch : notValidated;
    if (validatedTopologyEpoch !== group.validatedTopologyEpoch) reasons.push('whether its topology can run changed');
    if (!sameConfigs(configs, group.assignmentConfigs)) reasons.push('how it assigns changed');
    const [reason] = reasons;
    if (reason === undefined) return { epoch: group.epoch, configured };
    const epoch = this.#membership.nextEpoch(group, reason);
    const facts = { epoch, metadataHash, validatedTopologyEpoch, assignmentConfigs: configs };
    records.push(streamsEpochRecord(groupId, facts));
    group.metadataRefreshAtMs = this.#context.clock.wallMs() + metadataRefreshIntervalMs;
    return { epoch, configured };
  }

  /** The first member brings it; later ones bring the same, or an older one. */
  #topologyAfter({ group, after, records, status }: StreamsProgress, brought: Topology | null): Topology {
    const { groupId, topology } = group;
    if (topology === null) {
      // Only who joins brings one, and the first one did.
      if (brought === null) throw new CoordinatorError(ErrorCode.UNKNOWN_SERVER_ERROR);
      records.push(streamsTopologyRecord(groupId, brought));
      return brought;
    }
    if (after.topologyEpoch < topology.epoch) {
      const statusDetail = `The member's topology epoch ${after.topologyEpoch} is behind the group's topology epoch ${topology.epoch}.`;
      status.push({ statusCode: StreamsStatus.STALE_TOPOLOGY, statusDetail });
    }
    if (brought !== null && brought.epoch >= topology.epoch && !sameTopology(topology, brought)) {
      throw new CoordinatorError(ErrorCode.INVALID_REQUEST, 'Topology updates are not supported yet.');
    }
    return topology;
  }

  /** What the topology comes to here; found out once, and again when its topics have changed. */
  #configure(group: StreamsGroup, topology: Topology): { configured: ConfiguredTopology; metadataHash: bigint } {
    const { clock, image } = this.#context;
    const known = group.topology === null ? null : group.configured;
    if (known !== null && clock.wallMs() < group.metadataRefreshAtMs) {
      return { configured: known, metadataHash: group.metadataHash };
    }
    const metadataHash = this.#hashes.of(requiredTopics(topology), image());
    if (known !== null && metadataHash === group.metadataHash) {
      group.metadataRefreshAtMs = clock.wallMs() + metadataRefreshIntervalMs;
      return { configured: known, metadataHash };
    }
    const configured = configureTopology(topology, image());
    group.configured = configured;
    return { configured, metadataHash };
  }

  #reconcile({ group, after, records }: StreamsProgress, target: StreamsTarget, reported: Tasks | null) {
    const { groupId } = group;
    const holders = group.holdersBeside(after.memberId);
    const input = { member: after, targetEpoch: target.epoch, target: target.tasks, holders, reported };
    const member = reconcileTasks(input);
    if (member === after) return after;
    records.push(streamsAssignmentRecord(groupId, member));
    if (member.state === 'unrevoked') this.#membership.awaitRevocation(groupId, member);
    else this.#membership.endRevocation(groupId, member.memberId);
    return member;
  }

  #answer(
    { group, before, status }: StreamsProgress,
    member: StreamsGroupMember,
    configured: ConfiguredTopology,
    { memberEpoch, endpointInformationEpoch: knownEndpointEpoch }: Request,
  ): Writable<StreamsGroupHeartbeatResponse> {
    const { groupId } = group;
    const tellsTasks = memberEpoch === 0 || !sameHeldTasks(before.assigned, member.assigned);
    if (tellsTasks && member.userEndpoint !== null) group.endpointEpoch++;
    const others = [...group.members.values()].filter(({ memberId }) => memberId !== member.memberId);
    const tellsEndpoints = group.endpointEpoch !== knownEndpointEpoch;
    const { problem } = configured;
    const shutdown = group.shutdownRequestedBy;
    return {
      memberId: member.memberId,
      memberEpoch: member.memberEpoch,
      heartbeatIntervalMs: this.#targets.settingsOf(groupId).heartbeatIntervalMs,
      ...(tellsTasks ? responseTasks(member.assigned) : {}),
      // A group that is only now being made can't count its changes yet.
      endpointInformationEpoch: this.#context.groups.get(groupId) === group ? group.endpointEpoch : 0,
      partitionsByUserEndpoint: tellsEndpoints
        ? userEndpoints([...others, member], configured, this.#context.image())
        : null,
      status: [
        ...status,
        ...(problem === null ? [] : [problem]),
        ...(shutdown === null ? [] : [shutdownStatus(shutdown)]),
      ],
    };
  }
}

function responseTasks({ active, standby, warmup }: HeldTasks) {
  return { activeTasks: storedTasks(active), standbyTasks: storedTasks(standby), warmupTasks: storedTasks(warmup) };
}

function shutdownStatus(memberId: string) {
  return {
    statusCode: StreamsStatus.SHUTDOWN_APPLICATION,
    statusDetail: `Streams group member ${memberId} encountered a fatal error and requested a shutdown for the entire application.`,
  };
}

function reportedTasks({ activeTasks, standbyTasks, warmupTasks }: Request): Tasks | null {
  if (activeTasks === null || standbyTasks === null || warmupTasks === null) return null;
  return { active: taskSet(activeTasks), standby: taskSet(standbyTasks), warmup: taskSet(warmupTasks) };
}

function refuseWrongEpoch(member: StreamsGroupMember, memberEpoch: number, reported: Tasks | null): void {
  if (memberEpoch === 0 || memberEpoch === member.memberEpoch) return;
  const isGreater = memberEpoch > member.memberEpoch;
  // The answer that told the last epoch may have been lost.
  const mayBeLate = memberEpoch === member.previousMemberEpoch && reported !== null;
  if (!isGreater && mayBeLate && isWithin(reported, member.assigned)) return;
  throw new CoordinatorError(
    ErrorCode.FENCED_MEMBER_EPOCH,
    `The streams group member has a ${isGreater ? 'greater' : 'smaller'} member epoch (${memberEpoch}) than the one known by the group coordinator (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  );
}

function refuseUnknownTasks(reported: Tasks | null, { subtopologies }: ConfiguredTopology): void {
  if (reported === null || subtopologies === null) return;
  const refuse = (message: string): never => {
    throw new CoordinatorError(ErrorCode.INVALID_REQUEST, message);
  };
  for (const [id, partitions] of [...reported.active, ...reported.standby, ...reported.warmup]) {
    const taskCount = subtopologies.get(id)?.taskCount ?? refuse(`Subtopology ${id} does not exist in the topology.`);
    for (const partition of partitions) {
      if (partition >= 0 && partition < taskCount) continue;
      refuse(`Task ${partition} for subtopology ${id} is invalid. Number of tasks for this subtopology: ${taskCount}`);
    }
  }
}

function updated(
  member: StreamsGroupMember,
  { clientId, clientHost }: ClientIdentity,
  { rackId, rebalanceTimeoutMs, topology, processId, userEndpoint, clientTags }: Request,
): StreamsGroupMember {
  return {
    ...member,
    clientId,
    clientHost,
    rackId: rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    topologyEpoch: topology?.epoch ?? member.topologyEpoch,
    processId: processId ?? member.processId,
    userEndpoint: userEndpoint ?? member.userEndpoint,
    clientTags: clientTags ?? member.clientTags,
  };
}

function sameConfigs(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}
