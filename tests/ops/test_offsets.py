"""Tests of a service begin behind what others have left in its topics."""

import pytest

from ops.deployment.settle import lag
from shared.contracts.events import QuizSubmitted
from shared.contracts.topics import QUIZ_GRADING
from shared.messaging.create_topics import create_missing
from tests.support.kafka import committed, write_raw
from tests.support.offsets import admin, groups_of, skip_to_end
from tests.support.waiting import eventually


def test_the_groups_of_a_service_are_found_by_its_name() -> None:
    assert groups_of("quiz") == {"quiz-grading", "quiz-participants", "quiz-saving"}
    assert groups_of("notifications") == {"notifications"}
    assert groups_of("registration") == {"registration-requests"}
    assert groups_of("shared") == set()


@pytest.mark.stack
async def test_a_group_reads_only_what_comes_after_the_skip(kafka: str) -> None:
    await create_missing(kafka)
    await eventually(lambda: QuizSubmitted.topic in admin(kafka).list_topics(timeout=5).topics)
    await write_raw(kafka, QuizSubmitted.topic, [(b"left", b"by another test", [])] * 3)
    skip_to_end(kafka, groups_of("quiz"))
    first = await committed(kafka, QUIZ_GRADING, QuizSubmitted.topic)
    assert len(first) == 12
    assert first[0] >= 3
    await write_raw(kafka, QuizSubmitted.topic, [(b"left", b"by another test", [])])
    skip_to_end(kafka, [QUIZ_GRADING])
    second = await committed(kafka, QUIZ_GRADING, QuizSubmitted.topic)
    assert second[0] == first[0] + 1


@pytest.mark.stack
async def test_the_lag_of_a_group_is_what_it_has_not_committed_yet(kafka: str) -> None:
    await create_missing(kafka)
    skip_to_end(kafka, [QUIZ_GRADING])
    submitted = f"{QuizSubmitted.topic} of {QUIZ_GRADING}"
    assert lag(kafka, [QUIZ_GRADING]) == {submitted: 0}
    await write_raw(kafka, QuizSubmitted.topic, [(b"left", b"by another test", [])] * 3)
    assert lag(kafka, [QUIZ_GRADING]) == {submitted: 3}
    skip_to_end(kafka, [QUIZ_GRADING])
    assert lag(kafka, [QUIZ_GRADING]) == {submitted: 0}
