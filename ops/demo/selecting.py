"""A whole selection: people are nominated, experts score them, the committee votes, and two get an award."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from ops.demo.people import Person
from ops.deployment.client import Client, UnexpectedAnswer

Json: TypeAlias = dict[str, Any]
NOMINEES, EXPERTS, PLACES, CANDIDATES = 4, 3, 2, 3
# All who take part; the last one nominates, and objects.
SELECTING = NOMINEES + EXPERTS + 1
SELECTION, SCHEME = "finest", "finest"
MEMBERS = 9
POINTS_MAX = 100
WAIT_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.3
# What requests answer before the service has heard of a participant.
NOT_YET = ("recipient_unknown",)


async def hold_selection(client: Client, people: Sequence[Person]) -> None:
    """
    Hold a selection with these `SELECTING` people.

    Raises:
        UnexpectedAnswer: a request is refused, the winners are others, or their awards do not come.
    """
    nominees, experts = people[:NOMINEES], people[NOMINEES : NOMINEES + EXPERTS]
    citizen = people[-1]
    now = datetime.now(UTC)
    terms = _terms(now)
    scheme = {"title": "最美科技工作者", "kind": "certificate", "rule": {"type": "selected"}}
    by, awards = client.apis.organiser, client.apis.awards
    await client.ask("PUT", f"{awards}/schemes/{SCHEME}", json=scheme, headers=by)
    await _put(client, terms)
    for nominee in nominees:
        body: Json = {"participant_id": nominee.participant_id, "statement": "样例：扎根一线"}
        await _ask(client, "nominations", body, citizen)
        await _ask(client, "admissions", {"participant_id": nominee.participant_id, "code": "eligible"})
    await _ask(client, "experts", {"expert_ids": [one.participant_id for one in experts]})
    terms["nominations_until"] = (now - timedelta(minutes=30)).isoformat()
    await _put(client, terms)
    await _judge(client, experts, nominees)
    terms["scoring_until"] = (now - timedelta(minutes=1)).isoformat()
    await _put(client, terms)
    listed = await _ask(client, "shortlist", {})
    candidates = [one["participant_id"] for one in listed["candidates"]]
    for candidate, outcome in ((candidates[0], "dismissed"), (candidates[-1], "upheld")):
        text = {"recipient_id": candidate, "text": "样例：来信反映"}
        objection = await _ask(client, "objections", text, citizen)
        path = f"objections/{objection['objection_id']}/decision"
        await _ask(client, path, {"outcome": outcome, "reason": "样例：经调查"})
    await _until(client, f"/selections/{SELECTION}", lambda found: found["phase"] == "deciding")
    votes = [
        {"participant_id": one, "votes_for": MEMBERS - place, "against": place}
        for place, one in enumerate(candidates[:-1])
    ]
    decided = await _ask(client, "decision", {"members": MEMBERS, "votes": votes})
    if decided["winners"] != candidates[:PLACES]:
        raise UnexpectedAnswer(f"the winners of {SELECTION} are {decided['winners']}")
    await _until(client, f"/awards?scheme_id={SCHEME}", lambda found: len(found["awards"]) == PLACES)


async def _judge(client: Client, experts: Sequence[Person], nominees: Sequence[Person]) -> None:
    """Assign, let the first expert declare a conflict, and let all score, the first nominee best."""
    await _ask(client, "assignments", {})
    own = f"{client.apis.awards}/selections/{SELECTION}/assignments"
    first = (await client.ask("GET", own, headers=experts[0].headers))["assignments"][0]["participant_id"]
    await _ask(client, "conflicts", {"participant_id": first, "code": "colleague"}, experts[0])
    order = [one.participant_id for one in nominees]
    for expert in experts:
        for one in (await client.ask("GET", own, headers=expert.headers))["assignments"]:
            points = POINTS_MAX - 10 * order.index(one["participant_id"])
            given = {"work": points, "spread": points}
            body = {"participant_id": one["participant_id"], "points": given}
            await _ask(client, "scores", body, expert)


def _terms(now: datetime) -> Json:
    criteria = [
        {"id": "work", "title": "科技贡献", "weight": 60, "points_max": POINTS_MAX},
        {"id": "spread", "title": "科普实绩", "weight": 40, "points_max": POINTS_MAX},
    ]
    return {
        "title": "最美科技工作者评选",
        "scheme_id": SCHEME,
        "places": PLACES,
        "candidates_at_most": CANDIDATES,
        "nominations_from": (now - timedelta(hours=1)).isoformat(),
        "nominations_until": (now + timedelta(hours=1)).isoformat(),
        "scoring_until": (now + timedelta(hours=2)).isoformat(),
        "notice_seconds": 15,
        "criteria": criteria,
        "experts_per_nominee": 2,
    }


async def _put(client: Client, terms: Json) -> None:
    url = f"{client.apis.awards}/selections/{SELECTION}"
    await client.ask("PUT", url, json=terms, headers=client.apis.organiser)


async def _ask(client: Client, what: str, body: Json, who: Person | None = None) -> Json:
    """A request about the selection until the service knows all who are named in it."""
    url = f"{client.apis.awards}/selections/{SELECTION}/{what}"
    headers = who.headers if who else client.apis.organiser
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS_MAX
    while isinstance(answer := await client.ask_for("POST", url, NOT_YET, json=body, headers=headers), str):
        if asyncio.get_running_loop().time() > deadline:
            raise UnexpectedAnswer(f"POST {url} is refused for {WAIT_SECONDS_MAX:.0f} s: {answer}")
        await asyncio.sleep(LOOK_SECONDS)
    return answer


async def _until(client: Client, path: str, reached: Callable[[Json], bool]) -> None:
    url, by = f"{client.apis.awards}{path}", client.apis.organiser
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS_MAX
    while not reached(await client.ask("GET", url, headers=by)):
        if asyncio.get_running_loop().time() > deadline:
            raise UnexpectedAnswer(f"GET {url} says something else for {WAIT_SECONDS_MAX:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)
