"""Shifts, people who volunteer for them, and organisers who decide."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from services.registration.rotas.end import Ending
from services.registration.rotas.notify import RotaNotices
from services.registration.rotas.remind import RotaReminding
from services.registration.rotas.rules import DAY_BEFORE, Assignment, AssignmentId, Rota, Shift
from services.registration.rotas.store import RotaStore
from shared.runtime import clock
from shared.storage.mongo import Database
from tests.registration.builders import NOW, activity, parts_of, put
from tests.registration.holding import confirm_contact
from tests.registration.sign_ins.builders import join
from tests.support.service import ORGANISER, bearer

Json = dict[str, Any]
TURNS_MAX = 20
# Tomorrow, from nine to eleven.
START = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)


def shift(**changes: Any) -> Shift:
    """One guide is needed, two may come, for the session of `tests/registration/builders.py`."""
    fields: Json = {
        "shift_id": "guide",
        "duty": "讲解员",
        "starts_at": NOW + timedelta(days=1),
        "ends_at": NOW + timedelta(days=1, hours=2),
        "needed": 1,
        "most": 2,
    }
    return Shift(**fields | changes)


def rota(*shifts: Shift, **changes: Any) -> Rota:
    fields: Json = {
        "session_id": "street-1",
        "starts_at": NOW + timedelta(days=1),
        "venue": "广场",
        "shifts": shifts or (shift(),),
    }
    return Rota(**fields | changes)


def assignment(**changes: Any) -> Assignment:
    fields: Json = {
        "assignment_id": AssignmentId("a1"),
        "participant_id": "p1",
        "session_id": "street-1",
        "shift_id": "guide",
        "status": "volunteered",
        "number": 1,
        "asked_at": NOW,
        "told_starts_at": NOW + timedelta(days=1),
        "told_ends_at": NOW + timedelta(days=1, hours=2),
        "told_venue": "广场",
    }
    return Assignment(**fields | changes)


def times(hours: float = 0, length: float = 2) -> Json:
    """From so many hours after `START` on."""
    starts_at = START + timedelta(hours=hours)
    return {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + timedelta(hours=length)).isoformat()}


def a_shift(hours: float = 0, length: float = 2, **changes: Any) -> Json:
    """The body of a shift."""
    return {"duty": "讲解员", "needed": 1, "most": 2, **times(hours, length)} | changes


async def session(client: httpx.AsyncClient, session_id: str = "one", **changes: Any) -> None:
    """A session from `START` on, in an activity of its own."""
    fields = {"capacity": 9, **times(), **changes}
    answer = await put(client, f"of-{session_id}", activity(session_id, **fields))
    assert answer.status_code == 200, answer.text


async def put_shift(
    client: httpx.AsyncClient, shift_id: str = "guide", session_id: str = "one", **body: Any
) -> httpx.Response:
    path = f"/sessions/{session_id}/shifts/{shift_id}"
    return await client.put(path, json=a_shift() | body, headers=ORGANISER)


async def person(client: httpx.AsyncClient, database: Database) -> Json:
    """Somebody with a verified contact."""
    found: Json = (await join(client)).json()
    await confirm_contact(database, found["participant_id"])
    return found


async def volunteer(
    client: httpx.AsyncClient, who: Json, shift_id: str = "guide", session_id: str = "one"
) -> httpx.Response:
    body = {"session_id": session_id, "shift_id": shift_id}
    return await client.post("/me/shifts", json=body, headers=bearer(who["token"]))


async def assign(
    client: httpx.AsyncClient, participant_id: str, shift_id: str = "guide", session_id: str = "one"
) -> httpx.Response:
    body = {"shift_id": shift_id, "participant_id": participant_id}
    return await client.post(f"/sessions/{session_id}/rota", json=body, headers=ORGANISER)


async def decide(
    client: httpx.AsyncClient, assigned: Json, decision: str, body: Json | None = None
) -> httpx.Response:
    """An organiser's decision: acceptance, refusal or removal."""
    path = f"/assignments/{assigned['assignment_id']}/{decision}"
    return await client.post(path, json=body, headers=ORGANISER)


async def withdraw(client: httpx.AsyncClient, who: Json, assigned: Json) -> httpx.Response:
    path = f"/me/shifts/{assigned['assignment_id']}/withdrawal"
    return await client.post(path, headers=bearer(who["token"]))


async def own_shifts(client: httpx.AsyncClient, who: Json) -> dict[str, Json]:
    """A participant's own shifts, by the ids of the shifts."""
    page = (await client.get("/me/shifts", headers=bearer(who["token"]))).json()
    return {one["shift_id"]: one for one in page["shifts"]}


async def people_of(client: httpx.AsyncClient, session_id: str = "one", **query: Any) -> list[Json]:
    """Who is on the rota of a session."""
    answer = await client.get(f"/sessions/{session_id}/rota", params=query, headers=ORGANISER)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["assignments"]
    return found


async def numbers(client: httpx.AsyncClient, session_id: str = "one") -> dict[str, tuple[int, int, int]]:
    """How many are assigned, have volunteered and are lacking, by the ids of the shifts."""
    shifts = (await client.get(f"/sessions/{session_id}/shifts")).json()["shifts"]
    return {one["shift_id"]: (one["assigned"], one["volunteered"], one["lacking"]) for one in shifts}


def rota_notices(database: Database, **others: Any) -> RotaNotices:
    stores = parts_of(database, **others).stores
    return RotaNotices(database, stores.sessions, stores.participants, stores.rotas)


def rota_reminding(database: Database) -> RotaReminding:
    stores = parts_of(database).stores
    return RotaReminding(database, stores.sessions, stores.participants, stores.rotas)


async def due(database: Database) -> list[str]:
    """The assignments whose people are to be reminded now."""
    return await RotaStore(database).unreminded("", 9, clock.now() + DAY_BEFORE)


def ending(database: Database) -> Ending:
    stores = parts_of(database).stores
    return Ending(database, stores.sessions, stores.rotas)


async def all_told(notices: RotaNotices, session_id: str = "one", limit: int = 2) -> int:
    """Notify everybody, a few at a time; returns how many turns that took."""
    for turns in range(1, TURNS_MAX):
        if not await notices.notify(session_id, limit):
            return turns
    raise AssertionError(f"not all were notified in {TURNS_MAX} turns")
