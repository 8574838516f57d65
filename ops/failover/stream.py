"""
A steady load: people register and sit a quiz, one after the other, while nodes die.

Each of them waits for nobody else, so a pause in the acknowledgements is a pause of the servers. A request
that is not acknowledged is sent again, as people do, and each acknowledgement goes into the ledger.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import uuid4

from ops.deployment.client import Client
from ops.week import load
from ops.week.files import Week
from ops.week.load import Piece

Json: TypeAlias = dict[str, Any]

QUIZ_ID = "failover"
SESSION_ID = "failover-hall"
CAPACITY = 20_000
# So that a pause of a quarter of a second is seen.
PEOPLE_A_SECOND = 8.0
UNDER_WAY_MAX = 90
KINDS = ("registered", "submitted")


@dataclass(slots=True)
class Stream:
    """
    People who come at a steady rate.

    Attributes:
        acknowledged: the moments of the acknowledgements, by what was acknowledged; by `time.time()`.
        since, until: the stream lasted so long.
    """

    client: Client
    people_a_second: float = PEOPLE_A_SECOND
    acknowledged: Mapping[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    since: float = 0.0
    until: float = 0.0

    async def run(self, over: asyncio.Event) -> None:
        """
        Let people come until it is over, and wait until everybody has an answer.

        Raises:
            UnexpectedAnswer: a service answered what it must not, or not at all for too long.
        """
        self.since = time.time()
        coming = asyncio.Semaphore(UNDER_WAY_MAX)
        async with asyncio.TaskGroup() as people:
            number = 0
            while not over.is_set():
                await coming.acquire()
                person = people.create_task(self._take_part(number))
                person.add_done_callback(lambda _: coming.release())
                number += 1
                await asyncio.sleep(1 / self.people_a_second)
            self.until = time.time()

    async def _take_part(self, number: int) -> None:
        apis, key = self.client.apis, {"Idempotency-Key": str(uuid4())}
        url = f"{apis.registration}/registrations"
        answer = await self.client.ask("POST", url, json=_request(number), headers=key)
        self._note("registered", answer["registration_id"], answer["status"])
        bearer = {"Authorization": f"Bearer {answer['token']}"}
        attempt = await self.client.ask("POST", f"{apis.quiz}/quizzes/{QUIZ_ID}/attempts", headers=bearer)
        url = f"{apis.quiz}/attempts/{attempt['attempt_id']}/submission"
        answers = {
            one["id"]: one["options"][number % len(one["options"])]["id"] for one in attempt["questions"]
        }
        bearer = {"Authorization": f"Bearer {attempt['attempt_token']}"}
        receipt = await self.client.ask("POST", url, json={"answers": answers}, headers=bearer)
        self._note("submitted", receipt["receipt_id"], attempt["attempt_id"])

    def _note(self, kind: Any, id_: str, detail: str) -> None:
        self.acknowledged[kind].append(time.time())
        self.client.ledger.note(kind, id_, detail)


def pieces_of(week: Week) -> list[Piece]:
    """The activity and the quiz that the people of the stream take part in."""
    now = datetime.now(UTC)
    session = {
        "session_id": SESSION_ID,
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(hours=6)).isoformat(),
        "venue": "濮阳市科技馆",
        "district": "华龙区",
        "capacity": CAPACITY,
    }
    activity = {
        "title": "开放实验室",
        "organiser": "濮阳市科学技术局",
        "kind": "open_day",
        "sessions": [session],
    }
    quiz = {**week.quiz, "title": "随到随答", "shows_scores": "at_once", "least_plausible_seconds": None}
    return [
        Piece("activity failover", "registration", "/activities/failover", activity),
        load.quiz_piece(QUIZ_ID, quiz),
    ]


def _request(number: int) -> Json:
    return {
        "session_id": SESSION_ID,
        "participant": {
            "name": "王芳",
            "email": f"failover-{number:05d}@example.org",
            "district": "华龙区",
            "audience": "other",
            "language": "zh-CN",
        },
    }
