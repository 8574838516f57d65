"""
Grading as it is usually written: FastStream with a model argument, one message at a time.

Each message has its own upserts, publish and commit, so delivery is at least once, like ours.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel

from bench.baselines.clients import setting
from bench.contest import Contest
from services.quiz.quizzes.papers import paper_number
from services.quiz.scoring.rules import HALF_POINTS_A_QUESTION, grade, packed, passes, score_percent
from services.quiz.standings.rules import order
from shared.contracts.events import QuizCompleted

# Without a log line for each message, which makes it faster.
broker = KafkaBroker(
    setting("kafka"), acks="all", enable_idempotence=True, compression_type="zstd", logger=None
)
app = FastStream(broker)
contest = Contest.of_now()
client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
    setting("mongo"), w="majority", journal=True, tz_aware=True
)
database = client["bench"]


class Submitted(BaseModel):
    attempt_id: str
    quiz_id: str
    participant_id: str
    number: int
    started_at: datetime
    submitted_at: datetime
    answers: dict[str, str]
    group_id: str | None = None
    district: str | None = None
    quiz_version: int | None = None


@broker.subscriber(
    setting("topic"),
    group_id=setting("group"),
    auto_offset_reset="earliest",
    isolation_level="read_committed",
    ack_policy=AckPolicy.NACK_ON_ERROR,
)
async def grade_submission(submitted: Submitted) -> None:
    """Grade, store, raise the standing, publish."""
    quiz = contest.quiz
    key = contest.paper(paper_number(submitted.attempt_id, quiz.papers)).key
    half_points, half_points_max = grade(submitted.answers, key), HALF_POINTS_A_QUESTION * len(key)
    used = int((submitted.submitted_at - submitted.started_at).total_seconds())
    completed = QuizCompleted(
        result_id=submitted.attempt_id,
        quiz_id=submitted.quiz_id,
        quiz_title=quiz.title,
        participant_id=submitted.participant_id,
        group_id=submitted.group_id,
        district=submitted.district,
        points=half_points / HALF_POINTS_A_QUESTION,
        points_max=half_points_max / HALF_POINTS_A_QUESTION,
        score_percent=score_percent(half_points, half_points_max),
        passed=passes(half_points, half_points_max, quiz.pass_percent),
        time_used_seconds=used,
        completed_at=datetime.now(UTC),
    )
    result = completed.model_dump(exclude={"result_id", "quiz_title"})
    result["answers"] = packed(submitted.answers, key)
    await database["results"].update_one({"_id": submitted.attempt_id}, {"$set": result}, upsert=True)
    standing = f"{submitted.quiz_id}/{submitted.participant_id}"
    await database["standings"].update_one(
        {"_id": standing},
        {
            "$max": {"order": order(half_points, used, submitted.submitted_at, quiz.opens_at)},
            "$setOnInsert": {"quiz_id": submitted.quiz_id, "participant_id": submitted.participant_id},
        },
        upsert=True,
    )
    await broker.publish(completed, "bench.completed", key=submitted.participant_id.encode())


if __name__ == "__main__":
    asyncio.run(app.run())
