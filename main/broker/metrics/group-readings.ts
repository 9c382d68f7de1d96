// kafka.coordinator.group GroupMetadataManager and kafka.server group-coordinator-metrics: the groups that this broker
// coordinates.

import type { GroupCounts } from '../../coordinators/group/group-counts.ts';
import type { BeanType, MBeanReadings } from './mbean-readings.ts';

const manager: BeanType = ['kafka.coordinator.group', 'GroupMetadataManager'];
const coordinator: BeanType = ['kafka.server', 'group-coordinator-metrics'];

const classicStates = ['PreparingRebalance', 'CompletingRebalance', 'Stable', 'Empty', 'Dead'];
const statesOf = {
  consumer: ['Empty', 'Assigning', 'Reconciling', 'Stable', 'Dead'],
  share: ['Empty', 'Stable', 'Dead'],
  streams: ['Empty', 'NotReady', 'Assigning', 'Reconciling', 'Stable', 'Dead'],
} as const;

export function readGroups(readings: MBeanReadings, { byTypeAndState, offsetCount }: GroupCounts): void {
  const count = (type: string, state: string): number => byTypeAndState.get(type)?.get(state) ?? 0;
  const total = (type: string): number => [...(byTypeAndState.get(type)?.values() ?? [])].reduce((a, b) => a + b, 0);
  readings.gauge(manager, 'NumGroups', total('classic'));
  readings.gauge(manager, 'NumOffsets', offsetCount);
  for (const state of classicStates) readings.gauge(manager, `NumGroups${state}`, count('classic', state));
  readings.attribute(coordinator, 'group-count', total('classic'), { protocol: 'classic' });
  for (const [type, states] of Object.entries(statesOf)) {
    readings.attribute(coordinator, 'group-count', total(type), { protocol: type });
    for (const state of states) {
      readings.attribute(coordinator, `${type}-group-count`, count(type, state), { state });
    }
  }
}
