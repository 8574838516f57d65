"""Saved answers, for the tests of this room."""

from datetime import datetime, timedelta
from uuid import uuid4

import msgspec

from services.quiz.attempts.rules import Attempt
from services.quiz.saving.rules import Sheet
from shared.contracts.events import QuizAnswersSaved
from shared.messaging.received import Batch
from shared.runtime import clock
from tests.quiz.parts import Parts, Stores
from tests.support.kafka import read_all
from tests.support.service import enclosed, received


def sheet(
    parts: Parts,
    of: Attempt,
    *,
    revision: int = 1,
    right: int = 5,
    saved_at: datetime | None = None,
    district: str | None = "华龙区",
) -> Sheet:
    """A sheet of this attempt, with the first `right` questions right and the others open."""
    ids = sorted(parts.catalogue.find(parts.quiz_id).paper(of.attempt_id).question_ids)
    return Sheet(
        of.attempt_id,
        of.quiz_id,
        of.participant_id,
        of.number,
        of.started_at,
        saved_at or max(clock.now(), of.started_at),
        revision,
        dict.fromkeys(ids[:right], "A"),
        None,
        district,
        of.quiz_version,
    )


def event_of(sheet: Sheet) -> QuizAnswersSaved:
    return QuizAnswersSaved.model_validate(sheet, from_attributes=True)


def sheet_of(event: QuizAnswersSaved) -> Sheet:
    return msgspec.convert(event, Sheet, from_attributes=True)


def saves(*sheets: Sheet, appended_at: datetime | None = None) -> Batch[QuizAnswersSaved]:
    """The events of saves, as they come from the log."""
    return Batch(
        [
            received(enclosed(event_of(one), str(uuid4())), appended_at=appended_at or one.saved_at)
            for one in sheets
        ]
    )


async def in_the_log(kafka: str, quiz_id: str) -> list[QuizAnswersSaved]:
    """The saves of this quiz, in the order of the log."""
    return [
        QuizAnswersSaved.model_validate_json(record.value or b"")
        for record in await read_all(kafka, QuizAnswersSaved.topic)
        # Other tests write to the topic too.
        if quiz_id.encode() in (record.value or b"")
    ]


async def stored(stores: Stores, of: Attempt) -> Sheet | None:
    return (await stores.saved.of_attempts([of.attempt_id])).get(of.attempt_id)


def minutes_ago(minutes: float) -> datetime:
    return clock.now() - timedelta(minutes=minutes)
