"""People who work at a session: an organiser puts shifts, some volunteer, and some of them do not stay."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from ops.demo.people import Person
from ops.deployment.client import Client, UnexpectedAnswer

Json: TypeAlias = dict[str, Any]
# For each session: who stays on the rota, and those who are declined, removed, withdraw, or wait in vain.
ON_ROTA = 3
VOLUNTEERS = ON_ROTA + 4
SHIFT_HOURS = 3


async def staff(client: Client, session: Json, people: Sequence[Person], *, stays: bool) -> None:
    """
    Fill the rota of a session with these `VOLUNTEERS` people, of whom `ON_ROTA` are on it in the end.

    Args:
        stays: the session is not cancelled later.

    Raises:
        UnexpectedAnswer: a request is refused, or a full shift takes one more.
    """
    registration, organiser = client.apis.registration, client.apis.organiser
    session_id = session["session_id"]
    begins = datetime.fromisoformat(session["starts_at"])
    shift = {
        "duty": "讲解员",
        "starts_at": begins.isoformat(),
        "ends_at": (begins + timedelta(hours=SHIFT_HOURS)).isoformat(),
        "needed": ON_ROTA - 1,
        "most": ON_ROTA,
    }
    url = f"{registration}/sessions/{session_id}/shifts/guide"
    for _ in range(2):
        await client.ask("PUT", url, json=shift, headers=organiser)
    body = {"session_id": session_id, "shift_id": "guide"}
    volunteers: list[str] = []
    for person in people:
        one = await client.ask("POST", f"{registration}/me/shifts", json=body, headers=person.headers)
        volunteers.append(one["assignment_id"])
    *stay, declined, removed, withdraws, waits = volunteers
    assignments = f"{registration}/assignments"
    why = {"code": "enough_people", "text": "人手已够，感谢报名"}
    await client.ask("POST", f"{assignments}/{declined}/refusal", json=why, headers=organiser)
    await client.ask("POST", f"{assignments}/{removed}/acceptance", headers=organiser)
    await client.ask("POST", f"{assignments}/{removed}/removal", json=why, headers=organiser)
    own = f"{registration}/me/shifts/{withdraws}/withdrawal"
    await client.ask("POST", own, headers=people[-2].headers)
    for id_ in stay:
        await client.ask("POST", f"{assignments}/{id_}/acceptance", headers=organiser)
        if stays:
            client.ledger.note("assigned", id_)
    await client.refused("POST", f"{assignments}/{waits}/acceptance", "shift_full", headers=organiser)
    [found] = (await client.ask("GET", f"{registration}/sessions/{session_id}/shifts"))["shifts"]
    if found["assigned"] != ON_ROTA:
        raise UnexpectedAnswer(f"the rota of {session_id} has {found['assigned']} people, and not {ON_ROTA}")
