"""Whoever asks for many pages of an inbox at once costs the database no more than one page at a time."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from services.notifications.contacts.decryptor import Decryptor
from services.notifications.contacts.store import ContactStore
from services.notifications.inbox.read import InboxReader
from services.notifications.inbox.store import InboxMessage, InboxStore
from services.notifications.texts.render import Texts
from shared.runtime import clock
from shared.runtime.ids import ordered_id
from tests.notifications.builders import confirmed, desk, erased, known

pytestmark = pytest.mark.stack


class Watched(InboxStore):
    """Counts how many pages and counts of an inbox are read at the same time."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.under_way, self.most = Counter[str](), Counter[str]()

    async def page(
        self, participant_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[InboxMessage]:
        with self._watched(participant_id):
            return await super().page(participant_id, before, limit)

    async def unread(self, participant_id: str) -> int:
        with self._watched(participant_id):
            return await super().unread(participant_id)

    @contextmanager
    def _watched(self, participant_id: str) -> Iterator[None]:
        self.under_way[participant_id] += 1
        self.most[participant_id] = max(self.most[participant_id], self.under_way[participant_id])
        self.most["all"] = max(self.most["all"], self.under_way.total())
        try:
            yield
        finally:
            self.under_way[participant_id] -= 1


async def test_pages_and_counts_of_one_participant_are_read_one_after_the_other(mongo: str) -> None:
    async with desk(mongo) as at:
        inboxes = Watched(at.database)
        reader = InboxReader(
            ContactStore(at.database), inboxes, Texts({"zh-CN": "…", "en": "…"}), Decryptor(None)
        )
        people = ["greedy"] * 20 + ["wang", "li"]
        pages = [reader.read(who, None, None, 10) for who in people]
        await asyncio.gather(*pages, *(reader.unread(who) for who in people))
        assert inboxes.most["greedy"] == 1
        assert inboxes.most["all"] > 1


async def test_a_message_that_an_earlier_release_has_stored_is_read_and_erased(mongo: str) -> None:
    person = ordered_id(clock.now())
    async with desk(mongo) as at:
        await at.handle(*known(person), confirmed(person))
        messages = at.database["messages"]
        [document] = await at.messages(person, "inbox")
        await messages.delete_many({"participant_id": person})
        # That release began the ids with the participant's own characters.
        earlier = f"{person[:14]}8{person[15:18]}-a1b2-0123456789ab"
        await messages.insert_one(document | {"_id": earlier})
        assert [one.message.message_id for one in await at.inboxes.page(person, None, 10)] == [earlier]
        assert await at.inboxes.unread(person) == 1
        assert await at.inboxes.mark_read(person, earlier, clock.now()) is not None
        await at.handle(erased(person))
        assert await at.inboxes.page(person, None, 10) == []
        [left] = await at.messages(person, "inbox")
    assert "facts" not in left
