// Kafka Streams counts words exactly once. Usage:
//   WordCount count BOOTSTRAP APPLICATION IN OUT DIRECTORY PROTOCOL   until its standard input ends; says `running`
//   WordCount feed BOOTSTRAP IN FIRST COUNT                           lines of five words each, all acknowledged
//   WordCount read BOOTSTRAP OUT                                      `WORD COUNT` for each committed record, in order

import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Produced;

public final class WordCount {
  public static void main(String[] args) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", args[1]);
    switch (args[0]) {
      case "count" -> count(settings, args[2], args[3], args[4], args[5], args[6]);
      case "feed" -> feed(settings, args[2], Integer.parseInt(args[3]), Integer.parseInt(args[4]));
      case "read" -> read(settings, args[2]);
      default -> System.exit(64);
    }
  }

  private static void count(Properties settings, String application, String in, String out, String directory, String protocol) throws Exception {
    settings.put("application.id", application);
    settings.put("state.dir", directory);
    settings.put("processing.guarantee", "exactly_once_v2");
    settings.put("group.protocol", protocol);
    settings.put("replication.factor", "3");
    settings.put("commit.interval.ms", "200");
    // Every change of a count goes out, so that a repeated or a lost one can be seen.
    settings.put("statestore.cache.max.bytes", "0");
    settings.put("num.stream.threads", "2");
    settings.put("auto.offset.reset", "earliest");
    if (protocol.equals("classic")) settings.put("session.timeout.ms", "6000");
    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(in, Consumed.with(Serdes.String(), Serdes.String()))
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
        .count()
        .toStream()
        .to(out, Produced.with(Serdes.String(), Serdes.Long()));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings);
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.RUNNING) System.out.println("running");
      if (now == KafkaStreams.State.ERROR) Runtime.getRuntime().halt(1);
    });
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.start();
    while (System.in.read() >= 0) Thread.onSpinWait();
    System.out.println(streams.close(Duration.ofSeconds(30)) ? "closed" : "not closed");
  }

  private static void feed(Properties settings, String in, int first, int count) throws Exception {
    settings.put("acks", "all");
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (int n = first; n < first + count; n++) {
        StringBuilder line = new StringBuilder("every");
        for (int word = 1; word < 5; word++) line.append(" w").append((n * 7 + word * 13) % 50);
        producer.send(new ProducerRecord<>(in, "k" + n, line.toString()));
      }
      producer.flush();
    }
  }

  private static void read(Properties settings, String out) {
    settings.put("isolation.level", "read_committed");
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new LongDeserializer())) {
      List<TopicPartition> all = consumer.partitionsFor(out).stream().map(each -> new TopicPartition(out, each.partition())).toList();
      consumer.assign(all);
      consumer.seekToBeginning(all);
      Map<TopicPartition, Long> ends = new HashMap<>(consumer.endOffsets(all));
      while (all.stream().anyMatch(each -> consumer.position(each) < ends.get(each)))
        for (var record : consumer.poll(Duration.ofMillis(100))) System.out.println(record.key() + " " + record.value());
    }
  }
}
