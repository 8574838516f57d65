"""Dead letters are found, sent again, and set aside; on a real broker."""

import asyncio
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.dead import decide
from ops.dead.chosen import Choice, ChoiceUnclear, may_go_again, moment_of
from ops.dead.letters import Letter, read_letters
from shared.contracts.envelope import Headers
from shared.contracts.events import DeadLetterDecided, ParticipantKeyed, QuizCancelled
from shared.contracts.topics import declared
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import publishing
from shared.messaging.received import Batch
from tests.shared.messaging.readers import Ear, reading, say, until_committed
from tests.support.kafka import Said, dead_topic_of, new_contract, read_all, write_raw
from tests.support.service import new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


def refusing(*numbers: int) -> Ear:
    def refuse(batch: Batch[Said]) -> None:
        if any(received.event.number in numbers for received in batch):
            raise OverflowError

    return Ear(refuse)


async def letters_of(kafka: str, contract: type[Said]) -> list[Letter]:
    await create_missing(kafka, wanted=[declared(DeadLetterDecided)])
    return await asyncio.to_thread(read_letters, kafka, [dead_topic_of(contract)])


async def test_headers_of_strangers_hide_no_dead_letter(kafka: str) -> None:
    """One number of 5,000 digits, and the command raised for all letters of the topic."""
    contract = await new_contract(kafka)
    many = b"9" * 5_000
    wrong: list[Headers] = [
        [("redriven_times", many), ("redriven_from", b"0/0")],
        [("redriven_times", b"1"), ("redriven_from", many)],
        [("redriven_times", b"1"), ("redriven_from", b"\x1b[31m")],
        [("dead_partition", many), ("dead_time", b"0001-01-01T00:00:00+23:59")],
    ]
    await write_raw(kafka, contract.topic, [(b"wang", b"{", headers) for headers in wrong])
    async with reading(kafka, contract, Ear()):
        await until_committed(kafka, contract, {0: len(wrong)})
    # These are no dead letters: a stranger has written them there.
    told = {
        "dead_topic": b"a",
        "dead_group": b"b",
        "dead_partition": b"0",
        "dead_offset": b"0",
        "dead_code": b"c",
    }
    for time in (b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", many):
        await write_raw(kafka, dead_topic_of(contract), [(b"k", b"v", [*told.items(), ("dead_time", time)])])
    letters = await letters_of(kafka, contract)
    assert [(one.times, one.first) for one in letters] == [(0, f"0/{offset}") for offset in range(len(wrong))]


async def redrive(kafka: str, letters: Sequence[Letter], rate: float = 1_000) -> list[int]:
    told: list[int] = []
    async with publishing(kafka, "test") as publisher:
        await decide.redrive(publisher, letters, by="ops", reason="mended", rate=rate, told=told.append)
    return told


async def test_what_was_given_up_is_handled_after_it_is_sent_again_and_waits_no_more(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(6))
    async with reading(kafka, contract, refusing(2, 4)):
        await until_committed(kafka, contract, {0: 6})
    await write_raw(kafka, contract.topic, [(b"wang", b"{", [])])
    ear = refusing(4)
    async with reading(kafka, contract, ear):
        await until_committed(kafka, contract, {0: 7})
        letters = await letters_of(kafka, contract)
        assert [(one.code, one.place[-1], one.state) for one in letters] == [
            ("handler_failed", "2", "waiting"),
            ("handler_failed", "4", "waiting"),
            ("bad_header", "6", "waiting"),
        ]
        chosen = Choice(code="handler_failed").of(letters)
        await redrive(kafka, chosen)
        await until_committed(kafka, contract, {0: 9})
    assert ear.heard == [2]
    after = await letters_of(kafka, contract)
    # What failed again is a letter of its own, that knows where its record was first.
    assert [(one.state, one.times, one.first) for one in after] == [
        ("redriven", 0, "0/2"),
        ("redriven", 0, "0/4"),
        ("waiting", 0, "0/6"),
        ("waiting", 1, "0/4"),
    ]
    assert [one.event_id for one in after if one.first == "0/4"] == [chosen[1].event_id] * 2
    # The record is the same but for the two headers that say so.
    first, sent = [one for one in await read_all(kafka, contract.topic) if one.offset in (2, 7)]
    assert (first.key, first.value) == (sent.key, sent.value)
    assert dict(sent.headers) == dict(first.headers) | {"redriven_from": b"0/2", "redriven_times": b"1"}


async def test_a_command_that_is_broken_off_leaves_no_letter_out(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(10))
    async with reading(kafka, contract, refusing(*range(10))):
        await until_committed(kafka, contract, {0: 10})
    letters = await letters_of(kafka, contract)
    # At two records a second, in chunks of two: it is killed after the first of five.
    killed = asyncio.create_task(redrive(kafka, letters, rate=2))

    async def has_begun() -> bool:
        return bool(Choice(state="redriven").of(await letters_of(kafka, contract)))

    await eventually(has_begun)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    left = Choice().of(await letters_of(kafka, contract))
    assert 0 < len(left) < 10
    await redrive(kafka, left)
    ear = Ear()
    async with reading(kafka, contract, ear):
        ends = len(await read_all(kafka, contract.topic))
        await until_committed(kafka, contract, {0: ends})
    assert sorted(set(ear.heard)) == list(range(10))
    assert Choice().of(await letters_of(kafka, contract)) == []


async def test_what_is_set_aside_is_not_waiting_and_can_be_named(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, [0])
    async with reading(kafka, contract, refusing(0)):
        await until_committed(kafka, contract, {0: 1})
    [letter] = await letters_of(kafka, contract)
    async with publishing(kafka, "test") as publisher:
        await decide.discard(publisher, [letter], by="ops", reason="sender told", told=lambda _: None)
    [after] = await letters_of(kafka, contract)
    assert (after.state, after.decisions[0].by, after.decisions[0].reason) == (
        "discarded",
        "ops",
        "sender told",
    )
    assert Choice().of([after]) == []
    assert Choice(names=(letter.name,)).of([after]) == [after]
    with pytest.raises(ChoiceUnclear, match="there is no dead letter"):
        Choice(names=("said.dead/0/1",)).of([after])


async def test_in_a_compacted_topic_no_record_replaces_a_later_one_of_its_key(kafka: str) -> None:
    topic = declared(ParticipantKeyed)
    await create_missing(kafka, wanted=[topic])
    key = new_id("p").encode()
    await write_raw(kafka, topic.name, [(key, b"{}", []), (key, b"{}", [])])
    first, last = [one.offset for one in await read_all(kafka, topic.name) if one.key == key]
    letters = [
        letter(topic=topic.name, key=key, offset=offset, name=f"dead/0/{offset}") for offset in (first, last)
    ]
    assert await asyncio.to_thread(decide.replaced, kafka, letters) == {f"dead/0/{first}"}


def test_the_command_finds_and_sets_aside_a_letter_by_what_it_says(kafka: str) -> None:
    topic = declared(QuizCancelled)
    [group] = topic.groups
    dead = topic.dead(group)
    asyncio.run(create_missing(kafka, wanted=[topic, dead, declared(DeadLetterDecided)]))
    id_ = new_id("event")
    said = {
        "ce_id": id_,
        "ce_type": "t",
        "dead_code": "bad_body",
        "dead_reason": "[bold]title: missing",
    }
    said |= {"dead_topic": topic.name, "dead_group": group, "dead_partition": "0", "dead_offset": "7"}
    headers = [(name, text.encode()) for name, text in said.items()]
    now = datetime.now(UTC).isoformat().encode()
    asyncio.run(write_raw(kafka, dead.name, [(b"q", b'{"secret": 1}', [*headers, ("dead_time", now)])]))

    def kepu(*words: str) -> str:
        done = CliRunner(env={"COLUMNS": "400"}).invoke(app, ["dead", *words, "--kafka", kafka])
        assert done.exit_code == 0, done.output
        return done.output

    which = "--event", id_, "--topic", topic.name
    listed = kepu("list", *which)
    assert "[bold]title: missing" in listed
    assert "secret" not in listed
    [name] = re.findall(rf"{re.escape(dead.name)}/0/\d+", listed)
    assert "secret" not in kepu("show", name)
    assert "secret" in kepu("show", name, "--value")
    assert "would discard 1" in kepu("discard", *which, "--reason", "told", "--dry-run")
    assert "1 discarded" in kepu("discard", *which, "--reason", "told", "--by", "east", "--yes")
    assert "no waiting dead letters" in kepu("list", *which)
    assert json.loads(kepu("list", *which, "--state", "discarded", "--json"))["name"] == name
    assert "by east: told" in kepu("show", name)


def letter(
    topic: str = "quiz.submitted",
    *,
    key: bytes | None = b"a",
    value: bytes | None = b"{}",
    times: int = 0,
    name: str = "dead/0/1",
    offset: int = 1,
) -> Letter:
    at = datetime(2027, 5, 20, tzinfo=UTC)
    place = f"{topic}/0/{offset}"
    return Letter(name, topic, "g", "bad_body", "", place, "0/1", at, times, "e", "s", "c", [], key, value)


def test_what_goes_round_in_a_circle_or_is_not_there_stays() -> None:
    good, worn, empty, late = letter(), letter(times=3), letter(value=None), letter(name="dead/0/2")
    go, refused = may_go_again([good, worn, empty, late], {"dead/0/2"})
    assert go == [good]
    assert [(one.letter, one.why.partition(":")[0]) for one in refused] == [
        (worn, "it was sent again 3 times"),
        (empty, "it does not contain the record"),
        (late, "a later record of the same key has replaced it"),
    ]
    assert may_go_again([worn], (), times_max=4) == ([worn], [])


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("5s", timedelta(seconds=5)),
    ],
)
def test_a_time_is_given_by_how_long_ago_it_was(text: str, ago: timedelta) -> None:
    now = datetime(2027, 5, 20, 8, tzinfo=UTC)
    assert moment_of(text, now) == now - ago
    assert moment_of("2027-05-20T16:00:00+08:00", now) == now


@pytest.mark.parametrize("text", ["", "2w", "yesterday", "2027-05-20", "2027-05-20T08:00:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ChoiceUnclear, match="is no time"):
        moment_of(text, datetime.now(UTC))
