// Updates of a few keys, many times over, for a compacted topic. Usage:
//   Updates write BOOTSTRAP TOPIC KEYS COUNT   update n is of key n % KEYS and has the value n; all are acknowledged
//   Updates read BOOTSTRAP TOPIC KEYS COUNT    `RECORDS records, KEYS keys, WRONG wrong`, wrong by their last value

import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public final class Updates {
  public static void main(String[] args) {
    int keys = Integer.parseInt(args[3]);
    int count = Integer.parseInt(args[4]);
    Properties settings = new Properties();
    settings.put("bootstrap.servers", args[1]);
    if (args[0].equals("write")) write(settings, args[2], keys, count);
    else read(settings, args[2], keys, count);
  }

  private static void write(Properties settings, String topic, int keys, int count) {
    settings.put("acks", "all");
    settings.put("linger.ms", "20");
    settings.put("batch.size", "65536");
    var failed = new AtomicInteger();
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (int n = 0; n < count; n++)
        producer.send(new ProducerRecord<>(topic, "k" + n % keys, String.valueOf(n)), (written, error) -> {
          if (error != null) failed.incrementAndGet();
        });
    }
    System.out.println(failed.get() + " failed");
  }

  private static void read(Properties settings, String topic, int keys, int count) {
    int[] last = new int[keys];
    int records = 0;
    var partition = new TopicPartition(topic, 0);
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      long end = consumer.endOffsets(List.of(partition)).get(partition);
      while (consumer.position(partition) < end)
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          last[Integer.parseInt(record.key().substring(1))] = 1 + Integer.parseInt(record.value());
          records++;
        }
    }
    int found = 0;
    int wrong = 0;
    for (int key = 0; key < keys; key++) {
      if (last[key] > 0) found++;
      if (last[key] - 1 != count - keys + key) wrong++;
    }
    System.out.println(records + " records, " + found + " keys, " + wrong + " wrong");
  }
}
