import logging

import pytest

from shared.runtime.few_lines import KINDS_MAX, LINES_MAX, FewLines, Kind
from tests.support.waiting import eventually

FLOOD: Kind = (("route", "/a"), ("status", 503))


async def test_of_a_flood_the_first_lines_are_written_and_the_others_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lines = FewLines(logging.getLogger("test"), seconds=0.02)
    admitted = [lines.admit("request failed", FLOOD) for _ in range(1_000)]
    assert sum(admitted) == LINES_MAX
    assert lines.admit("request failed", (("route", "/b"), ("status", 503))), "another kind is not hidden"
    await eventually(lambda: "lines left out" in caplog.text)
    [said] = [vars(record) for record in caplog.records]
    assert (said["of"], said["route"], said["lines"]) == ("request failed", "/a", 1_000 - LINES_MAX)
    assert lines.admit("request failed", FLOOD), "after the flood it begins anew"


async def test_the_number_of_kinds_is_bounded() -> None:
    lines = FewLines(logging.getLogger("test"))
    admitted = [lines.admit("failed", (("status", number),)) for number in range(3 * KINDS_MAX)]
    assert sum(admitted) == KINDS_MAX + LINES_MAX
