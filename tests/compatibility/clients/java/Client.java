// Kafka's own Java client as a client of the matrix (tests/compatibility/README.md).

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

public final class Client {
  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "version" -> System.out.println(AppInfoParser.getVersion());
      case "create" -> create(args[1], args[2], Integer.parseInt(args[3]), Short.parseShort(args[4]));
      case "produce" -> produce(args[1], args[2], args[3], Integer.parseInt(args[4]), Integer.parseInt(args[5]));
      case "transact" -> transact(args[1], args[2], args[3]);
      case "consume" -> consume(args[1], args[2], args[3]);
      case "delete" -> delete(args[1], args[2]);
      default -> System.exit(64);
    }
  }

  private static Properties settings(String bootstrap) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    return settings;
  }

  private static void create(String bootstrap, String topic, int partitions, short replicationFactor) throws Exception {
    try (Admin admin = Admin.create(settings(bootstrap))) {
      admin.createTopics(List.of(new NewTopic(topic, partitions, replicationFactor))).all().get();
    }
  }

  private static void delete(String bootstrap, String topic) throws Exception {
    try (Admin admin = Admin.create(settings(bootstrap))) {
      admin.deleteTopics(List.of(topic)).all().get();
    }
  }

  private static void produce(String bootstrap, String topic, String codec, int first, int count) throws Exception {
    Properties settings = settings(bootstrap);
    settings.put("acks", "all");
    settings.put("enable.idempotence", "true");
    settings.put("compression.type", codec);
    settings.put("linger.ms", "5");
    String padding = "0".repeat(200);
    var serializer = new StringSerializer();
    try (var producer = new KafkaProducer<>(settings, serializer, serializer)) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (int n = first; n < first + count; n++) {
        var record = new ProducerRecord<>(topic, "key-" + n, "value-" + n + "-" + padding);
        record.headers().add("codec", codec.getBytes());
        sent.add(producer.send(record));
      }
      for (Future<RecordMetadata> each : sent) each.get();
    }
  }

  private static KafkaProducer<String, String> transactional(String bootstrap, String id) {
    Properties settings = settings(bootstrap);
    settings.put("transactional.id", id);
    settings.put("linger.ms", "5");
    var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    producer.initTransactions();
    return producer;
  }

  private static void write(KafkaProducer<String, String> producer, String topic, List<String> values) {
    producer.beginTransaction();
    for (String value : values) producer.send(new ProducerRecord<>(topic, value, value));
    producer.flush();
  }

  private static void transact(String bootstrap, String topic, String id) {
    var first = transactional(bootstrap, id);
    for (int transaction = 0; transaction < 10; transaction++) {
      List<String> values = new ArrayList<>();
      for (int n = 0; n < 10; n++) values.add("t" + transaction + "-" + n);
      write(first, topic, values);
      if (transaction % 3 == 1) {
        first.abortTransaction();
      } else {
        first.commitTransaction();
        for (String value : values) System.out.println("committed " + value);
      }
    }
    var second = transactional(bootstrap, id);
    try {
      write(first, topic, List.of("zombie"));
      first.commitTransaction();
    } catch (ProducerFencedException | InvalidProducerEpochException fenced) {
      System.out.println("fenced");
    } catch (KafkaException error) {
      boolean isFenced = error.getCause() instanceof ProducerFencedException
          || error.getCause() instanceof InvalidProducerEpochException;
      System.out.println(isFenced ? "fenced" : "refused " + error);
    }
    write(second, topic, List.of("second"));
    second.commitTransaction();
    System.out.println("committed second");
    first.close(Duration.ZERO);
    second.close();
  }

  private static void consume(String bootstrap, String topic, String group) {
    Properties settings = settings(bootstrap);
    settings.put("group.id", group);
    settings.put("auto.offset.reset", "earliest");
    settings.put("enable.auto.commit", "false");
    if ("consumer".equals(System.getenv("GROUP_PROTOCOL"))) {
      // KIP-848: sessions and heartbeats are the broker's settings.
      settings.put("group.protocol", "consumer");
    } else {
      settings.put("session.timeout.ms", "10000");
      settings.put("heartbeat.interval.ms", "300");
    }
    EndOfInput end = new EndOfInput();
    end.start();
    var deserializer = new StringDeserializer();
    try (var consumer = new KafkaConsumer<>(settings, deserializer, deserializer)) {
      consumer.subscribe(List.of(topic), new Assignment(consumer));
      while (end.isAlive()) {
        Map<TopicPartition, OffsetAndMetadata> ends = new HashMap<>();
        StringBuilder lines = new StringBuilder();
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
          lines.append("record ").append(record.partition()).append(' ').append(record.offset());
          lines.append(' ').append(record.key()).append(' ').append(record.value()).append(' ');
          for (Header header : record.headers()) lines.append(header.key()).append('=').append(new String(header.value()));
          lines.append('\n');
          var partition = new TopicPartition(record.topic(), record.partition());
          ends.put(partition, new OffsetAndMetadata(record.offset() + 1, record.leaderEpoch(), ""));
        }
        System.out.print(lines);
        System.out.flush();
        if (!ends.isEmpty()) consumer.commitSync(ends);
      }
    }
  }

  private static final class EndOfInput extends Thread {
    EndOfInput() {
      setDaemon(true);
    }

    @Override
    public void run() {
      try {
        while (System.in.read() >= 0) continue;
      } catch (java.io.IOException closed) {
        // As good as the end.
      }
    }
  }

  private record Assignment(KafkaConsumer<String, String> consumer) implements ConsumerRebalanceListener {
    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
      var left = new TreeSet<Integer>();
      for (TopicPartition each : consumer.assignment()) if (!revoked.contains(each)) left.add(each.partition());
      show(left);
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> added) {
      var all = new TreeSet<Integer>();
      for (TopicPartition each : consumer.assignment()) all.add(each.partition());
      show(all);
    }

    private static void show(TreeSet<Integer> partitions) {
      StringBuilder line = new StringBuilder("assigned");
      for (int partition : partitions) line.append(' ').append(partition);
      System.out.println(line);
    }
  }
}
