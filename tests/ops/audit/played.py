"""A small quiz and the awards that follow from it, played with the services' own parts; its whole log."""

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ops.audit.chain.facts import Facts, Named
from ops.audit.chain.gather import facts_of, keep_of
from ops.audit.log import Entry, Log
from ops.deployment.databases import Databases
from services.awards.schemes.rules import Scheme
from shared.contracts.events import (
    NotificationDelivered,
    QuizClosed,
    QuizCompleted,
    QuizDisqualificationDecided,
    QuizRegraded,
)
from shared.messaging.publisher import Record, to_record
from shared.storage.mongo import Database
from shared.storage.outbox import waiting
from tests.awards.builders import certificate, envelope, following, joined, prizes, scheme
from tests.awards.parts import Parts as AwardParts
from tests.awards.parts import new_parts
from tests.quiz.builders import batch, question
from tests.quiz.builders import envelope as submitted
from tests.quiz.disqualifying.builders import Deciding
from tests.quiz.parts import Parts as QuizParts
from tests.quiz.parts import new_parts as new_quiz
from tests.quiz.regrading.builders import Correcting
from tests.support.kafka import fresh_database
from tests.support.logged import entries, logged
from tests.support.service import enclosed

# By person, how many of the five answers are right, and the seconds.
PEOPLE = {
    "best": (5, 60),
    "second": (5, 90),
    "fallen": (4, 60),
    "third": (4, 95),
    "out": (5, 30),
    "low": (1, 60),
}
# Five questions, so everybody has the same ones, and the correction concerns everybody.
QUESTIONS = tuple(question(n, "天文" if n < 3 else "健康") for n in range(5))
READ_BY_AWARDS = (QuizCompleted, QuizRegraded, QuizDisqualificationDecided, QuizClosed)


@dataclass(frozen=True)
class Played:
    """The whole log, the databases, and the schemes by name."""

    log: Sequence[Entry]
    databases: Databases
    schemes: dict[str, Scheme]

    async def facts(self, scheme: str, who: str) -> Facts:
        """What the chain of this award is computed from."""
        awards, of = self.databases.awards, self.schemes[scheme].scheme_id
        row = await awards["awards"].find_one({"scheme_id": of, "recipient_id": who})
        assert row is not None
        stored = await awards["schemes"].find_one({"_id": of})
        assert stored is not None
        named = Named(row["award_code"], row["_id"], of, who)
        keep = keep_of(named, stored["rule"])
        log = Log(one for one in self.log if keep(one.topic, one.key.encode(), one.value or b""))
        services = ("registration", "quiz", "awards", "notifications")
        return await facts_of(named, log, self.databases, datetime.now(UTC), row, stored, services)


@asynccontextmanager
async def played(kafka: str, mongo: str) -> AsyncIterator[Played]:
    """
    A quiz with a correction and a disqualification is closed.

    A certificate, prizes by rank, a certificate that the correction takes back, and a conferred flag.
    """
    async with (
        new_quiz(kafka, mongo, questions=QUESTIONS) as quiz,
        new_parts(mongo) as [awards],
        fresh_database(mongo) as notifications,
        fresh_database(mongo) as registration,
    ):
        quiz_id = quiz.quiz_id
        schemes = {
            "certificate": certificate(quiz_id),
            "follows": following(certificate(quiz_id, 80)),
            "prize": prizes(quiz_id, gold=1, silver=2),
            "flag": scheme(),
        }
        for of in schemes.values():
            await awards.schemes.put(of)
        log = await _quiz(quiz, kafka)
        log += await _awards(awards, log, schemes["flag"], len(log))
        log += await _notified(notifications, log)
        yield Played(
            log, Databases(registration, quiz.stores.database, awards.database, notifications), schemes
        )


async def _quiz(parts: QuizParts, kafka: str) -> list[Entry]:
    deciding, correcting = Deciding(parts), Correcting(parts)
    await correcting.prepare()
    sent = [parts.submission(who, right=right, seconds=used) for who, (right, used) in PEOPLE.items()]
    following = await parts.grading.grade_submissions(batch(*sent))
    fallen = next(one for one in sent if one.participant_id == "fallen")
    await correcting.correct(
        next(id_ for id_, letter in sorted(fallen.answers.items()) if letter == "A"), "B"
    )
    await correcting.regrade()
    await deciding.out("out")
    await deciding.settle()
    now = datetime.now(UTC)
    await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
    await parts.closer(kafka).close_due(now + timedelta(minutes=1))
    records = [one for one in following if isinstance(one, tuple)]
    return [
        *_now(logged(submitted(one), offset) for offset, one in enumerate(sent)),
        *_now(entries([*records, *await waiting(parts.stores.database)], first=len(sent))),
    ]


async def _awards(parts: AwardParts, log: Iterable[Entry], flag: Scheme, first: int) -> list[Entry]:
    people = [joined(who) for who in PEOPLE]
    await parts.know(*people)
    records: list[Record] = [to_record(envelope(one)) for one in people]
    for contract in READ_BY_AWARDS:
        found = [one for one in log if one.topic == contract.topic]
        happened = [contract.model_validate_json(one.value or b"") for one in found]
        records += await parts.publish_all(*happened)
        await parts.follow()
    await parts.confer(flag, "low")
    records += await waiting(parts.database)
    return _now(entries(records, first=first))


async def _notified(database: Database, log: Sequence[Entry]) -> list[Entry]:
    """A message in the inbox for each version of each award."""
    whole = Log(log)
    told = [event for topic in ("award.issued", "award.revoked") for event in whole.events(topic)]
    delivered: list[Record] = []
    for number, event in enumerate(told):
        message = {
            "_id": f"message-{number}",
            "participant_id": event.key,
            "kind": event.topic.replace(".", "_"),
            "channel": "inbox",
            "state": "delivered",
            "cause": {"id": event.id},
            "facts": {"award_code": event.body["award_code"]},
        }
        await database["messages"].insert_one(message)
        one = NotificationDelivered(
            message_id=f"message-{number}",
            participant_id=event.key,
            channel="inbox",
            cause_id=event.id,
            delivered_at=datetime.now(UTC),
        )
        delivered.append(to_record(enclosed(one, f"message-{number}")))
    return _now(entries(delivered, first=len(log)))


def _now(some: Iterable[Entry]) -> list[Entry]:
    return [replace(one, time_ms=int(time.time() * 1000)) for one in some]
