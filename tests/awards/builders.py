"""Schemes, results, closings and a running awards service, for the tests of awards."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer

from services.awards.app import AwardsSettings, assemble
from services.awards.schemes.rules import AfterNotice, Scheme
from shared.contracts.envelope import Envelope, Event, enclose
from shared.contracts.events import (
    AwardIssued,
    AwardRevoked,
    FinalStanding,
    ParticipantErased,
    ParticipantJoined,
    QuizClosed,
    QuizCompleted,
    QuizDisqualificationDecided,
    QuizPublished,
    QuizRegraded,
)
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import Publisher, publishing
from shared.storage.mongo import Database
from tests.support.service import (
    NAME_PRIVATE_KEY,
    NO_KAFKA,
    ORGANISER,
    SOURCE,
    copies_of,
    new_id,
    settings_of,
)
from tests.support.waiting import eventually

AWARD_KEY = "a-secret-of-at-least-thirty-two-characters"
NOW = datetime(2023, 5, 25, 9, 30, 0, 123_456, tzinfo=UTC)


def scheme(scheme_id: str | None = None, **changes: Any) -> Scheme:
    """A flag that organisers confer, unless told otherwise."""
    fields: dict[str, Any] = {"title": "科技服务队队旗", "kind": "flag", "rule": {"type": "conferred"}}
    return Scheme.model_validate(fields | changes | {"scheme_id": scheme_id or new_id("scheme")})


def certificate(quiz_id: str, score_percent: int = 60) -> Scheme:
    rule = {"type": "pass_mark", "quiz_id": quiz_id, "score_percent": score_percent}
    return scheme(title="合格证书", kind="certificate", rule=rule)


def prizes(quiz_id: str, **places: int) -> Scheme:
    tiers = [{"tier": tier, "places": count} for tier, count in places.items()]
    return scheme(
        title="竞赛奖", kind="prize", rule={"type": "rank_tiers", "quiz_id": quiz_id, "tiers": tiers}
    )


def following(of: Scheme) -> Scheme:
    """The same scheme, but its awards follow the results."""
    return of.model_copy(update={"on_change": "follow"})


def noticed(of: Scheme, **terms: Any) -> Scheme:
    """The same scheme, but it issues after a public notice."""
    issue = AfterNotice.model_validate({"type": "after_notice"} | terms)
    return of.model_copy(update={"issue": issue})


def next_in_rank(of: Scheme) -> Scheme:
    """The same scheme by rank, but the next in rank moves up."""
    return of.model_copy(update={"rule": of.rule.model_copy(update={"next_in_rank": True})})


def completed(quiz_id: str, participant_id: str, points: float = 80, **changes: Any) -> QuizCompleted:
    """A result of so many of 100 points, unless told otherwise."""
    fields: dict[str, Any] = {
        "result_id": str(uuid4()),
        "quiz_id": quiz_id,
        "quiz_title": "科普知识竞赛",
        "participant_id": participant_id,
        "group_id": None,
        "district": "华龙区",
        "points": points,
        "points_max": 100,
        "score_percent": int(points),
        "passed": points >= 60,
        "time_used_seconds": 300,
        "completed_at": NOW,
    }
    return QuizCompleted(**(fields | changes))


def standings(*ranks: int) -> tuple[FinalStanding, ...]:
    """Participants p0, p1, … with these ranks."""
    return tuple(standing(rank, f"p{place}") for place, rank in enumerate(ranks))


def standing(
    rank: int, participant_id: str, points: float = 90, time_used_seconds: int = 60
) -> FinalStanding:
    """A place in the final standings, with so many of 100 points."""
    return FinalStanding(
        rank=rank,
        participant_id=participant_id,
        points=points,
        score_percent=int(points),
        time_used_seconds=time_used_seconds,
    )


def closed(
    quiz_id: str,
    final: Sequence[FinalStanding],
    participants: int | None = None,
    version: int = 1,
    **changes: Any,
) -> QuizClosed:
    return QuizClosed(
        quiz_id=quiz_id,
        quiz_title="科普知识竞赛",
        closed_at=NOW,
        participants=len(final) if participants is None else participants,
        points_max=100,
        standings=tuple(final),
        version=version,
        **changes,
    )


def decided(
    quiz_id: str, participant_id: str, version: int = 1, *result_ids: str, disqualified: bool = True
) -> QuizDisqualificationDecided:
    """A participant is disqualified, unless told otherwise."""
    return QuizDisqualificationDecided(
        quiz_id=quiz_id,
        quiz_title="科普知识竞赛",
        participant_id=participant_id,
        version=version,
        disqualified=disqualified,
        result_ids=result_ids,
        reason="两台设备同时作答",
        decided_at=NOW,
    )


def published(quiz_id: str, version: int = 1) -> QuizPublished:
    return QuizPublished(
        quiz_id=quiz_id,
        version=version,
        title="科普知识竞赛",
        opens_at=NOW,
        closes_at=NOW + timedelta(days=1),
        timezone="Asia/Shanghai",
        duration_seconds=600,
        grace_seconds=5,
        attempts_per_day=1,
        pass_percent=60,
        papers=1,
        attempt_ids="attempts",
        blueprint={},
        questions=(),
    )


def joined(participant_id: str, **changes: Any) -> ParticipantJoined:
    fields: dict[str, Any] = {
        "participant_id": participant_id,
        "version": 1,
        "kind": "person",
        "group_id": None,
        "district": "华龙区",
        "audience": "other",
        "language": "zh-CN",
        "contact_sealed": None,
    }
    return ParticipantJoined(**(fields | changes))


def erased(participant_id: str) -> ParticipantErased:
    return ParticipantErased(participant_id=participant_id, version=2, erased_at=NOW)


def regraded(of: QuizCompleted, points: float, before: float | None = None, version: int = 2) -> QuizRegraded:
    """A correction after which a result has so many points."""
    return QuizRegraded(
        result_id=of.result_id,
        version=version,
        quiz_id=of.quiz_id,
        quiz_title=of.quiz_title,
        participant_id=of.participant_id,
        correction=version - 1,
        code="key_corrected",
        points_before=of.points if before is None else before,
        points=points,
        points_max=of.points_max,
        score_percent=int(points),
        passed_before=(of.points if before is None else before) >= 60,
        passed=points >= 60,
        time_used_seconds=of.time_used_seconds,
        completed_at=of.completed_at,
        regraded_at=NOW,
    )


def envelope(event: Event) -> Envelope[Event]:
    cause = event.result_id if isinstance(event, QuizCompleted) else event.key
    if isinstance(event, QuizRegraded):
        cause = f"{event.result_id}/{event.correction}"
    if isinstance(event, QuizDisqualificationDecided | QuizClosed):
        cause = f"{event.quiz_id}/{event.key}/{event.version}"
    return enclose(event, source=SOURCE, cause=cause, now=NOW)


def settings(*, mongo: str, kafka: str = NO_KAFKA, **changes: object) -> AwardsSettings:
    own = {"award_key": AWARD_KEY, "name_private_key": NAME_PRIVATE_KEY}
    return settings_of(AwardsSettings, mongo=mongo, kafka=kafka, **own | changes)


@asynccontextmanager
async def service(
    mongo: str, *, kafka: str = NO_KAFKA, copies: int = 1, **changes: object
) -> AsyncIterator[tuple[list[httpx.AsyncClient], Database]]:
    """Copies of the service on one database, and that database."""
    of = settings(mongo=mongo, kafka=kafka, **changes)
    async with copies_of(assemble, of, of.database, copies=copies) as clients_and_database:
        yield clients_and_database


async def put(client: httpx.AsyncClient, of: Scheme) -> httpx.Response:
    body = of.model_dump(mode="json")
    return await client.put(f"/schemes/{of.scheme_id}", json=body, headers=ORGANISER)


async def confer(client: httpx.AsyncClient, of: Scheme, recipient_id: str, **more: str) -> httpx.Response:
    body = {"scheme_id": of.scheme_id, "recipient_id": recipient_id, **more}
    return await client.post("/awards", json=body, headers=ORGANISER)


class Week:
    """One or more copies of awards over one database, and what they say on Kafka."""

    def __init__(
        self, clients: Sequence[httpx.AsyncClient], publisher: Publisher, heard: AIOKafkaConsumer
    ) -> None:
        self.client = clients[0]
        self.clients = clients
        self._publisher = publisher
        self._consumer = heard
        self._heard: list[tuple[str, AwardIssued | AwardRevoked]] = []

    async def put(self, *schemes: Scheme) -> None:
        """Put schemes whose quizzes are published."""
        await self.publish(*[published(quiz_id) for one in schemes if (quiz_id := one.quiz_id)])
        for one in schemes:
            body = one.model_dump(mode="json")
            answer = await self.client.put(f"/schemes/{one.scheme_id}", json=body, headers=ORGANISER)
            assert answer.status_code == 200, answer.text

    async def publish(self, *events: Event) -> None:
        await self._publisher.publish([envelope(event) for event in events])

    async def all_handled(self, quiz_id: str) -> None:
        """Wait until what was told so far is handled: a witness behind it in every partition is."""
        witness = certificate(new_id("witness"), 0)
        await self.put(witness)
        assert witness.quiz_id is not None
        people = [new_id("witness") for _ in range(120)]
        await self.publish(*[completed(witness.quiz_id, one) for one in people])
        await self.publish(closed(witness.quiz_id, ()))
        await eventually(lambda: self.said(witness.scheme_id), lambda said: len(said) >= len(people))

    async def awards(self, scheme_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        query = {"scheme_id": scheme_id, "limit": "200"}
        while True:
            answer = await self.client.get("/awards", params=query, headers=ORGANISER)
            assert answer.status_code == 200, answer.text
            found += answer.json()["awards"]
            if answer.json()["after"] is None:
                return found
            query["after"] = answer.json()["after"]

    async def said(self, scheme_id: str) -> list[tuple[str, AwardIssued | AwardRevoked]]:
        """The event ids and events of a scheme that Kafka has so far, in order for each recipient."""
        while found := await self._consumer.getmany(timeout_ms=200):
            for records in found.values():
                for record in records:
                    kind = AwardIssued if record.topic == AwardIssued.topic else AwardRevoked
                    event_id = dict(record.headers)["ce_id"].decode()
                    self._heard.append((event_id, kind.model_validate_json(record.value)))
        return [(id_, event) for id_, event in self._heard if event.scheme_id == scheme_id]


@asynccontextmanager
async def week(kafka: str, mongo: str, copies: int = 1, **changes: object) -> AsyncIterator[Week]:
    await create_missing(kafka)
    heard = AIOKafkaConsumer(AwardIssued.topic, AwardRevoked.topic, bootstrap_servers=kafka)
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(publishing(kafka, "tests"))
        await heard.start()
        stack.push_async_callback(heard.stop)
        await heard.seek_to_end()
        clients, _ = await stack.enter_async_context(service(mongo, kafka=kafka, copies=copies, **changes))

        async def all_well() -> bool:
            return all([(await client.get("/health")).is_success for client in clients])

        await eventually(all_well, bool)
        yield Week(clients, publisher, heard)
