"""Prizes after a public notice: proposed, published, one objection upheld, confirmed after the end."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

from ops.deployment.client import Client, UnexpectedAnswer

Json: TypeAlias = dict[str, Any]
NOTICE_SECONDS = 5
WAIT_SECONDS_MAX = 90.0
LOOK_SECONDS = 0.5


def _url(client: Client, quiz_id: str) -> str:
    return f"{client.apis.awards}/schemes/{quiz_id}-prize"


async def put_scheme(client: Client, quiz_id: str) -> None:
    """Put a scheme whose prizes come after a notice of some seconds; the next in rank moves up."""
    tiers = [{"tier": "一等奖", "places": 1}, {"tier": "二等奖", "places": 1}]
    scheme = {
        "title": "热身赛奖",
        "kind": "prize",
        "rule": {"type": "rank_tiers", "quiz_id": quiz_id, "tiers": tiers, "next_in_rank": True},
        "issue": {"type": "after_notice", "days": 0, "seconds": NOTICE_SECONDS},
    }
    await client.ask("PUT", _url(client, quiz_id), json=scheme, headers=client.apis.organiser)


async def give_after_notice(client: Client, quiz_id: str) -> None:
    """
    Publish who is proposed after the close, uphold an objection, and confirm the notice after its end.

    Raises:
        UnexpectedAnswer: a service answered what it must not, or something takes too long.
    """
    url, by = _url(client, quiz_id), {"headers": client.apis.organiser}
    proposed = await _until(
        client, f"{url}/proposals", lambda page: page["proposals"] and not page["under_way"]
    )
    await client.ask("POST", f"{url}/notice", **by)
    against = {"recipient_id": proposed["proposals"][0]["recipient_id"], "text": "样例：请核实参赛资格"}
    made = await client.ask_for("POST", f"{url}/objections", ["notice_ended"], json=against, **by)
    if not isinstance(made, str):
        decision = {"outcome": "upheld", "reason": "样例：经核实，情况属实"}
        decided = f"{url}/objections/{made['objection_id']}/decision"
        await client.ask("POST", decided, json=decision, **by)
    notice = await _until(client, f"{url}/notice", lambda one: one["status"] == "ended")
    early = ["notice_running", "notice_differs", "proposals_under_way"]
    while isinstance(
        await client.ask_for(
            "POST", f"{url}/notice/confirm", early, json={"version": notice["version"]}, **by
        ),
        str,
    ):
        notice = await _until(client, f"{url}/notice", lambda one: one["status"] == "ended")
    await _until(client, f"{url}/notice", lambda one: one["status"] == "final")


async def _until(client: Client, url: str, is_so: Callable[[Json], object]) -> Json:
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS_MAX
    while not is_so(found := await client.ask("GET", url, headers=client.apis.organiser)):
        if asyncio.get_running_loop().time() > deadline:
            raise UnexpectedAnswer(f"{url} does not get on within {WAIT_SECONDS_MAX:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)
    return found
