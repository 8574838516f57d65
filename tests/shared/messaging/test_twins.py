"""The old version of an event, made from the new one while both are emitted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.contracts.groups import groups_at
from shared.contracts.envelope import Envelope, Event, enclose, event_id, from_headers
from shared.contracts.successions import DECLARED, Succession
from shared.contracts.topics import DEAD_RECORD_BYTES_MAX, Topic, dead_letters
from shared.messaging.consuming import consuming
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import Publisher, Record, publishing, to_record
from shared.messaging.received import Batch, Following, Subscription
from shared.messaging.twins import Twins
from shared.runtime.errors import Rejected
from tests.shared.messaging.readers import QUICK
from tests.support.kafka import read_all
from tests.support.leftovers import topics_made
from tests.support.second_version import Second, Versions, renamed_back, result, versions
from tests.support.waiting import eventually

SINCE = datetime(2027, 3, 1, tzinfo=UTC)
UNTIL = datetime(2027, 9, 1, tzinfo=UTC)
DURING, AFTER = SINCE + timedelta(days=1), UNTIL


def succession_of(both: Versions) -> Succession:
    return both.succession(SINCE, UNTIL, renamed_back)


def said(contract: type[Event], number: int) -> Envelope[Event]:
    event = result(contract, number, SINCE)
    return enclose(event, source="kepu/quiz", cause=f"result-{number}", now=SINCE)


def headers_of(record: Record) -> dict[str, str]:
    return {name: value.decode() for name, value in record[3]}


def test_no_contract_of_ours_is_being_replaced_so_nothing_is_asked() -> None:
    assert DECLARED == ()
    assert not Twins(DECLARED)
    assert not Publisher("127.0.0.1:9", "test")._twins


def test_a_version_after_the_first_has_a_type_and_a_topic_of_its_own() -> None:
    both = versions()
    assert both.new.topic == f"{both.old.topic}.v2"
    assert both.new.type == both.old.type.replace(".v1", ".v2")
    assert (both.old.first_type, both.new.first_type) == (None, both.old.type)


def test_both_versions_are_written_and_the_old_one_is_what_it_was_before_there_was_another() -> None:
    both = versions()
    new = to_record(said(both.new, 1))
    written, twin = Twins([succession_of(both)], lambda: DURING).with_older([new])
    assert written == new
    topic, key, value, _ = to_record(said(both.old, 1))
    assert twin[:3] == (topic, key, value)
    before, now = headers_of(to_record(said(both.old, 1))), headers_of(twin)
    told = {name: text for name, text in now.items() if name.startswith("ce_deprecat")}
    assert told == {
        "ce_deprecated": "true",
        "ce_deprecationfrom": "2027-03-01T00:00:00Z",
        "ce_deprecationsunset": "2027-09-01T00:00:00Z",
        "ce_deprecationmigration": f"urn:{both.new.type}",
    }
    # Each enclosing begins a trace of its own.
    assert {**now, "traceparent": "", "ce_correlationid": ""} == {
        **before,
        **told,
        "traceparent": "",
        "ce_correlationid": "",
    }


def test_one_event_has_an_id_in_each_version_and_the_new_one_names_the_old() -> None:
    both = versions()
    old, new = said(both.old, 1).context, said(both.new, 1).context
    assert old.id == event_id("result-1", both.old.type)
    assert new.id != old.id
    assert (old.fact_id, new.fact_id) == (None, old.id)
    assert headers_of(to_record(said(both.new, 1)))["ce_factid"] == old.id
    assert said(both.new, 1).context.id == new.id


def test_from_its_end_on_only_the_new_version_is_written() -> None:
    both = versions()
    records = [to_record(said(both.new, 1))]
    last = UNTIL - timedelta(milliseconds=1)
    assert len(Twins([succession_of(both)], lambda: last).with_older(records)) == 2
    assert Twins([succession_of(both)], lambda: UNTIL).with_older(records) == records


def test_records_of_other_topics_and_of_the_old_version_are_left_alone() -> None:
    both, other = versions(), versions()
    records = [to_record(said(other.new, 1)), to_record(said(both.old, 2))]
    assert Twins([succession_of(both)], lambda: DURING).with_older(records) == records


def test_three_versions_are_made_each_from_the_one_after_it() -> None:
    both = versions()

    class Third(Second, topic=both.old.topic, key="result_id", version=3, succeeds=both.new):
        pass

    twins = Twins(
        [succession_of(both), Succession(both.new, Third, SINCE, UNTIL, dict)], clock=lambda: DURING
    )
    made = twins.with_older([to_record(said(Third, 1))])
    assert [record[0] for record in made] == [Third.topic, both.new.topic, both.old.topic]
    assert [headers_of(record)["ce_id"] for record in made] == [
        said(contract, 1).context.id for contract in (Third, both.new, both.old)
    ]
    # The key is that of each version.
    assert [record[1] for record in made] == [b"result-1", b"person-1", b"person-1"]
    assert [headers_of(record)["ce_subject"] for record in made] == ["result-1", "person-1", "person-1"]


def test_what_is_sent_again_by_hand_is_not_written_to_the_old_topic_once_more() -> None:
    both = versions()
    topic, key, value, headers = to_record(said(both.new, 1))
    again = topic, key, value, [*headers, ("redriven_from", b"0/17")]
    assert Twins([succession_of(both)], lambda: DURING).with_older([again]) == [again]


def test_events_of_a_key_keep_their_order_in_both_topics() -> None:
    both = versions()
    records = [to_record(said(both.new, number)) for number in range(9)]
    made = Twins([succession_of(both)], lambda: DURING).with_older(records)
    for contract in (both.old, both.new):
        times = [
            contract.model_validate_json(record[2] or b"").time_used_seconds
            for record in made
            if record[0] == contract.topic
        ]
        assert times == list(range(300, 309))


def test_old_version_that_cannot_be_made_is_an_error_and_says_which_field() -> None:
    both = versions()
    wrong = both.succession(SINCE, UNTIL, lambda fields: {**fields, "score_percent": 101})
    with pytest.raises(Rejected, match="score_percent") as refused:
        Twins([wrong], lambda: DURING).with_older([to_record(said(both.new, 1))])
    assert refused.value.code == "old_version_unmakeable"


def test_record_that_does_not_name_its_first_version_is_an_error() -> None:
    both = versions()
    topic, key, value, headers = to_record(said(both.new, 1))
    unnamed = topic, key, value, [header for header in headers if header[0] != "ce_factid"]
    with pytest.raises(Rejected, match="first_type") as refused:
        Twins([succession_of(both)], lambda: DURING).with_older([unnamed])
    assert refused.value.code == "fact_unnamed"


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        (UNTIL, SINCE, "ends before its successor begins"),
        (SINCE.replace(tzinfo=None), UNTIL, "need a zone"),
    ],
)
def test_succession_with_impossible_times_cannot_be_declared(
    since: datetime, until: datetime, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        versions().succession(since, until, renamed_back)


def test_succession_of_strangers_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="does not say succeeds="):
        Succession(versions().old, versions().new, SINCE, UNTIL, renamed_back)


# A new version is played: from the release that brings it to the end of the old one.


class Reader:
    """A system that reads results, and acts once on each. It remembers what it has handled, by an id."""

    def __init__(self) -> None:
        self.acted: dict[str, int] = {}
        self.repeats = 0

    async def hear(self, batch: Batch[Any]) -> Following:
        for one in batch:
            # Of the first version the id itself.
            fact_id = one.context.fact_id or one.context.id
            score = one.event.percent if isinstance(one.event, Second) else one.event.score_percent
            self.repeats += fact_id in self.acted
            self.acted.setdefault(fact_id, score)
        return []


def facts(numbers: Sequence[int], both: Versions) -> dict[str, int]:
    return {event_id(f"result-{number}", both.old.type): 80 for number in numbers}


@asynccontextmanager
async def reads(kafka: str, group: str, contract: type[Event], reader: Reader) -> AsyncIterator[None]:
    async with (
        publishing(kafka, "test") as publisher,
        consuming(kafka, [Subscription(group, [contract], reader.hear, codes=())], publisher, policy=QUICK),
    ):
        yield


async def make_topics(kafka: str, both: Versions, *groups: str) -> None:
    live = [Topic(contract.topic, groups, 3) for contract in (both.old, both.new)]
    dead = [
        Topic(dead_letters(topic.name, group), (), 1, record_bytes_max=DEAD_RECORD_BYTES_MAX)
        for topic in live
        for group in groups
    ]
    topics_made.setdefault(kafka, set()).update(topic.name for topic in (*live, *dead))
    await create_missing(kafka, wanted=[*live, *dead])


@pytest.mark.stack
async def test_new_version_runs_beside_the_old_until_its_end_and_readers_go_over_without_a_repeat(
    kafka: str,
) -> None:
    both = versions()
    stays, moves, starts = (f"{both.old.topic}-{name}" for name in ("stays", "moves", "starts"))
    await make_topics(kafka, both, stays, moves, starts)
    clock = [DURING]
    twins = Twins([succession_of(both)], lambda: clock[0])
    old_reader, mover, new_reader = Reader(), Reader(), Reader()
    async with reads(kafka, stays, both.old, old_reader):
        async with reads(kafka, moves, both.old, mover):
            # The release before knows only the old version.
            async with publishing(kafka, "before") as before:
                await before.publish([said(both.old, number) for number in range(10)])
            await eventually(lambda: len(mover.acted) == 10)
        async with publishing(kafka, "now", twins) as now, reads(kafka, starts, both.new, new_reader):
            # The new release repeats what the old one has published before it was stopped.
            await now.publish([said(both.new, number) for number in range(5, 20)])
            # One reader goes over to the new version, with what it remembers.
            async with reads(kafka, moves, both.new, mover):
                await now.publish([said(both.new, number) for number in range(20, 30)])
                await eventually(lambda: len(mover.acted) == 30)
                await eventually(lambda: len(old_reader.acted) == 30)
                await eventually(lambda: len(new_reader.acted) == 25)
                # Nobody misses anything, and nobody acts twice: an id of a result is the same in all places.
                assert old_reader.acted == mover.acted == facts(range(30), both)
                assert new_reader.acted == facts(range(5, 30), both)
                assert (mover.repeats, new_reader.repeats) == (5, 0)
                # Kafka says who still reads the old version, and that it has read everything.
                await eventually(lambda: unread(kafka, both.old, stays) == 0)
                # The time of the old version is over.
                clock[0] = AFTER
                await now.publish([said(both.new, number) for number in range(30, 40)])
                await eventually(lambda: len(mover.acted) == len(new_reader.acted) + 5 == 40)
    assert old_reader.acted == facts(range(30), both)
    assert new_reader.acted == facts(range(5, 40), both)
    await look_at_the_old_topic(kafka, both)


def unread(kafka: str, contract: type[Event], group: str) -> int | None:
    return next((one.unread for one in groups_at(kafka, contract.topic) if one.name == group), None)


async def look_at_the_old_topic(kafka: str, both: Versions) -> None:
    """Its readers were told: each record since the new release says when the old version ends."""
    records = await read_all(kafka, both.old.topic)
    told = [dict(record.headers).get("ce_deprecationsunset") for record in records]
    assert told.count(None) == 10
    assert told.count(b"2027-09-01T00:00:00Z") == 25
    contexts = [from_headers(record.headers, appended_at=lambda: SINCE, key=record.key) for record in records]
    assert {context.type for context in contexts} == {both.old.type}
    assert len({context.id for context in contexts}) == 30
