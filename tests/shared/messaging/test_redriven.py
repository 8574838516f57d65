"""Records that operators have sent again, or named to be passed by; on a real broker."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ops.dead.decide import bury
from shared.contracts.envelope import REDRIVEN_FROM, Headers
from shared.contracts.events import DeadLetterDecided
from shared.contracts.topics import declared
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import publishing
from shared.messaging.received import Batch
from shared.runtime.errors import Unavailable
from tests.shared.messaging.readers import QUICK, Ear, reading, say, until_committed
from tests.support.kafka import (
    Said,
    dead_topic_of,
    headers_of,
    new_contract,
    read_all,
    readers_of,
    said,
    write_raw,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


class Clock(Ear):
    """Remembers at which time each event counts."""

    def __init__(self) -> None:
        super().__init__(self._note)
        self.times: list[datetime] = []

    def _note(self, batch: Batch[Said]) -> None:
        self.times += [received.appended_at for received in batch]


def again(contract: type[Said], number: int, place: str) -> tuple[bytes, bytes, Headers]:
    envelope = said(contract, number)
    value = contract.model_validate(envelope.event).model_dump_json().encode()
    return envelope.event.key.encode(), value, [*headers_of(envelope), (REDRIVEN_FROM, place.encode())]


async def test_what_is_sent_again_counts_as_of_its_first_place_and_nobody_can_forge_that(kafka: str) -> None:
    contract = await new_contract(kafka, partitions=2)
    await say(kafka, contract, [0, 1, 2])
    [first] = [
        one for one in await read_all(kafka, contract.topic) if one.value and b'"number":1' in one.value
    ]
    partition = first.partition
    forged = [
        f"{partition}/0",
        f"{1 - partition}/1",
        "7/1",
        f"{partition}/99",
        f"{partition}/-1",
        "x",
        "1/" + "9" * 40,
    ]
    true = f"{partition}/{first.offset}"
    await write_raw(kafka, contract.topic, [again(contract, 1, place) for place in [true, *forged]])
    ear = Clock()
    async with reading(kafka, contract, ear):
        await eventually(lambda: len(ear.heard) == 3 + 1 + len(forged))
    by_time = [at for number, at in zip(ear.heard, ear.times, strict=True) if number == 1]
    at_first = datetime.fromtimestamp(first.timestamp / 1000, UTC)
    assert [at == at_first for at in sorted(by_time)] == [True, True, *[False] * len(forged)]


async def test_a_record_that_lets_a_group_wait_for_ever_can_be_passed_by(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(5))

    def never(batch: Batch[Said]) -> None:
        if any(received.event.number == 3 for received in batch):
            raise Unavailable("the server that is asked for 3 is away")

    ear = Ear(never)
    async with reading(kafka, contract, ear, policy=replace(QUICK, blocked_seconds=0.1)):
        await eventually(lambda: ear.batches > 3)
        await bury_all(kafka, contract, [3])
        await until_committed(kafka, contract, {0: 5})
    assert ear.heard == [0, 1, 2, 4]
    [dead] = await read_all(kafka, dead_topic_of(contract))
    assert dict(dead.headers)["dead_code"] == b"buried"


async def test_records_that_stop_a_group_can_be_passed_by_when_it_starts_again(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(30))

    def odd(batch: Batch[Said]) -> None:
        if any(received.event.number < 20 for received in batch):
            raise RuntimeError("our fault")

    strict = replace(QUICK, failed_max=5, failed_ratio_max=0.1)
    async with reading(kafka, contract, Ear(odd), policy=strict) as consumer:
        await eventually(lambda: consumer.stopped)
    await bury_all(kafka, contract, range(20))
    ear = Ear(odd)
    async with reading(kafka, contract, ear, policy=strict):
        await until_committed(kafka, contract, {0: 30})
    assert ear.heard == list(range(20, 30))
    assert len(await read_all(kafka, dead_topic_of(contract))) == 20


async def bury_all(kafka: str, contract: type[Said], offsets: Sequence[int]) -> None:
    await create_missing(kafka, wanted=[declared(DeadLetterDecided)])
    async with publishing(kafka, "test") as publisher:
        places = [f"{contract.topic}/0/{offset}" for offset in offsets]
        await bury(publisher, readers_of(contract), places, by="test", reason=None)
