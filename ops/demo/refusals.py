"""Requests that the services must refuse, each with its stable code."""

from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import uuid4

from ops.demo.people import Person
from ops.deployment.client import Client

Json: TypeAlias = dict[str, Any]


async def try_what_is_refused(
    client: Client, quiz_id: str, people: Sequence[Person], unfinished: Json
) -> None:
    """
    Send one request of each kind.

    Args:
        unfinished: an attempt that is started and not submitted.
    Raises:
        UnexpectedAnswer: a request was not refused, or not with its code.
    """
    apis = client.apis
    one, other = [person for person in people if person.registration_id][:2]
    attempt = f"{apis.quiz}/attempts/{unfinished['attempt_id']}"
    stranger = f"{apis.quiz}/attempts/{uuid4()}"
    token = unfinished["attempt_token"]
    bearer, forged = _bearer(token), _bearer(token[:-4] + "AAAA")
    empty: Json = {"answers": {}}
    refused = client.refused
    await refused(
        "POST", f"{attempt}/submission", "submission_malformed", json={"answers": 7}, headers=bearer
    )
    elsewhere = {"answers": {"none": "A"}}
    await refused("POST", f"{attempt}/submission", "question_unknown", json=elsewhere, headers=bearer)
    await refused("POST", f"{attempt}/submission", "attempt_token_invalid", json=empty, headers=forged)
    await refused("POST", f"{attempt}/submission", "attempt_token_missing", json=empty)
    await refused("POST", f"{stranger}/submission", "attempt_foreign", json=empty, headers=bearer)
    await refused("GET", f"{attempt}/result", "attempt_unknown", headers=other.headers)
    await refused("POST", f"{apis.quiz}/quizzes/none/attempts", "quiz_unknown", headers=one.headers)
    await refused("POST", f"{apis.quiz}/quizzes/{quiz_id}/attempts", "token_missing")
    await refused("POST", f"{apis.quiz}/quizzes/{quiz_id}/close", "organiser_key_missing")
    guessed = {"X-Organiser-Key": "guessed"}
    await refused("POST", f"{apis.awards}/awards", "organiser_key_wrong", json={}, headers=guessed)
    others = f"{apis.registration}/registrations/{one.registration_id}"
    await refused("GET", others, "registration_unknown", headers=other.headers)
    stale = one.headers | {"If-Match": '"as-it-was-before"'}
    await refused("PATCH", f"{apis.registration}/me", "version_differs", json={}, headers=stale)
    newcomer = {"name": "某人", "email": "somebody@example.org", "audience": "other", "language": "zh-CN"}
    wishes: dict[str, Json] = {
        "session_unknown": {"session_id": "no-such-session", "participant": newcomer},
        "group_unknown": {
            "session_id": one.session_id,
            "participant": newcomer | {"group_id": "no-such-group"},
        },
        "places_need_group": {"session_id": one.session_id, "places": 60, "participant": newcomer},
    }
    for code, wish in wishes.items():
        key = {"Idempotency-Key": str(uuid4())}
        await refused("POST", f"{apis.registration}/registrations", code, json=wish, headers=key)


async def try_late(client: Client, attempts: Sequence[Json]) -> None:
    """
    Submit attempts whose time is over.

    Raises:
        UnexpectedAnswer: one was accepted.
    """
    for attempt in attempts:
        url = f"{client.apis.quiz}/attempts/{attempt['attempt_id']}/submission"
        bearer = _bearer(attempt["attempt_token"])
        await client.refused("POST", url, "attempt_late", json={"answers": {}}, headers=bearer)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
