"""confluent-kafka (librdkafka) as a client of the matrix (tests/compatibility/README.md)."""

import os
import sys
import threading

import confluent_kafka
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PADDING = "0" * 200


def create(bootstrap, topic, partitions, replication_factor):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    new = NewTopic(topic, num_partitions=int(partitions), replication_factor=int(replication_factor))
    admin.create_topics([new])[topic].result(30)


def delete(bootstrap, topic):
    # The future does not keep its client alive.
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.delete_topics([topic])[topic].result(30)


def produce(bootstrap, topic, codec, first, count):
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": codec,
            "linger.ms": 5,
        }
    )
    failures = []
    for n in range(int(first), int(first) + int(count)):
        producer.produce(
            topic,
            key=f"key-{n}",
            value=f"value-{n}-{PADDING}",
            headers={"codec": codec},
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
        producer.poll(0)
    left = producer.flush(60)
    if left or failures:
        raise SystemExit(f"{left} records not delivered, errors: {failures[:3]}")


def transact(bootstrap, topic, transactional_id):
    def start():
        producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id, "linger.ms": 5})
        producer.init_transactions(30)
        return producer

    def write(producer, values):
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, key=value, value=value)
        producer.flush(30)

    first = start()
    for transaction in range(10):
        values = [f"t{transaction}-{n}" for n in range(10)]
        write(first, values)
        if transaction % 3 == 1:
            first.abort_transaction(30)
        else:
            first.commit_transaction(30)
            print(*(f"committed {value}" for value in values), sep="\n")
    second = start()
    try:
        write(first, ["zombie"])
        first.commit_transaction(30)
    except KafkaException as error:
        print("fenced" if error.args[0].fatal() else f"refused {error}")
    write(second, ["second"])
    second.commit_transaction(30)
    print("committed second")


def consume(bootstrap, topic, group):
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()

    def show(partitions):
        print("assigned", *sorted(each.partition for each in partitions), flush=True)

    settings = {"bootstrap.servers": bootstrap, "group.id": group}
    settings |= {"auto.offset.reset": "earliest", "enable.auto.commit": False}
    if os.environ.get("GROUP_PROTOCOL") == "consumer":
        # KIP-848: sessions and heartbeats are the broker's settings; partitions come and go one by one.
        def assigned(member, partitions):
            member.incremental_assign(partitions)
            show(member.assignment())

        def revoked(member, partitions):
            member.incremental_unassign(partitions)
            show(member.assignment())

        consumer = Consumer(settings | {"group.protocol": "consumer"})
        consumer.subscribe([topic], on_assign=assigned, on_revoke=revoked)
    else:
        consumer = Consumer(settings | {"session.timeout.ms": 10000, "heartbeat.interval.ms": 300})
        consumer.subscribe([topic], on_assign=lambda _, parts: show(parts), on_revoke=lambda _, parts: show([]))
    while not ended.is_set():
        messages = consumer.consume(500, 0.1)
        ends = {}
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
            header = ",".join(f"{name}={value.decode()}" for name, value in message.headers() or [])
            key, value = message.key().decode(), message.value().decode()
            print("record", message.partition(), message.offset(), key, value, header)
            ends[message.partition()] = message.offset() + 1
        if ends:
            sys.stdout.flush()
            offsets = [TopicPartition(topic, partition, offset) for partition, offset in ends.items()]
            for each in consumer.commit(offsets=offsets, asynchronous=False):
                if each.error:
                    raise KafkaException(each.error)
    consumer.close()


def version():
    print(f"{confluent_kafka.__version__} (librdkafka {confluent_kafka.libversion()[0]})")


if __name__ == "__main__":
    {f.__name__: f for f in (create, delete, produce, transact, consume, version)}[sys.argv[1]](*sys.argv[2:])
