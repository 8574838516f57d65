"""
Create the topics that `shared/contracts/topics.py` declares.

    python -m shared.messaging.create_topics        create what is missing on the broker that KEPU_KAFKA names

Brokers run with auto-creation off, so a misspelt topic is an error and not a new topic.
"""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from shared.contracts.topics import ALL, Topic
from shared.messaging.connection import Kafka, KafkaConnection, client_arguments
from shared.runtime.errors import Unavailable
from shared.runtime.settings import KafkaSettings, read

CREATE_TIMEOUT_MS = 30_000


async def create_missing(kafka: Kafka, replication: int = 1, wanted: Sequence[Topic] = ALL) -> list[str]:
    """
    Create those topics that do not exist yet; leave the others as they are.

    Returns: the names of the topics created.
    Raises:
        Unavailable: the broker does not answer, or refuses to create a topic.
    """
    admin = AIOKafkaAdminClient(**client_arguments(kafka))
    try:
        await admin.start()
        present = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in present]
        if missing:
            await _create(admin, missing, replication)
    except KafkaError as error:
        raise Unavailable(f"cannot create topics on {kafka}: {error}") from error
    finally:
        await admin.close()
    return [topic.name for topic in missing]


async def differing(kafka: Kafka, wanted: Sequence[Topic] = ALL) -> list[str]:
    """
    What topics that exist have otherwise than declared, as "topic: setting=value, declared value".

    Raises:
        Unavailable: the broker does not answer.
    """
    admin = AIOKafkaAdminClient(**client_arguments(kafka))
    try:
        await admin.start()
        present = set(await admin.list_topics())
        asked = [ConfigResource(ConfigResourceType.TOPIC, one.name) for one in wanted if one.name in present]
        answers = await admin.describe_configs(asked) if asked else []
    except KafkaError as error:
        raise Unavailable(f"cannot read the topics' settings on {kafka}: {error}") from error
    finally:
        await admin.close()
    found = {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for _, _, _, name, entries in answer.resources
    }
    return [
        f"{topic.name}: {setting}={found[topic.name].get(setting)}, declared {value}"
        for topic in wanted
        if topic.name in found
        for setting, value in topic.config.items()
        if found[topic.name].get(setting) != value
    ]


async def _create(admin: AIOKafkaAdminClient, missing: list[Topic], replication: int) -> None:
    wanted = [
        NewTopic(topic.name, topic.partitions, replication, topic_configs=topic.config) for topic in missing
    ]
    answer = await admin.create_topics(wanted, timeout_ms=CREATE_TIMEOUT_MS)
    for name, code, *message in answer.topic_errors:
        # Another process may create the same topics at the same moment.
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise Unavailable(f"topic {name}: {for_code(code).__name__} {message[0] if message else ''}")


def main() -> None:
    """Create what is missing on the broker that KEPU_KAFKA names."""
    settings = read(KafkaSettings)
    kafka = KafkaConnection.of(settings)
    created = asyncio.run(create_missing(kafka, settings.kafka_replication))
    print(f"{len(created)} topics created, {len(ALL) - len(created)} were there")  # noqa: T201 (a command)
    for line in asyncio.run(differing(kafka)):
        print(f"other than declared: {line}")  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
