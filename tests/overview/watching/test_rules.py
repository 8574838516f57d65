"""What services say of themselves, in words with what to do."""

from datetime import timedelta
from pathlib import Path

import pytest

from services.overview.watching.rules import (
    FRESH,
    PROBLEMS,
    SERVICES_MAX,
    Answer,
    addresses,
    is_fresh,
    problems_of,
    status_of,
)
from services.overview.watching.wording import ADVICE, advice_in
from tests.overview.builders import NOW

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"


def test_addresses_are_read_by_name() -> None:
    assert addresses("") == {}
    assert addresses("quiz=http://10.0.0.5:8000/, awards=https://awards") == {
        "quiz": "http://10.0.0.5:8000",
        "awards": "https://awards",
    }


@pytest.mark.parametrize(
    "text",
    [
        "quiz",
        "quiz=10.0.0.5:8000",
        "=http://quiz",
        "quiz=ftp://quiz",
        "quiz=http://",
        "quiz=http://a,quiz=http://b",
        ",".join(f"quiz-{number}=http://quiz" for number in range(SERVICES_MAX + 1)),
    ],
)
def test_what_is_no_list_of_addresses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"has to be like|twice|more than"):
        addresses(text)


def test_a_service_that_gives_no_answer_is_unreachable() -> None:
    gone = Answer("quiz", None)
    assert (status_of(gone), problems_of(gone)) == ("unreachable", [("unreachable", "")])


def test_each_check_that_fails_is_a_problem_of_its_kind() -> None:
    assert status_of(Answer("quiz", {"mongo": "ok"})) == "ok"
    said = {
        "mongo": "MongoDB does not answer",
        "kafka": "ok",
        "consumer quiz-grading": "not running",
        "relay": "ended",
        "organiser keys": "wrong",
        "keys watched": "TypeError",
    }
    failing = Answer("quiz", said)
    assert status_of(failing) == "failing"
    assert problems_of(failing) == [
        ("mongo", "mongo"),
        ("consumer", "consumer quiz-grading"),
        ("relay", "relay"),
        ("organiser_keys", "organiser keys"),
        ("background", "keys watched"),
    ]


def test_every_problem_has_advice_in_both_languages_and_a_runbook_that_is_there() -> None:
    assert set(ADVICE) == set(PROBLEMS)
    for problem in PROBLEMS:
        assert advice_in(problem, "en") != advice_in(problem, "zh-CN")
        assert (RUNBOOKS / f"{ADVICE[problem].runbook}.md").exists()


def test_what_was_seen_too_long_ago_is_unknown() -> None:
    assert is_fresh(NOW - FRESH, NOW)
    assert not is_fresh(NOW - FRESH - timedelta(milliseconds=1), NOW)
    assert not is_fresh(None, NOW)
