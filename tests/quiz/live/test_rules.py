"""Which changes of a quiz listeners are told by name."""

from datetime import UTC, datetime

from services.quiz.live.rules import State, ends, shows_standings, told

AT = datetime(2026, 5, 20, 12, tzinfo=UTC)
OPEN, FROZEN, CLOSED = State("open"), State("open", AT), State("closed")


def test_a_freeze_is_told_also_to_whoever_comes_during_it() -> None:
    assert told(OPEN, FROZEN, sees_withheld=False) == ["frozen"]
    assert told(None, FROZEN, sees_withheld=False) == ["frozen"]
    assert told(FROZEN, FROZEN, sees_withheld=False) == []
    assert told(FROZEN, State("open", AT.replace(hour=13)), sees_withheld=False) == ["frozen"]


def test_a_thaw_is_told_to_those_who_saw_the_freeze() -> None:
    assert told(FROZEN, OPEN, sees_withheld=False) == ["thawed"]
    assert told(None, OPEN, sees_withheld=False) == []


def test_nothing_follows_a_close_a_cancellation_or_a_removal() -> None:
    assert told(FROZEN, CLOSED, sees_withheld=False) == ["thawed", "closed"]
    assert told(OPEN, State("closing"), sees_withheld=False) == []
    for status in ("closed", "cancelled", "removed"):
        names = told(OPEN, State(status), sees_withheld=False)
        assert (names, ends(names)) == ([status], True)
    assert not ends([])
    assert not ends(["frozen"])


def test_withheld_scores_are_shown_to_organisers_alone() -> None:
    withholds = State("open", AT, withholds=True)
    hidden = told(OPEN, withholds, sees_withheld=False)
    assert (hidden, ends(hidden), shows_standings(hidden)) == (["withheld"], True, False)
    seen = told(OPEN, withholds, sees_withheld=True)
    assert (seen, shows_standings(seen)) == (["frozen"], True)
    assert not shows_standings(told(OPEN, State("removed"), sees_withheld=True))
