"""When something is flagged, and what the flag says."""

from datetime import UTC, datetime, timedelta

import pytest

from services.quiz.fair_play.explained import explained
from services.quiz.fair_play.rules import (
    CROWD_WINDOW,
    AlikeFigures,
    CrowdFigures,
    Flag,
    Person,
    TimeFigures,
    busiest,
    flag_id,
    flag_of_crowd,
    flags_of_time,
    unexplained,
)
from services.quiz.quizzes.events import published
from services.quiz.results.rules import Sheet
from tests.quiz.builders import quiz

NOW = datetime(2026, 5, 20, 9, tzinfo=UTC)
PAIR = (Person("wang", "attempt-1"), Person("li", "attempt-2"))


def alike(identical: int) -> Flag:
    figures = AlikeFigures(identical, 1.3, 20, (10, identical), 10.0**-identical, 1e-3, 12, True, "address")
    id_ = flag_id("quiz-1", "answers_alike", str(identical))
    return Flag(id_, "quiz-1", "answers_alike", float(identical), PAIR, figures)


def crowd(people: int) -> Flag:
    figures = CrowdFigures(people, people, 20, NOW, NOW + timedelta(minutes=5))
    id_ = flag_id("quiz-1", "same_address", "hash")
    return Flag(id_, "quiz-1", "same_address", float(people), PAIR, figures)


def too_fast(seconds: int) -> Flag:
    id_ = flag_id("quiz-1", "too_fast", "attempt-1")
    figures = TimeFigures(seconds, 60, 80)
    return Flag(id_, "quiz-1", "too_fast", 60.0 - seconds, PAIR[:1], figures)


def sheet(seconds: int, points: int = 10) -> Sheet:
    return Sheet("attempt-1", 1, "wang", None, points, 20, seconds, "A")


@pytest.mark.parametrize(
    ("seconds", "points", "least", "kinds"),
    [
        (59, 10, 60, ["too_fast"]),
        (60, 10, 60, []),
        (0, 10, None, []),
        (9, 20, None, ["all_right_too_fast"]),
        (10, 20, None, []),
        (9, 19, None, []),
        (9, 20, 60, ["too_fast", "all_right_too_fast"]),
    ],
)
def test_times_are_flagged_below_the_least(
    seconds: int, points: int, least: int | None, kinds: list[str]
) -> None:
    found = flags_of_time("quiz-1", sheet(seconds, points), least, 10)
    assert [flag.kind for flag in found] == kinds
    assert len({flag.flag_id for flag in found}) == len(found)


def test_the_least_plausible_time_is_published() -> None:
    for least in (None, 60):
        event = published("quiz-1", quiz(least_plausible_seconds=least), 1, NOW).event
        assert event.least_plausible_seconds == least


def starts(*minutes: float, who: str = "p{}") -> list[tuple[datetime, Person]]:
    return [
        (NOW + timedelta(minutes=at), Person(who.format(n), f"attempt-{n}")) for n, at in enumerate(minutes)
    ]


def test_the_window_with_most_people_counts_each_of_them_once() -> None:
    some = starts(0, 1, 9, 10, 10.5, 30, 31)
    assert [one.participant_id for _, one in busiest(some, CROWD_WINDOW)] == ["p0", "p1", "p2", "p3"]
    again = starts(0, 1, 2, who="wang")
    assert [at for at, _ in busiest(again, CROWD_WINDOW)] == [NOW]


def test_a_class_explains_its_people_and_no_others() -> None:
    groups = {"a": "one", "b": "one", "c": "one", "d": "two", "e": "two", "f": None}
    assert unexplained("abcdefg", groups) == 4
    assert unexplained("abc", groups) == 0
    assert unexplained("ab", groups) == 2


@pytest.mark.parametrize(("strangers", "flagged"), [(19, False), (20, True)])
def test_a_crowd_is_flagged_from_a_number_of_strangers(strangers: int, flagged: bool) -> None:
    there = starts(*([1.0] * (strangers + 30)))
    groups = {f"p{n}": "school" for n in range(30)}
    flag = flag_of_crowd("quiz-1", "same_address", "hash", there, groups)
    assert (flag is not None) == flagged


def test_of_one_device_a_class_explains_nothing() -> None:
    there = starts(0, 1, 2, 3)
    groups = {f"p{n}": "school" for n in range(4)}
    assert flag_of_crowd("quiz-1", "same_device", "hash", there, groups) is not None
    assert flag_of_crowd("quiz-1", "same_device", "hash", there[:3], groups) is None


@pytest.mark.parametrize("flag", [alike(9), crowd(25), too_fast(3)])
def test_a_flag_says_in_both_languages_that_it_proves_nothing(flag: Flag) -> None:
    assert explained(flag, "en").endswith("This proves nothing: look at it, and ask the people.")
    assert explained(flag, "zh-CN").endswith("这不能证明任何事：请核实情况，并听取本人说明。")
    assert all(ord(letter) < 128 for letter in explained(flag, "en"))
