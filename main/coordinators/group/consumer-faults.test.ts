// Consumer groups under random trouble: members come, beat, die and come back while appends fail and coordinators
// move. What members hold at any time never overlaps, and when the trouble ends everything is assigned.

import { expect, it } from 'vitest';
import { ErrorCode } from '../../protocol/errors.ts';
import { GroupHarness, topicIdOf } from '../coordinators.test-kit.ts';

const partitionCount = 6;
const topicId = topicIdOf('orders');

/** A client as far as the protocol goes: what it was told to hold, and what it says it holds. */
type Client = { readonly memberId: string; epoch: number; held: number[]; told: number[] };

function owned(partitions: readonly number[]) {
  return partitions.length === 0 ? [] : [{ topicId, partitions }];
}

async function beat(harness: GroupHarness, client: Client): Promise<void> {
  const isNew = client.epoch === 0;
  const first = { rebalanceTimeoutMs: 10_000, subscribedTopicNames: ['orders'], topicPartitions: [] };
  const again = { topicPartitions: owned(client.held) };
  const answer = await harness.beat({
    memberId: client.memberId,
    memberEpoch: client.epoch,
    ...(isNew ? first : again),
  });
  switch (answer.errorCode ?? ErrorCode.NONE) {
    case ErrorCode.NONE:
      client.epoch = answer.memberEpoch ?? 0;
      if (answer.assignment !== null && answer.assignment !== undefined) {
        const topic = answer.assignment.topicPartitions?.find((each) => each.topicId === topicId);
        client.told = [...(topic?.partitions ?? [])];
      }
      // Gives up first; takes the rest with the next step, as clients do.
      client.held = client.held.filter((partition) => client.told.includes(partition));
      return;
    case ErrorCode.FENCED_MEMBER_EPOCH:
    case ErrorCode.UNKNOWN_MEMBER_ID:
      Object.assign(client, { epoch: 0, held: [], told: [] });
      return;
    default:
  }
}

function checkDisjoint(clients: readonly Client[]): void {
  const held = clients.flatMap((client) => client.held);
  expect(new Set(held).size).toBe(held.length);
}

it('two members never hold a partition at once, and none stays without', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const properties = { 'group.consumer.assignment.interval.ms': '0' };
    const harness = await GroupHarness.create(properties, seed);
    harness.createTopics({ orders: partitionCount });
    const { random } = harness.world.runtimeFor(2);
    let clients: Client[] = [];
    for (let step = 0; step < 150; step++) {
      const dice = random.next();
      const client = clients[random.below(Math.max(1, clients.length))];
      if (clients.length === 0 || (dice < 0.06 && clients.length < 5)) {
        clients.push({ memberId: `m${seed}-${step}`, epoch: 0, held: [], told: [] });
      } else if (client !== undefined && dice < 0.08) {
        await harness.beat({ memberId: client.memberId, memberEpoch: -1 });
        clients = clients.filter((each) => each !== client);
      } else if (dice < 0.11) {
        await harness.failOver();
      } else if (dice < 0.14) {
        harness.log.appendError = harness.log.appendError === null ? ErrorCode.NOT_ENOUGH_REPLICAS : null;
      } else if (client !== undefined) {
        await beat(harness, client);
        client.held = [...client.told];
      }
      await harness.world.runFor(200);
      checkDisjoint(clients);
    }
    harness.log.appendError = null;
    // Those that left while it could not be written down are out when their sessions are over.
    for (let round = 0; round < 60; round++) {
      for (const client of clients) {
        await beat(harness, client);
        client.held = [...client.told];
        checkDisjoint(clients);
      }
      await harness.world.runFor(1000);
    }
    if (clients.length === 0) continue;
    expect(clients.flatMap(({ held }) => held).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await harness.settle(harness.coordinator.describeConsumerGroup('group'))).groupState).toBe('Stable');
  }
});
