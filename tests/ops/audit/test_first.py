"""Which submission of an attempt counts, by the audit's own rule."""

import json
from zlib import crc32

from ops.audit.log import Entry
from ops.audit.quiz import UNDER_WAY_MS_MAX, first_of_each

# Its places are different with 12 and with 24 partitions.
ATTEMPT = next(one for one in map(str, range(100)) if crc32(one.encode()) % 24 >= 12)
OLD, NEW = crc32(ATTEMPT.encode()) % 12, crc32(ATTEMPT.encode()) % 24
LONG = int(UNDER_WAY_MS_MAX) + 1


def _entry(id_: str, partition: int, offset: int, time_ms: int) -> Entry:
    value = json.dumps({"attempt_id": ATTEMPT}).encode()
    return Entry("quiz.submitted", partition, offset, ATTEMPT, value, id_, {}, None, time_ms)


def _counts(entries: list[Entry], graded: str) -> str:
    [(_, first)] = first_of_each(entries, {ATTEMPT: {"submission_id": graded}})
    return first.id


def test_in_one_partition_the_first_counts_whatever_was_graded() -> None:
    assert _counts([_entry("b", OLD, 1, 5), _entry("a", OLD, 0, 9)], graded="b") == "a"


def test_in_two_partitions_of_a_key_the_earlier_counts_whatever_was_graded() -> None:
    both = [_entry("a", OLD, 7, 0), _entry("b", NEW, 0, LONG)]
    assert _counts(both, graded="b") == "a"


def test_of_two_that_were_under_way_together_either_may_count() -> None:
    both = [_entry("a", OLD, 7, 0), _entry("b", NEW, 0, LONG - 1)]
    assert [_counts(both, graded=one) for one in "ab"] == ["a", "b"]


def test_where_another_partitioner_wrote_either_may_count() -> None:
    elsewhere = next(number for number in range(12) if number != OLD)
    both = [_entry("a", OLD, 7, 0), _entry("b", elsewhere, 0, LONG)]
    assert [_counts(both, graded=one) for one in "ab"] == ["a", "b"]
