// When a streams group (KIP-1071) computes who is to have which tasks, and the records of what changes. A group that
// was empty waits a while first, so that an application that starts in many places is assigned once.

import type { GroupCoordinatorRecord } from '../../../protocol/messages/group-coordinator-records.ts';
import type { GroupContext } from '../group-context.ts';
import { type GroupDecision, nothing } from '../group-records.ts';
import { assignSticky } from './sticky-assignor.ts';
import { streamsGroupSettings, type StreamsGroupSettings } from './streams-group-config.ts';
import type { StreamsGroupMember } from './streams-group-member.ts';
import { streamsTargetEpochRecord, streamsTargetRecord } from './streams-group-records.ts';
import { StreamsGroup } from './streams-group.ts';
import type { StreamsProgress } from './streams-progress.ts';
import { noTasks, sameTasks, type Tasks } from './tasks.ts';
import { type ConfiguredTopology, type Status, StreamsStatus } from './topology.ts';

export type StreamsTarget = { readonly epoch: number; readonly tasks: Tasks };

const standbyConfig = 'num.standby.replicas';

const isStarting: Status = {
  statusCode: StreamsStatus.ASSIGNMENT_DELAYED,
  statusDetail: 'Assignment delayed due to the configured initial rebalance delay.',
};
const isTooSoon: Status = {
  statusCode: StreamsStatus.ASSIGNMENT_DELAYED,
  statusDetail: 'Assignment delayed due to the configured assignment interval.',
};

export class StreamsTargets {
  readonly #context: GroupContext;

  constructor(context: GroupContext) {
    this.#context = context;
  }

  settingsOf(groupId: string): StreamsGroupSettings {
    return streamsGroupSettings(this.#context.config.streams, this.#context.image(), groupId);
  }

  /** Those that the assignor goes by: a change of them is a reason to assign anew. */
  assignmentConfigs(groupId: string): Map<string, string> {
    return new Map([[standbyConfig, String(this.settingsOf(groupId).standbyReplicas)]]);
  }

  /** The first to come to an empty group: others may be about to. */
  awaitOthers({ groupId, isEmpty }: StreamsGroup): void {
    const { timers, run } = this.#context;
    const { initialRebalanceDelayMs } = this.settingsOf(groupId);
    const key = delayKey(groupId);
    if (!isEmpty || initialRebalanceDelayMs <= 0 || timers.has(key)) return;
    timers.schedule(key, initialRebalanceDelayMs, () => run(() => this.#delayedTarget(groupId)));
  }

  #delayedTarget(groupId: string): GroupDecision<null> {
    const group = this.#context.groups.get(groupId);
    if (!(group instanceof StreamsGroup) || group.isEmpty || group.configured === null) return nothing;
    // The time between two assignments counts for this one, too.
    if (group.epoch <= group.assignmentEpoch || this.#isTooSoon(group)) return nothing;
    const members = [...group.members.values()];
    const { records } = this.#compute(group, members, group.epoch, group.configured, group.assignmentConfigs);
    return { records, response: null };
  }

  /** The member's part of the target, computed anew when the group's epoch is beyond it. */
  ofMember(
    { group, after, records, status }: StreamsProgress,
    epoch: number,
    configured: ConfiguredTopology,
    configs: ReadonlyMap<string, string>,
  ): StreamsTarget {
    const { groupId, assignmentEpoch } = group;
    if (this.#context.timers.has(delayKey(groupId))) {
      status.push(isStarting);
      return { epoch: assignmentEpoch, tasks: noTasks };
    }
    const last = { epoch: assignmentEpoch, tasks: group.targetOf(after.memberId) };
    if (assignmentEpoch >= epoch) return last;
    if (this.#isTooSoon(group)) {
      status.push(isTooSoon);
      return last;
    }
    const members = new Map(group.members).set(after.memberId, after);
    const computed = this.#compute(group, [...members.values()], epoch, configured, configs);
    records.push(...computed.records);
    return { epoch, tasks: computed.targets.get(after.memberId) ?? noTasks };
  }

  #isTooSoon({ groupId, assignmentTimestampMs }: StreamsGroup): boolean {
    const { assignmentIntervalMs } = this.settingsOf(groupId);
    if (assignmentTimestampMs === 0 || assignmentIntervalMs <= 0) return false;
    return this.#context.clock.wallMs() < assignmentTimestampMs + assignmentIntervalMs;
  }

  #compute(
    group: StreamsGroup,
    members: readonly StreamsGroupMember[],
    epoch: number,
    { problem, subtopologies }: ConfiguredTopology,
    configs: ReadonlyMap<string, string>,
  ) {
    const { groupId } = group;
    const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
    const isReady = problem === null && subtopologies !== null;
    const sharing = sorted.map(({ memberId, processId }) => ({
      memberId,
      processId,
      target: group.targetOf(memberId),
    }));
    const targets = isReady
      ? assignSticky(sharing, subtopologies, Number(configs.get(standbyConfig) ?? 0))
      : new Map(sorted.map(({ memberId }) => [memberId, noTasks]));
    const records: GroupCoordinatorRecord[] = [];
    for (const [memberId, target] of targets) {
      const known = group.targets.get(memberId);
      if (known === undefined || !sameTasks(known, target)) {
        records.push(streamsTargetRecord(groupId, memberId, target));
      }
    }
    records.push(streamsTargetEpochRecord(groupId, epoch, this.#context.clock.wallMs()));
    return { records, targets };
  }
}

function delayKey(groupId: string): string {
  return `streams-initial\0${groupId}`;
}
