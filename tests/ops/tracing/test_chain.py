"""What is missing of a chain is named, with the place to look at."""

from datetime import UTC, datetime, timedelta

from ops.tracing.chain import Reach, Reaches, Seen, in_order, missing

NOW = datetime(2027, 5, 20, 8, tzinfo=UTC)
READ: Reaches = {("quiz-grading", "quiz.submitted", 3): Reach(30, 30)}


def record(
    topic: str = "quiz.submitted",
    id_: str = "s1",
    *,
    key: str = "attempt",
    offset: int = 17,
    cause: str = "",
    age_seconds: float = 60,
    given_up: tuple[str, str, str] | None = None,
    origin: str = "",
    times: str = "",
) -> Seen:
    at = NOW - timedelta(seconds=age_seconds)
    type_ = f"kepu.{topic}.v1"
    return Seen(at, topic, 3, offset, type_, id_, key, "kepu/quiz", cause, "c", times, given_up, origin)


def lines(*records: Seen, reaches: Reaches = READ) -> list[str]:
    return list(missing(in_order(records), reaches, NOW))


def test_what_a_group_has_not_read_is_named_with_its_lag() -> None:
    [line] = lines(record(), reaches={("quiz-grading", "quiz.submitted", 3): Reach(5, 21)})
    assert "quiz-grading has not read it: it is at offset 5 of 21, lag 16" in line


def test_what_was_read_and_has_no_outcome_is_named() -> None:
    [line] = lines(record())
    assert "there is no quiz.completed, although quiz-grading has read it" in line


def test_a_later_submission_of_an_attempt_lacks_nothing() -> None:
    done = record("quiz.completed", "r1", key="somebody", cause="s1")
    assert not any("quiz.submitted" in line for line in lines(record(), record(id_="s2", offset=18), done))


def test_what_is_only_seconds_old_is_not_missing_yet() -> None:
    assert lines(record(age_seconds=3)) == []


def test_a_dead_letter_says_why_until_it_is_sent_again() -> None:
    why = ("quiz-grading", "handler_failed", "failed 5 times: KeyError")
    dead = record("quiz.submitted.quiz-grading.dead", offset=4, given_up=why, origin="quiz.submitted/3/17")
    [line] = lines(record(), dead)
    assert "given up by quiz-grading (handler_failed: failed 5 times: KeyError)" in line
    assert line.endswith("kepu dead show quiz.submitted.quiz-grading.dead/3/4")
    again = record(offset=20, times="1", age_seconds=5)
    assert lines(record(), dead, again) == []


def test_an_event_that_people_are_told_of_has_a_message() -> None:
    [line] = lines(record("award.issued", "a1"), reaches={})
    assert "there is no notification.delivered or notification.failed" in line
    told = record("notification.delivered", "n1", cause="a1")
    assert lines(record("award.issued", "a1"), told, reaches={}) == []


def test_of_one_moment_causes_come_first() -> None:
    first, then = record("award.issued", "a1", cause="r1"), record("quiz.completed", "r1")
    assert [one.id for one in in_order([first, then])] == ["r1", "a1"]
