// Streams groups of KIP-1071 through the coordinator's door: topologies, members, tasks that move, fencing, and what a
// new coordinator makes of the log.

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { StreamsGroupHeartbeatRequest } from '../../../protocol/messages/streams-group-heartbeat.ts';
import { GroupHarness } from '../../coordinators.test-kit.ts';
import type { StreamsHeartbeatOutcome } from './streams-heartbeat.ts';

/** So that no test waits for members that do not come. */
const atOnce = { 'group.streams.initial.rebalance.delay.ms': '0', 'group.streams.assignment.interval.ms': '0' };
const client = { clientId: 'app', clientHost: '/127.0.0.1', apiVersion: 0, mayDescribe: null };

const counting = {
  epoch: 0,
  subtopologies: [
    {
      subtopologyId: '0',
      sourceTopics: ['words'],
      sourceTopicRegex: [],
      stateChangelogTopics: [],
      repartitionSinkTopics: [],
      repartitionSourceTopics: [],
      copartitionGroups: [],
    },
  ],
};
const changelog = { name: 'app-changelog', partitions: 0, replicationFactor: 1, topicConfigs: [] };
const [reading] = counting.subtopologies;
const stateful = {
  epoch: 0,
  subtopologies: reading === undefined ? [] : [{ ...reading, stateChangelogTopics: [changelog] }],
};

type Request = Partial<StreamsGroupHeartbeatRequest>;
type Response = StreamsHeartbeatOutcome['response'];

/** A thread of an application, which gives up and takes up tasks as it is told. */
class Member {
  readonly #harness: GroupHarness;
  readonly memberId: string;
  epoch = 0;
  tasks: readonly number[] = [];
  last: Response = {};

  constructor(harness: GroupHarness, memberId: string) {
    this.#harness = harness;
    this.memberId = memberId;
  }

  async ask(request: Request): Promise<StreamsHeartbeatOutcome> {
    const { streams } = this.#harness.coordinator;
    if (streams === null) throw new Error('the coordinator has shut down');
    const none = { activeTasks: null, standbyTasks: null, warmupTasks: null };
    const answer = streams.heartbeat(client, {
      groupId: 'app',
      memberId: this.memberId,
      memberEpoch: this.epoch,
      endpointInformationEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: -1,
      topology: null,
      ...none,
      processId: null,
      userEndpoint: null,
      clientTags: null,
      taskOffsets: null,
      taskEndOffsets: null,
      shutdownApplication: false,
      ...request,
    });
    return this.#harness.settle(answer);
  }

  async join(request: Request = {}): Promise<Response> {
    this.epoch = 0;
    this.tasks = [];
    const nothing = { activeTasks: [], standbyTasks: [], warmupTasks: [] };
    const first = { rebalanceTimeoutMs: 60_000, processId: this.memberId, topology: counting, ...nothing };
    return this.#take((await this.ask({ ...first, ...request })).response);
  }

  async beat(request: Request = {}): Promise<Response> {
    const activeTasks = this.tasks.length === 0 ? [] : [{ subtopologyId: '0', partitions: [...this.tasks] }];
    const owned = { activeTasks, standbyTasks: [], warmupTasks: [] };
    return this.#take((await this.ask({ ...owned, ...request })).response);
  }

  #take(response: Response): Response {
    this.last = response;
    if (response.errorCode !== undefined) return response;
    this.epoch = response.memberEpoch ?? this.epoch;
    const { activeTasks } = response;
    if (activeTasks !== null && activeTasks !== undefined) this.tasks = activeTasks[0]?.partitions ?? [];
    return response;
  }
}

async function withWords(count: number, properties: Readonly<Record<string, string>> = {}): Promise<GroupHarness> {
  const harness = await GroupHarness.create({ ...atOnce, ...properties });
  harness.createTopics({ words: count });
  return harness;
}

async function stateOf(harness: GroupHarness): Promise<string | undefined> {
  return (await harness.settle(harness.coordinator.streams?.describe('app') ?? null))?.groupState;
}

describe('a member that joins', () => {
  it('begins the group at epoch 2, brings the topology and gets all tasks', async () => {
    const harness = await withWords(4);
    const a = new Member(harness, 'a');
    expect(await a.join()).toMatchObject({ memberId: 'a', memberEpoch: 2, heartbeatIntervalMs: 5000, status: [] });
    expect(a.tasks).toEqual([0, 1, 2, 3]);
    expect(harness.log.records().map(({ name }) => name)).toEqual([
      'StreamsGroupMemberMetadata',
      'StreamsGroupTopology',
      'StreamsGroupMetadata',
      'StreamsGroupTargetAssignmentMember',
      'StreamsGroupTargetAssignmentMetadata',
      'StreamsGroupCurrentMemberAssignment',
    ]);
    expect(await stateOf(harness)).toBe('Stable');
    await a.beat();
    expect(harness.log.records()).toHaveLength(6);
  });

  it('gets its tasks only when the others have given them up', async () => {
    const harness = await withWords(4);
    const [a, b] = [new Member(harness, 'a'), new Member(harness, 'b')];
    await a.join();
    await b.join();
    expect(b.tasks).toEqual([]);
    await a.beat();
    expect(a.tasks).toHaveLength(2);
    // Not yet: the coordinator does not know that they are given up.
    await b.beat();
    expect(b.tasks).toEqual([]);
    await a.beat();
    await b.beat();
    expect([...a.tasks, ...b.tasks].sort()).toEqual([0, 1, 2, 3]);
    expect(await stateOf(harness)).toBe('Stable');
  });

  it('waits for others when the group was empty, and is told so', async () => {
    const harness = await withWords(4, { 'group.streams.initial.rebalance.delay.ms': '3000' });
    const [a, b] = [new Member(harness, 'a'), new Member(harness, 'b')];
    const delayed = {
      statusCode: 5,
      statusDetail: 'Assignment delayed due to the configured initial rebalance delay.',
    };
    expect(await a.join()).toMatchObject({ memberEpoch: 1, activeTasks: [], status: [delayed] });
    expect(await b.join()).toMatchObject({ memberEpoch: 1, activeTasks: [], status: [delayed] });
    await harness.world.runFor(3000);
    await a.beat();
    await b.beat();
    expect([a.tasks.length, b.tasks.length]).toEqual([2, 2]);
  });
});

describe('a topology', () => {
  it('that misses topics keeps its members waiting, names them, and goes on once they are there', async () => {
    const harness = await withWords(2);
    const a = new Member(harness, 'a');
    const nothing = { activeTasks: [], standbyTasks: [], warmupTasks: [] };
    const first = { rebalanceTimeoutMs: 60_000, processId: 'a', topology: stateful, ...nothing };
    const { response, missingTopics } = await a.ask(first);
    expect(missingTopics).toMatchObject([{ name: 'app-changelog', partitions: 2, replicationFactor: 1 }]);
    expect(response.status).toEqual([{ statusCode: 3, statusDetail: 'Internal topics are missing: app-changelog' }]);
    expect(await stateOf(harness)).toBe('NotReady');
    a.epoch = response.memberEpoch ?? 0;
    harness.createTopics({ 'app-changelog': 2 });
    expect(await a.beat()).toMatchObject({ status: [] });
    expect(a.tasks).toEqual([0, 1]);
    expect(await stateOf(harness)).toBe('Stable');
  });

  it('is the same for all members', async () => {
    const harness = await withWords(2);
    await new Member(harness, 'a').join();
    expect(await new Member(harness, 'b').join({ topology: stateful })).toEqual({
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: 'Topology updates are not supported yet.',
    });
  });

  it('of a source that grows has more tasks', async () => {
    const harness = await withWords(2);
    const a = new Member(harness, 'a');
    await a.join();
    harness.createTopics({ words: 5 });
    await a.beat();
    expect(a.tasks).toEqual([0, 1, 2, 3, 4]);
  });
});

it('a topic that grew while nothing could be written is seen later', async () => {
  const harness = await withWords(2);
  const a = new Member(harness, 'a');
  await a.join();
  harness.createTopics({ words: 5 });
  harness.log.appendError = ErrorCode.NOT_ENOUGH_REPLICAS;
  expect((await a.beat()).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  harness.log.appendError = null;
  await a.beat();
  expect(a.tasks).toEqual([0, 1, 2, 3, 4]);
});

describe('a member that goes', () => {
  it('leaves its tasks to the others', async () => {
    const harness = await withWords(4);
    const [a, b] = [new Member(harness, 'a'), new Member(harness, 'b')];
    await a.join();
    await b.join();
    expect((await b.ask({ memberEpoch: -1 })).response).toEqual({ memberId: 'b', memberEpoch: -1, status: [] });
    await a.beat();
    expect(a.tasks).toEqual([0, 1, 2, 3]);
  });

  it('is let go when its session is over, and has to come again', async () => {
    const harness = await withWords(4);
    const a = new Member(harness, 'a');
    await a.join();
    await harness.world.runFor(45_001);
    expect(await stateOf(harness)).toBe('Empty');
    expect(await a.beat()).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID });
  });

  it('is let go when it does not give up what it is to give up', async () => {
    const harness = await withWords(4);
    const [a, b] = [new Member(harness, 'a'), new Member(harness, 'b')];
    await a.join({ rebalanceTimeoutMs: 1000 });
    await b.join();
    const kept = [{ subtopologyId: '0', partitions: [0, 1, 2, 3] }];
    await a.beat();
    await a.beat({ activeTasks: kept });
    await harness.world.runFor(1001);
    expect(await a.beat()).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID });
    await b.beat();
    expect(b.tasks).toEqual([0, 1, 2, 3]);
  });

  it('may ask that all others go, too', async () => {
    const harness = await withWords(4);
    const [a, b] = [new Member(harness, 'a'), new Member(harness, 'b')];
    await a.join();
    await b.join();
    await b.ask({ memberEpoch: -1, shutdownApplication: true });
    expect((await a.beat()).status).toEqual([
      {
        statusCode: 4,
        statusDetail:
          'Streams group member b encountered a fatal error and requested a shutdown for the entire application.',
      },
    ]);
  });
});

describe('who is out of step', () => {
  it('is fenced', async () => {
    const harness = await withWords(4);
    const a = new Member(harness, 'a');
    await a.join();
    expect(await a.beat({ memberEpoch: 9 })).toEqual({
      errorCode: ErrorCode.FENCED_MEMBER_EPOCH,
      errorMessage:
        'The streams group member has a greater member epoch (9) than the one known by the group coordinator (2). The member must abandon all its partitions and rejoin.',
    });
    expect(await a.beat({ memberEpoch: 1 })).toMatchObject({ errorCode: ErrorCode.FENCED_MEMBER_EPOCH });
    expect(await new Member(harness, 'b').beat({ memberEpoch: 2 })).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
      errorMessage: 'Member b is not a member of group app.',
    });
  });

  it('is heard with its last epoch, since the answer that told the next may have been lost', async () => {
    const harness = await withWords(4);
    const a = new Member(harness, 'a');
    await a.join();
    harness.createTopics({ words: 5 });
    await a.beat();
    expect(a.epoch).toBe(3);
    const told = [{ subtopologyId: '0', partitions: [0, 1, 2, 3] }];
    expect(await a.beat({ memberEpoch: 2, activeTasks: told })).toMatchObject({ memberEpoch: 3 });
    const never = [{ subtopologyId: '0', partitions: [9] }];
    expect(await a.beat({ memberEpoch: 2, activeTasks: never })).toMatchObject({
      errorCode: ErrorCode.FENCED_MEMBER_EPOCH,
    });
  });

  it('may not say what it has of tasks that are not there', async () => {
    const harness = await withWords(4);
    const a = new Member(harness, 'a');
    await a.join();
    expect(await a.beat({ activeTasks: [{ subtopologyId: '9', partitions: [0] }] })).toEqual({
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: 'Subtopology 9 does not exist in the topology.',
    });
  });

  it('finds no group of another kind under its name', async () => {
    const harness = await withWords(4);
    harness.createTopics({ orders: 1 });
    await harness.enter('c', { groupId: 'app' });
    expect(await new Member(harness, 'a').join()).toEqual({
      errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
      errorMessage: 'Group app is not a streams group.',
    });
  });
});

it('a new coordinator knows members, tasks and topology from the log', async () => {
  const harness = await withWords(4);
  const [a, b] = [new Member(harness, 'a'), new Member(harness, 'b')];
  await a.join({ userEndpoint: { host: 'here', port: 7070 } });
  await b.join();
  for (const member of [a, a, b]) await member.beat();
  await harness.failOver();
  const tasks = [...a.tasks];
  expect(await a.beat()).toMatchObject({ memberEpoch: 3, status: [] });
  expect(a.tasks).toEqual(tasks);
  const group = await harness.settle(harness.coordinator.streams?.describe('app') ?? null);
  expect(group).toMatchObject({ groupState: 'Stable', groupEpoch: 3, assignmentEpoch: 3 });
  expect(group?.members?.map(({ memberId, userEndpoint }) => ({ memberId, userEndpoint }))).toEqual([
    { memberId: 'a', userEndpoint: { host: 'here', port: 7070 } },
    { memberId: 'b', userEndpoint: null },
  ]);
  await a.ask({ memberEpoch: -1 });
  await b.ask({ memberEpoch: -1 });
  const { results } = await harness.settle(harness.coordinator.deleteGroups(['app']));
  expect(results).toMatchObject([{ groupId: 'app', errorCode: ErrorCode.NONE }]);
  await harness.failOver();
  expect(harness.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).groups).toEqual([]);
});

it.each(Array.from({ length: 20 }, (_, seed) => seed))(
  'no task is ever at work twice, and none stays without; seed %i',
  async (seed) => {
    const taskCount = 7;
    const harness = await GroupHarness.create(atOnce, seed);
    harness.createTopics({ words: taskCount });
    const random = harness.world.runtimeFor(2).random;
    const alive = new Map<string, Member>();
    const assertAlone = (): void => {
      const all = [...alive.values()].flatMap(({ tasks }) => tasks);
      expect(new Set(all).size).toBe(all.length);
    };
    for (let step = 0; step < 150; step++) {
      const dice = random.next();
      const members = [...alive.values()];
      const member = members[Math.floor(random.next() * members.length)];
      if (dice < 0.12 || member === undefined) {
        const newcomer = new Member(harness, `m${step}`);
        await newcomer.join();
        alive.set(newcomer.memberId, newcomer);
      } else if (dice < 0.2) {
        await member.ask({ memberEpoch: -1 });
        alive.delete(member.memberId);
      } else if (dice < 0.25) await harness.failOver();
      else {
        await member.beat();
        expect(member.last.errorCode).toBeUndefined();
      }
      assertAlone();
    }
    for (let round = 0; round < 6; round++) {
      for (const member of alive.values()) {
        await member.beat();
        assertAlone();
      }
    }
    const all = [...alive.values()].flatMap(({ tasks }) => tasks).sort();
    expect(all).toEqual(alive.size === 0 ? [] : [0, 1, 2, 3, 4, 5, 6]);
  },
);
