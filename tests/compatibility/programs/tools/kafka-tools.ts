// Kafka's own command-line tools, run as its scripts in bin/ run them: the name of the script, its main class.

import { Jvm, runJava, type Ended, type JavaOptions } from '../jvm.ts';
import { normal } from '../normal.ts';
import { expectThat, type Around } from '../program.ts';

const classes = {
  acls: 'org.apache.kafka.tools.AclCommand',
  'broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'client-metrics': 'org.apache.kafka.tools.ClientMetricsCommand',
  cluster: 'org.apache.kafka.tools.ClusterTool',
  configs: 'kafka.admin.ConfigCommand',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'console-share-consumer': 'org.apache.kafka.tools.consumer.ConsoleShareConsumer',
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'consumer-perf-test': 'org.apache.kafka.tools.ConsumerPerformance',
  'delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  'e2e-latency': 'org.apache.kafka.tools.EndToEndLatency',
  features: 'org.apache.kafka.tools.FeatureCommand',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  groups: 'org.apache.kafka.tools.GroupsCommand',
  'leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  'reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  'replica-verification': 'org.apache.kafka.tools.ReplicaVerificationTool',
  'share-consumer-perf-test': 'org.apache.kafka.tools.ShareConsumerPerformance',
  'share-groups': 'org.apache.kafka.tools.consumer.group.ShareGroupCommand',
  'streams-application-reset': 'org.apache.kafka.tools.StreamsResetter',
  'streams-groups': 'org.apache.kafka.tools.streams.StreamsGroupCommand',
  topics: 'org.apache.kafka.tools.TopicCommand',
  transactions: 'org.apache.kafka.tools.TransactionsCommand',
  'verifiable-consumer': 'org.apache.kafka.tools.VerifiableConsumer',
  'verifiable-producer': 'org.apache.kafka.tools.VerifiableProducer',
  'verifiable-share-consumer': 'org.apache.kafka.tools.VerifiableShareConsumer',
} as const;

export type ToolName = keyof typeof classes;

/** Arguments as one would type them; a value with a space in it needs the list. */
type Typed = string | readonly string[];

const listOf = (args: Typed): readonly string[] => (typeof args === 'string' ? args.split(' ').filter(Boolean) : args);

export class Tools {
  readonly around: Around;
  readonly #classPath: string;

  constructor(classPath: string, around: Around) {
    this.#classPath = classPath;
    this.around = around;
  }

  /** The tool's answer, normal; it must end well. */
  async ok(name: ToolName, args: Typed, options?: JavaOptions): Promise<string> {
    const { code, out } = await this.bare(
      name,
      ['--bootstrap-server', this.around.bootstrap, ...listOf(args)],
      options,
    );
    expectThat(code === 0, `kafka-${name} to end with 0`, `${code}: ${out}`);
    return normal(out, this.around);
  }

  /** The tool's answer and its exit code, whatever it is. */
  async any(name: ToolName, args: Typed, options?: JavaOptions): Promise<string> {
    const { code, out } = await this.bare(
      name,
      ['--bootstrap-server', this.around.bootstrap, ...listOf(args)],
      options,
    );
    return `${normal(out, this.around)}\nexit code ${code}`;
  }

  /** Without --bootstrap-server. */
  bare(name: ToolName, args: Typed, options?: JavaOptions): Promise<Ended> {
    return runJava(this.#classPath, classes[name], listOf(args), options);
  }

  /** Left running; the caller ends it. */
  start(name: ToolName, args: Typed, options?: JavaOptions): Jvm {
    const all = ['--bootstrap-server', this.around.bootstrap, ...listOf(args)];
    return new Jvm(this.#classPath, classes[name], all, options);
  }
}
