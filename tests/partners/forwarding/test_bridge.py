"""The bridge on a real Kafka: what it forwards, what it refuses, and who waits for whom."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.partners.forwarding.follow import Bridge
from services.partners.forwarding.rules import share_of
from services.partners.forwarding.windows import Looking
from shared.contracts.envelope import Headers
from shared.contracts.events import RegistrationRequested
from shared.contracts.partners import Partner, PartnerFile
from shared.contracts.topics import dead_letters, declared
from shared.messaging.create_topics import create_missing
from shared.messaging.offsets import Offsets
from shared.messaging.publisher import publishing
from shared.messaging.received import Raw
from shared.runtime.background import Loop, looping
from shared.runtime.errors import Unavailable
from tests.partners.builders import REQUESTS, a_command, a_partner
from tests.support.kafka import read_all, write_raw
from tests.support.leftovers import topics_made
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


class Bridged:
    """A bridge that runs, and a reader of the shared topic which reads only when a test says so."""

    def __init__(self, kafka: str, file: Path) -> None:
        self.kafka = kafka
        self.file = file
        self.group = f"requests-{uuid4().hex[:12]}"

    async def declare(self, *partners: Partner) -> None:
        """From now on these are the partners."""
        wanted = [topic for partner in partners for topic in partner.topics]
        topics_made.setdefault(self.kafka, set()).update(topic.name for topic in wanted)
        await create_missing(self.kafka, wanted=[declared(RegistrationRequested), *wanted])
        await asyncio.to_thread(self.file.write_bytes, msgspec.json.encode(PartnerFile(partners)))

    async def write(self, partner: Partner, *commands: tuple[bytes, bytes, Headers]) -> None:
        await write_raw(self.kafka, partner.ingress(REQUESTS), commands)

    async def forwarded(self, partner: Partner) -> list[Raw]:
        """The records of this partner in the shared topic."""
        source = ("ce_source", partner.source.encode())
        return [record for record in await read_all(self.kafka, REQUESTS) if source in record.headers]

    async def refused(self, partner: Partner) -> list[bytes]:
        """The codes of its dead letters."""
        letters = await read_all(self.kafka, dead_letters(partner.ingress(REQUESTS), partner.group))
        return [dict(letter.headers)["dead_code"] for letter in letters]

    async def read(self) -> None:
        """Read all of the shared topic, as registration does."""
        consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(
            bootstrap_servers=self.kafka, group_id=self.group, enable_auto_commit=False
        )
        await consumer.start()
        try:
            places = [
                TopicPartition(REQUESTS, at) for at in range(declared(RegistrationRequested).partitions)
            ]
            consumer.assign(places)
            await consumer.commit(await consumer.end_offsets(places))
        finally:
            await consumer.stop()


@pytest.fixture
async def bridged(kafka: str, tmp_path: Path) -> AsyncIterator[Bridged]:
    async with running(kafka, tmp_path / "partners.json") as found:
        yield found


@asynccontextmanager
async def running(kafka: str, file: Path) -> AsyncIterator[Bridged]:
    found = Bridged(kafka, file)
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(publishing(kafka, "test"))
        looking = Looking(Offsets(publisher), {REQUESTS: found.group})
        bridge = Bridge(file, kafka, publisher, looking)
        stack.push_async_callback(bridge.close)
        loops = Loop("file", bridge.turn), Loop("windows", looking.turn)
        await stack.enter_async_context(looping(*loops))
        yield found


def is_like(record: Raw, command: tuple[bytes, bytes, Headers]) -> bool:
    key, value, headers = command
    return (record.key, record.value) == (key, value) and set(headers) <= set(record.headers)


async def test_a_good_command_is_forwarded_as_it_is(bridged: Bridged) -> None:
    hall = a_partner()
    await bridged.declare(hall)
    command = a_command(hall.source)
    await bridged.write(hall, command)
    [record] = await eventually(lambda: bridged.forwarded(hall))
    assert is_like(record, command)


async def test_what_is_wrong_is_refused_alone_and_told_by_a_code(bridged: Bridged) -> None:
    hall, other = a_partner(), a_partner()
    await bridged.declare(hall, other)
    key, value, headers = a_command(hall.source, 5)
    wrong: Sequence[tuple[bytes, bytes, Headers]] = [
        a_command(other.source, 1),
        a_command("kepu/quiz", 2),
        a_command(hall.source, 3, value=b"{"),
        a_command(hall.source, 4, key=b"somebody"),
        (b"key", b"{}", []),
        (key, value, [*headers[:3], ("ce_type", b"kepu.quiz.closed.v1")]),
    ]
    await bridged.write(hall, a_command(hall.source, 0), *wrong, a_command(hall.source, 6))
    codes = await eventually(lambda: bridged.refused(hall), lambda found: len(found) == len(wrong))
    assert sorted(codes) == sorted(
        [b"source_foreign", b"source_foreign", b"bad_body", b"key_differs", b"bad_header", b"unknown_type"]
    )
    records = await eventually(lambda: bridged.forwarded(hall), lambda found: len(found) == 2)
    assert {dict(record.headers)["ce_id"] for record in records} == {
        f"{hall.source}-0".encode(),
        f"{hall.source}-6".encode(),
    }
    assert await bridged.forwarded(other) == []


async def test_a_header_that_only_operators_write_is_not_forwarded(bridged: Bridged) -> None:
    hall = a_partner()
    await bridged.declare(hall)
    key, value, headers = a_command(hall.source)
    await bridged.write(hall, (key, value, [*headers, ("redriven_from", b"0/1"), ("more", b"x")]))
    [record] = await eventually(lambda: bridged.forwarded(hall))
    assert {"redriven_from", "more"}.isdisjoint(dict(record.headers))


async def test_a_flood_waits_in_its_own_topic_and_another_partner_does_not_wait(bridged: Bridged) -> None:
    flooder, hall = a_partner(), a_partner()
    await bridged.declare(flooder, hall)
    share = share_of(REQUESTS, 2)
    commands = [a_command(flooder.source, number) for number in range(2 * share + 1)]
    await bridged.write(flooder, *commands)
    await eventually(lambda: bridged.forwarded(flooder), lambda found: len(found) == share)
    await bridged.write(hall, a_command(hall.source))
    await eventually(lambda: bridged.forwarded(hall))
    # Nothing more of the flood came meanwhile.
    assert len(await bridged.forwarded(flooder)) == share
    await bridged.read()
    await eventually(lambda: bridged.forwarded(flooder), lambda found: len(found) == 2 * share)
    await bridged.read()
    records = await eventually(lambda: bridged.forwarded(flooder), lambda found: len(found) == len(commands))
    assert {record.key for record in records} == {key for key, _, _ in commands}


async def test_a_partner_that_is_added_is_read_and_one_that_goes_is_not(bridged: Bridged) -> None:
    hall, late = a_partner(), a_partner()
    await bridged.declare(hall)
    await bridged.write(hall, a_command(hall.source))
    await eventually(lambda: bridged.forwarded(hall))
    await bridged.declare(late)
    await bridged.write(late, a_command(late.source))
    await eventually(lambda: bridged.forwarded(late))
    await bridged.write(hall, a_command(hall.source, 1))
    await bridged.write(late, a_command(late.source, 1))
    await eventually(lambda: bridged.forwarded(late), lambda found: len(found) == 2)
    assert len(await bridged.forwarded(hall)) == 1


async def test_after_a_restart_it_goes_on_where_it_was(kafka: str, tmp_path: Path) -> None:
    hall = a_partner()
    async with running(kafka, tmp_path / "partners.json") as bridged:
        await bridged.declare(hall)
        await bridged.write(hall, a_command(hall.source))
        await eventually(lambda: bridged.forwarded(hall))
    await write_raw(kafka, hall.ingress(REQUESTS), [a_command(hall.source, 1)])
    async with running(kafka, tmp_path / "partners.json") as again:
        records = await eventually(lambda: again.forwarded(hall), lambda found: len(found) > 1)
    assert [dict(record.headers)["ce_id"] for record in records].count(f"{hall.source}-0".encode()) == 1


async def test_a_file_that_is_refused_changes_nothing(kafka: str, tmp_path: Path) -> None:
    file = tmp_path / "partners.json"
    async with publishing(kafka, "test") as publisher:
        bridge = Bridge(file, kafka, publisher, Looking(Offsets(publisher), {}))
        await bridge.turn()
        file.write_text('{"partners": [{"name": "kepu"}]}')
        with pytest.raises(Unavailable, match="the file of partners is refused"):
            await bridge.turn()
        await bridge.close()
