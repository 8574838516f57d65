"""Two collections are compared document by document: what differs is named, and no value is."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from ops.rebuilding.compared import EXAMPLES_MAX, Difference, compare

Documents = Sequence[Mapping[str, Any]]


async def each(documents: Documents) -> AsyncIterator[Mapping[str, Any]]:
    for one in documents:
        yield one


async def found(rebuilt: Documents, live: Documents, **how: Any) -> Difference:
    return await compare(each(rebuilt), each(live), how.pop("left_out", ()), **how)


async def test_the_same_documents_agree_whatever_is_left_out() -> None:
    same = await found(
        [{"_id": "a", "x": 1, "writes": 1}, {"_id": "b", "y": None}],
        [{"_id": "a", "x": 1, "writes": 7}, {"_id": "b"}],
        left_out=["writes"],
    )
    assert (same.compared, same.total) == (2, 0)


@pytest.mark.parametrize(
    ("rebuilt", "live", "expected"),
    [
        ([{"_id": "a"}, {"_id": "b"}], [{"_id": "b"}], (["a"], [], [])),
        ([{"_id": "a"}], [{"_id": "a"}, {"_id": "b"}], ([], ["b"], [])),
        ([{"_id": "a"}, {"_id": "c"}], [{"_id": "b"}], (["a", "c"], ["b"], [])),
        (
            [{"_id": "a", "name": "Li", "x": 1}],
            [{"_id": "a", "name": "Wang", "x": 2}],
            ([], [], ["a (name, x)"]),
        ),
        ([], [], ([], [], [])),
    ],
)
async def test_what_differs_is_named_by_ids_and_fields(
    rebuilt: Documents, live: Documents, expected: tuple[list[str], list[str], list[str]]
) -> None:
    one = await found(rebuilt, live)
    assert (one.missing, one.more, one.differing) == expected
    assert one.total == sum(map(len, expected))


async def test_what_is_kept_of_the_erased_is_passed_over_on_both_sides() -> None:
    one = await found(
        [{"_id": "a", "who": "gone"}, {"_id": "c", "who": "here"}],
        [{"_id": "b", "who": "quiz/gone"}, {"_id": "c", "who": "here"}],
        person="who",
        erased={"gone"},
    )
    assert (one.compared, one.total) == (1, 0)


async def test_all_are_counted_and_some_are_named() -> None:
    many = [{"_id": f"{number:03}"} for number in range(3 * EXAMPLES_MAX)]
    one = await found(many, [])
    assert (one.missing_count, len(one.missing)) == (3 * EXAMPLES_MAX, EXAMPLES_MAX)
