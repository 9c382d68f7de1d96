// Kafka's share consumer (KIP-932) with explicit acknowledgement. Usage: ShareWalk BOOTSTRAP TOPIC GROUP, on a topic of
// one partition without records. Prints `accepted VALUE`, `released VALUE`,
// `rejected VALUE` for each delivery with the number of it, and then what two members got between them.

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public final class ShareWalk {
  private static String bootstrap;
  private static String topic;
  private static String group;

  public static void main(String[] args) throws Exception {
    bootstrap = args[0];
    topic = args[1];
    group = args[2];
    startAtEarliest();
    produce(0, 30);
    explicitly();
    produce(30, 200);
    together();
  }

  private static void startAtEarliest() throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    try (Admin admin = Admin.create(settings)) {
      var operation = new AlterConfigOp(new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET);
      admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.GROUP, group), List.of(operation))).all().get();
    }
  }

  private static void produce(int first, int count) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    settings.put("acks", "all");
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (int n = first; n < first + count; n++) producer.send(new ProducerRecord<>(topic, "k" + n, "v" + n)).get();
    }
  }

  private static KafkaShareConsumer<String, String> consumer(String mode) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    settings.put("group.id", group);
    settings.put("share.acknowledgement.mode", mode);
    settings.put("max.poll.records", "10");
    var consumer = new KafkaShareConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    consumer.subscribe(List.of(topic));
    return consumer;
  }

  private static String word(AcknowledgeType type) {
    return switch (type) {
      case ACCEPT -> "accepted";
      case RELEASE -> "released";
      case REJECT -> "rejected";
      default -> type.name();
    };
  }

  /** Every third record is released at its first delivery, every fifth is rejected; the others are accepted. */
  private static void explicitly() {
    var said = new ArrayList<String>();
    try (var consumer = consumer("explicit")) {
      int settled = 0;
      while (settled < 30) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) {
          int n = Integer.parseInt(record.value().substring(1));
          int delivery = record.deliveryCount().orElse((short) 0);
          AcknowledgeType type = n % 3 == 0 && delivery == 1 ? AcknowledgeType.RELEASE : n % 5 == 0 ? AcknowledgeType.REJECT : AcknowledgeType.ACCEPT;
          consumer.acknowledge(record, type);
          said.add(word(type) + " " + record.value() + " delivery " + delivery);
          if (type != AcknowledgeType.RELEASE) settled++;
        }
        consumer.commitSync().forEach((partition, error) -> error.ifPresent(each -> said.add("error " + each.getMessage())));
      }
      try {
        consumer.acknowledge(new ConsumerRecord<>(topic, 0, 0, "k", "v"));
        said.add("acknowledged what was not delivered");
      } catch (IllegalStateException expected) {
        said.add("refused what was not delivered");
      }
    }
    said.stream().sorted().forEach(System.out::println);
  }

  private static void together() {
    Set<String> first = new TreeSet<>();
    Set<String> second = new TreeSet<>();
    try (var a = consumer("implicit"); var b = consumer("implicit")) {
      long deadline = System.nanoTime() + 60_000_000_000L;
      while (first.size() + second.size() < 200 && System.nanoTime() < deadline) {
        a.poll(Duration.ofMillis(100)).forEach(record -> first.add(record.value()));
        b.poll(Duration.ofMillis(100)).forEach(record -> second.add(record.value()));
      }
    }
    Set<String> both = new TreeSet<>(first);
    both.retainAll(second);
    System.out.println("together " + (first.size() + second.size()) + " twice " + both.size() + " both members " + (!first.isEmpty() && !second.isEmpty()));
  }
}
