"""Members who leave, and a worker that takes them off bookings."""

import asyncio
from collections.abc import Collection
from typing import Any

import httpx

from services.registration.group_bookings.take_off import TakingOff
from services.registration.rosters.left import LeftMembers
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from services.registration.wiring import leavers
from shared.storage.mongo import Database, connect
from shared.storage.unit_of_work import UnitOfWork
from tests.registration.builders import parts_of
from tests.registration.crashing import WRITTEN
from tests.support.killing import say
from tests.support.service import bearer


def taking_off(database: Database, **stores: Any) -> TakingOff:
    """What a worker does."""
    return leavers.taking_off(parts_of(database, **stores))


async def all_taken_off(database: Database) -> None:
    while pending := await LeftMembers(database).pending("", 9):
        for id_ in pending:
            await taking_off(database).go_on(id_)


async def leave(client: httpx.AsyncClient, who: dict[str, Any], member_id: str) -> httpx.Response:
    return await client.delete(f"/me/memberships/{member_id}", headers=bearer(who["token"]))


async def groups_of(client: httpx.AsyncClient, who: dict[str, Any]) -> list[str]:
    """The ids of the members that somebody is."""
    page = (await client.get("/me/memberships", headers=bearer(who["token"]))).json()
    return [one["member_id"] for one in page["memberships"]]


class PausingSessions(SessionStore):
    """Stops for ever where a session is saved, near the end of the transaction."""

    async def save(self, unit: UnitOfWork, sessions: Collection[Session]) -> None:
        await super().save(unit, sessions)
        say(WRITTEN)
        await asyncio.Event().wait()


async def take_off(mongo: str, name: str, member_id: str) -> None:
    """A worker in a process of its own, for a test that kills it."""
    async with connect(mongo, name) as database:
        await taking_off(database, sessions=PausingSessions(database)).go_on(member_id)
