// Apache Kafka's Java Admin, call by call: every answer is printed as `== CALL` and the lines that follow it, made
// comparable (sorted, without ids made at random); a call that fails prints the error's name. What must be in an answer
// is checked by tests/compatibility/programs/java/admin.ts. Usage: AdminWalk BOOTSTRAP

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public final class AdminWalk {
  private static String bootstrap;
  /** Create times of records start here. */
  private static final long FIRST_MS = System.currentTimeMillis() - 60_000;

  public static void main(String[] args) throws Exception {
    bootstrap = args[0];
    try (Admin admin = Admin.create(settings())) {
      cluster(admin);
      topics(admin);
      configs(admin);
      records(admin);
      groups(admin);
      transactions(admin);
      partitions(admin);
      security(admin);
      last(admin);
    }
  }

  private static Properties settings() {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    return settings;
  }

  private static void say(String call, Callable<Object> ask) {
    System.out.println("== " + call);
    try {
      Object answer = ask.call();
      List<String> lines = new ArrayList<>();
      if (answer instanceof Map<?, ?> map) map.forEach((key, value) -> lines.add(key + " -> " + value));
      else if (answer instanceof Collection<?> all) all.forEach(each -> lines.add(String.valueOf(each)));
      else lines.add(String.valueOf(answer));
      lines.stream().sorted().forEach(System.out::println);
    } catch (ExecutionException error) {
      System.out.println("error " + error.getCause().getClass().getSimpleName() + ": " + error.getCause().getMessage());
    } catch (Exception error) {
      System.out.println("error " + error.getClass().getSimpleName() + ": " + error.getMessage());
    }
  }

  private static void cluster(Admin admin) {
    say("describeCluster", () -> {
      var cluster = admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
      var nodes = cluster.nodes().get().stream().map(node -> node.id() + " " + node.rack() + " " + node.isFenced()).toList();
      var operations = cluster.authorizedOperations().get().stream().map(String::valueOf).sorted().toList();
      return List.of("nodes " + nodes.stream().sorted().toList(), "operations " + operations);
    });
    say("describeFeatures", () -> {
      var features = admin.describeFeatures().featureMetadata().get();
      var lines = new TreeMap<String, Object>();
      features.finalizedFeatures().forEach((name, range) -> lines.put("finalized " + name, range));
      features.supportedFeatures().forEach((name, range) -> lines.put("supported " + name, range));
      return lines;
    });
    say("updateFeatures, validate only", () -> {
      var upgrade = new FeatureUpdate((short) 99, FeatureUpdate.UpgradeType.UPGRADE);
      return admin.updateFeatures(Map.of("transaction.version", upgrade), new UpdateFeaturesOptions().validateOnly(true)).all().get();
    });
    say("describeMetadataQuorum", () -> {
      var quorum = admin.describeMetadataQuorum().quorumInfo().get();
      return List.of(
          "voters " + quorum.voters().stream().map(each -> each.replicaId()).sorted().toList(),
          "observers " + quorum.observers().stream().map(each -> each.replicaId()).sorted().toList(),
          "led " + quorum.voters().stream().anyMatch(each -> each.replicaId() == quorum.leaderId()));
    });
  }

  private static void topics(Admin admin) {
    var one = new NewTopic("walk", Map.of(0, List.of(1, 2, 3), 1, List.of(2, 3, 1))).configs(Map.of("retention.ms", "100000"));
    say("createTopics", () -> {
      var created = admin.createTopics(List.of(one));
      created.all().get();
      var config = created.config("walk").get();
      return List.of(
          created.numPartitions("walk").get(), created.replicationFactor("walk").get(),
          config.get("retention.ms").value() + " " + config.get("retention.ms").source(),
          config.entries().stream().map(ConfigEntry::name).sorted().toList());
    });
    say("createTopics again", () -> admin.createTopics(List.of(one)).all().get());
    say("createTopics, validate only", () -> {
      var created = admin.createTopics(List.of(new NewTopic("never", 2, (short) 2)), new CreateTopicsOptions().validateOnly(true));
      return List.of(created.numPartitions("never").get(), created.replicationFactor("never").get());
    });
    say("createTopics, too many replicas", () -> admin.createTopics(List.of(new NewTopic("never", 1, (short) 9))).all().get());
    say("createTopics, a name that can't be", () -> admin.createTopics(List.of(new NewTopic("a/b", 1, (short) 1))).all().get());
    say("createTopics, names that collide", () -> {
      admin.createTopics(List.of(new NewTopic("walk.a_b", 1, (short) 3))).all().get();
      return admin.createTopics(List.of(new NewTopic("walk_a.b", 1, (short) 3))).all().get();
    });
    say("listTopics", () -> admin.listTopics().names().get().stream().filter(name -> name.startsWith("walk")).toList());
    say("describeTopics", () -> description(admin.describeTopics(List.of("walk"), new DescribeTopicsOptions().includeAuthorizedOperations(true)).topicNameValues().get("walk").get()));
    say("describeTopics by id", () -> {
      var id = admin.describeTopics(List.of("walk")).topicNameValues().get("walk").get().topicId();
      return description(admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).topicIdValues().get(id).get());
    });
    say("describeTopics, an unknown id", () -> admin.describeTopics(TopicCollection.ofTopicIds(List.of(new Uuid(7, 7)))).allTopicIds().get());
    say("describeTopics, a missing one", () -> admin.describeTopics(List.of("missing")).allTopicNames().get());
    say("createPartitions", () -> {
      admin.createPartitions(Map.of("walk", NewPartitions.increaseTo(3, List.of(List.of(3, 1, 2))))).all().get();
      // Brokers learn of it a moment later.
      while (admin.describeTopics(List.of("walk")).topicNameValues().get("walk").get().partitions().size() < 3) Thread.onSpinWait();
      return description(admin.describeTopics(List.of("walk")).topicNameValues().get("walk").get());
    });
    say("createPartitions, fewer", () -> admin.createPartitions(Map.of("walk", NewPartitions.increaseTo(1))).all().get());
  }

  private static Object description(TopicDescription topic) {
    var lines = new ArrayList<String>();
    lines.add(topic.name() + " internal " + topic.isInternal());
    if (topic.authorizedOperations() != null) lines.add("operations " + topic.authorizedOperations().stream().map(String::valueOf).sorted().toList());
    for (var each : topic.partitions()) lines.add(each.partition() + " replicas " + ids(each.replicas()) + " in sync " + each.isr().stream().map(Node::id).sorted().toList() + " eligible " + (each.elr() == null ? null : ids(each.elr())));
    return lines;
  }

  private static List<Integer> ids(Collection<Node> nodes) {
    return nodes.stream().map(Node::id).toList();
  }

  private static void configs(Admin admin) {
    var topic = new ConfigResource(ConfigResource.Type.TOPIC, "walk");
    say("incrementalAlterConfigs", () -> {
      var operations = List.<AlterConfigOp>of(
          new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND),
          new AlterConfigOp(new ConfigEntry("segment.bytes", "2097152"), AlterConfigOp.OpType.SET),
          new AlterConfigOp(new ConfigEntry("retention.ms", ""), AlterConfigOp.OpType.DELETE));
      return admin.incrementalAlterConfigs(Map.of(topic, operations)).all().get();
    });
    say("incrementalAlterConfigs, an append to what is no list", () ->
        admin.incrementalAlterConfigs(Map.of(topic, List.of(new AlterConfigOp(new ConfigEntry("segment.bytes", "1"), AlterConfigOp.OpType.APPEND)))).all().get());
    say("incrementalAlterConfigs, validate only", () ->
        admin.incrementalAlterConfigs(Map.of(topic, List.of(new AlterConfigOp(new ConfigEntry("segment.bytes", "x"), AlterConfigOp.OpType.SET))), new AlterConfigsOptions().validateOnly(true)).all().get());
    say("describeConfigs of a topic", () -> entries(admin.describeConfigs(List.of(topic), new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true)).all().get().get(topic)));
    say("describeConfigs of a missing topic", () -> admin.describeConfigs(List.of(new ConfigResource(ConfigResource.Type.TOPIC, "missing"))).all().get());
    say("describeConfigs of a broker", () -> {
      var broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
      return admin.describeConfigs(List.of(broker)).all().get().get(broker).entries().stream().map(each -> each.name() + " " + each.type() + " " + each.isReadOnly() + " " + each.isSensitive() + " " + each.source() + " " + valueOf(each)).toList();
    });
    say("describeConfigs of a broker's loggers", () -> {
      var loggers = new ConfigResource(ConfigResource.Type.BROKER_LOGGER, "1");
      return "some: " + !admin.describeConfigs(List.of(loggers)).all().get().get(loggers).entries().isEmpty();
    });
    say("listConfigResources", () -> admin.listConfigResources(Set.of(ConfigResource.Type.TOPIC), new ListConfigResourcesOptions()).all().get().stream().filter(each -> each.name().equals("walk")).toList());
  }

  /** Where the cluster's own addresses and directories are, no value. */
  private static String valueOf(ConfigEntry entry) {
    var isLocal = List.of("listener", "log.dir", "log.dirs", "voters", "bootstrap.servers").stream().anyMatch(entry.name()::contains);
    return isLocal || entry.name().contains("metadata.log.dir") ? "LOCAL" : entry.value();
  }

  private static Object entries(Config config) {
    return config.entries().stream().map(each -> each.name() + "=" + each.value() + " " + each.source() + " " + each.type() + " " + (each.documentation() == null ? "undocumented" : "documented") + " " + each.synonyms().stream().map(one -> one.name() + "=" + one.value() + " " + one.source()).toList()).toList();
  }

  private static void records(Admin admin) throws Exception {
    var settings = settings();
    settings.put("acks", "all");
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (int n = 0; n < 20; n++) producer.send(new ProducerRecord<>("walk", n % 2, FIRST_MS + n, "k" + n, "v" + n)).get();
    }
    var first = new TopicPartition("walk", 0);
    say("listOffsets", () -> {
      var lines = new ArrayList<String>();
      for (var spec : List.of(OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.maxTimestamp(), OffsetSpec.forTimestamp(FIRST_MS + 9), OffsetSpec.forTimestamp(FIRST_MS + 86_400_000), OffsetSpec.earliestLocal(), OffsetSpec.latestTiered())) {
        var info = admin.listOffsets(Map.of(first, spec)).partitionResult(first).get();
        lines.add(spec.getClass().getSimpleName() + " " + info.offset() + " at " + (info.timestamp() < 0 ? "none" : info.timestamp() - FIRST_MS) + " epoch " + info.leaderEpoch());
      }
      return lines;
    });
    say("listOffsets of a missing partition", () -> admin.listOffsets(Map.of(new TopicPartition("walk", 9), OffsetSpec.latest()), new ListOffsetsOptions().timeoutMs(3000)).all().get());
    say("deleteRecords", () -> admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(3))).lowWatermarks().get(first).get().lowWatermark());
    say("deleteRecords, too far", () -> admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(99))).all().get());
    say("describeProducers", () -> admin.describeProducers(List.of(first)).all().get().get(first).activeProducers().stream().map(each -> "epoch " + each.producerEpoch() + " sequence " + each.lastSequence() + " open from " + each.currentTransactionStartOffset()).toList());
    say("describeLogDirs", () -> {
      var lines = new ArrayList<String>();
      admin.describeLogDirs(List.of(1, 2, 3)).allDescriptions().get().forEach((broker, directories) -> directories.values().forEach(directory -> directory.replicaInfos().forEach((partition, info) -> {
        if (partition.topic().equals("walk")) lines.add(broker + " " + partition + " lag " + info.offsetLag() + " future " + info.isFuture() + " sized " + (info.size() > 0));
      })));
      return lines;
    });
    say("describeReplicaLogDirs", () -> admin.describeReplicaLogDirs(List.of(new TopicPartitionReplica("walk", 0, 1), new TopicPartitionReplica("walk", 1, 2))).all().get().values().stream().map(info -> "lag " + info.getCurrentReplicaOffsetLag() + " future " + info.getFutureReplicaLogDir()).toList());
  }

  private static void groups(Admin admin) throws Exception {
    var first = new TopicPartition("walk", 0);
    say("alterConsumerGroupOffsets", () -> admin.alterConsumerGroupOffsets("walkers", Map.of(first, new OffsetAndMetadata(5, Optional.of(0), "by hand"))).all().get());
    say("listConsumerGroupOffsets", () -> admin.listConsumerGroupOffsets("walkers").partitionsToOffsetAndMetadata().get());
    say("describeConsumerGroups", () -> group(admin, "walkers"));
    var settings = settings();
    settings.put("group.id", "members");
    settings.put("group.instance.id", "fixed");
    settings.put("auto.offset.reset", "earliest");
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of("walk"));
      int read = 0;
      while (read < 17) read += consumer.poll(java.time.Duration.ofMillis(200)).count();
      consumer.commitSync();
      say("records read", () -> "17");
      say("describeConsumerGroups, with a member", () -> group(admin, "members"));
      say("describeClassicGroups", () -> {
        var one = admin.describeClassicGroups(List.of("members")).describedGroups().get("members").get();
        return one.groupId() + " " + one.protocol() + " " + one.protocolData() + " " + one.state() + " members " + one.members().size();
      });
      say("deleteConsumerGroups, in use", () -> admin.deleteConsumerGroups(List.of("members")).all().get());
    }
    say("removeMembersFromConsumerGroup", () -> admin.removeMembersFromConsumerGroup("members", new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("fixed")))).all().get());
    say("removeMembersFromConsumerGroup, none such", () -> admin.removeMembersFromConsumerGroup("members", new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("other")))).all().get());
    say("listGroups", () -> admin.listGroups().all().get().stream().filter(each -> Set.of("walkers", "members").contains(each.groupId())).map(String::valueOf).toList());
    say("listGroups by state and type", () -> admin.listGroups(new ListGroupsOptions().inGroupStates(Set.of(GroupState.EMPTY)).withTypes(Set.of(GroupType.CLASSIC))).all().get().stream().map(GroupListing::groupId).filter(id -> Set.of("walkers", "members").contains(id)).toList());
    say("deleteConsumerGroupOffsets", () -> admin.deleteConsumerGroupOffsets("walkers", Set.of(first)).all().get());
    say("deleteConsumerGroups", () -> admin.deleteConsumerGroups(List.of("members")).all().get());
    say("deleteConsumerGroups, none such", () -> admin.deleteConsumerGroups(List.of("members")).all().get());
    say("describeConsumerGroups, none such", () -> group(admin, "members"));
    say("alterShareGroupOffsets", () -> admin.alterShareGroupOffsets("sharing", Map.of(first, 4L)).all().get());
    say("listShareGroupOffsets", () -> admin.listShareGroupOffsets(Map.of("sharing", new ListShareGroupOffsetsSpec())).all().get());
    say("describeShareGroups", () -> {
      var one = admin.describeShareGroups(List.of("sharing")).all().get().get("sharing");
      return one.groupId() + " " + one.groupState() + " members " + one.members();
    });
    say("deleteShareGroupOffsets", () -> admin.deleteShareGroupOffsets("sharing", Set.of("walk")).all().get());
    say("deleteShareGroups", () -> admin.deleteShareGroups(List.of("sharing")).all().get());
    say("describeStreamsGroups, none such", () -> admin.describeStreamsGroups(List.of("streaming")).all().get());
  }

  private static Object group(Admin admin, String id) throws Exception {
    var one = admin.describeConsumerGroups(List.of(id)).all().get().get(id);
    return List.of(one.groupId() + " " + one.type() + " " + one.groupState() + " simple " + one.isSimpleConsumerGroup() + " assignor '" + one.partitionAssignor() + "'", "members " + one.members().stream().map(each -> each.groupInstanceId() + " " + each.clientId() + " " + each.host() + " " + each.assignment().topicPartitions().stream().map(String::valueOf).sorted().toList()).toList());
  }

  private static void transactions(Admin admin) throws Exception {
    var settings = settings();
    settings.put("transactional.id", "walking");
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      producer.initTransactions();
      producer.beginTransaction();
      producer.send(new ProducerRecord<>("walk", 1, "t", "open")).get();
      say("listTransactions", () -> admin.listTransactions(new ListTransactionsOptions().filterStates(Set.of(TransactionState.ONGOING))).all().get().stream().filter(each -> each.transactionalId().equals("walking")).map(each -> each.state()).toList());
      say("listTransactions by pattern", () -> admin.listTransactions(new ListTransactionsOptions().filterOnTransactionalIdPattern("walk.*")).all().get().stream().map(TransactionListing::transactionalId).toList());
      say("describeTransactions", () -> {
        var one = admin.describeTransactions(List.of("walking")).description("walking").get();
        return one.state() + " epoch " + one.producerEpoch() + " timeout " + one.transactionTimeoutMs() + " " + one.topicPartitions();
      });
      say("fenceProducers", () -> admin.fenceProducers(List.of("walking")).all().get());
      say("the producer that was fenced", () -> {
        try {
          producer.commitTransaction();
          return "not fenced";
        } catch (KafkaException error) {
          return error.getClass().getSimpleName();
        }
      });
    }
    say("describeTransactions, none such", () -> admin.describeTransactions(List.of("missing")).all().get());
    say("abortTransaction, of an epoch that is over", () -> {
      var producerId = admin.describeTransactions(List.of("walking")).description("walking").get().producerId();
      return admin.abortTransaction(new AbortTransactionSpec(new TopicPartition("walk", 1), producerId, (short) 0, 0)).all().get();
    });
    say("forceTerminateTransaction", () -> admin.forceTerminateTransaction("walking").result().get());
  }

  private static void partitions(Admin admin) {
    var first = new TopicPartition("walk", 0);
    say("electLeaders, not needed", () -> admin.electLeaders(ElectionType.PREFERRED, Set.of(first)).partitions().get().values().stream().map(error -> error.map(each -> each.getClass().getSimpleName()).orElse("elected")).toList());
    say("electLeaders, a missing one", () -> admin.electLeaders(ElectionType.UNCLEAN, Set.of(new TopicPartition("missing", 0))).partitions().get());
    say("alterPartitionReassignments", () -> admin.alterPartitionReassignments(Map.of(first, Optional.of(new NewPartitionReassignment(List.of(2, 1))))).all().get());
    say("listPartitionReassignments", () -> {
      while (!admin.listPartitionReassignments().reassignments().get().isEmpty()) Thread.onSpinWait();
      return ids(admin.describeTopics(List.of("walk")).topicNameValues().get("walk").get().partitions().get(0).replicas());
    });
    say("alterPartitionReassignments, to nobody", () -> admin.alterPartitionReassignments(Map.of(first, Optional.of(new NewPartitionReassignment(List.of(8))))).all().get());
    say("alterPartitionReassignments, nothing to cancel", () -> admin.alterPartitionReassignments(Map.of(first, Optional.empty())).all().get());
  }

  private static void security(Admin admin) {
    var entity = new ClientQuotaEntity(Map.of("user", "walker", "client-id", "walking"));
    say("alterClientQuotas", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1024.0))))).all().get());
    say("alterClientQuotas, half a byte", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 0.5))))).all().get());
    say("alterClientQuotas, no such key", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op("speed", 1.0))))).all().get());
    say("describeClientQuotas", () -> admin.describeClientQuotas(ClientQuotaFilter.contains(List.of(ClientQuotaFilterComponent.ofEntity("user", "walker")))).entities().get().values());
    say("alterClientQuotas, removed", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", null))))).all().get());
    var binding = new AclBinding(new ResourcePattern(ResourceType.TOPIC, "walk", PatternType.PREFIXED), new AccessControlEntry("User:walker", "*", AclOperation.WRITE, AclPermissionType.DENY));
    say("createAcls", () -> admin.createAcls(List.of(binding)).all().get());
    say("createAcls, what can't be", () -> admin.createAcls(List.of(new AclBinding(new ResourcePattern(ResourceType.CLUSTER, "no", PatternType.LITERAL), new AccessControlEntry("User:walker", "*", AclOperation.WRITE, AclPermissionType.DENY)))).all().get());
    say("describeAcls", () -> {
      var filter = new AclBindingFilter(new ResourcePatternFilter(ResourceType.TOPIC, "walking", PatternType.MATCH), AccessControlEntryFilter.ANY);
      // Brokers learn of it a moment later.
      while (admin.describeAcls(filter).values().get().isEmpty()) Thread.onSpinWait();
      return admin.describeAcls(filter).values().get();
    });
    say("deleteAcls", () -> admin.deleteAcls(List.of(binding.toFilter())).all().get());
  }

  private static void last(Admin admin) {
    say("unregisterBroker, none such", () -> admin.unregisterBroker(77).all().get());
    say("deleteTopics", () -> admin.deleteTopics(List.of("walk", "walk.a_b")).all().get());
    say("deleteTopics again", () -> admin.deleteTopics(List.of("walk")).all().get());
    say("deleteTopics, an unknown id", () -> admin.deleteTopics(TopicCollection.ofTopicIds(List.of(new Uuid(7, 7)))).all().get());
    say("clientInstanceId", () -> admin.clientInstanceId(java.time.Duration.ofSeconds(2)) != null);
  }
}
