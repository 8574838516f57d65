"""
Create the topics that `shared/contracts/topics.py` declares.

    python -m shared.messaging.create_topics            create what is missing at KEPU_KAFKA
    python -m shared.messaging.create_topics webhooks   also what only this optional service needs

Brokers run with auto-creation off, so a misspelt topic is an error and not a new topic.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from shared.contracts.events import QuizSubmitted
from shared.contracts.topics import ALL, OPTIONAL, Topic, declared, with_optional
from shared.messaging.connection import Kafka, KafkaConnection, client_arguments
from shared.runtime.errors import Rejected, Unavailable
from shared.runtime.settings import KafkaSettings, read

CREATE_TIMEOUT_MS = 30_000
# Topics have this number of copies, if there are so many brokers and nobody says another number.
COPIES_MAX = 3
# From so many copies on, a write is acknowledged only when two brokers have it.
SAFE_COPIES = 3
# Readers of all other topics need the order of a key's records across the change.
GROWS = declared(QuizSubmitted)
PARTITIONS_MAX = 96
# A new topic is known to all brokers within tenths of a second.
DESCRIBE_TRIES_MAX = 20
DESCRIBE_PAUSE_SECONDS = 0.25


async def create_missing(kafka: Kafka, replication: int = 0, wanted: Sequence[Topic] = ALL) -> list[str]:
    """
    Create those topics that do not exist yet; leave the others as they are.

    Args:
        replication: copies of each topic; 0: one on each broker, but at most `COPIES_MAX`.
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
            await _create(admin, missing, await _copies(admin, replication))
    except KafkaError as error:
        raise Unavailable(f"cannot create topics on {kafka}: {error}") from error
    finally:
        await admin.close()
    return [topic.name for topic in missing]


async def add_partitions(kafka: Kafka, topic: str, count: int, grows: Topic = GROWS) -> int:
    """
    Give a topic more partitions, while it is used; returns how many it had.

    Raises:
        Rejected: this topic, or this number, is not allowed.
        Unavailable: the broker does not answer, or refuses.
    """
    if topic != grows.name:
        raise Rejected(
            f"{topic} keeps its partitions, because its readers need the records of a key in order: only "
            f"{grows.name} can have more",
            code="partitions_fixed",
        )
    # Then a key either stays where it is or moves to a new partition, and never to another old one.
    doubled = {grows.partitions << times for times in range(PARTITIONS_MAX.bit_length())}
    if count not in doubled or count > PARTITIONS_MAX:
        raise Rejected(
            f"{topic} can have {grows.partitions} partitions, twice as many, four times as many and so on up "
            f"to {PARTITIONS_MAX}: not {count}",
            code="partitions_odd",
        )
    admin = AIOKafkaAdminClient(**client_arguments(kafka))
    try:
        await admin.start()
        [found] = await admin.describe_topics([topic])
        present = len(found["partitions"])
        if count < present:
            raise Rejected(f"{topic} has {present} partitions, and none can go", code="partitions_fewer")
        if count > present:
            await admin.create_partitions({topic: NewPartitions(count)})
    except KafkaError as error:
        raise Unavailable(f"cannot add partitions to {topic} on {kafka}: {error}") from error
    finally:
        await admin.close()
    return present


async def differing(kafka: Kafka, wanted: Sequence[Topic] = ALL, replication: int = 0) -> list[str]:
    """
    What topics that exist have otherwise than declared, as "topic: setting=value, declared value".

    Fewer partitions or copies than declared are named too. More are not: somebody has added them.

    Raises:
        Unavailable: the broker does not answer.
    """
    admin = AIOKafkaAdminClient(**client_arguments(kafka))
    try:
        await admin.start()
        copies = await _copies(admin, replication)
        present = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
        found = await settings_of([one.name for one in wanted if one.name in present], admin.describe_configs)
    except KafkaError as error:
        raise Unavailable(f"cannot read the topics' settings on {kafka}: {error}") from error
    finally:
        await admin.close()
    there = [topic for topic in wanted if topic.name in found]
    return [
        f"{topic.name}: {setting}={found[topic.name].get(setting)}, declared {value}"
        for topic in there
        for setting, value in _config(topic, copies).items()
        if found[topic.name].get(setting) != value
    ] + [line for topic in there for line in _fewer(topic, present[topic.name], copies)]


async def settings_of(
    topics: Sequence[str], describe: Callable[[list[ConfigResource]], Awaitable[Sequence[Any]]]
) -> dict[str, dict[str, str]]:
    """
    The settings of topics that exist, by their names.

    A broker of a cluster may learn of a new topic a moment after the others, and is asked again.

    Raises:
        KafkaError: a broker refuses, or knows a topic not even after some tries.
    """
    found: dict[str, dict[str, str]] = {}
    for tried in range(DESCRIBE_TRIES_MAX):
        await asyncio.sleep(DESCRIBE_PAUSE_SECONDS if tried else 0)
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics if name not in found]
        errors: list[KafkaError] = []
        for answer in await describe(asked) if asked else ():
            for code, message, _, name, entries in answer.resources:
                if code:
                    errors.append(for_code(code)(f"{name}: {message}"))
                else:
                    found[name] = {entry[0]: entry[1] for entry in entries}
        if not errors:
            return found
        if not all(error.retriable for error in errors):
            break
    raise errors[0]


def _fewer(topic: Topic, partitions: Sequence[Any], copies: int) -> list[str]:
    least = min(len(partition["replicas"]) for partition in partitions)
    counts = ("partitions", len(partitions), topic.partitions), ("copies", least, copies)
    return [
        f"{topic.name}: {what}={has}, declared {declared}" for what, has, declared in counts if has < declared
    ]


def _config(topic: Topic, copies: int) -> dict[str, str]:
    return topic.config | ({"min.insync.replicas": "2"} if copies >= SAFE_COPIES else {})


async def _copies(admin: AIOKafkaAdminClient, replication: int) -> int:
    return replication or min(COPIES_MAX, len((await admin.describe_cluster())["brokers"]))


async def _create(admin: AIOKafkaAdminClient, missing: list[Topic], copies: int) -> None:
    wanted = [
        NewTopic(topic.name, topic.partitions, copies, topic_configs=_config(topic, copies))
        for topic in missing
    ]
    answer = await admin.create_topics(wanted, timeout_ms=CREATE_TIMEOUT_MS)
    for name, code, *message in answer.topic_errors:
        # Another process may create the same topics at the same moment.
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise Unavailable(f"topic {name}: {for_code(code).__name__} {message[0] if message else ''}")


def main() -> None:
    """Create what is missing on the broker that KEPU_KAFKA names."""
    if unknown := {*sys.argv[1:]} - OPTIONAL.keys():
        sys.exit(f"no optional service is called {', '.join(sorted(unknown))}: {', '.join(OPTIONAL)}")
    wanted = with_optional(sys.argv[1:])
    settings = read(KafkaSettings)
    kafka = KafkaConnection.of(settings)
    created = asyncio.run(create_missing(kafka, settings.kafka_replication, wanted))
    print(f"{len(created)} topics created, {len(wanted) - len(created)} were there")  # noqa: T201 (a command)
    for line in asyncio.run(differing(kafka, wanted, settings.kafka_replication)):
        print(f"other than declared: {line}")  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
