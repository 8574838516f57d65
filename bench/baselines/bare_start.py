"""
The least that the start of an attempt must do: insert it in a group commit, answer with a paper from memory.

There is no framework, no signature is checked or made, nothing is looked up, there are no second attempts and
no metrics.
"""

from base64 import urlsafe_b64decode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from motor.motor_asyncio import AsyncIOMotorClient

from bench.baselines.asgi import Bare
from bench.baselines.clients import serve, setting
from bench.contest import DURATION_SECONDS, VERSION, Contest
from services.quiz.attempts.rules import attempt_id
from services.quiz.attempts.start import STARTS_GROUP_MAX, WINDOW_SECONDS
from services.quiz.quizzes.papers import paper_number
from services.quiz.quizzes.rules import day_of
from shared.messaging.group_commit import GroupCommit

TOKEN_LIKE = b"t" * 230

encode = msgspec.json.Encoder().encode


class BareStart(Bare):
    """POST /quizzes/{quiz_id}/attempts."""

    status = 201

    async def open(self) -> None:
        """Connect, and prepare the papers."""
        self._contest = Contest.of_now()
        client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
            setting("mongo"), w="majority", journal=True
        )
        self._attempts = client["bench"]["attempts"]
        self._starts: GroupCommit[dict[str, Any], None] = GroupCommit(
            "bare", self._insert, items_max=STARTS_GROUP_MAX, window_seconds=WINDOW_SECONDS
        )

    async def answer(self, scope: dict[str, Any], body: bytes) -> bytes:
        """Answer when the attempt is stored."""
        contest, now = self._contest, datetime.now(UTC)
        who = _participant(scope["headers"])
        id_ = attempt_id(contest.quiz_id, who, day_of(contest.quiz, now), 1)
        deadline_at = now + timedelta(seconds=DURATION_SECONDS)
        await self._starts.add(
            {
                "_id": id_,
                "quiz_id": contest.quiz_id,
                "quiz_version": VERSION,
                "participant_id": who,
                "number": 1,
                "started_at": now,
                "deadline_at": deadline_at,
            }
        )
        head = encode(
            {
                "attempt_id": id_,
                "attempt_token": TOKEN_LIKE,
                "number": 1,
                "started_at": now,
                "deadline_at": deadline_at,
            }
        )
        paper = contest.paper(paper_number(id_, contest.quiz.papers))
        return head[:-1] + b',"questions":' + paper.questions_json + b"}"

    async def _insert(self, attempts: Sequence[dict[str, Any]]) -> Sequence[None]:
        await self._attempts.insert_many(attempts, ordered=False)
        return [None] * len(attempts)


def _participant(headers: Sequence[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == b"authorization":
            claims = value.split(b".")[1]
            found: str = msgspec.json.decode(urlsafe_b64decode(claims + b"=" * (-len(claims) % 4)))["sub"]
            return found
    return "nobody"


if __name__ == "__main__":
    serve(BareStart())
