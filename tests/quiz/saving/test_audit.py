"""The audit finds what was saved and not handed in, and what was handed in and not saved."""

import msgspec
import pytest

from ops.audit.log import Entry, Log
from ops.audit.quiz import audit_quiz
from services.quiz.attempts.events import submitted_record
from services.quiz.saving.events import saved_record
from services.quiz.saving.hand_in import hand_in_id
from services.quiz.saving.rules import Sheet, handed_in
from shared.contracts.envelope import enclose
from shared.contracts.events import QuizSubmitted
from shared.messaging.publisher import Record
from shared.messaging.received import Batch
from shared.storage import outbox
from tests.quiz.builders import attempt
from tests.quiz.parts import Parts, new_parts
from tests.quiz.saving.builders import minutes_ago, sheet
from tests.support.logged import entries
from tests.support.service import received

pytestmark = pytest.mark.stack


def hand_in(parts: Parts, saved: Sheet) -> Record:
    schedule = parts.catalogue.find(parts.quiz_id).schedule
    return submitted_record(handed_in(saved, schedule), hand_in_id(saved.attempt_id))


async def wrong(parts: Parts, *log: Entry) -> list[str]:
    found = await audit_quiz(Log(log), parts.stores.database, [])
    return [check.name for check in found if not check.agrees]


async def test_what_is_handed_in_is_what_was_saved_last_and_nothing_is_left_out(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        mine = attempt(parts.quiz_id, parts.quiz, "wang", started_at=minutes_ago(22))
        first, last = (sheet(parts, mine, revision=n, right=n, saved_at=minutes_ago(6 - n)) for n in (1, 2))
        saves = entries([saved_record(last, "s2"), saved_record(first, "s1")], minutes_ago(4))
        schedule = parts.catalogue.find(parts.quiz_id).schedule
        sent = handed_in(last, schedule)
        event = QuizSubmitted.model_validate(sent, from_attributes=True)
        told = enclose(event, source="kepu/quiz", cause=f"{mine.attempt_id}/saved", now=minutes_ago(0))
        said = await parts.grading.grade_submissions(Batch([received(told, sent, minutes_ago(0))]))
        records = [one for one in said if isinstance(one, tuple)]
        records += await outbox.waiting(parts.stores.database)
        others = entries(records, minutes_ago(0))
        submitted = entries([hand_in(parts, last)], minutes_ago(0))
        assert await wrong(parts, *saves, *submitted, *others) == []
        early = entries([hand_in(parts, last)], minutes_ago(3))
        assert "submissions are graded" in await wrong(parts, *saves, *early, *others)
        other = msgspec.structs.replace(last, answers=first.answers)
        changed = entries([hand_in(parts, other)], minutes_ago(0))
        assert "what is handed in is what was saved last" in await wrong(parts, *saves, *changed, *others)
        assert "what is handed in is what was saved last" in await wrong(parts, *submitted, *others)

        silent = sheet(
            parts,
            attempt(parts.quiz_id, parts.quiz, "silent", started_at=minutes_ago(22)),
            saved_at=minutes_ago(5),
        )
        left_out = entries([saved_record(silent, "s3")], minutes_ago(5))
        assert await wrong(parts, *saves, *left_out, *submitted, *others) == [], "the quiz is still open"
        await parts.close()
        closed = entries(await outbox.waiting(parts.stores.database), minutes_ago(0))
        found = await wrong(parts, *saves, *left_out, *submitted, *others, *closed)
        assert "what was saved and not submitted is handed in" in found
