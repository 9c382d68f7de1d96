// A producer at a fixed rate that behaves as the Java client without linger: a record leaves at once while fewer
// than five requests are under way to its broker, else it waits in its partition's batch.

import type { RpcClient } from '../../../main/net/rpc-client.ts';
import { errorName } from '../../../main/protocol/errors.ts';
import { produceApi } from '../../../main/protocol/messages/produce.ts';
import { buildBatch, type NewRecord } from '../../../main/records/batch-builder.ts';
import type { Node } from '../clusters/cluster.ts';
import { connectTo, type TopicView } from '../observer.ts';

const inFlightMax = 5;
const timeoutMs = 30_000;

/** What waits for one broker. */
class Lane {
  readonly #connection: RpcClient;
  readonly #topic: string;
  readonly #topicId: string;
  readonly #waiting = new Map<number, NewRecord[]>();
  #inFlight = 0;
  failure: Error | null = null;

  constructor(connection: RpcClient, topic: string, topicId: string) {
    this.#connection = connection;
    this.#topic = topic;
    this.#topicId = topicId;
  }

  add(partition: number, record: NewRecord): void {
    const waiting = this.#waiting.get(partition);
    if (waiting === undefined) this.#waiting.set(partition, [record]);
    else waiting.push(record);
    this.#sendWhatWaits();
  }

  close(): void {
    this.#connection.close();
  }

  #sendWhatWaits(): void {
    if (this.#inFlight >= inFlightMax || this.#waiting.size === 0) return;
    const partitionData = [...this.#waiting].map(([index, records]) => ({ index, records: buildBatch({}, records) }));
    this.#waiting.clear();
    this.#inFlight++;
    const topicData = [{ name: this.#topic, topicId: this.#topicId, partitionData }];
    this.#connection.send(produceApi, { acks: -1, timeoutMs, topicData }).then(
      (answer) => {
        this.#inFlight--;
        const bad = answer.responses[0]?.partitionResponses.find((each) => each.errorCode !== 0);
        if (bad !== undefined) this.failure ??= new Error(`Produce: ${errorName(bad.errorCode)}`);
        this.#sendWhatWaits();
      },
      (error: Error) => (this.failure ??= error),
    );
  }
}

export class PacedProducer {
  readonly #lanes: readonly Lane[];
  /** By partition. */
  readonly #laneOf: readonly Lane[];

  private constructor(lanes: readonly Lane[], laneOf: readonly Lane[]) {
    this.#lanes = lanes;
    this.#laneOf = laneOf;
  }

  static async connect(topic: string, view: TopicView, nodes: readonly Node[]): Promise<PacedProducer> {
    const lanes: Lane[] = [];
    const laneOf: Lane[] = [];
    for (const node of nodes) {
      const lane = new Lane(await connectTo(node, timeoutMs), topic, view.topicId);
      lanes.push(lane);
      for (const { partitionIndex, leaderId } of view.partitions) {
        if (leaderId === node.id) laneOf[partitionIndex] = lane;
      }
    }
    return new PacedProducer(lanes, laneOf);
  }

  /** Calls `recordAt(n)` for every n when its time has come; resolves with the moments at which each was due. */
  async run(count: number, perSecond: number, recordAt: (n: number) => NewRecord): Promise<Float64Array> {
    const dueMs = new Float64Array(count);
    const startMs = performance.now();
    for (let n = 0; n < count; n++) dueMs[n] = startMs + (n * 1000) / perSecond;
    let next = 0;
    await new Promise<void>((resolve, reject) => {
      const timer = setInterval(() => {
        const nowMs = performance.now();
        while (next < count && (dueMs[next] ?? Infinity) <= nowMs) {
          this.#laneOf[next % this.#laneOf.length]?.add(next % this.#laneOf.length, recordAt(next));
          next++;
        }
        const failure = this.failure;
        if (failure === null && next < count) return;
        clearInterval(timer);
        if (failure === null) resolve();
        else reject(failure);
      }, 1);
    });
    return dueMs;
  }

  get failure(): Error | null {
    return this.#lanes.find(({ failure }) => failure !== null)?.failure ?? null;
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }
}
