"""The audit computes results again with all corrections, and finds each that is left out or told wrongly."""

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ops.audit.findings import Check
from ops.audit.log import Entry, Log, entry_of
from ops.audit.quiz import audit_quiz
from services.quiz.attempts.submission import Submission
from services.quiz.fair_play.examination import Reads
from services.quiz.fair_play.examine import LOOP, Examiner
from shared.messaging.publisher import Record
from shared.runtime import clock
from shared.storage import outbox
from shared.storage.lease import Lease
from tests.quiz.builders import batch, envelope
from tests.quiz.parts import Parts, new_parts
from tests.quiz.regrading.builders import CANCELLED, Correcting
from tests.support.logged import logged, raw

pytestmark = pytest.mark.stack


def entries(records: Sequence[Record], first: int) -> list[Entry]:
    found = [
        entry_of(raw(topic, key, value, headers, offset=offset), {})
        for offset, (topic, key, value, headers) in enumerate(records, first)
    ]
    return [replace(one, time_ms=int(time.time() * 1000)) for one in found]


async def checked(at: Correcting, log: Log) -> dict[str, Check]:
    return {one.name: one for one in await audit_quiz(log, at.database, []) if not one.agrees}


async def corrected(parts: Parts, sent: Sequence[Submission]) -> tuple[Correcting, list[Entry]]:
    """A quiz with two corrections, and the log of it."""
    at = Correcting(parts)
    await at.prepare()
    following = await parts.grading.grade_submissions(batch(*sent[:-5]))
    for question_id, key in (("q1", "B"), ("q2", CANCELLED)):
        await at.correct(question_id, key)
        await at.regrade()
    late = await parts.grading.grade_submissions(batch(*sent[-5:]))
    submitted = [
        replace(logged(envelope(one), offset), time_ms=int(time.time() * 1000))
        for offset, one in enumerate(sent)
    ]
    records = [one for one in (*following, *late) if isinstance(one, tuple)]
    records += await outbox.waiting(at.database)
    return at, [*submitted, *entries(records, len(sent))]


async def test_the_audit_agrees_after_corrections_and_finds_what_is_wrong(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        sent = [parts.submission(f"p{n}", right=n % 6, seconds=60 + n) for n in range(30)]
        at, log = await corrected(parts, sent)
        assert await checked(at, Log(log)) == {}
        told = [one for one in log if one.topic == "quiz.regraded"]
        assert told
        # One is not told of.
        without = [one for one in log if one is not told[0]]
        assert "changed results are published (quiz.regraded)" in await checked(at, Log(without))
        # One has the points of before.
        results = at.database["results"]
        found_changed = await results.find({"version": {"$gt": 1}}).to_list(None)
        stored = next(one for one in found_changed if one["first"][0] != one["halves"])
        id_ = stored["_id"]
        await results.update_one({"_id": id_}, {"$set": {"halves": stored["first"][0]}})
        found = await checked(at, Log(log))
        assert "scores are right" in found
        assert "each correction goes on from the points before" in found
        await results.replace_one({"_id": id_}, stored)
        # A correction that is not done.
        quizzes = at.database["quizzes"]
        await quizzes.update_one({"_id": parts.quiz_id}, {"$set": {"regrading": 2}})
        assert set(await checked(at, Log(log))) == {"corrections are done"}


FLAGS = "attempts that were too fast are flagged"


async def test_the_audit_knows_what_is_flagged_by_the_keys_of_now(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        stores, database = parts.stores, parts.stores.database
        # All right in two seconds.
        sent = [parts.submission(f"p{n}", seconds=2) for n in range(4)]
        at = Correcting(parts)
        await at.prepare()
        following = await parts.grading.grade_submissions(batch(*sent))
        records = [one for one in following if isinstance(one, tuple)]
        submitted = [
            replace(logged(envelope(one), offset), time_ms=int(time.time() * 1000))
            for offset, one in enumerate(sent)
        ]
        records += await outbox.waiting(database)
        log = Log([*submitted, *entries(records, len(sent))])
        await parts.close()
        await parts.catalogue.refresh()
        erased = parts.grading.erased
        reads = Reads(stores.results, stores.attempts, stores.participants, parts.catalogue, erased)
        examiner = Examiner(stores.flags, reads, Lease(database, LOOP, owner="tests"), rests=0)
        await until_done(examiner)
        assert await database["flags"].count_documents({}) == len(sent)
        assert FLAGS not in await checked(at, log)

        # Whichever question it is, somebody has it.
        await at.correct(next(iter(sent[0].answers)), "B")
        await at.regrade()
        revised = {"$set": {"revised_at": clock.now()}, "$inc": {"revision": 1}}
        await database["quizzes"].update_one({"_id": parts.quiz_id}, revised)
        await parts.catalogue.refresh()
        before = await database["flags"].find().to_list(None)
        # It is examined again in a moment.
        assert FLAGS not in await checked(at, log)
        await until_done(examiner)
        assert await database["flags"].count_documents({}) < len(sent)
        assert FLAGS not in await checked(at, log)
        await database["flags"].delete_many({})
        await database["flags"].insert_many(before)
        assert (await checked(at, log))[FLAGS].wrong


async def until_done(examiner: Examiner) -> None:
    turns = 0
    while due := await examiner.pending("", 1):
        await examiner.go_on(due[0])
        turns += 1
    assert turns
