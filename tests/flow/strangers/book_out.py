"""Strangers take all places and all waits of a week, and take them again whenever they are freed."""

import asyncio
import time
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from services.registration.booking.store import RegistrationStore
from services.registration.erasure.leave import Leaving
from services.registration.participants.store import ParticipantStore
from shared.storage.mongo import Database, connect
from tests.flow.strangers.week import Report, Week, told
from tests.registration.builders import activity, newcomer
from tests.support.service import bearer
from tests.support.waiting import eventually

# 1,600 places and 700 waits, as in the sample week.
SESSIONS = 20
CAPACITY = 80
WAITING_MAX = 35
# In eight networks: each has its turn.
STRANGERS = 32
BOOKED_OUT_SECONDS = 30
MINUTES_MAX = 5
LOOK_SECONDS = 2.0
OPEN = ["held", "waitlisted"]


async def played(week: Week, *, minutes: float, honest: int) -> Report:
    """Honest people get a place within minutes, and no stranger leaves anything that grows."""
    report = Report(f"The week is booked out for {minutes:g} minutes, {honest} honest people want a place")
    for number in range(SESSIONS):
        one = activity(f"booked-{number}", CAPACITY, WAITING_MAX)
        await week.put(f"{week.apis.registration}/activities/booked-{number}", one)
    end = time.monotonic() + minutes * 60
    answers: Counter[str] = Counter()
    strangers = [asyncio.create_task(_books_out(week, nth, end, answers)) for nth in range(STRANGERS)]
    await asyncio.sleep(BOOKED_OUT_SECONDS)
    full_before = answers["409 session_full"]
    waits = await asyncio.gather(*(_wants_a_place(week, nth) for nth in range(honest)))
    await asyncio.gather(*strangers)
    got = sorted(seconds for seconds in waits if seconds is not None)
    report.lines.append(
        f"strangers' answers: {dict(answers.most_common(8))}; full before the first: {full_before}"
    )
    report.lines.append(f"honest people with a confirmed place: {len(got)} of {honest}")
    if not full_before:
        report.wrong.append("the strangers were too slow: the week was never booked out")
    if got:
        report.lines.append(f"seconds to it: median {got[len(got) // 2]:.0f}, longest {got[-1]:.0f}")
    if len(got) < honest:
        report.wrong.append(f"{honest - len(got)} honest people got no place within {MINUTES_MAX} minutes")
    name = "kepu_registration"
    async with connect(week.services.stack.mongo, name) as database:
        await _nothing_is_left(report, database, answers["201"])
    return report


async def _books_out(week: Week, nth: int, end: float, answers: Counter[str]) -> None:
    client = week.at(f"127.{nth % 8 + 10}.0.{nth + 1}")
    while time.monotonic() < end:
        session = f"booked-{week.random.randrange(SESSIONS)}"
        answers[told(await _book(week, client, session, newcomer(), 2))] += 1


async def _book(
    week: Week, client: httpx.AsyncClient, session_id: str, who: dict[str, Any], places: int
) -> httpx.Response:
    body = {"session_id": session_id, "places": places, "participant": who}
    headers = {"Idempotency-Key": str(uuid4())}
    return await client.post(f"{week.apis.registration}/registrations", json=body, headers=headers)


async def _wants_a_place(week: Week, nth: int) -> float | None:
    """Tries one session after the other; seconds until a place is confirmed, None: too long."""
    client = week.at(f"127.40.{nth}.1")
    begun, email = time.monotonic(), f"honest-{nth}@example.org"
    while time.monotonic() - begun < MINUTES_MAX * 60:
        session = f"booked-{week.random.randrange(SESSIONS)}"
        answer = await _book(week, client, session, newcomer(email=email), 1)
        if answer.status_code == 201:
            return await _confirmed(week, client, email, answer.json(), begun)
        await asyncio.sleep(LOOK_SECONDS)
    return None


async def _confirmed(
    week: Week, client: httpx.AsyncClient, email: str, held: dict[str, Any], begun: float
) -> float | None:
    url, token = week.apis.registration, None
    while time.monotonic() - begun < MINUTES_MAX * 60:
        if token is None and (code := week.code_for(email)):
            sign_in = f"{url}/sign-ins/{held['participant_id']}/confirmations"
            given = await client.post(sign_in, json={"code": code})
            token = given.json()["token"] if given.is_success else None
        if token is not None:
            one = f"{url}/registrations/{held['registration_id']}"
            mine = await client.get(one, headers=bearer(token))
            if mine.is_success and mine.json()["status"] == "confirmed":
                return time.monotonic() - begun
        await asyncio.sleep(LOOK_SECONDS)
    return None


async def _nothing_is_left(report: Report, database: Database, requests: int) -> None:
    """As if a day had passed: whoever has confirmed nothing goes."""
    store = RegistrationStore(database)

    async def none_is_open() -> bool:
        return not await database["registrations"].count_documents({"status": {"$in": OPEN}})

    # The holds of the last minute run out first.
    await eventually(none_is_open, seconds=300)
    leaving = Leaving(database, ParticipantStore(database), store, kept=timedelta())
    after = ""
    while pending := await leaving._pending(after, 1_000):
        for hash_ in pending:
            await leaving.delete_newcomer(hash_)
        after = pending[-1]
    left = {
        name: await database[name].count_documents({})
        for name in sorted(await database.list_collection_names())
    }
    report.lines.append(f"left of {requests} booked requests, once they are a day old: {left}")
    kept = await database["participants"].count_documents({"verified_at": None, "profile": {"$ne": None}})
    if kept:
        report.wrong.append(f"{kept} unverified participants are kept")
    if await database["registrations"].count_documents({"status": {"$ne": "confirmed"}}):
        report.wrong.append("registrations that ended are kept without a participant")
