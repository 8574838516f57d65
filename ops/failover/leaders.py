"""Which node of a cluster leads now: the one whose death is felt."""

from collections import Counter

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from ops.stack import Stack
from shared.contracts.events import QuizSubmitted
from shared.messaging.connection import client_arguments
from shared.runtime.errors import Unavailable
from shared.storage.mongo import connect, outages_named


async def leading_broker(stack: Stack, topic: str = QuizSubmitted.topic) -> str:
    """
    The name of the broker that leads most partitions of a topic.

    Raises:
        Unavailable: Kafka does not answer.
    """
    admin = AIOKafkaAdminClient(**client_arguments(stack.kafka_connection))
    try:
        await admin.start()
        [found] = await admin.describe_topics([topic])
    except KafkaError as error:
        raise Unavailable(f"Kafka does not say who leads {topic}: {error}") from error
    finally:
        await admin.close()
    leaders = Counter(partition["leader"] for partition in found["partitions"])
    node: int = leaders.most_common(1)[0][0]
    # The ids of nodes begin with 1.
    return stack.nodes("kafka")[node - 1]


async def primary(stack: Stack) -> str:
    """
    The name of MongoDB's primary.

    Raises:
        Unavailable: there is none.
    """
    async with connect(stack.mongo, "admin") as admin:
        with outages_named():
            hello = await admin.command("hello")
    port = int(hello["primary"].rpartition(":")[2])
    return next(name for name in stack.nodes("mongo") if stack.port(name) == port)
