"""Whether Kafka and MongoDB can be used with a service's settings, and if not, what to change."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from ops.deployment.access import Grant, of_service
from ops.deployment.clients import confluent_arguments
from shared.messaging.connection import Kafka, KafkaConnection
from shared.runtime.errors import Unavailable
from shared.runtime.settings import Settings
from shared.storage import mongo
from shared.storage.mongo import Database

ANSWER_SECONDS_MAX = 10.0
TRY_SECONDS = 1.0
POLL_SECONDS = 0.1
NAMES_SHOWN_MAX = 3
# librdkafka's own words, and what they mean for whoever has made the settings.
_CAUSES = (
    (
        "certificate verify failed",
        "no authority of KEPU_KAFKA_CA_FILE has signed the broker's certificate for this host",
    ),
    ("unknown ca", "the broker does not trust this client: it wants a certificate, which Kepu Week has not"),
    ("ssl.ca.location", "KEPU_KAFKA_CA_FILE cannot be used"),
    (
        "SSL handshake failed",
        "it does not speak TLS at this port: name its port for TLS, or another KEPU_KAFKA_SECURITY",
    ),
    ("invalid credentials", "KEPU_KAFKA_USERNAME or KEPU_KAFKA_PASSWORD is wrong, or the token"),
    ("mechanism", "it does not take KEPU_KAFKA_SASL_MECHANISM at this port"),
    ("OAuth token", "the file of KEPU_KAFKA_TOKEN_FILE has no token that could be read"),
    ("Failed to resolve", "the name of a server in KEPU_KAFKA is not known"),
    ("Connection refused", "nobody listens at a server of KEPU_KAFKA"),
)


class _Described(Protocol):
    """What Kafka says of a topic or of a group."""

    authorized_operations: Any


def problems(service: str, settings: Settings) -> Iterator[str]:
    """
    A sentence for each reason why this service could not work with its servers. Takes 10 s for each server
    at most. Nothing is written.
    """
    yield from kafka_problems(service, KafkaConnection.of(settings))
    if why := asyncio.run(_mongo_problem(settings.mongo, getattr(settings, "database", "admin"))):
        yield why


def kafka_problems(service: str, kafka: Kafka) -> Iterator[str]:
    """Why the service could not work with this Kafka: no connection, no login, or what it may not do."""
    said: list[str] = []
    arguments = {
        **confluent_arguments(kafka),
        "log_level": 0,
        "error_cb": lambda error: said.append(error.str()),
    }
    try:
        admin = AdminClient(arguments)
    except KafkaException as error:
        # Made with a token, the client waits for it.
        yield f"KEPU_KAFKA: {_cause([error.args[0].str()])}"
        return
    if not _answers(admin, said):
        yield f"KEPU_KAFKA: Kafka at {kafka} does not answer: {_cause(said)}"
        return
    for grant in of_service(service):
        yield from _forbidden(admin, grant)


def _answers(admin: AdminClient, said: list[str]) -> bool:
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while time.monotonic() < deadline - TRY_SECONDS and not _known(said):
        try:
            admin.list_topics(timeout=TRY_SECONDS)
        except KafkaException:
            # Its callback runs in here, and hears why.
            admin.poll(POLL_SECONDS)
        else:
            return True
    return False


def _cause(said: Sequence[str]) -> str:
    return _known(said) or "KEPU_KAFKA_SECURITY may not be that of this port"


def _known(said: Sequence[str]) -> str | None:
    return next((words for part, words in _CAUSES if any(part in one for one in said)), None)


def _forbidden(admin: AdminClient, grant: Grant) -> Iterator[str]:
    is_topic, names = grant.kind == "topic", list(grant.names)
    asked: Any = (
        admin.describe_topics(
            TopicCollection(names),
            include_authorized_operations=True,
            request_timeout=ANSWER_SECONDS_MAX,
        )
        if is_topic
        else admin.describe_consumer_groups(
            names, include_authorized_operations=True, request_timeout=ANSWER_SECONDS_MAX
        )
    )
    absent: list[str] = []
    lacking: list[str] = []
    for name, answer in asked.items():
        try:
            described: _Described = answer.result(ANSWER_SECONDS_MAX)
            allowed = {operation.name for operation in described.authorized_operations or ()}
            if not allowed.issuperset(grant.operations):
                lacking.append(name)
        except KafkaException as error:
            unknown = error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART
            (absent if unknown else lacking).append(name)
    verb = " and ".join(operation.lower() for operation in grant.operations)
    if lacking:
        yield f"Kafka does not let this user {verb} the {grant.kind} {_few(lacking)}: kepu acls"
    if absent:
        # To somebody who may not even see it, Kafka says the same.
        yield f"the {grant.kind} {_few(absent)} is not there, or hidden from this user: see kepu acls"


async def _mongo_problem(url: str, database: str) -> str | None:
    async def asked(connected: Database) -> None:
        with mongo.outages_named():
            hello = await connected.client.admin.command("hello")
            if "setName" not in hello and hello.get("msg") != "isdbgrid":
                raise Unavailable("MongoDB is no replica set, so it has no transactions: use --replSet")
            await connected["outbox"].find_one({}, {"_id": 1})

    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX), mongo.connect(url, database) as connected:
            await asked(connected)
    except Unavailable as error:
        return f"KEPU_MONGO: {error}"
    except TimeoutError:
        return f"KEPU_MONGO: MongoDB does not answer within {ANSWER_SECONDS_MAX:.0f} s"
    return None


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN_MAX} more" if len(names) > NAMES_SHOWN_MAX else ""
    return ", ".join(names[:NAMES_SHOWN_MAX]) + more
