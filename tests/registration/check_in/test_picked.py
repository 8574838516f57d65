"""Who is found in the list is let in by the people at the door. An id that somebody shows opens no door."""

from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from services.registration.booking.ids import registration_id
from tests.registration.builders import activity, ask, check_in, now_on, own, pick, put, service
from tests.registration.check_in.scenes import STARTS_AT, Scene, holder, session_at
from tests.support.service import ORGANISER, code_of, in_outbox

pytestmark = pytest.mark.stack


async def at_all_doors(client: httpx.AsyncClient, text: str, number: int) -> set[str]:
    """The verdicts on a text at each door: one ticket, several, and those noted without a network."""
    now = datetime.now(UTC).isoformat()
    noted = {"scan_id": f"q-{number}", "ticket": text, "scanned_at": now, "let_in": False}
    queued = {"device": "door-2", "sent_at": now, "scans": [noted]}
    several = {"scans": [{"scan_id": f"b-{number}", "ticket": text}]}
    answers = [
        await client.post("/check-ins/batch", json=several, headers=ORGANISER),
        await client.post("/sessions/one/scans", json=queued, headers=ORGANISER),
    ]
    verdicts = [one["verdict"] for answer in answers for one in answer.json()["verdicts"]]
    return {(await check_in(client, text)).json()["verdict"], *verdicts}


async def test_an_id_that_others_can_compute_is_no_ticket_at_any_door(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        victim = (await ask(client, "one", places=2)).json()
        computed = registration_id(victim["participant_id"], "one")
        assert computed == victim["registration_id"]
        forms = (computed, computed.upper(), f" {computed} ", UUID(computed).hex, victim["participant_id"])
        for number, shown in enumerate(forms):
            assert await at_all_doors(client, shown, number) == {"unknown"}
        found = await client.post(
            "/registrations/search", json={"ticket_code": computed[:32]}, headers=ORGANISER
        )
        assert code_of(found) == (404, "ticket_unknown")
        assert await in_outbox(database, "registration.checked_in") == []
        let_in = (await check_in(client, victim["ticket_code"])).json()
        assert (let_in["verdict"], let_in["people"]) == ("ok", 2)


async def test_who_has_no_ticket_is_picked_from_the_list_and_the_scan_says_so(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        first, second, third = [(await ask(client, "one")).json() for _ in range(3)]
        assert (await pick(client, first, session_id="one")).json()["verdict"] == "ok"
        assert (await own(client, first))["status"] == "checked_in"
        now = datetime.now(UTC).isoformat()
        noted = {
            "scan_id": "q",
            "registration_id": second["registration_id"],
            "scanned_at": now,
            "let_in": True,
        }
        queued = {"device": "door-2", "sent_at": now, "scans": [noted]}
        answer = await client.post("/sessions/one/scans", json=queued, headers=ORGANISER)
        assert answer.json()["verdicts"][0]["verdict"] == "ok"
        await check_in(client, third["ticket_code"])
        await check_in(client, first["ticket_code"])
        await check_in(client, "no ticket of ours", session_id="one")
        scans = (await client.get("/sessions/one/scans", headers=ORGANISER)).json()["scans"]
        shown = [(one["means"], one["registration_id"], one["verdict"]) for one in scans]
        assert sorted(shown, key=str) == sorted(
            [
                ("list", first["registration_id"], "ok"),
                ("list", second["registration_id"], "ok"),
                ("code", third["registration_id"], "ok"),
                ("code", first["registration_id"], "already_checked_in"),
                ("code", None, "unknown"),
            ],
            key=str,
        )
        nobody = {"registration_id": registration_id("nobody", "one")}
        assert (await pick(client, nobody)).json()["verdict"] == "unknown"


async def test_a_scan_is_of_a_ticket_or_from_the_list(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        one = (await ask(client, "one")).json()
        both = {"ticket": one["ticket_code"], "registration_id": one["registration_id"]}
        for body in (both, {}, {"ticket": None, "registration_id": None}):
            answer = await client.post("/check-ins", json=body, headers=ORGANISER)
            assert code_of(answer) == (422, "invalid")
        assert (
            await client.post("/check-ins", json={"registration_id": one["registration_id"]})
        ).status_code == 401


def test_a_door_without_a_network_knows_an_id_for_no_ticket() -> None:
    scene = Scene(holder(), session_at())
    door = scene.door_without_network()
    id_ = scene.registration.registration_id
    computed = registration_id("anybody", "street-1")
    for shown in (id_, computed, computed.upper(), UUID(computed).hex, "list:" + computed, "李小明", ""):
        ruling = door.scan(shown, None, STARTS_AT)
        assert (ruling.verdict, ruling.let_in) == ("unknown", False)
    for code in ("7K3QX-M0R9T", "7k3qx m0r9t", "\uff17K3QX\u2014MOR9T"):
        assert door.scan(code, None, STARTS_AT).verdict == "unchecked"
    # Whom the list does not know: the people at the door decide, as with a typed code.
    assert door.pick(computed, 2, STARTS_AT).verdict == "unchecked"
