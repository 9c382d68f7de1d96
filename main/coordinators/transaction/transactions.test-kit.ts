// For the tests of transaction coordination: a coordinator with one partition on a log in memory, and brokers that
// write down the markers they get.

import type { JournalEntry } from '../../core/journal.ts';
import { toLeaderEpoch } from '../../core/ids.ts';
import { BrokerSettings } from '../../metadata/configs/broker-settings.ts';
import { emptyMetadataImage, type MetadataImage } from '../../metadata/metadata-image.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { EndTxnResponse } from '../../protocol/messages/end-txn.ts';
import type { ListTransactionsRequest } from '../../protocol/messages/list-transactions.ts';
import { transactionCoordinatorRecords } from '../../protocol/messages/transaction-coordinator-records.ts';
import type { WriteTxnMarkersRequest } from '../../protocol/messages/write-txn-markers.ts';
import type { Writable } from '../../protocol/schema.ts';
import { buildBatch } from '../../records/batch-builder.ts';
import { RecordBatch } from '../../records/record-batch.ts';
import { recordsOf } from '../../records/record.ts';
import { NetworkError, type Clock } from '../../runtime/runtime.ts';
import { SimulatedWorld } from '../../runtime/simulated/simulated-world.ts';
import { MemoryHost } from '../coordinators.test-kit.ts';
import { transactionCoordinatorConfig } from './transaction-config.ts';
import { TransactionCoordinator } from './transaction-coordinator.ts';
import type { ProducerIdAndEpoch } from './transaction-machine.ts';
import type { TransactionMetadata } from './transaction-metadata.ts';
import { metadataOf, transactionRecord } from './transaction-records.ts';

export type Producer = { readonly producerId: number; readonly producerEpoch: number };

export class TransactionHarness {
  readonly world: SimulatedWorld;
  readonly host = new MemoryHost();
  readonly clock: Clock;
  /** `COMMIT orders-0 by 1000/1 v2`, in the order of their arrival. */
  readonly markers: string[] = [];
  /** What brokers answer to a marker; null: they don't. */
  markerCode: number | null = ErrorCode.NONE;
  leader: number | null | 'gone' = 2;
  transactionVersion = 2;
  nextProducerId = 1000;
  coordinator: TransactionCoordinator;
  readonly #properties: Readonly<Record<string, string>>;
  /** What the journal was told. */
  readonly events: JournalEntry[] = [];
  #epoch = 0;

  constructor(properties: Readonly<Record<string, string>> = {}) {
    this.#properties = properties;
    this.world = new SimulatedWorld({ seed: 1 });
    this.clock = this.world.runtimeFor(1).clock;
    this.coordinator = this.#create();
  }

  static async create(properties: Readonly<Record<string, string>> = {}): Promise<TransactionHarness> {
    const harness = new TransactionHarness(properties);
    harness.elect();
    await harness.world.runFor(1);
    return harness;
  }

  get log() {
    return this.host.partition(0);
  }

  #create(): TransactionCoordinator {
    const settings = new BrokerSettings({
      'node.id': '1',
      'transaction.state.log.num.partitions': '1',
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
      ...this.#properties,
    });
    return new TransactionCoordinator({
      nodeId: 1,
      config: transactionCoordinatorConfig(settings),
      host: this.host,
      clock: this.clock,
      journal: { record: (entry) => `broker-1:${this.events.push(entry)}` },
      image: () => this.#image(),
      nextProducerId: () => Promise.resolve(this.nextProducerId++),
      leaderOf: () => this.leader,
      send: (_brokerId, request) => this.#writeMarkers(request),
    });
  }

  #image(): MetadataImage {
    const finalized = new Map([['transaction.version', this.transactionVersion]]);
    return { ...emptyMetadataImage, features: { ...emptyMetadataImage.features, finalized } };
  }

  #writeMarkers({ markers }: WriteTxnMarkersRequest) {
    const { markerCode } = this;
    if (markerCode === null) return Promise.reject(new NetworkError('closed', 'scripted'));
    for (const { producerId, producerEpoch, transactionResult, topics, transactionVersion } of markers) {
      const type = transactionResult ? 'COMMIT' : 'ABORT';
      for (const { name, partitionIndexes } of topics) {
        for (const index of partitionIndexes) {
          this.markers.push(`${type} ${name}-${index} by ${producerId}/${producerEpoch} v${transactionVersion}`);
        }
      }
    }
    return Promise.resolve({
      markers: markers.map(({ producerId, topics }) => ({
        producerId,
        topics: topics.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode: markerCode })),
        })),
      })),
    });
  }

  elect(): void {
    this.log.leaderEpoch = toLeaderEpoch(++this.#epoch);
    this.coordinator.onElection(0, this.log.leaderEpoch);
  }

  /** Another broker takes over, knowing only the log up to `keptEndOffset`. */
  async failOver(keptEndOffset?: number): Promise<void> {
    this.log.loseLeadership(keptEndOffset);
    this.coordinator.onResignation(0, toLeaderEpoch(++this.#epoch));
    this.coordinator = this.#create();
    this.elect();
    await this.world.runFor(1);
  }

  /** As if that many transactions had been. */
  writeEpoch(producerEpoch: number): void {
    const [newest] = this.states().slice(-1);
    if (newest === undefined) throw new Error('there is no state to go on from');
    const record = transactionRecord({ ...newest, producerEpoch }, this.transactionVersion);
    const { key, value } = transactionCoordinatorRecords.encode(record);
    this.log.append(buildBatch({}, [{ key, value, timestamp: this.clock.wallMs() }]));
  }

  /** All that the log holds, a state a record. */
  states(): TransactionMetadata[] {
    const records = this.log.batches.flatMap((buffer) => [...recordsOf(new RecordBatch(buffer))]);
    return records.flatMap(({ key, value }) => {
      const record = key === null ? null : transactionCoordinatorRecords.decode(key, value);
      const metadata = record === null ? null : metadataOf(record);
      return metadata === null ? [] : [metadata];
    });
  }

  init(expected: Producer | null = null, timeoutMs = 60_000, transactionalId = 'id'): Promise<ProducerIdAndEpoch> {
    return this.world.settle(this.coordinator.initProducerId({ transactionalId, timeoutMs, expected }));
  }

  add(producer: Producer, topic = 'orders', partition = 0, version = 2, transactionalId = 'id'): Promise<number> {
    const { producerId, producerEpoch } = producer;
    const partitions = new Map([[topic, new Set([partition])]]);
    const identity = { transactionalId, producerId, producerEpoch };
    return this.world.settle(this.coordinator.addPartitions(identity, partitions, version));
  }

  end({ producerId, producerEpoch }: Producer, committed: boolean, version = 2): Promise<Writable<EndTxnResponse>> {
    const request = { transactionalId: 'id', producerId, producerEpoch, committed };
    return this.world.settle(this.coordinator.endTransaction(request, version));
  }

  async state(transactionalId = 'id'): Promise<string | undefined> {
    return (await this.world.settle(this.coordinator.describe(transactionalId))).transactionState;
  }

  list(request: Partial<ListTransactionsRequest> = {}) {
    const all = { stateFilters: [], producerIdFilters: [], durationFilter: -1, transactionalIdPattern: null };
    const { errorCode, unknownStateFilters, transactionStates } = this.coordinator.list({ ...all, ...request });
    return { errorCode, unknownStateFilters, ids: transactionStates?.map((each) => each.transactionalId) };
  }
}
