"""Organisers with roles at the running service, and what the log says of their acts."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ops.deployment.organisers import add, end
from shared.runtime.acting import Role
from shared.storage.mongo import Database
from tests.registration.builders import activity, ask, now_on, put, service
from tests.support.service import ORGANISER, code_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

ROLES: tuple[Role, ...] = ("organiser", "door", "viewer")
LIST = "/sessions/one/registrations"


@asynccontextmanager
async def week(
    mongo: str, folder: Path
) -> AsyncIterator[tuple[httpx.AsyncClient, Database, dict[str, dict[str, str]]]]:
    """A session that is on now, and the headers of a key for each role; the key has its role's name."""
    file = folder / "organisers.json"
    keys: dict[str, dict[str, str]] = {
        role: {"X-Organiser-Key": add(file, role, role, datetime.now(UTC))} for role in ROLES
    }
    async with service(mongo, organiser_keys_file=file) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        yield client, database, keys | {"owner": ORGANISER}


async def test_each_role_does_what_is_its_own_and_no_more(mongo: str, tmp_path: Path) -> None:
    async with week(mongo, tmp_path) as (client, _, keys):
        one = (await ask(client, "one")).json()
        ticket = {"ticket": one["ticket_code"]}
        asked = {
            "letting in": ("POST", "/check-ins", ticket),
            "listing": ("GET", LIST, None),
            "exporting": ("GET", f"{LIST}/export", None),
            "cancelling": ("POST", "/sessions/one/cancel", {"reason": "weather"}),
            "the log": ("GET", "/acts", None),
        }
        may = {
            role: {
                name
                for name, (method, path, body) in asked.items()
                if (await client.request(method, path, json=body, headers=keys[role])).is_success
            }
            for role in ("viewer", "door", "organiser", "owner")
        }
        assert may == {
            "viewer": {"listing", "exporting"},
            "door": {"letting in", "listing"},
            "organiser": {"letting in", "listing", "exporting", "cancelling"},
            "owner": {"letting in", "listing", "exporting", "cancelling", "the log"},
        }
        refused = await client.post("/sessions/one/cancel", json={"reason": "x"}, headers=keys["door"])
        assert code_of(refused) == (403, "organiser_role")


async def test_the_log_says_who_did_what_and_nothing_of_whom(mongo: str, tmp_path: Path) -> None:
    async with week(mongo, tmp_path) as (client, _, keys):
        one = (await ask(client, "one")).json()
        await client.post("/check-ins", json={"ticket": one["ticket_code"]}, headers=keys["door"])
        await client.post(f"/registrations/{one['registration_id']}/cancel", headers=keys["organiser"])
        answer = await client.get("/acts", params={"limit": 2}, headers=ORGANISER)
        cancelled, let_in = answer.json()["acts"]
        assert (let_in["who"], let_in["role"], let_in["route"]) == ("door", "door", "/check-ins")
        assert (let_in["status"], let_in["code"], let_in["ids"]) == (200, None, {})
        assert cancelled["who"] == "organiser"
        assert cancelled["route"] == "/registrations/{registration_id}/cancel"
        assert cancelled["ids"] == {"registration_id": one["registration_id"]}
        assert (cancelled["status"], cancelled["code"]) == (409, "already_checked_in")
        assert one["ticket_code"] not in json.dumps(answer.json())
        first = (await client.get("/acts", params={"who": "owner"}, headers=ORGANISER)).json()["acts"]
        assert [act["route"] for act in first] == ["/activities/{activity_id}"]
        later = {"since": datetime.now(UTC).isoformat()}
        assert (await client.get("/acts", params=later, headers=ORGANISER)).json()["acts"] == []


async def test_an_ended_key_is_refused_by_the_running_service_within_seconds(
    mongo: str, tmp_path: Path
) -> None:
    async with week(mongo, tmp_path) as (client, _, keys):
        assert (await client.get(LIST, headers=keys["viewer"])).is_success
        end(tmp_path / "organisers.json", "viewer")

        async def ended() -> bool:
            return (await client.get(LIST, headers=keys["viewer"])).status_code == 403

        await eventually(ended)
        assert (await client.get(LIST, headers=keys["door"])).is_success
        health = (await client.get("/health")).json()["checks"]
        assert health["organiser keys"] == "ok"
