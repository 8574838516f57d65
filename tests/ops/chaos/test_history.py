"""The history of what was asked and acknowledged, as it is written and read back."""

from pathlib import Path

import pytest

from ops.chaos.history import History, operations, read


def test_what_was_asked_is_read_back_with_its_outcome(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    with History(file) as history:
        booked = history.invoke("book", "p-1", session="lab")
        refused = history.invoke("book", "p-2", session="lab")
        lost = history.invoke("cancel", "p-1", registration_id="r-1")
        history.invoke("submit", "p-3", attempt_id="a-1")
        booked.ok(registration_id="r-1")
        refused.fail("session_full")
        lost.unknown("ReadTimeout")
    found = read(file)
    assert [(one.kind, one.who, one.outcome) for one in found] == [
        ("book", "p-1", "ok"),
        ("book", "p-2", "fail"),
        ("cancel", "p-1", "unknown"),
        # It has no end: this program was killed, or the person still waits.
        ("submit", "p-3", "unknown"),
    ]
    assert found[0].asked == {"session": "lab"}
    assert found[0].told == {"registration_id": "r-1"}
    assert found[0].began_at <= found[0].ended_at
    # What is unknown may happen at any later time.
    assert found[2].ended_at == found[3].ended_at == float("inf")


def test_half_of_a_last_line_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    with History(file) as history:
        history.invoke("book", "p-1", session="lab").ok(registration_id="r-1")
    whole = file.read_text()
    file.write_text(whole + '{"number": 2, "phase": "inv')
    assert [one.number for one in read(file)] == [1]


def test_another_run_is_never_written_to_the_same_history(tmp_path: Path) -> None:
    with History(tmp_path / "history.jsonl"):
        pass
    with pytest.raises(FileExistsError):
        History(tmp_path / "history.jsonl")


@pytest.mark.parametrize("phases", [("ok",), ("invoke", "ok", "fail"), ("invoke", "invoke")])
def test_a_history_that_contradicts_itself_is_refused(phases: tuple[str, ...]) -> None:
    lines = [
        {"number": 1, "at": 0.0, "phase": phase, "kind": "book", "who": "p-1", "fields": {}}
        for phase in phases
    ]
    with pytest.raises(ValueError, match="operation 1"):
        operations(lines)
