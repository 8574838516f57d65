"""Messages to sessions in a process of its own, two people at a time, for tests that kill it."""

import asyncio

from services.registration.announcing.store import AnnouncementStore
from shared.storage.mongo import connect
from tests.registration.builders import announcements

AT_A_TIME = 2
PAUSE_SECONDS = 0.01


async def tell(mongo: str, name: str) -> None:
    async with connect(mongo, name) as database:
        store = AnnouncementStore(database)
        while True:
            for id_ in await store.unfinished("", AT_A_TIME):
                await announcements(database).tell(id_, AT_A_TIME)
            await asyncio.sleep(PAUSE_SECONDS)
