// What stands behind the Groups, Quorum, Brokers and Producers screens, put together: their endpoints, the sampler,
// and one client of the cluster that they share.

import type { EndpointHandlers } from './api/host.ts';
import type { MeasurementView } from './api/producer-views.ts';
import { sampleIntervalMs, type ClusterSample } from './api/sample-views.ts';
import { BrokerInspection } from './cluster/broker-inspection.ts';
import { ClusterClient } from './cluster/cluster-client.ts';
import { ClusterSamples } from './cluster/cluster-samples.ts';
import { GroupAdmin } from './cluster/group-admin.ts';
import { QuorumReader } from './cluster/quorum-reader.ts';
import type { Supervisor } from './cluster/supervisor.ts';
import type { Runtime, Timer } from './runtime/runtime.ts';
import { PresetMeasurements } from './workloads/preset-measurements.ts';

export type ScreenServicesOptions = {
  readonly runtime: Runtime;
  readonly supervisor: Supervisor;
  readonly logFile: (brokerId: number) => string;
  onSample(sample: ClusterSample): void;
  onMeasurement(view: MeasurementView): void;
};

type ScreenEndpoint = Extract<keyof EndpointHandlers, `${'groups' | 'quorum' | 'producers' | 'samples'}.${string}`>;
type BrokerEndpoint = 'broker.configs' | 'broker.alterConfig' | 'broker.logDirs' | 'broker.logTail';

export class ScreenServices {
  readonly #options: ScreenServicesOptions;
  readonly #client: ClusterClient;
  readonly #samples = new ClusterSamples();
  readonly #groups: GroupAdmin;
  readonly #quorum: QuorumReader;
  readonly #brokers: BrokerInspection;
  readonly #measurements: PresetMeasurements;
  #timer: Timer | null = null;

  constructor(options: ScreenServicesOptions) {
    this.#options = options;
    const { runtime, supervisor, logFile } = options;
    const { host, brokers } = supervisor.topology;
    const bootstrap = brokers.map(({ port }) => ({ host, port }));
    this.#client = new ClusterClient({ runtime, bootstrap, clientId: 'highwater-ui' });
    this.#groups = new GroupAdmin(this.#client, runtime.clock);
    this.#quorum = new QuorumReader(this.#client, runtime, (nodeId) => {
      const place = brokers.find(({ id }) => id === nodeId);
      return place === undefined ? null : { host, port: place.controllerPort };
    });
    this.#brokers = new BrokerInspection(this.#client, runtime, logFile);
    this.#measurements = new PresetMeasurements({
      runtime,
      bootstrap,
      control: supervisor,
      onChange: options.onMeasurement,
    });
  }

  handlers(): Pick<EndpointHandlers, ScreenEndpoint | BrokerEndpoint> {
    return {
      ...this.#groups.handlers(),
      ...this.#quorum.handlers(),
      ...this.#brokers.handlers(),
      ...this.#measurements.handlers(),
      'quorum.events': () => this.#options.supervisor.view.rareEvents('quorum'),
      'groups.events': ({ groupId }) =>
        this.#options.supervisor.view
          .rareEvents('group')
          .filter(({ entry }) => 'groupId' in entry && entry.groupId === groupId),
      'samples.broker': ({ brokerId }) => this.#samples.brokerHistory(brokerId),
      'samples.group': ({ groupId }) => this.#samples.groupHistory(groupId),
    };
  }

  start(): void {
    this.#sampleAt(this.#options.runtime.clock.monotonicMs() + sampleIntervalMs);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#measurements.stop();
    this.#quorum.close();
    this.#client.close();
  }

  #sampleAt(dueMs: number): void {
    const { runtime, supervisor, onSample } = this.#options;
    const { clock } = runtime;
    this.#timer = clock.at(dueMs, () => {
      onSample(this.#samples.add(supervisor.view.samplingView(), clock.wallMs(), clock.monotonicMs()));
      this.#sampleAt(Math.max(dueMs + sampleIntervalMs, clock.monotonicMs()));
    });
  }
}
