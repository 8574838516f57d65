"""Ceremonies, and what registration says of those who come."""

from datetime import datetime
from typing import Any

import httpx

from services.awards.ceremonies.rules import Ceremony, Item
from services.awards.issued.rules import Award
from services.awards.schemes.rules import Scheme
from shared.contracts.envelope import Envelope, Event, enclose
from shared.contracts.events import RegistrationCheckedIn, RegistrationCheckInUndone
from shared.runtime import clock
from tests.awards.builders import NOW, confer, put, scheme
from tests.support.service import ORGANISER, SOURCE, new_id


def ceremony(*items: Item, session_id: str | None = "hall", **changes: Any) -> Ceremony:
    fields: dict[str, Any] = {"ceremony_id": "closing", "title": "颁奖典礼", "session_id": session_id}
    return Ceremony(**fields | {"items": items} | changes)


def award(of: str, nth: int, tier: str | None = None, **changes: Any) -> Award:
    fields: dict[str, Any] = {
        "award_id": f"award-{nth:03}",
        "award_code": f"KW-{nth:03}",
        "scheme_id": of,
        "scheme_title": "科普知识竞赛奖",
        "kind": "prize",
        "tier": tier,
        "recipient_id": f"p{nth}",
        "cause": "closing",
        "issued_at": NOW,
        "relayed": True,
    }
    return Award(**fields | changes)


def _outcome(participant_id: str, session_id: str, registration_id: str, version: int) -> dict[str, Any]:
    return {
        "registration_id": registration_id,
        "version": version,
        "request_id": "request",
        "participant_id": participant_id,
        "activity_id": "ceremony",
        "activity_title": "颁奖典礼",
        "session_id": session_id,
        "starts_at": NOW,
        "venue": "大礼堂",
        "places": 1,
    }


def checked_in(
    participant_id: str, version: int = 2, *, session_id: str = "hall", registration_id: str | None = None
) -> RegistrationCheckedIn:
    of = _outcome(participant_id, session_id, registration_id or f"registration-{participant_id}", version)
    return RegistrationCheckedIn(**of, checked_in_at=NOW)


def not_checked_in(
    participant_id: str, version: int = 3, *, session_id: str = "hall"
) -> RegistrationCheckInUndone:
    return RegistrationCheckInUndone(
        **_outcome(participant_id, session_id, f"registration-{participant_id}", version)
    )


async def put_ceremony(client: httpx.AsyncClient, of: Ceremony) -> httpx.Response:
    path, body = f"/ceremonies/{of.ceremony_id}", of.model_dump(mode="json")
    return await client.put(path, json=body, headers=ORGANISER)


async def conferred(client: httpx.AsyncClient, known: Any, people: int) -> tuple[Scheme, dict[str, str]]:
    """A scheme, and the codes of its awards by recipient."""
    of = scheme()
    assert (await put(client, of)).is_success
    ids = [new_id("person") for _ in range(people)]
    await known.add_participants(ids)
    codes = {one: (await confer(client, of, one)).json()["award_code"] for one in ids}
    return of, codes


async def script_of(client: httpx.AsyncClient, ceremony_id: str = "closing") -> dict[str, Any]:
    answer = await client.get(f"/ceremonies/{ceremony_id}/script", headers=ORGANISER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def attendance_in(script: dict[str, Any]) -> dict[str, str]:
    return {one["recipient_id"]: one["attendance"] for call in script["calls"] for one in call["recipients"]}


async def mark(
    client: httpx.AsyncClient, *codes: str, undo: bool = False, of: str = "closing"
) -> httpx.Response:
    path = f"/ceremonies/{of}/handed-over" + ("/undo" if undo else "")
    return await client.post(path, json={"award_codes": list(codes)}, headers=ORGANISER)


def fresh(event: Event) -> Envelope[Event]:
    """As registration has just published it: old check-ins are deleted."""
    version = getattr(event, "version", 0)
    return enclose(event, source=SOURCE, cause=f"{event.key}/{version}", now=clock.now())


LATER = datetime.fromisoformat("2026-05-30T10:00:00+08:00")
