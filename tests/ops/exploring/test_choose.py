"""Events are found by what people call them."""

import pytest

from ops.exploring.choose import NoSuchEvent, contract_of, topics_of
from shared.contracts import events, topics


@pytest.mark.parametrize("name", ["quiz.completed", "kepu.quiz.completed.v1", "QuizCompleted"])
def test_a_contract_has_three_names(name: str) -> None:
    assert contract_of(name) is events.QuizCompleted


def test_a_name_that_is_nearly_right_is_corrected() -> None:
    with pytest.raises(NoSuchEvent, match=r"did you mean registration\.requested\?.*kepu emit --list"):
        contract_of("registration.request")


def test_without_patterns_all_declared_topics_are_read_and_no_others() -> None:
    assert topics_of([], ["strange", "quiz.completed"], dead=False) == [one.name for one in topics.LIVE]
    assert topics_of([], [], dead=True) == [one.name for one in topics.DEAD]
    of_webhooks = "quiz.completed.webhooks.dead"
    assert topics_of([], [of_webhooks, "strange"], dead=True) == [
        *(one.name for one in topics.DEAD),
        of_webhooks,
    ]
    assert topics_of(["quiz.completed"], [of_webhooks], dead=True)[-1] == of_webhooks


def test_patterns_are_of_topics_and_of_types() -> None:
    assert topics_of(["quiz.c*"], [], dead=False) == ["quiz.completed", "quiz.closed", "quiz.cancelled"]
    assert topics_of(["kepu.quiz.closed.v1", "quiz.closed"], [], dead=False) == ["quiz.closed"]


def test_topics_that_only_the_broker_knows_are_found_by_name_but_not_its_own() -> None:
    there = ["partner.hall.in", "__consumer_offsets", "partner.hall.in.bridge.dead"]
    assert topics_of(["partner.*"], there, dead=False) == ["partner.hall.in"]
    assert topics_of(["partner.*"], there, dead=True) == ["partner.hall.in.bridge.dead"]
    with pytest.raises(NoSuchEvent):
        topics_of(["__consumer*"], there, dead=False)


def test_dead_letters_are_named_by_their_topic_or_where_they_come_from() -> None:
    assert topics_of(["quiz.completed"], [], dead=True) == [
        "quiz.completed.awards.dead",
        "quiz.completed.notifications.dead",
    ]
    assert topics_of(["*.quiz-grading.dead"], [], dead=True) == ["quiz.submitted.quiz-grading.dead"]
    with pytest.raises(NoSuchEvent, match="no topic of dead letters"):
        # Nobody of ours reads it.
        topics_of(["session.published"], [], dead=True)
