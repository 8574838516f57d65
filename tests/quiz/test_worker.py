"""Worker processes on the real broker: dead letters, shared work, SIGKILL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from services.quiz.attempts.rules import Attempt
from services.quiz.attempts.submission import Submission, encoder
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.rules import QuizId
from services.quiz.results.rules import AttemptId
from shared.contracts.envelope import enclose, to_headers
from shared.contracts.events import QuizSubmitted
from shared.contracts.topics import dead_letters
from shared.messaging.create_topics import create_missing
from shared.messaging.received import Raw
from tests.quiz.builders import ATTEMPT_KEY, envelope, joined, service
from tests.quiz.parts import Parts, completed_of, new_parts
from tests.support.kafka import read_all, write_raw
from tests.support.killing import Killable
from tests.support.service import ORGANISER_KEY, TOKEN_PUBLIC_KEY
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

GROUP = "quiz-grading"


def attempt_of(sent: Submission) -> Attempt:
    """The attempt that was begun here, of a submission."""
    ids = AttemptId(sent.attempt_id), QuizId(sent.quiz_id), ParticipantId(sent.participant_id)
    return Attempt(*ids, sent.number, sent.started_at, sent.submitted_at, 1)


async def dead_of(kafka: str, word: str) -> list[tuple[str, Raw]]:
    """Code and record of the dead letters whose body holds this word."""
    records = await read_all(kafka, dead_letters(QuizSubmitted.topic, GROUP))
    return [
        (dict(record.headers)["dead_code"].decode(), record)
        for record in records
        if word.encode() in (record.value or b"")
    ]


async def test_bad_submissions_are_dead_letters_and_their_neighbours_are_graded(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        good = [parts.submission() for _ in range(5)]
        bad = [
            msgspec.structs.replace(parts.submission(), participant_id="somebody-else"),
            msgspec.structs.replace(parts.submission(), answers={"q99": "A"}),
            parts.submission(seconds=3700),
            parts.submission(submitted_at=datetime.now(UTC) - timedelta(minutes=10), seconds=1300),
        ]
        begun = [attempt_of(one) for one in (good[0], *bad[1:])]
        await parts.stores.attempts.add(begun)
        mixed = [one for pair in zip(good, bad, strict=False) for one in pair] + good[4:]
        await parts.publisher.publish([envelope(one) for one in mixed])
        whole = envelope(parts.submission())
        value, headers = encoder.encode(good[0]), to_headers(whole.context)
        later = [(name, b"kepu.quiz.submitted.v9" if name == "ce_type" else text) for name, text in headers]
        await write_raw(
            kafka,
            QuizSubmitted.topic,
            [
                (b"x", value[:-1], headers),
                (b"x", value.replace(b'"number":1', b'"number":1.5'), headers),
                (b"x", value, later),
            ],
        )
        name = parts.stores.database.name
        async with service(mongo, kafka=kafka, role="worker", database=name) as ([client], _):

            async def all_there() -> bool:
                return (
                    len(await dead_of(kafka, parts.quiz_id)) >= 7 and len(await parts.completed(kafka)) >= 5
                )

            await eventually(all_there)
            health = await client.get("/health")
            assert health.status_code == 200, health.text
            assert {"quizzes", "relay", "closing", f"consumer {GROUP}"} <= health.json()["checks"].keys()
        found = await dead_of(kafka, parts.quiz_id)
        assert sorted(code for code, _ in found) == [
            "attempt_late",
            "attempt_unknown",
            "bad_body",
            "bad_body",
            "question_unknown",
            "times_impossible",
            "unknown_type",
        ]
        for _, record in found:
            origin = dict(record.headers)
            assert (origin["dead_topic"], origin["dead_group"]) == (b"quiz.submitted", GROUP.encode())
        assert {result.result_id for _, result in await parts.completed(kafka)} == {
            one.attempt_id for one in good
        }

        async def codes() -> list[str | None]:
            stored = await parts.stores.attempts.started([one.attempt_id for one in begun])
            return [stored[one.attempt_id].refused for one in begun]

        # Each participant can read why; of the graded one, a malformed repeat says nothing.
        expected = [None, "question_unknown", "times_impossible", "attempt_late"]
        assert await eventually(codes, lambda found: found == expected)


@asynccontextmanager
async def workers() -> AsyncIterator[list[Killable]]:
    """What the test starts is put here; whatever still runs is killed at the end."""
    started: list[Killable] = []
    try:
        yield started
    finally:
        for process in started:
            await process.end()


async def start(kafka: str, mongo: str, database: str, instance: str) -> Killable:
    environment = {
        "KEPU_KAFKA": kafka,
        "KEPU_MONGO": mongo,
        "KEPU_DATABASE": database,
        "KEPU_INSTANCE": instance,
        "KEPU_ROLE": "worker",
        "KEPU_PORT": "0",
        "KEPU_ORGANISER_KEY": ORGANISER_KEY,
        "KEPU_TOKEN_PUBLIC_KEY": TOKEN_PUBLIC_KEY,
        "KEPU_ATTEMPT_KEY": ATTEMPT_KEY,
    }
    process = Killable.serving("quiz", environment)
    await process.start()
    return process


async def shares(kafka: str) -> list[int]:
    """How many partitions of the submissions each member of the group reads."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        (described,) = await admin.describe_consumer_groups([GROUP])
    finally:
        await admin.close()
    return [len(member[4]) for group in described.groups for member in group[5]]


async def all_graded(parts: Parts, sent: Sequence[Submission], kafka: str) -> bool:
    graded = {result.result_id for _, result in await completed_of(kafka, parts.quiz_id)}
    return graded >= {one.attempt_id for one in sent}


async def test_a_killed_worker_loses_nothing_and_says_nothing_differently(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    async with new_parts(kafka, mongo) as parts:
        database = parts.stores.database.name
        # Half of them known by themselves, half by their profiles, which come after the kill.
        sent = [parts.submission(district=None if n % 2 else "范县", right=n % 6) for n in range(600)]
        profiles = [
            enclose(joined(one.participant_id), source="tests", cause=str(uuid4()), now=datetime.now(UTC))
            for one in sent[1::2]
        ]
        async with workers() as started:
            await parts.publisher.publish([envelope(one) for one in sent[:300]])
            started.append(await start(kafka, mongo, database, "w1"))
            await eventually(lambda: parts.stores.standings.count(parts.quiz_id))
            await started[0].kill()
            started += [await start(kafka, mongo, database, name) for name in ("w1", "w2")]
            await parts.publisher.publish(profiles)
            await parts.publisher.publish([envelope(one) for one in sent[300:]])
            await eventually(lambda: all_graded(parts, sent, kafka), seconds=30)

            async def shared() -> bool:
                return len(found := await shares(kafka)) == 2 and all(found)

            await eventually(shared)
        said: dict[str, set[tuple[str, str]]] = {}
        for id_, result in await parts.completed(kafka):
            said.setdefault(result.result_id, set()).add((id_, result.model_dump_json()))
        assert said.keys() == {one.attempt_id for one in sent}
        assert {len(ways) for ways in said.values()} == {1}, "a repeat says the same"
        assert await parts.stores.standings.count(parts.quiz_id) == len(sent)
        assert await parts.stores.waiting.of_quiz(parts.quiz_id) == []
