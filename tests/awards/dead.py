"""What became of events that awards gave up."""

from aiokafka import AIOKafkaConsumer


async def dead_codes(kafka: str, topic: str, word: str) -> list[str]:
    """The codes of the dead letters whose body holds this word."""
    codes = []
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        while found := await consumer.getmany(timeout_ms=500):
            for records in found.values():
                codes += [
                    dict(record.headers)["dead_code"].decode()
                    for record in records
                    if word.encode() in record.value
                ]
    finally:
        await consumer.stop()
    return codes
