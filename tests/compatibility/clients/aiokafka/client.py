"""aiokafka as a client of the matrix (tests/compatibility/README.md)."""

import asyncio
import sys
import threading

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import OffsetAndMetadata

PADDING = "0" * 200


async def create(bootstrap, topic, partitions, replication_factor):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    answer = await admin.create_topics([NewTopic(topic, int(partitions), int(replication_factor))])
    await admin.close()
    if any(error[1] != 0 for error in answer.topic_errors):
        raise KafkaError(str(answer))


async def delete(bootstrap, topic):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics([topic])
    await admin.close()


async def produce(bootstrap, topic, codec, first, count):
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        compression_type=None if codec == "none" else codec,
        linger_ms=5,
    )
    await producer.start()
    sent = []
    for n in range(int(first), int(first) + int(count)):
        value = f"value-{n}-{PADDING}".encode()
        headers = [("codec", codec.encode())]
        sent.append(await producer.send(topic, key=f"key-{n}".encode(), value=value, headers=headers))
    await asyncio.gather(*sent)
    await producer.stop()


async def transact(bootstrap, topic, transactional_id):
    async def started():
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=transactional_id)
        await producer.start()
        return producer

    async def write(producer, values):
        for value in values:
            await (await producer.send(topic, value.encode()))

    older = await started()
    for t in range(10):
        values = [f"t{t}-{m}" for m in range(10)]
        await older.begin_transaction()
        await write(older, values)
        if t % 3 == 1:
            await older.abort_transaction()
        else:
            await older.commit_transaction()
            print(*(f"committed {value}" for value in values), sep="\n")
    newer = await started()
    await newer.begin_transaction()
    await write(newer, ["newer"])
    await newer.commit_transaction()
    print("committed newer")
    try:
        await older.begin_transaction()
        await write(older, ["older"])
        await older.commit_transaction()
        print("not fenced")
    except (ProducerFenced, InvalidProducerEpoch):
        print("fenced")
    await newer.stop()


class Assignment(ConsumerRebalanceListener):
    async def on_partitions_revoked(self, revoked):
        self.show([])

    async def on_partitions_assigned(self, assigned):
        self.show(assigned)

    def show(self, partitions):
        print("assigned", *sorted(each.partition for each in partitions), flush=True)


async def consume(bootstrap, topic, group):
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=10000,
        heartbeat_interval_ms=300,
    )
    consumer.subscribe([topic], listener=Assignment())
    await consumer.start()
    while not ended.is_set():
        offsets = {}
        for partition, records in (await consumer.getmany(timeout_ms=100)).items():
            for record in records:
                header = ",".join(f"{name}={value.decode()}" for name, value in record.headers)
                print("record", record.partition, record.offset, record.key.decode(), record.value.decode(), header)
            offsets[partition] = OffsetAndMetadata(records[-1].offset + 1, "")
        sys.stdout.flush()
        if offsets:
            await consumer.commit(offsets)
    await consumer.stop()


async def version():
    print(aiokafka.__version__)


if __name__ == "__main__":
    verbs = {f.__name__: f for f in (create, delete, produce, transact, consume, version)}
    asyncio.run(verbs[sys.argv[1]](*sys.argv[2:]))
