"""Notices and reminders in a process of its own, two people at a time, for tests that kill it."""

import asyncio

from services.registration.reminders.store import ReminderStore
from services.registration.sessions.store import SessionStore
from shared.runtime import clock
from shared.storage.mongo import connect
from tests.registration.builders import notices, reminding

SESSIONS_MAX = 20
AT_A_TIME = 2
PAUSE_SECONDS = 0.01


async def notify(mongo: str, name: str) -> None:
    async with connect(mongo, name) as database:
        sessions, reminders = SessionStore(database), ReminderStore(database)
        while True:
            for id_ in await sessions.untold("", SESSIONS_MAX):
                await notices(database).notify(id_, AT_A_TIME)
            for id_ in await reminders.due(clock.now(), "", SESSIONS_MAX):
                await reminding(database).remind(id_, AT_A_TIME)
            await asyncio.sleep(PAUSE_SECONDS)
