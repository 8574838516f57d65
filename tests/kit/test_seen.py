"""A repeat is recognised, within a bound, and together with what is done about an event."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from kepu_events import Context, Seen


def context(id_: str, source: str = "kepu/quiz") -> Context:
    return Context(id_, source, "kepu.quiz.completed.v1", datetime.now(UTC), "p-1", id_)


def test_a_repeat_is_recognised_and_the_same_id_of_another_system_is_none() -> None:
    seen = Seen()
    assert seen.add(context("a"))
    assert not seen.add(context("a"))
    assert seen.add(context("a", "another/system"))
    assert seen.add(context("b"))


def test_ids_are_remembered_by_the_next_run(tmp_path: Path) -> None:
    for new in (True, False):
        database = sqlite3.connect(tmp_path / "own.db")
        with database:
            assert Seen(database).add(context("a")) is new
        database.close()


def test_what_was_not_saved_is_not_remembered(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "own.db")
    seen = Seen(database)
    assert seen.add(context("a"))
    database.rollback()
    assert seen.add(context("a"))


def test_the_oldest_ids_are_forgotten() -> None:
    seen = Seen(ids_max=10)
    for number in range(100):
        assert seen.add(context(str(number)))
    assert not seen.add(context("99"))
    assert not seen.add(context("90"))
    assert seen.add(context("0"))
    [(count,)] = seen._database.execute("SELECT count(*) FROM kepu_seen")
    assert count <= 2 * 10 + 1
