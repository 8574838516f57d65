"""An id is found in the log, with all that has the same correlation id; on a real broker."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.cli import app
from shared.contracts.envelope import context_of, to_headers
from shared.contracts.events import QuizCompleted, QuizSubmitted
from shared.contracts.topics import QUIZ_GRADING, declared
from shared.messaging.create_topics import create_missing
from shared.runtime import clock
from tests.support.kafka import write_raw
from tests.support.service import new_id

pytestmark = pytest.mark.stack
SECRET = "a sentence that nobody may see"
DEAD = "quiz.submitted.quiz-grading.dead"
WRITTEN = {"quiz.submitted", "quiz.completed", DEAD}
REASON = "failed 5 times: KeyError"


def kepu(kafka: str, *words: str) -> tuple[int, str]:
    done = CliRunner(env={"COLUMNS": "400"}).invoke(app, ["trace", *words, "--since", "1m", "--kafka", kafka])
    return done.exit_code, done.output


async def _say(kafka: str, attempt_id: str, who: str, *, redriven: bool) -> None:
    submitted, completed = declared(QuizSubmitted), declared(QuizCompleted)
    dead = submitted.dead(QUIZ_GRADING)
    await create_missing(kafka, wanted=[submitted, completed, dead])
    now = clock.now()
    context = context_of(QuizSubmitted.type, attempt_id, source="kepu/quiz", cause=attempt_id, now=now)
    headers = to_headers(context)
    sent = json.dumps({"attempt_id": attempt_id, "participant_id": who, "said": SECRET}).encode()
    await write_raw(kafka, submitted.name, [(attempt_id.encode(), sent, headers)])
    why = {
        "dead_group": QUIZ_GRADING,
        "dead_code": "handler_failed",
        "dead_reason": "failed 5 times: KeyError",
    }
    why |= {"dead_topic": submitted.name, "dead_partition": "0", "dead_offset": "17"}
    given_up = [*headers, *((name, text.encode()) for name, text in why.items())]
    await write_raw(kafka, dead.name, [(attempt_id.encode(), sent, given_up)])
    if redriven:
        again = [*headers, ("redriven_from", b"0/17"), ("redriven_times", b"1")]
        await write_raw(kafka, submitted.name, [(attempt_id.encode(), sent, again)])
        # Two results follow from the same request, and one is somebody else's.
        for person in (who, new_id("p")):
            follows = context_of(
                QuizCompleted.type, person, source="kepu/quiz", cause=person, now=now, parent=context
            )
            graded = json.dumps({"result_id": "another", "participant_id": person}).encode()
            await write_raw(kafka, completed.name, [(person.encode(), graded, to_headers(follows))])


def written(records: list[Any]) -> list[Any]:
    """Those that a test here has written. A service that another test runs may give up the same ones."""
    return [one for one in records if one["topic"] in WRITTEN]


def test_an_id_is_found_in_dead_letters_and_in_what_follows_and_no_content_is_shown(kafka: str) -> None:
    attempt_id, who = new_id("attempt"), new_id("p")
    asyncio.run(_say(kafka, attempt_id, who, redriven=False))
    code, said = kepu(kafka, attempt_id)
    assert code == 1
    assert f"given up by quiz-grading: handler_failed: {REASON}" in said
    assert SECRET not in said
    code, said = kepu(kafka, attempt_id, "--json")
    found = json.loads(said)
    assert {one["topic"] for one in written(found["records"])} == {"quiz.submitted", DEAD}
    assert any("kepu dead show" in line for line in found["missing"])
    assert SECRET not in said


def test_what_has_the_same_correlation_id_is_shown_but_not_of_a_person(kafka: str) -> None:
    attempt_id, who = new_id("attempt"), new_id("p")
    asyncio.run(_say(kafka, attempt_id, who, redriven=True))
    found = json.loads(kepu(kafka, attempt_id, "--json")[1])["records"]
    # The results name other ids, and follow from the submission.
    assert sum(one["topic"] == "quiz.completed" for one in found) == 2
    named = written(json.loads(kepu(kafka, who, "--json")[1])["records"])
    assert len(named) == 4
    assert all(who == one["key"] or one["key"] == attempt_id for one in named)


@pytest.mark.parametrize("id_", ["abc", "two words", 'a"quote"', "王小明先生"])
def test_what_is_no_id_is_refused(kafka: str, id_: str) -> None:
    code, said = kepu(kafka, id_)
    assert code == 1
    assert "an id has 4 to 128" in said


def test_what_is_nowhere_is_said_to_be_nowhere(kafka: str) -> None:
    code, said = kepu(kafka, new_id("nothing"))
    assert code == 1
    assert "look at the outbox" in said
