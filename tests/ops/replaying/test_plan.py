"""Where a group goes on: never past records that it has not read, unless somebody says so."""

import re

import pytest

from ops.replaying.effects import EFFECTS
from ops.replaying.plan import (
    Partition,
    ReplayUnclear,
    check_skips_nothing,
    chosen,
    moment_or_offset,
    planned,
)
from shared.contracts import topics

BOUNDS = {("said", 0): (10, 100), ("said", 1): (0, 50)}
COMMITTED = {("said", 0): 90}


def test_each_partition_begins_at_its_own_place() -> None:
    plan = planned(BOUNDS, COMMITTED, {("said", 0): 40, ("said", 1): 0})
    assert [(one.repeated, one.skipped, one.to_read) for one in plan] == [(50, 0, 60), (0, 0, 50)]
    check_skips_nothing(plan, skip=False)


def test_records_that_were_never_read_are_skipped_only_on_request() -> None:
    plan = planned(BOUNDS, COMMITTED, {("said", 0): 95, ("said", 1): 20})
    with pytest.raises(ReplayUnclear, match=re.escape("never read 25 offsets, such as said/0/90 to 94")):
        check_skips_nothing(plan, skip=False)
    check_skips_nothing(plan, skip=True)


def test_what_kafka_has_deleted_counts_neither_as_read_again_nor_as_skipped() -> None:
    [behind] = planned({("said", 0): (10, 100)}, {("said", 0): 3}, {("said", 0): 10})
    assert (behind.repeated, behind.skipped) == (0, 0)
    # A group that is ahead of the log, after a topic was made anew, goes back to its end.
    assert Partition("said", 0, 0, 5, 9, 2).repeated == 3


@pytest.mark.parametrize("offset", [9, 101])
def test_an_offset_has_to_be_there(offset: int) -> None:
    with pytest.raises(ReplayUnclear, match="it keeps 10 to 100"):
        planned({("said", 0): (10, 100)}, {}, offset)


def test_an_offset_is_of_one_partition() -> None:
    with pytest.raises(ReplayUnclear, match="add --partition"):
        planned(BOUNDS, {}, 20)


def test_partitions_are_named_or_all() -> None:
    there = {"said": [0, 1, 2]}
    assert chosen(there, ["said"], ()) == [("said", 0), ("said", 1), ("said", 2)]
    assert chosen(there, ["said"], [1]) == [("said", 1)]
    with pytest.raises(ReplayUnclear, match="no partition 7: it has 0 to 2"):
        chosen(there, ["said"], [7])
    with pytest.raises(ReplayUnclear, match="no topic heard"):
        chosen(there, ["heard"], ())


@pytest.mark.parametrize(
    ("text", "meant"), [("17", 17), ("2h", "2h"), ("earliest", "earliest"), ("-1", "-1"), ("٣", "٣")]
)
def test_digits_are_an_offset_and_all_else_a_time(text: str, meant: int | str) -> None:
    assert moment_or_offset(text) == meant


def test_what_a_replay_does_is_said_of_every_group_of_ours() -> None:
    assert EFFECTS.keys() == {topics.OVERVIEW, *(group for topic in topics.LIVE for group in topic.groups)}
