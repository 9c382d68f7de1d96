// Faults of the fixture cluster: listed and cleared, without any effect on its traffic.

import type { Fault } from '../../main/api/views.ts';
import { FixtureRefusal, type FixtureWorld } from './fixture-world.ts';

export function fixtureFault(world: FixtureWorld, endpoint: string, input: Record<string, unknown>): unknown {
  if (endpoint === 'fault.add') {
    const fault = input['fault'] as Fault;
    const active = {
      id: `fault-${world.faultCount + 1}`,
      fault,
      sinceWallMs: world.wall(),
      sinceMonotonicMs: world.nowMs,
    };
    world.faultCount += 1;
    world.faults = [...world.faults, active];
    world.record('supervisor', { kind: 'fault.added', faultId: active.id, fault }, 'request: fault.add');
    return active;
  }
  const gone = world.faults.filter((each) => endpoint === 'fault.clearAll' || each.id === input['faultId']);
  if (endpoint === 'fault.clear' && gone.length === 0)
    throw new FixtureRefusal({ code: 'UNKNOWN_FAULT', message: 'There is no such fault.', advice: null });
  world.faults = world.faults.filter((each) => !gone.includes(each));
  for (const { id, fault } of gone)
    world.record('supervisor', { kind: 'fault.cleared', faultId: id, fault }, 'request: fault.clear');
  return endpoint === 'fault.clear' ? null : { cleared: gone.length };
}
