"""What a jury does in the quizzes while they are open: it corrects points, disqualifies and reinstates."""

import asyncio
from typing import Any, TypeAlias

from ops.demo.people import Person
from ops.deployment.client import Client, UnexpectedAnswer

Json: TypeAlias = dict[str, Any]
HEARD_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.2
GRADED_SECONDS_MAX = 10.0


async def wait_for_a_result(client: Client, person: Person, attempt_id: str) -> None:
    """
    Wait until an attempt is graded, so that a correction changes its result.

    Not for long: after a kill it may be late, and has none.
    """
    url = f"{client.apis.quiz}/attempts/{attempt_id}/result"
    deadline = asyncio.get_running_loop().time() + GRADED_SECONDS_MAX
    while asyncio.get_running_loop().time() < deadline:
        if (await client.ask("GET", url, headers=person.headers))["status"] != "pending":
            return
        await asyncio.sleep(LOOK_SECONDS)


async def correct_points(client: Client, quiz_id: str, question_id: str, points: float) -> None:
    """Let a question be worth other points. Every paper of the quiz has it."""
    body = {"question_id": question_id, "points": points, "reason": "样例：调整分值"}
    await _until_accepted(client, f"/quizzes/{quiz_id}/corrections", body, "quiz_not_begun", "quiz_changed")


async def disqualify(client: Client, quiz_id: str, person: Person, *attempt_ids: str) -> None:
    """Somebody does not count, or some attempts of this person."""
    await _decide(client, f"/quizzes/{quiz_id}/disqualifications", person, *attempt_ids)


async def reinstate(client: Client, quiz_id: str, person: Person) -> None:
    """Everything of this person counts again."""
    await _decide(client, f"/quizzes/{quiz_id}/reinstatements", person)


async def _decide(client: Client, path: str, person: Person, *attempt_ids: str) -> None:
    body: Json = {"participant_id": person.participant_id, "reason": "样例：两台设备同时作答"}
    if attempt_ids:
        body["attempt_ids"] = attempt_ids
    # Quiz hears of a participant by an event.
    await _until_accepted(client, path, body, "participant_unknown")


async def _until_accepted(client: Client, path: str, body: Json, *not_yet: str) -> None:
    """
    Send a request of an organiser until it is not too early for it. The same again changes nothing.

    Raises:
        UnexpectedAnswer: it is refused for another reason, or too early for too long.
    """
    url, by = f"{client.apis.quiz}{path}", client.apis.organiser
    deadline = asyncio.get_running_loop().time() + HEARD_SECONDS_MAX
    while isinstance(code := await client.ask_for("POST", url, not_yet, json=body, headers=by), str):
        if asyncio.get_running_loop().time() > deadline:
            raise UnexpectedAnswer(f"POST {url} is refused for {HEARD_SECONDS_MAX:.0f} s: {code}")
        await asyncio.sleep(LOOK_SECONDS)
