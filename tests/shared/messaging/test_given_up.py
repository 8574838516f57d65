"""A handler is told of what its group has given up, whoever has given it up; on a real broker."""

from collections.abc import Sequence

import pytest

from shared.messaging.received import Batch, Dead
from shared.runtime.errors import Unavailable
from tests.shared.messaging.readers import Ear, reading, say, until_committed
from tests.support.kafka import Said, dead_topic_of, new_contract, read_all, write_raw

pytestmark = pytest.mark.stack


class Told:
    """Remembers the codes of what was given up; fails first as often as it is told to."""

    def __init__(self, *errors: Exception) -> None:
        self.codes: list[str] = []
        self._errors = list(errors)

    async def __call__(self, dead: Sequence[Dead]) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self.codes += [one.why.code for one in dead]


def failing(batch: Batch[Said]) -> None:
    if any(received.event.number == 1 for received in batch):
        raise KeyError


async def test_what_is_malformed_and_what_the_handler_fails_on_is_told_once_servers_are_back(
    kafka: str,
) -> None:
    contract, told = await new_contract(kafka), Told(Unavailable("away"), Unavailable("away"))
    await say(kafka, contract, range(3))
    await write_raw(kafka, contract.topic, [(b"wang", b"{", [])])
    async with reading(kafka, contract, ear := Ear(failing), given_up=told):
        await until_committed(kafka, contract, {0: 4})
    assert sorted(told.codes) == ["bad_header", "handler_failed"]
    assert ear.heard == [0, 2]


async def test_who_fails_to_listen_stops_nobody_and_no_letter_is_written_twice(kafka: str) -> None:
    contract, told = await new_contract(kafka), Told(KeyError("a fault of ours"))
    await say(kafka, contract, range(3))
    async with reading(kafka, contract, Ear(failing), given_up=told) as consumer:
        await until_committed(kafka, contract, {0: 3})
        assert consumer.problem() is None
    assert told.codes == []
    assert len(await read_all(kafka, dead_topic_of(contract))) == 1
