// SIGKILL of a leader, SIGKILL of the active controller, and the way back: how long nobody leads, how long nobody
// can write with acks=all, how long until the restarted broker is in every ISR. Time-outs are the same on both sides.

import type { RpcClient } from '../../../main/net/rpc-client.ts';
import { produceApi } from '../../../main/protocol/messages/produce.ts';
import { buildBatch } from '../../../main/records/batch-builder.ts';
import { pause, until, type Node } from '../clusters/cluster.ts';
import { createValue } from '../load/values.ts';
import { connectTo, controllerAmong, Observer } from '../observer.ts';
import type { Figure, Part, PartInput } from './figures.ts';

const figure = (key: string, title: string): Figure => ({ key, title, unit: 'ms', better: 'less' });
const newLeader = figure('leader-killed-leader', 'leader killed: until a new one is known');
const leaderAck = figure('leader-killed-ack', 'leader killed: until acks=all succeeds');
const newController = figure('controller-killed-controller', 'controller killed: until a new one is active');
const otherAck = figure('controller-killed-ack', 'controller killed: until acks=all succeeds elsewhere');
const back = figure('restart-in-sync', 'restart: until back in every ISR');

const topic = 'failover';
const partitionCount = 12;
const patienceMs = 60_000;
const pollMs = 10;
/** Caches, sessions and elections of the round before are over. */
const settleMs = 3_000;

export const failoverPart: Part = {
  name: 'failover',
  profile: 'laptop',
  figures: [newLeader, leaderAck, newController, otherAck, back],
  run: async (input) => {
    await input.observer.createTopic(topic, partitionCount);
    for (let n = 0; n < input.options.failovers; n++) {
      await round(input, 'leader');
      await round(input, 'controller');
    }
  },
};

async function round({ cluster, note, say }: PartInput, victimIs: 'leader' | 'controller'): Promise<void> {
  const before = new Observer(cluster.nodes);
  const view = await before.untilInSync(topic);
  await pause(settleMs);
  const controller = await until('a controller', patienceMs, () => controllerAmong(cluster.nodes));
  before.close();
  const isController = (id: number): boolean => id === controller.id;
  // A leader that is not the controller; for the controller's death a partition that lives elsewhere.
  const watched = view.partitions.find(({ leaderId }) => !isController(leaderId));
  if (watched === undefined) throw new Error(`broker ${controller.id} is controller and leads everything`);
  const victim = victimIs === 'leader' ? watched.leaderId : controller.id;
  const survivors = cluster.nodes.filter(({ id }) => id !== victim);
  const observer = new Observer(survivors);
  const writer = new Writer(survivors, view.topicId, watched.partitionIndex);
  if (victimIs === 'controller') await writer.untilAcknowledged(watched.leaderId);

  const killedMs = performance.now();
  const since = (): number => performance.now() - killedMs;
  const gone = cluster.kill(victim);
  if (victimIs === 'leader') {
    const leader = await until(
      'a new leader',
      patienceMs,
      async () => {
        const now = (await observer.topic(topic))?.partitions.find(
          ({ partitionIndex }) => partitionIndex === watched.partitionIndex,
        );
        return now !== undefined && now.leaderId !== victim && now.leaderEpoch > watched.leaderEpoch
          ? now.leaderId
          : null;
      },
      pollMs,
    );
    note(newLeader, since());
    await writer.untilAcknowledged(leader);
    note(leaderAck, since());
  } else {
    const acknowledged = writer.untilAcknowledged(watched.leaderId).then(() => note(otherAck, since()));
    await until(
      'a new controller',
      patienceMs,
      async () => {
        const now = await controllerAmong(survivors);
        return now !== null && now.epoch > controller.epoch ? now : null;
      },
      pollMs,
    );
    note(newController, since());
    await acknowledged;
  }
  await gone;
  say(`${victimIs} ${victim} killed and replaced after ${since().toFixed(0)} ms`);
  writer.close();
  observer.close();

  const restartedMs = performance.now();
  await cluster.start(victim);
  const after = new Observer(cluster.nodes);
  await after.untilInSync(topic);
  note(back, performance.now() - restartedMs);
  after.close();
}

/** Writes one record at a time until one is acknowledged by all in-sync replicas. */
class Writer {
  readonly #nodes: readonly Node[];
  readonly #topicId: string;
  readonly #partition: number;
  #connection: { readonly id: number; readonly client: RpcClient } | null = null;

  constructor(nodes: readonly Node[], topicId: string, partition: number) {
    this.#nodes = nodes;
    this.#topicId = topicId;
    this.#partition = partition;
  }

  async untilAcknowledged(leader: number): Promise<void> {
    const records = buildBatch({}, [{ key: null, value: createValue(1), timestamp: Date.now() }]);
    const partitionData = [{ index: this.#partition, records }];
    const topicData = [{ name: topic, topicId: this.#topicId, partitionData }];
    await until(
      'an acknowledgement',
      patienceMs,
      async () => {
        try {
          const client = await this.#clientOf(leader);
          const answer = await client.send(produceApi, { acks: -1, timeoutMs: patienceMs, topicData });
          return answer.responses[0]?.partitionResponses[0]?.errorCode === 0 ? true : null;
        } catch {
          this.close();
          return null;
        }
      },
      pollMs,
    );
  }

  close(): void {
    this.#connection?.client.close();
    this.#connection = null;
  }

  async #clientOf(id: number): Promise<RpcClient> {
    if (this.#connection?.id === id && this.#connection.client.isOpen) return this.#connection.client;
    const node = this.#nodes.find((each) => each.id === id);
    if (node === undefined) throw new Error(`broker ${id} is not among the living`);
    this.close();
    this.#connection = { id, client: await connectTo(node, patienceMs) };
    return this.#connection.client;
  }
}
