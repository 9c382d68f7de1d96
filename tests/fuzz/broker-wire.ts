// A broker in the simulated world that hostile clients talk to: whole requests made from the schemas, spoilt ones and
// rubbish, over many connections. The broker lives, no handler fails, and a client beside them is served as ever.

import { NodeConnections } from '../../main/net/node-connections.ts';
import { apis, ApiKey, latestStableVersion } from '../../main/protocol/api-keys.ts';
import { ErrorCode } from '../../main/protocol/errors.ts';
import { encodeRequest } from '../../main/protocol/headers.ts';
import { createTopicsApi } from '../../main/protocol/messages/create-topics.ts';
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from '../../main/protocol/messages/embedded-messages.ts';
import { fetchApi } from '../../main/protocol/messages/fetch.ts';
import { metadataApi } from '../../main/protocol/messages/metadata.ts';
import { produceApi } from '../../main/protocol/messages/produce.ts';
import type { Api } from '../../main/protocol/schema.ts';
import { buildBatch } from '../../main/records/batch-builder.ts';
import { batchesIn } from '../../main/records/record-batch.ts';
import { recordsOf } from '../../main/records/record.ts';
import type { Connection, Random } from '../../main/runtime/runtime.ts';
import { SimulatedWorld } from '../../main/runtime/simulated/simulated-world.ts';
import { clientPortOf, controllerPortOf } from '../simulation/ports.ts';
import { SimulatedBrokers } from '../simulation/simulated-brokers.ts';
import { Finding, oneOf, type FuzzTarget } from './fuzz-target.ts';
import { mutate } from './mutate.ts';
import { randomStruct, type Vocabulary } from './schema-values.ts';

const brokerId = 1;
const goodNode = 50;
const hostileNode = 60;
const hostileRounds = 25;
const framesPerRound = 8;
const answerMsMax = 10_000;
const goodTopic = 'good';

/** One broker alone: nothing but the frames may trouble it. */
const properties = {
  'default.replication.factor': '1',
  'min.insync.replicas': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
};

/** What clients may rightly ask for and nobody is then served as before: it says nothing about robustness. */
const rightfulHarm: ReadonlySet<number> = new Set([
  ApiKey.UnregisterBroker,
  ApiKey.UpdateFeatures,
  ApiKey.AlterClientQuotas,
]);

const attackable = apis.filter(({ key, listeners }) => listeners.includes('broker') && !rightfulHarm.has(key));

/** Whole requests of every API that a client may send, right as to their form. */
class RequestFrames {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  next(vocabulary: Vocabulary): Buffer {
    const random = this.#random;
    const api = oneOf(random, attackable);
    const version = api.versions.min + random.below(latestStableVersion(api) - api.versions.min + 1);
    const value = randomStruct(api.request.fields, version, random, vocabulary);
    const header = { correlationId: random.below(1000), clientId: 'hostile' };
    return Buffer.concat(encodeRequest(api, version, header, value as never).chunks);
  }
}

/** What byte fields hold between clients and brokers: batches, subscriptions, assignments. */
function someBlobs(): Buffer[] {
  const rows = [{ key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1_767_225_600_000 }];
  const version = Buffer.from([0, 1]);
  return [
    Buffer.from(buildBatch({}, rows)),
    Buffer.from(buildBatch({ compression: 'gzip' }, rows)),
    Buffer.from(buildBatch({ producerId: 1, producerEpoch: 0, baseSequence: 0 }, rows)),
    Buffer.from(buildBatch({ producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true }, rows)),
    Buffer.concat([version, consumerProtocolSubscription.encodeToBuffer(1, { topics: ['fuzzed', 'other'] })]),
    Buffer.concat([
      version,
      consumerProtocolAssignment.encodeToBuffer(1, { assignedPartitions: [{ topic: 'fuzzed', partitions: [0] }] }),
    ]),
  ];
}

class HostileSession {
  readonly #world: SimulatedWorld;
  readonly #random: Random;
  readonly #brokers: SimulatedBrokers;
  readonly #good: NodeConnections;
  readonly #open: Connection[] = [];
  readonly #acknowledged: string[] = [];
  readonly #troubles: string[] = [];
  readonly #lastFrames: string[] = [];
  #goodTopicId = '';
  readonly #frames: RequestFrames;
  #sent = 0;
  answers = 0;
  vocabulary: Vocabulary = { texts: ['fuzzed', 'group', 'consumer', 'range', 'other'], uuids: [], blobs: [] };

  constructor(random: Random) {
    this.#random = random;
    this.#frames = new RequestFrames(random);
    this.#world = new SimulatedWorld({
      seed: random.below(1e9),
      onFailure: (failure) => {
        if (failure.nodeId === brokerId) this.#brokers.ended(failure);
        else this.#troubles.push(`node ${failure.nodeId}: ${String(failure.error)}`);
      },
    });
    this.#brokers = new SimulatedBrokers({
      world: this.#world,
      brokerCount: 1,
      properties,
      onTelemetry: () => undefined,
      onRegistered: () => undefined,
      onStart: () => undefined,
      note: (_, text) => {
        if (text.startsWith('handler-failed')) this.#troubles.push(text);
      },
      onBrokenBroker: (_, error) => {
        this.#troubles.push(
          `the broker died: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      },
    });
    const { clock, network, random: dice } = this.#world.runtimeFor(goodNode);
    const endpointOf = (id: number) => ({ host: `node-${id}`, port: clientPortOf(id) });
    this.#good = new NodeConnections({ clock, network, random: dice, clientId: 'good', endpointOf, negotiate: true });
  }

  async run(): Promise<number> {
    this.#brokers.ensureStarted(brokerId);
    await this.#world.runFor(2000);
    for (const name of [goodTopic, 'fuzzed']) {
      await this.#ask(createTopicsApi, { topics: [{ name, numPartitions: 1, replicationFactor: 1 }], timeoutMs: 5000 });
    }
    await this.#world.runFor(500);
    const { topics } = await this.#ask(metadataApi, { topics: null });
    this.#goodTopicId = topics.find(({ name }) => name === goodTopic)?.topicId ?? '';
    const fuzzed = topics.find(({ name }) => name === 'fuzzed')?.topicId ?? '';
    this.vocabulary = { ...this.vocabulary, uuids: [fuzzed], blobs: someBlobs() };
    for (let round = 0; round < hostileRounds; round++) {
      await this.#attack();
      await this.#beGood(round);
      if (this.#troubles.length > 0) {
        throw new Finding(`${this.#troubles.slice(0, 3).join('\n')}\nafter ${this.#lastFrames.join('\n')}`);
      }
    }
    if (this.answers < this.#sent / 4) throw new Finding(`${this.#sent} frames got ${this.answers} answers`);
    return this.#sent;
  }

  #ask<Q, P>(api: Api<Q, P>, request: Parameters<typeof encodeRequest<Q, P>>[3]): Promise<P> {
    return this.#world.settle(this.#good.send(brokerId, api, request, { timeoutMs: answerMsMax }), answerMsMax + 1000);
  }

  /** Some frames to some connections, then a moment in which the broker does with them what it does. */
  async #attack(): Promise<void> {
    this.#lastFrames.length = 0;
    for (let count = 0; count < framesPerRound; count++) {
      const kind = this.#random.below(10);
      // Of the controller's listener only what cannot be a request: peers may rightly depose each other there.
      const isController = kind === 0;
      const isWhole = kind > 2;
      const connection = isWhole ? await this.#whole() : await this.#connect(isController);
      const bytes = isWhole ? this.#frames.next(this.vocabulary) : this.#spoilt(isController);
      this.#lastFrames.push(`${isController ? 'controller ' : ''}${bytes.toString('hex').slice(0, 600)}`);
      this.#sent++;
      const cut = isWhole ? bytes.length : this.#random.below(bytes.length + 1);
      this.#world.runtimeFor(hostileNode).clock.soon(() => {
        connection.write([bytes.subarray(0, cut)]);
        if (cut === bytes.length) return;
        if (this.#random.below(2) === 0) connection.destroy();
        else connection.write([bytes.subarray(cut)]);
      });
    }
    await this.#world.runFor(20 + this.#random.below(200));
  }

  /** One of the connections that carry whole requests only; long polls block some, so new ones come all the time. */
  async #whole(): Promise<Connection> {
    const known = this.#open[this.#random.below(30)];
    if (known !== undefined) return known;
    const made = await this.#connect(false);
    this.#open.push(made);
    return made;
  }

  #connect(isController: boolean): Promise<Connection> {
    const { network } = this.#world.runtimeFor(hostileNode);
    const port = isController ? controllerPortOf(brokerId) : clientPortOf(brokerId);
    const made = network.connect({ host: 'node-1', port, timeoutMs: 5000 }).then((connection) => {
      connection.handle({
        onData: () => {
          this.answers++;
        },
        onClose: () => {
          const index = this.#open.indexOf(connection);
          if (index >= 0) this.#open.splice(index, 1);
        },
        onDrain: () => undefined,
      });
      // Some never read what they are answered.
      if (this.#random.below(8) === 0) connection.pause();
      return connection;
    });
    return this.#world.settle(made, 6000);
  }

  #spoilt(isController: boolean): Buffer {
    const random = this.#random;
    if (isController || random.below(3) === 0) return this.#rubbish();
    const request = this.#frames.next(this.vocabulary);
    if (random.below(2) === 0) return mutate(request, random);
    // With a right length, so that it is the decoder's.
    const body = mutate(request.subarray(4), random);
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length);
    return Buffer.concat([length, body]);
  }

  #rubbish(): Buffer {
    return Buffer.from(this.#random.bytes(1 + this.#random.below(300)));
  }

  /** What a client does all day: it must be answered soon and rightly. */
  async #beGood(round: number): Promise<void> {
    const text = `value ${round}`;
    const records = Buffer.from(
      buildBatch({}, [{ key: null, value: Buffer.from(text), timestamp: 1_767_225_600_000 }]),
    );
    const produced = await this.#ask(produceApi, {
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ topicId: this.#goodTopicId, name: goodTopic, partitionData: [{ index: 0, records }] }],
    });
    const [answer] = produced.responses[0]?.partitionResponses ?? [];
    if (answer?.errorCode !== ErrorCode.NONE || answer.baseOffset !== this.#acknowledged.length) {
      throw this.#disturbed(`round ${round}: produce was answered ${JSON.stringify(answer)}`);
    }
    this.#acknowledged.push(text);
    const fetched = await this.#ask(fetchApi, {
      maxWaitMs: 100,
      minBytes: 1,
      topics: [
        {
          topicId: this.#goodTopicId,
          topic: goodTopic,
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }],
        },
      ],
    });
    const [partition] = fetched.responses[0]?.partitions ?? [];
    const found = [...batchesIn(partition?.records ?? Buffer.alloc(0))]
      .flatMap((batch) => [...recordsOf(batch)])
      .map(({ value }) => value?.toString());
    if (partition?.errorCode !== ErrorCode.NONE || found.join() !== this.#acknowledged.join()) {
      throw this.#disturbed(`round ${round}: fetch gave ${partition?.errorCode ?? 'nothing'} and ${found.join()}`);
    }
  }

  #disturbed(text: string): Finding {
    return new Finding(`${text}; ${this.#troubles.join('\n')}\nafter ${this.#lastFrames.join('\n')}`);
  }
}

export const brokerWire: FuzzTarget = { name: 'wire:broker', run: (random) => new HostileSession(random).run() };
