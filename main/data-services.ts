// What stands behind the Topics, partition and Messages screens, put together. Reading waits in the brokers, so it has
// connections of its own: what an administrator asks must not stand behind it.

import type { MessageOutputs } from './api/endpoints/messages.ts';
import type { SegmentOutputs } from './api/endpoints/segments.ts';
import type { TopicOutputs } from './api/endpoints/topics.ts';
import type { EndpointHandlers } from './api/host.ts';
import { ClusterClient } from './cluster/cluster-client.ts';
import type { ClusterDirectory } from './cluster/cluster-directory.ts';
import { Messages } from './cluster/messages/messages.ts';
import { ReplicaLogs } from './cluster/replica-logs.ts';
import type { Supervisor } from './cluster/supervisor.ts';
import { TopicAdmin } from './cluster/topic-admin.ts';
import { SegmentInspector } from './inspection/segment-inspector.ts';
import type { Runtime } from './runtime/runtime.ts';

export type DataEndpoint = keyof (TopicOutputs & SegmentOutputs & MessageOutputs);

export class DataServices {
  readonly #client: ClusterClient;
  readonly #readingClient: ClusterClient;
  readonly #topics: TopicAdmin;
  readonly #messages: Messages;
  readonly #logs: ReplicaLogs;

  constructor(runtime: Runtime, supervisor: Supervisor, directory: ClusterDirectory) {
    const { host, brokers } = supervisor.topology;
    const bootstrap = brokers.map(({ port }) => ({ host, port }));
    this.#client = new ClusterClient({ runtime, bootstrap, clientId: 'highwater-ui' });
    this.#readingClient = new ClusterClient({ runtime, bootstrap, clientId: 'highwater-ui-messages' });
    this.#topics = new TopicAdmin(this.#client, runtime.clock, {
      read: () => directory.readThrottles(),
      write: (topics) => directory.writeThrottles(topics),
    });
    this.#messages = new Messages(this.#readingClient, runtime);
    const inspector = new SegmentInspector(runtime.disk, (brokerId) => directory.existingLogDirs(brokerId));
    this.#logs = new ReplicaLogs(this.#client, inspector, (topic, partition) =>
      supervisor.view.replicasOf(topic, partition),
    );
  }

  handlers(): Pick<EndpointHandlers, DataEndpoint> {
    return { ...this.#topics.handlers(), ...this.#messages.handlers(), ...this.#logs.handlers() };
  }

  close(): void {
    this.#topics.close();
    this.#client.close();
    this.#readingClient.close();
  }
}
