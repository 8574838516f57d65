"""
People of the past: they took the quiz, were graded, awarded and told. Their documents are inserted directly.

Their ids begin with a hash, so they lie among other people's ids in every index. In the middle of each id
stands `-past-`, by which the documents are found and removed before an audit, which does not expect them.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeAlias

from pymongo import MongoClient, WriteConcern

from bench.contest import DISTRICT
from services.awards.issued.codes import award_id
from services.quiz.scoring.rules import passes
from services.quiz.standings.rules import order
from shared.runtime.owned_ids import owned_id

Document: TypeAlias = dict[str, Any]
INSERTED_AT_ONCE = 5_000
PAST = {"$regex": "^[^-]{8}-past-"}
PAST_RESULT = {"$regex": "/[0-9]{13}-[^-]{8}-past-"}
# The half points of a paper with twenty questions.
HALVES_MAX = 40
SCHEME, TITLE = "bench-certificate", "科技创新和科学技术普及知识竞赛合格证书"
THEN = datetime(2026, 1, 1, tzinfo=UTC)


def add(
    url: str,
    quiz_id: str,
    numbers: range,
    tell: Callable[[str], None],
    *,
    opened_at: datetime,
    only: tuple[str, str] | None = None,
) -> None:
    """
    Add the people of these numbers. The same number is the same person every time.

    Args:
        only: one database and collection to add them to. By default they are added to all.
    """
    client: MongoClient[Document] = MongoClient(url, tz_aware=True)
    try:
        for database, collection, made in _Documents(quiz_id, opened_at).collections():
            if only not in (None, (database, collection)):
                continue
            tell(f"{len(numbers):,} people of the past: {database}.{collection}")
            # No journal: after a crash all of this would be made again.
            into = client[database].get_collection(collection, write_concern=WriteConcern(w=1, j=False))
            documents = (document for number in numbers for document in made(number))
            while some := list(islice(documents, INSERTED_AT_ONCE)):
                into.insert_many(some, ordered=False)
    finally:
        client.close()


def remove(url: str, tell: Callable[[str], None]) -> None:
    """Remove all people of the past."""
    client: MongoClient[Document] = MongoClient(url)
    try:
        for database, collection, field, pattern in (
            ("kepu_quiz", "attempts", "participant_id", PAST),
            ("kepu_quiz", "results", "participant_id", PAST),
            ("kepu_quiz", "standings", "participant_id", PAST),
            ("kepu_quiz", "participants", "_id", PAST),
            ("kepu_awards", "results", "_id", PAST_RESULT),
            ("kepu_awards", "awards", "recipient_id", PAST),
            ("kepu_notifications", "contacts", "_id", PAST),
            ("kepu_notifications", "messages", "participant_id", PAST),
        ):
            tell(f"removing the past: {database}.{collection}")
            client[database][collection].delete_many({field: pattern})
    finally:
        client.close()


def person(number: int) -> str:
    """The id of the person with this number."""
    return _id("person", number)


def _seconds_used(number: int) -> int:
    """How long this person took, in seconds."""
    return 60 + number % 1_000


def _halves(number: int) -> int:
    """How many half points this person reached."""
    return number % (HALVES_MAX + 1)


def _id(kind: str, number: int) -> str:
    digest = hashlib.blake2b(f"{kind}/{number}".encode(), digest_size=8).hexdigest()
    return f"{digest[:8]}-past-{digest[8:12]}-{digest[12:]}-{number:012x}"


@dataclass(frozen=True, slots=True)
class _Documents:
    """What a person of the past has in each collection."""

    quiz_id: str
    opened_at: datetime

    def collections(self) -> Iterator[tuple[str, str, Callable[[int], list[Document]]]]:
        """Each database and collection, and the function that makes a person's documents there."""
        yield "kepu_quiz", "attempts", self.attempts
        yield "kepu_quiz", "results", self.results
        yield "kepu_quiz", "standings", self.standings
        yield "kepu_quiz", "participants", self.participants
        yield "kepu_awards", "results", self.remembered
        yield "kepu_awards", "awards", self.awards
        yield "kepu_notifications", "contacts", self.contacts
        yield "kepu_notifications", "messages", self.messages

    def attempts(self, number: int) -> list[Document]:
        return [
            {
                "_id": _id("attempt", number),
                "quiz_id": self.quiz_id,
                "quiz_version": 1,
                "participant_id": person(number),
                "number": 1,
                "started_at": THEN,
                "deadline_at": THEN + timedelta(minutes=20),
            }
        ]

    def results(self, number: int) -> list[Document]:
        return [
            {
                "_id": _id("attempt", number),
                "submission_id": _id("submission", number),
                "quiz_id": self.quiz_id,
                "participant_id": person(number),
                "group_id": None,
                "district": DISTRICT,
                "quiz_version": 1,
                "halves": _halves(number),
                "halves_max": HALVES_MAX,
                "passed": passes(_halves(number), HALVES_MAX, 60),
                "time_used_seconds": _seconds_used(number),
                "submitted_at": self._submitted_at(number),
                "answers": "A,B,C,D,A,B,C,D,A,B,C,D,A,B,C,D,A,B,C,D",
            }
        ]

    def standings(self, number: int) -> list[Document]:
        order_ = order(_halves(number), _seconds_used(number), self._submitted_at(number), self.opened_at)
        who = person(number)
        return [
            {"_id": f"{self.quiz_id}/{who}", "quiz_id": self.quiz_id, "participant_id": who, "order": order_}
        ]

    def participants(self, number: int) -> list[Document]:
        return [{"_id": person(number), "version": 1, "group_id": None, "district": DISTRICT}]

    def remembered(self, number: int) -> list[Document]:
        submitted_ms = int(self.opened_at.timestamp() * 1000) + number
        return [
            {
                "_id": f"{self.quiz_id}/{submitted_ms:013}-{_id('attempt', number)}",
                "participant_id": person(number),
                "points": float(number % 101),
                "points_max": 100.0,
                "time_used_seconds": _seconds_used(number),
            }
        ]

    def awards(self, number: int) -> list[Document]:
        return [
            {
                "_id": award_id(SCHEME, person(number)),
                "award_code": _id("code", number),
                "scheme_id": SCHEME,
                "scheme_title": TITLE,
                "kind": "certificate",
                "recipient_id": person(number),
                "cause": _id("attempt", number),
                "issued_at": THEN,
                "relayed": False,
                "version": 1,
            }
        ]

    def contacts(self, number: int) -> list[Document]:
        return [{"_id": person(number), "kind": "person", "language": "zh-CN", "contact_sealed": None}]

    def messages(self, number: int) -> list[Document]:
        return [_message(number, kind) for kind in ("quiz_completed", "award_issued")]

    def _submitted_at(self, number: int) -> datetime:
        return self.opened_at + timedelta(milliseconds=number)


def _message(number: int, kind: str) -> Document:
    who = person(number)
    cause = {
        "id": _id(f"event-{kind}", number),
        "source": "kepu/past",
        "time": THEN,
        "correlation_id": _id("submission", number),
        "traceparent": None,
    }
    return {
        "_id": owned_id(who, kind),
        "participant_id": who,
        "channel": "inbox",
        "kind": kind,
        "cause": cause,
        "created_at": THEN,
        "state": "delivered",
        "facts": {"quiz_title": TITLE, "score_percent": number % 101, "passed": True, "completed_at": THEN},
    }
