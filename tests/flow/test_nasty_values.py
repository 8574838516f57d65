"""Whatever value stands in a record, no handler fails: the record is refused, or every store takes it."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import bson
import msgspec
import pytest
from aiokafka import ConsumerRecord
from fastapi import FastAPI
from pydantic import BaseModel

from ops.contracts.documents import GOLDEN
from services.awards import app as awards
from services.notifications import app as notifications
from services.overview import app as overview
from services.quiz import app as quiz
from services.registration import app as registration
from services.webhooks import app as webhooks
from shared.contracts.envelope import HEADER_BYTES_MAX, Envelope, Event, enclose, to_headers
from shared.messaging.decoding import Decoding
from shared.messaging.publisher import to_record
from shared.messaging.received import Batch, Raw, Received, Subscription
from shared.runtime.errors import Rejected
from shared.service import Service
from shared.storage import mongo as storage
from shared.storage import outbox
from shared.storage.ended_tokens import EndedTokens
from shared.web.app import create_app
from shared.web.starting import Parts
from tests.awards import builders as of_awards
from tests.notifications import builders as of_notifications
from tests.overview import builders as of_overview
from tests.quiz import builders as of_quiz
from tests.registration import builders as of_registration
from tests.support.service import SOURCE, new_id
from tests.webhooks import builders as of_webhooks

pytestmark = pytest.mark.stack

# As JSON. Nesting and sizes are below what the size of an event allows.
NASTY = {
    "2**53": "9007199254740992",
    "2**53 + 1": "9007199254740993",
    "2**63": "9223372036854775808",
    "2**64": "18446744073709551616",
    "-1": "-1",
    "-2**63 - 1": "-9223372036854775809",
    "400 digits": "9" * 400,
    "0": "0",
    "1.0": "1.0",
    "-0.0": "-0.0",
    "1e308": "1e308",
    "1e400": "1e400",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "true": "true",
    "null": "null",
    "empty": '""',
    "a letter": '"A"',
    "long": json.dumps("a" * 5_000),
    "very long": json.dumps("\u5b57" * 100_000),
    "zero byte": '"a\\u0000b"',
    "half a character": '"\\ud800"',
    "dollar": '"$where"',
    "first year": '"0001-01-01T00:00:00+23:59"',
    "first year taken": '"2000-01-01T00:00:00Z"',
    "last year": '"9999-12-31T23:59:59-23:59"',
    "last year taken": '"2099-12-31T23:59:59.999999Z"',
    "list": "[]",
    "list of null": "[null]",
    "object": "{}",
    "key with a zero byte": '{"a\\u0000b": 1}',
    "keys that are operators": '{"$set": 1, "a.b": 2, "": 3}',
    "key of letters": '{"q001": "A"}',
    "large number by key": '{"a": 18446744073709551616}',
    "nested lists": "[" * 200 + "]" * 200,
    "nested objects": '{"a":' * 200 + "1" + "}" * 200,
}
# The envelope accepts all of these.
NASTY_HEADERS = {
    "long": b"x" * HEADER_BYTES_MAX,
    "wide": "\u5b57".encode() * (HEADER_BYTES_MAX // 3),
    "zero byte": b"a\0b",
    "two lines": b"a\r\nb: c",
    "colours": b"\x1b[31m",
    "dollar": b"$where",
    "blank": b" ",
    "empty": b"",
}
FREE_HEADERS = ("ce_id", "ce_source", "ce_subject", "ce_correlationid", "ce_causationid", "traceparent")
MARK = "@@here@@"
SERVICES: dict[str, tuple[Any, Any]] = {
    "registration": (registration.wire, of_registration),
    "quiz": (quiz.wire, of_quiz),
    "awards": (awards.wire, of_awards),
    "notifications": (notifications.wire, of_notifications),
    "webhooks": (webhooks.wire, of_webhooks),
    "overview": (overview.wire, of_overview),
}


class Wired(Service[Any]):
    """A service whose handlers are called by the test. Nothing runs by itself."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.subscriptions: list[Subscription] = []

    def consume(self, *subscriptions: Subscription) -> None:
        self.subscriptions += subscriptions


def golden(contract: type[Event]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((GOLDEN / f"{contract.type}.json").read_text())["data"]
    return data


def places(value: Any, *way: Any) -> Iterator[tuple[Any, ...]]:
    """The ways to all values within."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*way, key)
        # The first of a list is like the others.
        if not (isinstance(value, list) and key > 0):
            yield from places(part, *way, key)


def with_nasty(contract: type[Event]) -> Iterator[tuple[str, bytes, bytes]]:
    """Records of the contract with one nasty value each: what it is, the key and the value."""
    data = golden(contract)
    for way in places(data):
        for name, nasty in NASTY.items():
            changed = json.loads(json.dumps(data))
            inner = changed
            for step in way[:-1]:
                inner = inner[step]
            inner[way[-1]] = MARK
            # Each about somebody else, so that none is a repeat.
            if way != (contract.key_field,):
                changed[contract.key_field] = new_id("nasty")
            key = changed[contract.key_field]
            text = json.dumps(changed).replace(json.dumps(MARK), nasty)
            yield (
                f"{contract.type} {way}: {name}",
                key.replace(MARK, nasty.strip('"')).encode(),
                text.encode(),
            )


def with_nasty_headers(contract: type[Event]) -> Iterator[tuple[str, Raw]]:
    """Good records of the contract with one nasty header each."""
    for header in FREE_HEADERS:
        for name, nasty in NASTY_HEADERS.items():
            key = new_id("nasty")
            data = {**golden(contract), contract.key_field: key}
            record = record_of(contract, key.encode(), json.dumps(data).encode())
            others = [pair for pair in record.headers if pair[0] != header]
            named = f"{contract.type} {header}: {name}"
            yield named, replace(record, headers=(*others, (header, nasty)))


def record_of(contract: type[Event], key: bytes, value: bytes) -> Raw:
    now = datetime.now(UTC)
    event = contract.model_validate_json(json.dumps(golden(contract)))
    context = enclose(event, source=SOURCE, cause=new_id(), now=now).context
    return ConsumerRecord(
        topic=contract.topic,
        partition=0,
        offset=0,
        timestamp=round(now.timestamp() * 1000),
        timestamp_type=1,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=len(key),
        serialized_value_size=len(value),
        headers=tuple(to_headers(context)),
    )


@asynccontextmanager
async def wired(service: str, kafka: str, mongo: str) -> AsyncIterator[Wired]:
    wire, builders = SERVICES[service]
    settings = builders.settings(kafka=kafka, mongo=mongo, role="worker")

    async def lifespan(_: FastAPI, __: AsyncExitStack) -> Parts:
        return Parts({})

    app = create_app(service, title=service, description=service, settings=settings, lifespan=lifespan)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(storage.connect(mongo, settings.database))
        await outbox.prepare(database)
        ended_tokens = EndedTokens(database)
        await ended_tokens.prepare()
        parts = Wired(app, settings, stack, database, ended_tokens)
        await wire(parts)
        yield parts


async def failures(subscription: Subscription, named: dict[int, str], good: list[Received[Any]]) -> list[str]:
    """The records on which the handler fails."""
    try:
        for following in await subscription.handle(Batch(good)):
            if isinstance(following, Envelope):
                to_record(following)
    except Exception as error:  # noqa: BLE001 (each is what this test looks for, but a rejection of one)
        if len(good) == 1:
            rejected = isinstance(error, Rejected)
            return [] if rejected else [f"{named[id(good[0].record)]}: {type(error).__name__}: {error}"]
        middle = len(good) // 2
        first = await failures(subscription, named, good[:middle])
        return first + await failures(subscription, named, good[middle:])
    return []


@pytest.mark.parametrize("service", SERVICES)
async def test_a_nasty_value_is_refused_or_handled(service: str, kafka: str, mongo: str) -> None:
    failed: list[str] = []
    async with wired(service, kafka, mongo) as parts:
        assert parts.subscriptions
        for subscription in parts.subscriptions:
            decoding = Decoding(subscription)
            for contract in subscription.contracts:
                named: dict[int, str] = {}
                records = []
                for name, key, value in with_nasty(contract):
                    record = record_of(contract, key, value)
                    records.append(record)
                    named[id(record)] = name
                for name, record in with_nasty_headers(contract):
                    records.append(record)
                    named[id(record)] = name
                good, _ = await decoding.decode(records)
                for one in good:
                    _encode(named[id(one.record)], one.event, failed)
                failed += await failures(subscription, named, good)
    assert not failed, "\n".join(failed)


def _encode(name: str, event: Any, failed: list[str]) -> None:
    fields = event.model_dump() if isinstance(event, BaseModel) else msgspec.structs.asdict(event)
    try:
        bson.encode(fields)
    except Exception as error:  # noqa: BLE001 (as above)
        failed.append(f"{name} is no BSON: {type(error).__name__}")
