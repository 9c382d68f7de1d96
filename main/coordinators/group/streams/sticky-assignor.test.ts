import { describe, expect, it } from 'vitest';
import { assignSticky, type StreamingMember } from './sticky-assignor.ts';
import { noTasks, storedTasks, type Tasks, type TaskSet } from './tasks.ts';

const parts = (taskCount: number, isStateful = false) => new Map([['0', { taskCount, isStateful }]]);

/** Each its own process, unless `processOf` says otherwise. */
function members(
  ids: readonly string[],
  targets: ReadonlyMap<string, Tasks> = new Map(),
  processOf: (id: string) => string = (id) => id,
): StreamingMember[] {
  return ids.map((memberId) => ({
    memberId,
    processId: processOf(memberId),
    target: targets.get(memberId) ?? noTasks,
  }));
}

const listed = (tasks: TaskSet | undefined): number[] => storedTasks(tasks ?? new Map())[0]?.partitions ?? [];
const active = (targets: ReadonlyMap<string, Tasks>, id: string): number[] => listed(targets.get(id)?.active);
const standby = (targets: ReadonlyMap<string, Tasks>, id: string): number[] => listed(targets.get(id)?.standby);

describe('active tasks', () => {
  it('are spread evenly, each once', () => {
    const targets = assignSticky(members(['a', 'b', 'c']), parts(7), 0);
    const all = ['a', 'b', 'c'].map((id) => active(targets, id));
    expect(all.map(({ length }) => length).sort()).toEqual([2, 2, 3]);
    expect(all.flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('stay where they are when a member comes or goes, as far as that is even', () => {
    const two = assignSticky(members(['a', 'b']), parts(6), 0);
    const three = assignSticky(members(['a', 'b', 'c'], two), parts(6), 0);
    for (const id of ['a', 'b']) {
      expect(active(three, id)).toHaveLength(2);
      expect(active(two, id)).toEqual(expect.arrayContaining(active(three, id)));
    }
    const again = assignSticky(members(['a', 'c'], three), parts(6), 0);
    for (const id of ['a', 'c']) expect(active(again, id)).toEqual(expect.arrayContaining(active(three, id)));
    expect([...active(again, 'a'), ...active(again, 'c')].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('go to where a standby has the state ready', () => {
    const before = assignSticky(members(['a', 'b']), parts(2, true), 1);
    const [lost] = active(before, 'a');
    expect(standby(before, 'b')).toEqual([lost]);
    const after = assignSticky(members(['b', 'c'], before), parts(2, true), 1);
    expect(active(after, 'b')).toHaveLength(1);
    expect([...active(after, 'b'), ...active(after, 'c')].sort()).toEqual([0, 1]);
  });
});

describe('standby tasks', () => {
  it('are in another process than the active task', () => {
    const processOf = (id: string): string => id.slice(0, 1);
    const targets = assignSticky(members(['a1', 'a2', 'b1', 'b2'], undefined, processOf), parts(8, true), 1);
    const tasksOf = (process: string, which: typeof active): number[] =>
      ['1', '2'].flatMap((thread) => which(targets, process + thread)).sort();
    expect(tasksOf('a', standby)).toEqual(tasksOf('b', active));
    expect(tasksOf('b', standby)).toEqual(tasksOf('a', active));
  });

  it('are fewer than asked for with too few processes, and none without state', () => {
    const alone = assignSticky(members(['a']), parts(2, true), 2);
    expect(standby(alone, 'a')).toEqual([]);
    const stateless = assignSticky(members(['a', 'b']), parts(2), 1);
    expect([...standby(stateless, 'a'), ...standby(stateless, 'b')]).toEqual([]);
  });
});
