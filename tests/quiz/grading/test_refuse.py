"""Whose submission was given up reads why, and waits for no result; on a real broker and database."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from services.quiz.attempts.rules import OUR_FAULTS, status_without_result
from services.quiz.attempts.submission import Submission
from services.quiz.grading.refuse import given_up
from services.quiz.quizzes.record import Status
from shared.messaging import policy
from shared.messaging.received import Dead
from shared.runtime.errors import Rejected
from tests.quiz.builders import as_resident, attempt, batch, envelope, quiz, service, submission
from tests.quiz.parts import Parts, new_parts
from tests.support.service import received

_QUIZ = quiz()
_SUBMISSION = submission("quiz-1", _QUIZ, "wang")
_ATTEMPT = attempt("quiz-1", _QUIZ, "wang")


def dead(code: str, *submissions: Submission) -> list[Dead]:
    return [
        Dead(received(envelope(one), one).record, Rejected("failed 5 times: KeyError", code=code))
        for one in submissions
    ]


async def refused(parts: Parts, *submissions: Submission) -> list[str | None]:
    stored = await parts.stores.attempts.started([one.attempt_id for one in submissions])  # type: ignore[misc]
    return [stored[one.attempt_id].refused for one in submissions]


async def begun(parts: Parts, *people: str) -> list[Submission]:
    """The submissions of attempts that were begun here."""
    await parts.stores.attempts.add([attempt(parts.quiz_id, parts.quiz, who) for who in people])
    return [parts.submission(who) for who in people]


@pytest.mark.stack
async def test_on_whose_answers_our_code_failed_is_told_of_a_delay_and_then_of_the_result(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        [sent] = await begun(parts, "wang")
        await parts.grading.refuse.note(dead(policy.HANDLER_FAILED, sent))
        database = parts.stores.database.name
        async with service(mongo, kafka=kafka, role="api", database=database) as ([client], _):

            async def seen() -> tuple[str, str | None]:
                path = f"/attempts/{sent.attempt_id}/result"
                found = (await client.get(path, headers=as_resident("wang"))).json()
                return found["status"], found["code"]

            assert await seen() == ("delayed", "handler_failed")
            # The cause is mended, and operators have sent the record again.
            await parts.grading.grade_submissions(batch(sent))
            assert await seen() == ("graded", None)


@pytest.mark.stack
async def test_a_refusal_takes_the_place_of_a_fault_of_ours_and_of_nothing_else(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        note = parts.grading.refuse.note
        ours, theirs = await begun(parts, "wang", "li")
        await note([*dead(policy.HANDLER_FAILED, ours), *dead("attempt_late", theirs)])
        await note([*dead("attempt_late", ours), *dead(policy.HANDLER_FAILED, theirs)])
        assert await refused(parts, ours, theirs) == ["attempt_late", "attempt_late"]


@pytest.mark.stack
async def test_nobody_refuses_the_attempt_of_another_or_one_that_counts(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        named, graded, waiting = await begun(parts, "wang", "li", "zhao")
        waiting = msgspec.structs.replace(waiting, district=None)
        await parts.grading.grade_submissions(batch(graded, waiting))
        forged = msgspec.structs.replace(named, participant_id="somebody-else")
        await parts.grading.refuse.note(dead("attempt_late", forged, graded, waiting))
        assert await refused(parts, named, graded, waiting) == [None, None, None]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b'{"attempt_id": "a", "participant_id": "p", "number": 1.5}', ("a", "p", "bad_body")),
        (b'{"attempt_id": "a"}', None),
        (b'{"attempt_id": 1, "participant_id": "p"}', None),
        (b"{", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
        (None, None),
    ],
)
def test_of_a_malformed_submission_only_the_ids_need_be_readable(
    value: bytes | None, found: Sequence[str] | None
) -> None:
    [record] = [one.record for one in dead(policy.BAD_BODY, _SUBMISSION)]
    record = replace(record, value=value)
    assert given_up(Dead(record, Rejected("no", code=policy.BAD_BODY))) == found


@pytest.mark.parametrize(
    ("code", "state", "status"),
    [
        (None, "open", "pending"),
        (None, "closed", "expired"),
        ("attempt_late", "open", "refused"),
        ("handler_failed", "open", "delayed"),
        ("buried", "closing", "delayed"),
        ("decoder_failed", "closed", "refused"),
        ("handler_failed", "cancelled", "refused"),
    ],
)
def test_a_delay_ends_with_the_quiz(code: str | None, state: Status, status: str) -> None:
    assert status_without_result(replace(_ATTEMPT, refused=code), state) == status


def test_our_faults_are_codes_of_the_consumer() -> None:
    assert {*OUR_FAULTS} == {policy.HANDLER_FAILED, policy.DECODER_FAILED, policy.BURIED}
