"""A draw among people of the week, as organisers hold it: with a witness, and a reserve that moves up."""

import asyncio
import hashlib
from typing import Any, TypeAlias

from ops.deployment.client import Client, UnexpectedAnswer

Json: TypeAlias = dict[str, Any]

SCHEME_ID, DRAW_ID = "lucky-prize", "contest-lucky"
SECRET = "5f2a9c0d7e1b48368a4c6d9f0e3b2715"  # noqa: S105 (of a sample)
DRAWN_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.2


async def hold_a_draw(client: Client, quiz_id: str) -> None:
    """
    Announce a list of the participants of a quiz, draw winners, and let a reserve move up for one of them.

    Raises:
        UnexpectedAnswer: it takes too long, or the list cannot be announced.
    """
    by, url = client.apis.organiser, f"{client.apis.awards}/draws/{DRAW_ID}"
    scheme = {"title": "科普知识竞赛幸运奖", "kind": "prize", "rule": {"type": "drawn"}}
    await client.ask("PUT", f"{client.apis.awards}/schemes/{SCHEME_ID}", json=scheme, headers=by)
    draw = {
        "title": scheme["title"],
        "scheme_id": SCHEME_ID,
        "prizes": [{"tier": "幸运奖", "places": 3}],
        "reserves": 2,
        "entrants": {"type": "participants", "quiz_id": quiz_id, "chances_per": "day", "chances_max": 9},
        "sources": [
            {
                "type": "commitment",
                "description": "样例：公证员",
                "sha256": hashlib.sha256(SECRET.encode()).hexdigest(),
            }
        ],
    }
    await client.ask("PUT", url, json=draw, headers=by)
    await client.ask("POST", f"{url}/freeze", headers=by)
    await _until_done(client, url)
    inputs = {"inputs": [{"secret": SECRET}]}
    held = await client.ask("POST", f"{url}/hold", json=inputs, headers=by)
    await client.ask("POST", f"{url}/hold", json=inputs, headers=by)
    move = {"entrant_id": held["drawn"][0]["entrant_id"], "reason": "样例：不符合条件"}
    await client.ask("POST", f"{url}/moves", json=move, headers=by)
    await _until_done(client, url)


async def _until_done(client: Client, url: str) -> None:
    deadline = asyncio.get_running_loop().time() + DRAWN_SECONDS_MAX
    while (state := await client.ask("GET", f"{url}/state", headers=client.apis.organiser))["working"]:
        if asyncio.get_running_loop().time() > deadline:
            raise UnexpectedAnswer(f"{url} is not done after {DRAWN_SECONDS_MAX:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)
    if state["failed"]:
        raise UnexpectedAnswer(f"{url} has failed: {state['failed']}")
