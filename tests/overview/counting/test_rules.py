"""Each record counts once, in the minute in which its event happened."""

from datetime import UTC, datetime, timedelta

from services.overview.counting.handlers import happened
from services.overview.counting.rules import KEPT, Happened, count, happened_at, minute_of
from shared.contracts.events import RegistrationConfirmed
from shared.contracts.topics import COUNTED, OVERVIEW, declared
from tests.overview.builders import CONFIRMED, NOW, SUBMITTED, records
from tests.support.service import enclosed, received
from tests.webhooks.builders import golden

MINUTE = NOW.replace(second=0)


def test_what_is_behind_the_position_of_its_partition_counts() -> None:
    counted = count([*records(range(3, 6)), *records(range(2), SUBMITTED)], {CONFIRMED: 3}, NOW)
    assert counted.totals == {"registration.confirmed": 3, "quiz.submitted": 2}
    assert counted.minutes == {MINUTE: counted.totals}
    assert counted.positions == {CONFIRMED: 6, SUBMITTED: 2}
    assert counted.newest_at == NOW


def test_a_batch_that_is_repeated_counts_nothing() -> None:
    batch = records(range(10))
    first = count(batch, {}, NOW)
    again = count(batch, first.positions, NOW)
    assert (again.totals, again.minutes, again.positions) == ({}, {}, {})


def test_of_a_batch_that_overlaps_with_an_earlier_one_only_what_is_new_counts() -> None:
    first = count(records(range(10)), {}, NOW)
    counted = count(records(range(5, 15)), first.positions, NOW)
    assert counted.totals == {"registration.confirmed": 5}
    assert counted.positions == {CONFIRMED: 15}


def test_offsets_that_are_missing_make_no_difference() -> None:
    # Of a compacted or transactional log, and of records that became dead letters.
    counted = count([*records(range(2)), *records(range(7, 9))], {}, NOW)
    assert counted.totals == {"registration.confirmed": 4}
    assert counted.positions == {CONFIRMED: 9}


def test_another_partition_of_the_topic_has_a_position_of_its_own() -> None:
    other = CONFIRMED._replace(partition=1)
    counted = count([*records(range(5)), *records(range(2), other)], {CONFIRMED: 5}, NOW)
    assert counted.totals == {"registration.confirmed": 2}


def test_what_operators_have_sent_again_was_counted_where_it_was_first() -> None:
    counted = count([Happened(CONFIRMED, 4, NOW, again=True)], {}, NOW)
    assert (counted.totals, counted.minutes, counted.newest_at) == ({}, {}, None)
    assert counted.positions == {CONFIRMED: 5}


def test_an_event_belongs_to_the_minute_in_which_it_happened() -> None:
    earlier = MINUTE - timedelta(milliseconds=1)
    counted = count([*records(range(1), at=earlier), *records(range(1, 3))], {}, NOW)
    assert {at: sum(of.values()) for at, of in counted.minutes.items()} == {
        MINUTE - timedelta(minutes=1): 1,
        MINUTE: 2,
    }


def test_an_old_event_counts_in_all_and_in_no_minute() -> None:
    counted = count(records(range(1), at=NOW - KEPT), {}, NOW)
    assert counted.totals == {"registration.confirmed": 1}
    assert counted.minutes == {}


def test_an_event_has_not_happened_after_kafka_got_it() -> None:
    assert happened_at(datetime(2099, 1, 1, tzinfo=UTC), NOW) == NOW
    assert happened_at(NOW - timedelta(hours=1), NOW) == NOW - timedelta(hours=1)
    assert minute_of(NOW) == MINUTE


def test_a_record_is_seen_at_its_place_and_with_the_earlier_of_its_times() -> None:
    envelope = enclosed(golden(RegistrationConfirmed), now=datetime(2099, 1, 1, tzinfo=UTC))
    seen = happened(received(envelope, appended_at=NOW))
    assert seen == Happened(CONFIRMED, 0, NOW)


def test_the_topics_that_are_counted_are_those_of_its_group() -> None:
    assert declared(RegistrationConfirmed) in COUNTED
    assert all(OVERVIEW in topic.optional_groups for topic in COUNTED)
