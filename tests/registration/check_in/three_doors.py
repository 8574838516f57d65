"""
Three doors without a network, and the same scans with one: both have to end with the same verdicts.

The short form is a test (test_without_network.py). The full one, ten thousand scans, takes half a minute:

    .venv/bin/python -m tests.registration.check_in.three_doors
"""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from msgspec.structs import replace

from ops.door.queue import ScanQueue
from ops.door.verifier import Door, keys_of, read_list
from services.registration.booking.ids import registration_id
from services.registration.booking.rules import Registration
from services.registration.booking.store import RegistrationStore
from services.registration.participants.rules import ParticipantId
from services.registration.sessions.store import SessionStore
from services.registration.tickets.keys import TicketKey
from services.registration.tickets.rules import ticket_of
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together
from tests.registration.builders import activity, now_on, put, service, waiter
from tests.support.servers import own_stack
from tests.support.service import ORGANISER, TOKEN_PRIVATE_KEY

SESSION = "one"
DOORS = ("door-1", "door-2", "door-3")
KEY = TicketKey.from_private_key(TOKEN_PRIVATE_KEY)
UPLOAD_SCANS = 500
ONLINE_SCANS = 100
ADDED_AT_ONCE = 1_000


@dataclass(frozen=True)
class Plan:
    """
    Who is scanned where, in the order of time.

    Attributes:
        scans: the number of a holder, and of a door.
        revoked: holders whose registration is cancelled before the doors load their list, and after it.
    """

    scans: Sequence[tuple[int, int]]
    holders: int
    revoked: tuple[frozenset[int], frozenset[int]]


@dataclass
class Outcome:
    """What each scan got, by its number in the plan, and how many people of each holder are in."""

    verdicts: dict[int, str] = field(default_factory=dict)
    people_in: dict[str, int] = field(default_factory=dict)
    conflicts: set[int] = field(default_factory=set)
    seconds: float = 0.0


def plan_of(scans: int, doubles: int, revoked: int, seed: int) -> Plan:
    """So many scans, so many of them of a ticket that was scanned before, so many of cancelled ones."""
    chance = random.Random(seed)  # noqa: S311 (no secret)
    holders = scans - doubles
    gone = chance.sample(range(holders), revoked)
    firsts = list(range(holders))
    chance.shuffle(firsts)
    twice = chance.sample([one for one in firsts if one not in gone], doubles)
    order = firsts + twice
    doors = {holder: chance.randrange(3) for holder in firsts}
    made = [(holder, doors[holder]) for holder in firsts]
    # Every other double is at another door, which cannot know.
    made += [(holder, (doors[holder] + number % 2) % 3) for number, holder in enumerate(twice)]
    assert len(order) == len(made) == scans
    return Plan(made, holders, (frozenset(gone[::2]), frozenset(gone[1::2])))


async def without_network(mongo: str, plan: Plan, folder: Path, seed: int) -> Outcome:
    """Three doors load their list, scan, and send what they have noted: in any order, some of it twice."""
    async with week(mongo, plan) as (client, database, texts):
        await cancel(database, plan.revoked[0])
        keys = (await client.get("/tickets/keys")).json()
        queues = [ScanQueue(folder / f"{door}.jsonl") for door in DOORS]
        doors = [Door(read_list(await pages(client), keys_of(keys)), keys_of(keys), {}) for _ in DOORS]
        await cancel(database, plan.revoked[1])
        numbers: dict[str, int] = {}
        began = datetime.now(UTC) - timedelta(minutes=30)
        for number, (holder, door) in enumerate(plan.scans):
            at = began + timedelta(milliseconds=number)
            ruling = doors[door].scan(texts[holder], None, at)
            numbers[queues[door].note(SESSION, texts[holder], None, at, ruling)["scan_id"]] = number
        started = time.monotonic()
        await send_all(client, queues, random.Random(seed))  # noqa: S311 (no secret)
        outcome = Outcome(seconds=time.monotonic() - started)
        for scan in await listed(client):
            outcome.verdicts[numbers[scan["scan_id"]]] = scan["verdict"]
        outcome.conflicts = {numbers[scan["scan_id"]] for scan in await listed(client, conflict="true")}
        outcome.people_in = await people_in(database)
        for queue in queues:
            queue.close()
        return outcome


async def with_network(mongo: str, plan: Plan) -> Outcome:
    """The same scans in their order, each judged at once."""
    async with week(mongo, plan) as (client, database, texts):
        await cancel(database, plan.revoked[0] | plan.revoked[1])
        outcome = Outcome()
        started = time.monotonic()
        for start in range(0, len(plan.scans), ONLINE_SCANS):
            some = list(enumerate(plan.scans))[start : start + ONLINE_SCANS]
            scans = [{"scan_id": f"s-{number}", "ticket": texts[holder]} for number, (holder, _) in some]
            body = {"session_id": SESSION, "device": "online", "scans": scans}
            answer = await client.post("/check-ins/batch", json=body, headers=ORGANISER)
            judged = answer.raise_for_status().json()["verdicts"]
            outcome.verdicts |= {
                number: one["verdict"] for (number, _), one in zip(some, judged, strict=True)
            }
        outcome.seconds = time.monotonic() - started
        outcome.people_in = await people_in(database)
        return outcome


@asynccontextmanager
async def week(mongo: str, plan: Plan) -> AsyncIterator[tuple[httpx.AsyncClient, Database, list[str]]]:
    """The service with a session that is on and has these holders, and the texts of their tickets."""
    async with service(mongo) as ([client], database):
        await put(client, "street", activity(SESSION, capacity=100_000, **now_on()))
        of = (await SessionStore(database).by_id([SESSION]))[SESSION]
        people = [holder_of(number) for number in range(plan.holders)]
        for start in range(0, len(people), ADDED_AT_ONCE):

            async def add(
                unit: UnitOfWork, some: list[Registration] = people[start : start + ADDED_AT_ONCE]
            ) -> None:
                await RegistrationStore(database).add(unit, some)

            await save_together(database, add)
        yield client, database, [KEY.sign(ticket_of(one, of, KEY.public.key_id)) for one in people]


def holder_of(number: int) -> Registration:
    who = ParticipantId(f"p{number}")
    return replace(
        waiter(number + 1, status="confirmed"),
        registration_id=registration_id(who, SESSION),
        participant_id=who,
        session_id=SESSION,
        ticket_hash=f"hash-{number}",
        ticket_locked="locked",
    )


async def cancel(database: Database, holders: frozenset[int]) -> None:
    """These registrations are cancelled, as far as a door can see."""
    ids = [registration_id(ParticipantId(f"p{number}"), SESSION) for number in holders]
    change = {"$set": {"status": "cancelled"}, "$inc": {"version": 1}}
    await database["registrations"].update_many({"_id": {"$in": ids}}, change)


async def pages(client: httpx.AsyncClient) -> list[Any]:
    """The door's list."""
    found: list[Any] = []
    after: int | None = 0
    while after is not None:
        path = f"/sessions/{SESSION}/door-list"
        page = await client.get(path, params={"after": after}, headers=ORGANISER)
        found.append(page.raise_for_status().json())
        after = found[-1]["after"]
    return found


async def send_all(client: httpx.AsyncClient, queues: Sequence[ScanQueue], chance: random.Random) -> None:
    """Send all queues in parts, the later parts of one before the first ones of another, some parts twice."""
    parts: list[tuple[str, list[Any]]] = []
    for device, queue in zip(DOORS, queues, strict=True):
        scans = queue.unsent(SESSION)
        chance.shuffle(scans)
        size = min(UPLOAD_SCANS, max(1, len(scans) // 4))
        parts += [(device, scans[start : start + size]) for start in range(0, len(scans), size)]
    parts += chance.sample(parts, 2)
    chance.shuffle(parts)
    # Two doors send at a time.
    for start in range(0, len(parts), 2):
        await asyncio.gather(*(send(client, device, scans) for device, scans in parts[start : start + 2]))


async def send(client: httpx.AsyncClient, device: str, scans: Sequence[Any]) -> None:
    names = ("scan_id", "ticket", "people", "scanned_at", "let_in")
    body = {
        "device": device,
        "sent_at": datetime.now(UTC).isoformat(),
        "scans": [{name: scan[name] for name in names} for scan in scans],
    }
    answer = await client.post(f"/sessions/{SESSION}/scans", json=body, headers=ORGANISER)
    assert answer.raise_for_status().json()["clock_off_seconds"] == 0


async def listed(client: httpx.AsyncClient, **query: str) -> list[Any]:
    """All scans of the session, or those in conflict."""
    found: list[Any] = []
    page: dict[str, str] = {"limit": "200"} | query
    while True:
        answer = await client.get(f"/sessions/{SESSION}/scans", params=page, headers=ORGANISER)
        body = answer.raise_for_status().json()
        found += body["scans"]
        if body["after"] is None:
            return found
        page["after"] = body["after"]


async def people_in(database: Database) -> dict[str, int]:
    found = database["registrations"].find({"people_in": {"$gt": 0}}, {"people_in": 1})
    return {one["_id"]: one["people_in"] async for one in found}


async def main() -> None:
    """The full size."""
    plan = plan_of(scans=10_000, doubles=200, revoked=50, seed=11)
    with own_stack() as stack, TemporaryDirectory() as folder:
        offline = await without_network(stack.mongo, plan, Path(folder), seed=11)
        online = await with_network(stack.mongo, plan)
    same = offline.verdicts == online.verdicts and offline.people_in == online.people_in
    sys.stdout.write(
        f"{len(plan.scans)} scans: {dict(Counter(offline.verdicts.values()))}, "
        f"{len(offline.conflicts)} in conflict; sent in {offline.seconds:.0f} s, "
        f"judged at once in {online.seconds:.0f} s: {'the same' if same else 'DIFFERENT'}\n"
    )
    raise SystemExit(0 if same else 1)


if __name__ == "__main__":
    asyncio.run(main())
