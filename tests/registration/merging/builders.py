"""A worker that moves what participants who went have left, and an organiser who merges."""

from typing import Any

import httpx

from services.registration.merging.move import UnfinishedMerges
from services.registration.merging.store import MergeStore
from services.registration.wiring import leavers
from shared.storage.mongo import Database
from tests.registration.auditing import faults, log_of
from tests.registration.builders import ask, parts_of
from tests.support.service import ORGANISER, bearer


def unfinished_merges(database: Database, **others: Any) -> UnfinishedMerges:
    """What a worker does."""
    return leavers.unfinished_merges(parts_of(database, **others))


async def merge(client: httpx.AsyncClient, goes: str, into: str) -> httpx.Response:
    return await client.post(f"/participants/{goes}/merge", json={"into": into}, headers=ORGANISER)


async def all_moved(database: Database) -> None:
    """Everything that is left of all who went."""
    merges = unfinished_merges(database)
    while pending := await MergeStore(database).unfinished("", 9):
        for id_ in pending:
            await merges.go_on(id_)


async def place(client: httpx.AsyncClient, session: str, who: dict[str, Any] | None = None) -> dict[str, Any]:
    """What an asker is answered: a newcomer, or somebody with a token."""
    answer = await ask(client, session, token=who["token"] if who else None)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found | {"token": found.get("token") or (who or {}).get("token")}


async def theirs(client: httpx.AsyncClient, who: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The registrations of a participant that are not cancelled, by session."""
    page = (await client.get("/registrations", headers=bearer(who["token"]))).json()
    found = page["registrations"]
    return {one["session_id"]: one for one in found if one["status"] != "cancelled"}


async def counters_agree(database: Database) -> None:
    """Sessions count what is stored, no two have the same number, and the audit finds nothing."""
    assert await faults(database, await log_of(database)) == {}
    for session in await database["sessions"].find({}).to_list(None):
        of = await database["registrations"].find({"session_id": session["_id"]}).to_list(None)
        taken = sum(one["places"] for one in of if one["status"] in ("held", "offered", "confirmed"))
        waiting = sum(one["status"] == "waitlisted" for one in of)
        assert (session["taken"], session["waiting"]) == (taken, waiting)
        numbers = [one["sequence"] for one in of]
        assert len(numbers) == len(set(numbers))
