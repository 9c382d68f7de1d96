"""kafka-python as a client of the matrix (tests/compatibility/README.md)."""

import sys
import threading

import kafka
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata
from kafka.admin import NewTopic

PADDING = "0" * 200


def create(bootstrap, topic, partitions, replication_factor):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap.split(","))
    admin.create_topics([NewTopic(topic, int(partitions), int(replication_factor))])
    admin.close()


def delete(bootstrap, topic):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap.split(","))
    admin.delete_topics([topic])
    admin.close()


def produce(bootstrap, topic, codec, first, count):
    producer = KafkaProducer(
        bootstrap_servers=bootstrap.split(","),
        acks="all",
        enable_idempotence=True,
        compression_type=None if codec == "none" else codec,
        linger_ms=5,
    )
    futures = []
    for n in range(int(first), int(first) + int(count)):
        headers = [("codec", codec.encode())]
        value = f"value-{n}-{PADDING}".encode()
        futures.append(producer.send(topic, key=f"key-{n}".encode(), value=value, headers=headers))
    for future in futures:
        future.get(60)
    producer.close()


class Assignment(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        self.show([])

    def on_partitions_assigned(self, assigned):
        self.show(assigned)

    def show(self, partitions):
        print("assigned", *sorted(each.partition for each in partitions), flush=True)


def consume(bootstrap, topic, group):
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap.split(","),
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=10000,
        heartbeat_interval_ms=300,
    )
    consumer.subscribe([topic], listener=Assignment())
    while not ended.is_set():
        offsets = {}
        for partition, records in consumer.poll(timeout_ms=100).items():
            for record in records:
                header = ",".join(f"{name}={value.decode()}" for name, value in record.headers)
                print("record", record.partition, record.offset, record.key.decode(), record.value.decode(), header)
            offsets[partition] = OffsetAndMetadata(records[-1].offset + 1, "", records[-1].leader_epoch)
        if offsets:
            sys.stdout.flush()
            consumer.commit(offsets)
    consumer.close()


def version():
    print(kafka.__version__)


if __name__ == "__main__":
    {f.__name__: f for f in (create, delete, produce, consume, version)}[sys.argv[1]](*sys.argv[2:])
